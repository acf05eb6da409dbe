"""Claims as pages: the newest version and all around it, every version for ever, and what changed between two."""

from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse

from atlas import works
from atlas.citing.facts import Item, Work
from atlas.contents.evidence import METHODS
from atlas.dossiers import agreement as reviewers
from atlas.dossiers import circuits, comments, exhibits, search, versions
from atlas.dossiers import footholds as dossiers
from atlas.dossiers.bodies import body
from atlas.dossiers.exhibits import Testimony
from atlas.dossiers.search import HitFacts
from atlas.errors import MalformedQuery, NotAcceptable
from atlas.graphs import FORMATS, PRINTS, Print
from atlas.models import Contributor, Foothold
from atlas.services import footholds as services
from atlas.web import circuit, offers
from atlas.web.negotiation import Page, moved, negotiated, require_method, varying
from atlas.web.people import actor_of

KEPT = 50  # of what the query of a dynamic collection finds
BUTTONS = ("propose", "restore", "detach", "test")  # they have no field at which a fault could stand


@negotiated("GET")
def footholds(request: HttpRequest) -> Page:
    """The newest claims, of a kind and in a state if one says so."""
    columns = {"kind": "kind", "state": "state", "checkpoint": "checkpoint__slug"}
    asked = {name: request.GET.get(name, "")[:40].replace("\x00", "") for name in columns}
    chosen = {columns[name]: value for name, value in asked.items() if value}
    found = dossiers.newest(actor=actor_of(request), **chosen)
    more = {"asked": asked, "kinds": Foothold.Kind.values, "states": Foothold.State.values}
    return Page("footholds.html", found, more)


@negotiated("GET", cited=True)
def foothold(request: HttpRequest, accession: str) -> Page | HttpResponse:
    """A foothold; one that was merged leads to what says it now, its versions stay."""
    actor = actor_of(request)
    row = services.find(accession, actor=actor)
    to = services.successor(row, actor=actor) or row
    if to.accession != accession:
        return moved(request, f"/f/{to.accession}")
    return page(request, row, actor=actor)


def page(request: HttpRequest, row: Foothold, *, actor: Contributor | None, status: int = 200, **wrong: Any) -> Page:
    """The page; a form that was wrong stands in it as it was typed."""
    found = dossiers.foothold(row.accession, actor=actor)
    figured = circuit.shown(row, actor=actor)
    named = () if figured.get("drawing") else exhibits.neurons_of(row)  # its figure shows them
    unplaced = BUTTONS if row.kind != Foothold.Kind.EVIDENCE else (*BUTTONS, "evidence")
    spoken = [it.evidence for it in found.support] if row.kind != Foothold.Kind.EVIDENCE else [row.accession]
    testimonies = exhibits.testimonies(spoken, actor=actor)
    shown = {
        "exhibits": named,
        "titles": exhibits.titles(found.content, actor=actor),
        "testimonies": testimonies,
        "methods": METHODS,
        "discussion": comments.discussion(row, actor=actor),
        "kept": _kept(row, actor),
        "versioned": f"/f/{row.accession}/v{row.head_version}",
        "forms": offers.blank(row, found, actor=actor) | wrong,
        "faults": [text for verb in unplaced if verb in wrong for said in wrong[verb].errors.values() for text in said],
        **figured,
    }
    work = _work(request, found, testimonies)
    return Page("foothold.html", found, shown, status, work)


def _kept(row: Foothold, actor: Contributor | None) -> list[HitFacts]:
    """What the query of a dynamic collection finds today; nothing where it names what this reader may not know of."""
    if row.kind != Foothold.Kind.COLLECTION:
        return []
    try:
        return search.kept_by(row, actor=actor, limit=KEPT).dossier.items
    except MalformedQuery:
        return []


@negotiated("GET", cited=True)
def version(request: HttpRequest, accession: str, version: str) -> Page | HttpResponse:
    """One version: what it said then, the same for ever."""
    actor = actor_of(request)
    row = services.find(accession, actor=actor)
    if row.accession != accession:
        return moved(request, f"/f/{row.accession}/v{version}")
    found = dossiers.version(accession, version, actor=actor)
    work = works.of_version(found, origin=works.origin_of(request))
    shown = circuit.shown(row, actor=actor, version=found.revision.version)
    shown |= {"titles": exhibits.titles(found.content, actor=actor)}
    return Page("version.html", found, {"methods": METHODS, "title": work.title, **shown}, work=work)


@negotiated("GET")
def history(request: HttpRequest, accession: str) -> Page:
    """Every version, who made it and why."""
    actor = actor_of(request)
    found = versions.history(accession, actor=actor)
    row = services.find(accession, actor=actor)
    may_restore = dossiers.may_revise(row, actor)
    return Page("history.html", found, {"may_restore": may_restore})


@negotiated("GET")
def difference(request: HttpRequest, accession: str, between: str) -> Page:
    """What changed between two versions, word by word."""
    return Page("difference.html", versions.difference(accession, between, actor=actor_of(request)))


@negotiated("GET")
def agreement(request: HttpRequest) -> Page:
    """How far the reviewers of a checkpoint agree; of a layer, a term, and blind verdicts alone if one says so."""
    given = {name: request.GET.get(name, "")[:130].replace("\x00", "") for name in ("checkpoint", "layer", "term")}
    found = reviewers.of_checkpoint(
        given["checkpoint"],
        actor=actor_of(request),
        layer=given["layer"] or None,
        term=given["term"] or None,
        blind="blind" in request.GET,
    )
    return Page("agreement.html", found)


def graph(request: HttpRequest, accession: str, version: str, form: str) -> HttpResponse:
    """A version as a graph, in the form that the suffix says."""
    require_method(request, "GET")
    if form in PRINTS:
        return _printed(request, accession, version, PRINTS[form])
    drawn = circuits.graph(accession, actor=actor_of(request), version=version)
    if form == ".json":
        return JsonResponse(body(drawn))
    if form not in FORMATS:
        raise NotAcceptable(forms=", ".join([".json", *FORMATS, *PRINTS]))
    written = HttpResponse(
        FORMATS[form].write(drawn, origin=works.origin_of(request)),
        content_type=f"{FORMATS[form].media_type}; charset=utf-8",
    )
    written["Content-Disposition"] = f'inline; filename="{drawn.accession}.v{drawn.version}{form}"'
    return written


def _printed(request: HttpRequest, accession: str, version: str, form: Print) -> HttpResponse:
    """A version's figure for a paper, never active."""
    actor = actor_of(request)
    found = dossiers.version(accession, version, actor=actor)
    work = works.of_version(found, origin=works.origin_of(request))
    row = services.find(accession, actor=actor)
    written = HttpResponse(
        circuit.printed(row, work, form, actor=actor, version=found.revision.version), content_type=form.media_type
    )
    written["Content-Disposition"] = f'inline; filename="{row.accession}.v{found.revision.version}{form.suffix}"'
    written["Content-Security-Policy"] = circuit.POLICY
    return varying(written)


def _work(request: HttpRequest, found: dossiers.FootholdDossier, testimonies: Mapping[str, Testimony]) -> Work:
    """The newest version: that is what is cited; its evidence's pictures stand around it."""
    origin = works.origin_of(request)
    every = [one.artifact for said in testimonies.values() for one in said.pictures]
    items = tuple(Item(f"{origin}{it.url}", it.media_type) for it in every)
    return works.of_version(found.newest, origin=origin, items=items)
