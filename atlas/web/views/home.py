"""The first page, and what machines ask for first."""

from django.http import HttpRequest, HttpResponse

from atlas.dossiers import home as dossiers
from atlas.web.negotiation import Page, negotiated
from atlas.web.people import actor_of


@negotiated("GET")
def home(request: HttpRequest) -> Page:
    """What there is, what is new, where to start."""
    return Page("home.html", dossiers.home(actor_of(request)))


def robots(request: HttpRequest) -> HttpResponse:
    """Crawlers are welcome where there is something to read."""
    return HttpResponse("User-agent: *\nDisallow: /accounts/\n", content_type="text/plain")
