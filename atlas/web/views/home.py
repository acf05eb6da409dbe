"""The first page, and what machines ask for first."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from atlas.dossiers import home as dossiers
from atlas.web.negotiation import Page, negotiated, require_method
from atlas.web.people import actor_of


@negotiated("GET")
def home(request: HttpRequest) -> Page:
    """What there is, what is new, where to start."""
    return Page("home.html", dossiers.home(actor_of(request)))


def keyboard(request: HttpRequest) -> HttpResponse:
    """Which keys do what, for who has no script too."""
    require_method(request, "GET")
    return render(request, "keyboard.html")


def robots(request: HttpRequest) -> HttpResponse:
    """Crawlers are welcome where there is something to read."""
    return HttpResponse("User-agent: *\nDisallow: /accounts/\n", content_type="text/plain")
