"""Who sits in front of a page."""

from typing import Any

from django.http import HttpRequest

from atlas.belonging import credential_of
from atlas.errors import AuthenticationRequired, SessionRequired
from atlas.models import Contributor, User
from atlas.services import notifications
from atlas.web import unsent


def actor_of(request: HttpRequest) -> Contributor | None:
    """The contributor who is signed in, or whose token was shown; None for anybody."""
    return getattr(request.user, "contributor", None)


def person_of(request: HttpRequest) -> Contributor:
    """The same for pages about oneself; raises AuthenticationRequired."""
    actor = actor_of(request)
    if actor is None:
        raise AuthenticationRequired()
    return actor


def unread(request: HttpRequest) -> dict[str, Any]:
    """For every page: what its reader has not read and whose its forms are, looked up where shown; and where it is."""

    def reader() -> Contributor | None:
        return actor_of(request) if hasattr(request, "user") else None

    def count() -> int:
        actor = reader()
        return 0 if actor is None else notifications.unread(actor)

    return {"unread": count, "whose": lambda: unsent.signed(reader()), "here": _here(request)}


def _here(request: HttpRequest) -> str:
    """The checkpoint whose pages are being read: names are looked up there first."""
    matched = request.resolver_match
    return str(matched.kwargs.get("slug", "")) if matched and matched.route.startswith("c/") else ""


def signed_in(request: HttpRequest) -> User:
    """The login behind a session; raises AuthenticationRequired, and SessionRequired where only a token was shown."""
    user: Any = request.user
    if credential_of(person_of(request)) is not None:
        raise SessionRequired()
    return user
