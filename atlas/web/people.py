"""Who sits in front of a page."""

from django.http import HttpRequest

from atlas.models import Contributor


def actor_of(request: HttpRequest) -> Contributor | None:
    """The contributor who is signed in; None for anybody."""
    return getattr(request.user, "contributor", None)
