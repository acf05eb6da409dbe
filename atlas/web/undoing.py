"""What is said when something is done, with a button that undoes it where that can be undone."""

from collections.abc import Mapping

from django.contrib import messages
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString


def told(request: HttpRequest, says: str, *, at: str, fields: Mapping[str, object]) -> None:
    """Say it, with a form that posts `fields` to the address `at`: a plain button, which needs no script."""
    given = {"csrfmiddlewaretoken": get_token(request), **fields}
    hidden = format_html_join("", '<input type="hidden" name="{}" value="{}">', given.items())
    button = SafeString('<button class="link" data-key="z" aria-keyshortcuts="z">Undo</button>')
    messages.success(
        request,
        format_html('{} <form class="inline undo" method="post" action="{}">{}{}</form>', says, at, hidden, button),
    )
