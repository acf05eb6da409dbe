"""The vocabulary: what each word means, which claims use it, and for curators how to rename and merge."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from atlas.dossiers import footholds as claims
from atlas.dossiers import terms as dossiers
from atlas.errors import EditConflict, Validation
from atlas.models import Contributor
from atlas.permissions import permits, require
from atlas.services import terms as services
from atlas.validation import named_at
from atlas.web import arguments, entries
from atlas.web.negotiation import Page, moved, negotiated, require_method
from atlas.web.people import actor_of, signed_in

MENDED_HERE = (Validation, EditConflict)


@negotiated("GET", "POST")
def terms(request: HttpRequest) -> Page | HttpResponse:
    """All words; posting adds one."""
    actor = actor_of(request)
    form = arguments.NewTerm()
    if request.method == "POST":
        person = signed_in(request).contributor
        require(person, "term.create", None)
        form = arguments.NewTerm(request.POST)
        if form.is_valid():
            try:
                made = services.create(actor=person, **form.cleaned_data)
            except Validation as error:
                entries.refuse(form, error)
            else:
                messages.success(request, "The word is there.")
                return redirect(f"/t/{made.slug}")
    shown = {"form": form, "may_add": permits(actor, "term.create", None)}
    return Page("terms.html", dossiers.listed(), shown, 422 if form.errors else 200)


@negotiated("GET")
def term(request: HttpRequest, term: str) -> Page | HttpResponse:
    """A word; one that was merged leads to the one that means it now."""
    found = dossiers.term(term)
    if found.replaced_by:
        return moved(request, f"/t/{found.replaced_by}")
    return _page(term, actor_of(request))


def rename(request: HttpRequest, term: str) -> HttpResponse:
    """Give a word another label."""
    person, row = _curated(request, term)
    form = arguments.Renaming(request.POST, auto_id="id_rename_%s")

    def carry_out() -> str:
        given = dict(form.cleaned_data)
        services.rename(actor=person, term=row, based_on=given.pop("version_tag"), **given)
        return f"/t/{row.slug}"

    return _tried(request, row.slug, person, form, carry_out, place="renaming", says="Renamed.")


def merge(request: HttpRequest, term: str) -> HttpResponse:
    """Say that a word means the same as another."""
    person, row = _curated(request, term)
    form = arguments.Joining(request.POST, auto_id="id_merge_%s")

    def carry_out() -> str:
        with named_at("/into"):
            into = services.find(form.cleaned_data["into"])
        services.merge(actor=person, term=row, into=into)
        return f"/t/{into.slug}"

    return _tried(request, row.slug, person, form, carry_out, place="merging", says="Merged.")


def _curated(request: HttpRequest, term: str) -> tuple[Contributor, Any]:
    require_method(request, "POST")
    person = signed_in(request).contributor
    row = services.find(term)
    require(person, "term.curate", None)
    return person, row


def _tried(
    request: HttpRequest, slug: str, person: Contributor, form: Any, carry_out: Any, *, place: str, says: str
) -> HttpResponse:
    """Do it and go where it leads; or show the word with what is wrong."""
    if form.is_valid():
        try:
            to = carry_out()
        except MENDED_HERE as error:
            entries.refuse(form, error)
        else:
            messages.success(request, says)
            return redirect(to)

    def shown(request: HttpRequest, term: str) -> Page:
        return _page(term, person, status=422, **{place: form})

    return negotiated("POST")(shown)(request, term=slug)


def _page(slug: str, actor: Contributor | None, *, status: int = 200, **wrong: Any) -> Page:
    found = dossiers.term(slug)
    words = {"label": found.label, "definition": found.definition, "synonyms": ", ".join(found.synonyms)}
    initial = {**words, "version_tag": found.version_tag}
    shown = {
        "claims": claims.using(slug, actor=actor),
        "may_curate": permits(actor, "term.curate", None),
        "renaming": arguments.Renaming(initial=initial, auto_id="id_rename_%s"),
        "merging": arguments.Joining(auto_id="id_merge_%s"),
        **wrong,
    }
    return Page("term.html", found, shown, status)
