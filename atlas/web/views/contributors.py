"""Somebody who contributes, as everybody may know them; and what was written, by whom."""

import re

from django.http import HttpRequest

from atlas.dossiers import changes as feed
from atlas.dossiers import people as dossiers
from atlas.dossiers.footholds import newest
from atlas.errors import BadParameter
from atlas.web.negotiation import Page, negotiated
from atlas.web.people import actor_of


@negotiated("GET")
def contributor(request: HttpRequest, handle: str) -> Page:
    """Name and ORCID of a contributor, and what they claimed first."""
    found = dossiers.contributor(handle)
    claims = newest(actor=actor_of(request), created_by__handle=found.handle)
    return Page("contributor.html", found, {"claims": claims})


@negotiated("GET")
def changes(request: HttpRequest) -> Page:
    """The changes this reader may see, newest first."""
    text = request.GET.get("before")
    if text is not None and not re.fullmatch(r"[0-9]{1,18}", text, flags=re.ASCII):
        raise BadParameter(parameter="before", reason="must be the number of a change")
    return Page("changes.html", feed.feed(actor_of(request), before=int(text) if text else None))
