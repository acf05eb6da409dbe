"""Oneself: how one is cited, one's keys, and being forgotten."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from atlas.belonging import memberships_of
from atlas.dossiers import people as dossiers
from atlas.errors import Validation
from atlas.models import Contributor, User
from atlas.permissions import permits, require
from atlas.services import people, tokens
from atlas.web import entries
from atlas.web.negotiation import Page, negotiated, require_method
from atlas.web.people import person_of, signed_in


@negotiated("GET", "POST")
def me(request: HttpRequest) -> Page | HttpResponse:
    """Who I am here; posting says how I am cited."""
    person = person_of(request)
    if request.method != "POST":
        known = {"citation_name": person.citation_name, "orcid": person.orcid}
        return _me(person, entries.Introduction(initial=known))
    form = entries.Introduction(request.POST)
    if form.is_valid():
        try:
            people.introduce(signed_in(request), **form.cleaned_data)
        except Validation as error:
            entries.refuse(form, error)
        else:
            messages.success(request, "Saved.")
            return redirect("/me")
    return _me(person, form, status=422)


def keyboard(request: HttpRequest) -> HttpResponse:
    """Switch single keys on or off, on every page and wherever I sign in."""
    require_method(request, "POST")
    wanted = request.POST.get("single_keys") == "on"
    people.choose_keys(actor=signed_in(request).contributor, single_keys=wanted)
    messages.success(request, f"Single keys are switched {'on' if wanted else 'off'}.")
    return redirect("/me#keyboard")


def _me(person: Contributor, form: Any, *, status: int = 200) -> Page:
    shown = {"form": form, "sees_workers": permits(person, "worker.see", None)}
    return Page("me.html", dossiers.me(person), shown, status)


def erase(request: HttpRequest) -> HttpResponse:
    """Be forgotten, once one's own handle is typed."""
    require_method(request, "GET", "POST")
    user = signed_in(request)
    person = user.contributor
    form = entries.Erasure(request.POST or None, handle=person.handle)
    if request.method == "POST" and form.is_valid():
        left = people.erase(actor=person, user=user)
        logout(request)
        messages.success(request, f"You are forgotten. What you wrote stands under {left.citation_name}.")
        return redirect(f"/u/{left.handle}")
    return render(request, "erase.html", {"form": form}, status=422 if form.errors else 200)


@negotiated("GET", "POST")
def keys(request: HttpRequest) -> Page:
    """My tokens; posting makes one, whose secret stands in the answer and nowhere else."""
    user = signed_in(request)
    if request.method != "POST":
        return _keys(user, _form(user))
    form = _form(user, request.POST)
    if not form.is_valid():
        return _keys(user, form, status=422)
    given = form.cleaned_data
    joined = memberships_of(user.contributor).filter(team__slug=given.pop("team")).select_related("team").first()
    require(user.contributor, "token.create", None)
    try:
        token, shown = tokens.create(owner=user, team=joined.team if joined else None, **given)
    except Validation as error:
        entries.refuse(form, error)
        return _keys(user, form, status=422)
    return _keys(user, _form(user), made=dossiers.new_token(token, shown=shown), status=201)


def revoke(request: HttpRequest, prefix: str) -> HttpResponse:
    """End one of my tokens."""
    require_method(request, "POST")
    person = signed_in(request).contributor
    token = tokens.find(prefix, actor=person)
    tokens.revoke(actor=person, token=token)
    messages.success(request, f"{token.name} opens nothing any more.")
    return redirect("/me/tokens")


def _form(user: User, typed: Any = None) -> entries.NewToken:
    mine = [(one.slug, one.name) for one in dossiers.teams_of(user.contributor)]
    return entries.NewToken(typed, teams=mine)


def _keys(user: User, form: entries.NewToken, *, made: Any = None, status: int = 200) -> Page:
    return Page("tokens.html", dossiers.tokens_of(user), {"form": form, "made": made}, status)
