"""A form that was sent when its session had ended: what was typed waits in the new session until its person is back.

A form says whose it is by a signature, because after the session nothing else does: only they are shown it again.
"""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest
from django.utils import timezone

from atlas.models import Contributor

FIELD, KEY = "whose", "unsent"  # of the form; of the session
SALT = "atlas.web.unsent"
LARGEST = 64 * 1024  # characters of all that was typed
FORM = "application/x-www-form-urlencoded"
OURS = (FIELD, "csrfmiddlewaretoken")
# A form may have stood open for longer than its session, and not for ever.
OLDEST = 2 * settings.SESSION_COOKIE_AGE


def signed(actor: Contributor | None) -> str:
    """Whose a form is, for its hidden field; empty for nobody's."""
    return "" if actor is None else signing.dumps(actor.pk, salt=SALT)


def hold(request: HttpRequest) -> bool:
    """Hold a form that came without a session, if it is somebody's; whether it is held. Files are not."""
    if request.method != "POST" or request.content_type != FORM:
        return False
    whose = _read(request.POST.get(FIELD, ""))
    typed = {name: str(text) for name, text in request.POST.items() if name not in OURS}
    if whose is None or sum(len(name) + len(text) for name, text in typed.items()) > LARGEST:
        return False
    at = timezone.now().isoformat(timespec="seconds")
    request.session[KEY] = {"whose": whose, "to": request.get_full_path()[:2_000], "typed": typed, "at": at}
    return True


def held(request: HttpRequest, person: Contributor) -> dict[str, Any] | None:
    """What waits for this person; what waits for another one is dropped."""
    found = request.session.get(KEY)
    if found is not None and found["whose"] != person.pk:
        drop(request)
        return None
    return dict(found) if found else None


def taken(request: HttpRequest, person: Contributor) -> Mapping[str, str] | None:
    """What waits for this person at this very address, which waits no longer."""
    found = held(request, person)
    if found is None or found["to"] != request.get_full_path():
        return None
    drop(request)
    return dict(found["typed"])


def drop(request: HttpRequest) -> None:
    """Wait no more."""
    request.session.pop(KEY, None)


def _read(text: str) -> int | None:
    try:
        return int(signing.loads(text, salt=SALT, max_age=OLDEST))
    except signing.BadSignature:  # a signature that is too old is one, too
        return None
