"""The queries one has saved: ask them again, and see what is new."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from atlas import limits
from atlas.dossiers import people as members
from atlas.dossiers import searches as dossiers
from atlas.errors import Validation
from atlas.models import Contributor
from atlas.services import searches, teams
from atlas.web import entries
from atlas.web.negotiation import Page, negotiated, require_method
from atlas.web.people import person_of, signed_in


@negotiated("GET", "POST")
def every(request: HttpRequest) -> Page | HttpResponse:
    """What I saved, and what is shared with me; posting saves a query."""
    person = person_of(request)
    if request.method != "POST":
        return _every(person, form_for(person, query=request.GET.get("q", "")[:1_000]))
    form = form_for(person, request.POST)
    if form.is_valid():
        try:
            _save(signed_in(request).contributor, **form.cleaned_data)
        except Validation as error:
            entries.refuse(form, error)
        else:
            messages.success(request, f"Saved as {form.cleaned_data['name']}.")
            return redirect("/me/searches")
    return _every(person, form, status=422)


def run(request: HttpRequest, search: str) -> HttpResponse:
    """Ask it, and take what it finds as seen."""
    require_method(request, "POST")
    person = signed_in(request).contributor
    row = searches.find(search, actor=person)
    searches.look(actor=person, search=row)
    return redirect(dossiers.facts_of(row, actor=person).url)


def new(request: HttpRequest, search: str) -> HttpResponse:
    """How much of what it finds is new: asked for each by itself, and counted as a search."""
    require_method(request, "GET")
    limits.count(request, "search")
    person = person_of(request)
    found = dossiers.one(searches.find(search, actor=person), actor=person)
    return render(request, "parts/new_found.html", {"found": found})


def remove(request: HttpRequest, search: str) -> HttpResponse:
    """Remove it."""
    require_method(request, "POST")
    person = signed_in(request).contributor
    row = searches.find(search, actor=person)
    searches.remove(actor=person, search=row)
    messages.success(request, f"{row.name} is removed.")
    return redirect("/me/searches")


def form_for(person: Contributor, typed: Any = None, *, query: str = "") -> entries.NewSearch:
    """The form by which this person saves a query."""
    shared = [(team.slug, team.name) for team in members.teams_of(person) if not team.personal]
    return entries.NewSearch(typed, teams=shared, initial={"query": query})


def _save(person: Contributor, *, name: str, query: str, team: str) -> None:
    shared = teams.find(team, actor=person) if team else None
    searches.save(actor=person, name=name, query=query, team=shared)


def _every(person: Contributor, form: entries.NewSearch, *, status: int = 200) -> Page:
    return Page("searches.html", dossiers.every(person), {"form": form}, status)
