"""The form for a new checkpoint: it works without a script, and gives back what was typed when something is wrong."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from atlas import uploads
from atlas.errors import AtlasError, NoSuchCheckpoint
from atlas.models import Contributor, Team
from atlas.permissions import is_operator
from atlas.services import addresses, drafts
from atlas.web import entries
from atlas.web.negotiation import require_method
from atlas.web.people import signed_in


@csrf_exempt  # its body is taken in under limits of its own first; then the token in it is asked for all the same
def new(request: HttpRequest) -> HttpResponse:
    """Upload a checkpoint; one that is still a draft, named in the address, is filled in as it was typed."""
    require_method(request, "GET", "POST")
    person = signed_in(request).contributor
    teams = drafts.owners(person)
    if request.method == "POST":
        uploads.receive(request, name="weights")
        answer: HttpResponse = _uploaded(request, person, teams)
        return answer
    typed = _former(request.GET.get("slug", ""), person)
    return _page(request, entries.NewCheckpoint(initial=typed, teams=_choices(person, teams)))


@csrf_protect
def _uploaded(request: HttpRequest, person: Contributor, teams: list[Team]) -> HttpResponse:
    form = entries.NewCheckpoint(request.POST, request.FILES, teams=_choices(person, teams))
    if form.is_valid():
        try:
            drafts.upload(actor=person, **_given(form.cleaned_data, person))
        except AtlasError as error:
            if error.fault == "ours":
                raise
            entries.refuse(form, error)
        else:
            messages.success(request, "Uploaded. It is examined now, and published when nothing is wrong with it.")
            return redirect(f"/c/{form.cleaned_data['slug']}")
    return _page(request, form, status=422)


def _page(request: HttpRequest, form: entries.NewCheckpoint, *, status: int = 200) -> HttpResponse:
    return render(request, "new_checkpoint.html", {"form": form}, status=status)


def _given(typed: dict[str, Any], person: Contributor) -> dict[str, Any]:
    """What was typed, as `drafts.upload` takes it."""
    return {
        **typed,
        "team": drafts.owner(typed["team"] or None, actor=person),
        "weights": typed["weights"].file,
        "sha256": typed["weights"].sha256,
    }


def _choices(person: Contributor, teams: list[Team]) -> list[tuple[str, str]]:
    named = [(team.slug, team.name) for team in teams]
    return [("", "The atlas itself"), *named] if is_operator(person) else named


def _former(slug: str, person: Contributor) -> dict[str, Any]:
    """What was typed for a draft, less its file: no page can fill that in."""
    try:
        row = addresses.checkpoint(slug[:40].replace("\x00", ""), actor=person)
    except NoSuchCheckpoint:
        return {}
    if row.card is None:
        return {}
    text = json.dumps(row.card, indent=2, ensure_ascii=False)
    team = row.team.slug if row.team else ""
    return {
        "slug": row.slug,
        "architecture": row.architecture,
        "card": text,
        "team": team,
        "visibility": row.visibility,
    }
