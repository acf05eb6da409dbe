"""Errors as pages, or as problem documents for those who prefer JSON; and what Django itself refuses."""

import sys
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.contrib import messages
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect
from django.template.loader import render_to_string

from atlas import errors, problems, shortages, uploads
from atlas.errors import AtlasError
from atlas.web import negotiation, unsent

# Only these are tried without their slash: a path that starts with two slashes would lead to another host.
PAGES = ("/c", "/j", "/a", "/f", "/t", "/problems", "/api", "/me", "/teams", "/u", "/search", "/imports")

NOT_HELD = (
    "You had been signed out when you sent this, so nothing was done. What you typed stands in this browser and is "
    "offered where you typed it; the file was not kept and has to be chosen again."
)
LATER = (429, 500, 503)  # what is refused with these may be taken another time
SECRET = ("password", "code", "secret", "token_")  # of forms whose fields are not written on a page


def refused(request: HttpRequest, error: AtlasError) -> HttpResponse:
    """The response for an error: a page for a browser, the problem document for everybody else."""
    wants_page = negotiation.prefers_page(request)
    if wants_page and error.status == 401 and not getattr(request, "htmx", False):  # else it would stand in a part
        return redirect(f"/accounts/login?{urlencode({'next': _onward(request)})}")
    document = problems.document(error)
    if not wants_page:
        response: HttpResponse = JsonResponse(document, status=error.status, content_type=problems.MEDIA_TYPE)
    else:
        # Without context processors: the database, or the session, may be what is broken.
        user = request.user if error.status < 500 and hasattr(request, "user") else None
        context = {"problem": document, "user": user, "home": error.status != 404, **_typed(request, error)}
        response = HttpResponse(render_to_string("problem.html", context), status=error.status)
    for name, value in problems.headers(error).items():
        response[name] = value
    return negotiation.varying(response)


def _onward(request: HttpRequest) -> str:
    """Where signing in leads: to what was asked for; to what was sent; of a form with a file, to where that stood."""
    if unsent.hold(request):
        return "/unsent"
    if request.method == "POST" and request.content_type == uploads.MULTIPART:
        messages.warning(request, NOT_HELD)
        form = urlsplit(request.headers.get("Referer", ""))
        if form.netloc == request.get_host():
            return urlunsplit(("", "", form.path, form.query, ""))
    return request.get_full_path()


def _typed(request: HttpRequest, error: AtlasError) -> dict[str, Any]:
    """What a form held that could not be taken now, and a way to send it again; files and secrets are not shown."""
    if error.status not in LATER or not getattr(request, "_post", None):
        return {}
    secret = any(word in name for name in request.POST for word in SECRET)
    typed = [(name, text) for name, texts in request.POST.lists() if name != "csrfmiddlewaretoken" for text in texts]
    return {} if secret else {"typed": typed, "address": request.get_full_path(), "csrf_token": get_token(request)}


def too_many(request: HttpRequest) -> HttpResponse:
    """429: too many attempts to sign in or up, or to have a password reset."""
    return refused(request, errors.TooManyAttempts(retry_after=300))


def of_script(request: HttpRequest, error: AtlasError) -> HttpResponse:
    """The problem document for a script, whatever it accepts: nobody is there to be sent to a form."""
    response = JsonResponse(problems.document(error), status=error.status, content_type=problems.MEDIA_TYPE)
    for name, value in problems.headers(error).items():
        response[name] = value
    return response


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, unless the address only has a slash too many."""
    trimmed = request.path.rstrip("/")
    plain = trimmed != request.path and not {".", ".."} & set(trimmed.split("/"))
    if request.method in ("GET", "HEAD") and plain and trimmed.startswith(PAGES):
        return negotiation.moved(request, trimmed)
    return refused(request, errors.NoSuchAddress(address=request.path[:200]))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: what Django could not make sense of."""
    if isinstance(exception, DisallowedHost):
        return refused(request, errors.BadHost(host=request.headers.get("Host", "")[:80]))
    return refused(request, errors.Malformed(detail="The request cannot be parsed."))


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403."""
    return refused(request, errors.Csrf())


def csrf(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: a form without our token, or with that of another session."""
    return refused(request, errors.Csrf())


def server_error(request: HttpRequest) -> HttpResponse:
    """500: Django has logged it. Or what the machine lacks, where no view had begun: Django has just caught it."""
    error = sys.exception()
    return refused(request, (error and shortages.named(error)) or errors.Internal())
