"""Datasets: what checkpoints are shown, picture by picture; and the form for pictures of one's own."""

import re
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from atlas import labels, uploads, works
from atlas.dossiers import datasets as dossiers
from atlas.errors import AtlasError, BadParameter, Malformed, TooLarge
from atlas.labels import Columns, Labels
from atlas.models import Contributor, Team
from atlas.permissions import is_operator
from atlas.services import datasets, drafts, gathering
from atlas.web import entries
from atlas.web.negotiation import Page, negotiated, require_method
from atlas.web.people import actor_of, signed_in

VERB = "dataset.register"


@negotiated("GET")
def every(request: HttpRequest) -> Page:
    """Every dataset this reader may see."""
    actor = actor_of(request)
    rows = dossiers.readable_by(actor).order_by("slug")
    return Page("datasets.html", dossiers.summarise(rows), {"may_add": drafts.may_upload(actor, verb=VERB)})


@negotiated("GET", cited=True)
def one(request: HttpRequest, digest: str) -> Page:
    """A dataset and its pictures, sixty a page; all, or those of one label."""
    actor = actor_of(request)
    row = datasets.readable_by(actor, digest)
    start, label = (_number(request, name) for name in ("start", "label"))
    found = dossiers.shown(row, actor=actor, start=start or 0, label=label)
    work = works.of_dataset(found.dataset.dataset, origin=works.origin_of(request))
    return Page("dataset.html", found, work=work)


@csrf_exempt  # its body is taken in under limits of its own first; then the token in it is asked for all the same
def new(request: HttpRequest) -> HttpResponse:
    """Send pictures; those that are not taken are named."""
    require_method(request, "GET", "POST")
    person = signed_in(request).contributor
    teams = drafts.owners(person, verb=VERB)
    if request.method == "POST":
        uploads.receive(request, name="pictures", most=gathering.LARGEST_SENT, beside="labels")
        answer: HttpResponse = _sent(request, person, teams)
        return answer
    return _page(request, entries.NewDataset(teams=_choices(person, teams)))


@csrf_protect
def _sent(request: HttpRequest, person: Contributor, teams: list[Team]) -> HttpResponse:
    form = entries.NewDataset(request.POST, request.FILES, teams=_choices(person, teams))
    if form.is_valid():
        try:
            return _added(request, form.cleaned_data, person)
        except AtlasError as error:
            if error.fault == "ours":
                raise
            entries.refuse(form, error)
    return _page(request, form, status=422)


def _added(request: HttpRequest, typed: dict[str, Any], person: Contributor) -> HttpResponse:
    gathered = gathering.from_archive(typed["pictures"].file, labels=_labels(typed), most=gathering.MOST_SENT)
    row, new = gathering.add(
        actor=person,
        gathered=gathered,
        team=drafts.owner(typed["team"] or None, actor=person),
        licence=typed["licence"] or gathering.NOT_STATED,
        **{name: typed[name] for name in ("slug", "title", "visibility", "whole")},
    )
    if gathered.refused:
        found = dossiers.added(row, gathered, actor=person)
        return render(request, "added_dataset.html", {"it": found, "new": new}, status=201 if new else 200)
    messages.success(request, "Registered." if new else "These very pictures were registered already.")
    return redirect(f"/d/{row.digest}")


def _labels(typed: dict[str, Any]) -> Labels:
    if typed["labels"] is None:
        return Labels()
    columns = Columns(typed["file_column"], typed["index_column"], typed["name_column"])
    try:
        return labels.read(typed["labels"].read(labels.LARGEST + 1), columns=columns)
    except (Malformed, TooLarge) as error:
        raise labels.refusal(str(error)) from None


def _page(request: HttpRequest, form: entries.NewDataset, *, status: int = 200) -> HttpResponse:
    return render(request, "new_dataset.html", {"form": form}, status=status)


def _choices(person: Contributor, teams: list[Team]) -> list[tuple[str, str]]:
    named = [(team.slug, team.name) for team in teams]
    return [("", "The atlas itself"), *named] if is_operator(person) else named


def _number(request: HttpRequest, name: str) -> int | None:
    """A whole number of the query string; None where it is not there."""
    text = request.GET.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise BadParameter(parameter=name, reason="must be a whole number of at most 9 digits")
    return int(text)
