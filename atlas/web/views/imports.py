"""Files of claims on pages: sent, previewed, committed, undone and redone, with what is wrong by line."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from atlas import claim_files, uploads
from atlas.dossiers import imports as dossiers
from atlas.errors import AtlasError, BadParameter, WrongStage
from atlas.models import Contributor, Import, ImportRow
from atlas.permissions import require
from atlas.services import addresses, imports, teams
from atlas.validation import named_at
from atlas.web import entries
from atlas.web.negotiation import Page, negotiated, require_method
from atlas.web.people import person_of, signed_in

ROWS = 100  # on a page
WORDS = {*filter(None, ImportRow.Outcome.values), *filter(None, ImportRow.Reversal.values)}


@negotiated("GET")
def every(request: HttpRequest) -> Page:
    """The newest imports of my teams."""
    rows = dossiers.readable_by(person_of(request)).order_by("-id")[:ROWS]
    return Page("imports.html", [dossiers.facts_of(row) for row in rows])


@csrf_exempt  # its body is taken in under limits of its own first; then the token in it is asked for all the same
def new(request: HttpRequest) -> HttpResponse:
    """Send a file; its rows are judged at once, as far as there is time."""
    require_method(request, "GET", "POST")
    person = signed_in(request).contributor
    require(person, "import.stage", None)
    if request.method == "POST":
        uploads.receive(request, name="file", most=claim_files.LARGEST)
        answer: HttpResponse = _sent(request, person)
        return answer
    return render(request, "new_import.html", {"form": entries.NewImport(teams=_choices(person))})


@csrf_protect
def _sent(request: HttpRequest, person: Contributor) -> HttpResponse:
    form = entries.NewImport(request.POST, request.FILES, teams=_choices(person))
    if form.is_valid():
        try:
            batch = imports.stage(actor=person, **_given(form.cleaned_data, person))
        except AtlasError as error:
            if error.fault == "ours":
                raise
            entries.refuse(form, error)
        else:
            imports.judge(actor=person, batch=batch, seconds=imports.SECONDS)
            return redirect(f"/imports/{batch.public_id}")
    return render(request, "new_import.html", {"form": form}, status=422)


def _given(typed: dict[str, Any], person: Contributor) -> dict[str, Any]:
    """What was typed, as `imports.stage` takes it."""
    slug = typed["checkpoint"]
    with named_at("/team"):
        team = teams.find(typed["team"], actor=person)
    return {
        **typed,
        "team": team,
        "checkpoint": addresses.readable_by(person, slug, pointer="/checkpoint") if slug else None,
        "file": typed["file"].file,
        "sha256": typed["file"].sha256,
    }


def _choices(person: Contributor) -> list[tuple[str, str]]:
    return [(team.slug, team.name) for team in imports.teams_of(person)]


@negotiated("GET")
def one(request: HttpRequest, import_id: str) -> Page:
    """An import, and its rows: all, or those of which one word is true."""
    person = person_of(request)
    found, batch = dossiers.batch(import_id, actor=person), imports.find(import_id, actor=person)
    only, after = request.GET.get("only", ""), request.GET.get("after", "0")
    rows = dossiers.rows_of(batch)
    if only:
        if only not in WORDS:
            raise BadParameter(parameter="only", reason="must be a word that stands in the counts")
        rows = dossiers.with_word(rows, only)
    if not (after.isascii() and after.isdigit() and len(after) < 8):
        raise BadParameter(parameter="after", reason="must be a line's number")
    some = list(rows.filter(line__gt=int(after))[: ROWS + 1])
    shown = dossiers.rows_facts(some[:ROWS], actor=person)
    following = shown[-1].line if len(some) > ROWS else None
    return Page("import.html", found, {"rows": shown, "only": only, "following": following})


def step(act: Callable[..., Import], permission: str) -> Callable[..., HttpResponse]:
    """A form with one button, which goes through the rows as far as it comes in time."""

    def view(request: HttpRequest, import_id: str) -> HttpResponse:
        require_method(request, "POST")
        person = signed_in(request).contributor
        batch = imports.find(import_id, actor=person)
        require(person, permission, batch)
        try:
            act(actor=person, batch=batch, seconds=imports.SECONDS)
        except WrongStage as error:
            messages.error(request, str(error))
        return redirect(f"/imports/{batch.public_id}")

    return view


def discard(request: HttpRequest, import_id: str) -> HttpResponse:
    """Throw it away, and show those that are left."""
    require_method(request, "POST")
    person = signed_in(request).contributor
    batch = imports.find(import_id, actor=person)
    try:
        imports.discard(actor=person, batch=batch)
    except WrongStage as error:
        messages.error(request, str(error))
        return redirect(f"/imports/{batch.public_id}")
    return redirect("/imports")


judge = step(imports.judge, "import.commit")
commit = step(imports.commit, "import.commit")
undo = step(imports.undo, "import.undo")
redo = step(imports.redo, "import.undo")
