"""One neuron: its story, and the questions one can put to it."""

import re

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from atlas import limits, works
from atlas.dossiers import neurons as dossiers
from atlas.dossiers.counterparts import likenesses
from atlas.dossiers.footholds import of_neuron
from atlas.dossiers.neurons import NeuronDossier
from atlas.dossiers.wirings import wirings
from atlas.errors import Validation
from atlas.models import Checkpoint, Contributor, ProbeKind
from atlas.permissions import permits, require
from atlas.services import addresses, catalog, jobs, ledger, watches
from atlas.services.questions import Question, ask
from atlas.web import forms
from atlas.web.asking import Given, again, asking, units
from atlas.web.negotiation import Page, moved, negotiated, require_method
from atlas.web.people import actor_of, signed_in


@negotiated("GET", "POST", cited=True)
def neuron(request: HttpRequest, slug: str, layer: str, channel: str) -> Page | HttpResponse:
    """A neuron's page; posting one of its forms asks a question."""
    actor = actor_of(request)
    row = addresses.checkpoint(slug.lower(), actor=actor)
    bare = channel.lstrip("0") or "0" if re.fullmatch(r"0[0-9]+", channel) else channel
    place = addresses.neuron(row, layer, bare)
    if not place.canonical or bare != channel or slug != row.slug:
        return moved(request, f"/c/{row.slug}/{place.layer.key}/{place.channel}")
    if request.method == "POST":
        return _asked(request, slug, layer, channel)
    found = dossiers.neuron(slug, layer, channel, actor=actor)
    given = again(request, found, actor=actor) if found.may_compute and "ask" in request.GET else None
    return _page(request, found, actor=actor, given=given)


def watch(request: HttpRequest, slug: str, layer: str, channel: str) -> HttpResponse:
    """Hear of what is newly claimed about a neuron, or no more."""
    require_method(request, "POST")
    person = signed_in(request).contributor
    place = addresses.neuron(addresses.checkpoint(slug, actor=person), layer, channel)
    row = addresses.row(place)
    if request.POST.get("level") == "everything":
        watches.watch_neuron(actor=person, neuron=row)
        messages.success(request, "You hear of what is newly claimed about it.")
    else:
        watches.stop(actor=person, neuron=row)
        messages.success(request, "You watch it no more.")
    return redirect(f"/c/{slug}/{place.layer.key}/{place.channel}")


def estimate(request: HttpRequest, slug: str, layer: str, channel: str) -> HttpResponse:
    """What a question is expected to take as its form stands, while somebody types; or why it cannot be asked so."""
    require_method(request, "POST")
    actor = actor_of(request)
    row = addresses.checkpoint(slug, actor=actor)
    require(actor, "job.request", row)
    limits.count(request, "search")
    kind, typed = _form(request)
    try:
        [question] = _meant(row, kind, typed, unit=f"{layer}:{channel}")
    except Validation as error:
        return render(request, "parts/expected.html", {"faults": error.errors})
    return render(request, "parts/expected.html", {"seconds": ledger.expected(question)})


def _form(request: HttpRequest) -> tuple[ProbeKind, dict[str, str]]:
    """The probe whose form was sent, and what was typed into it."""
    kind = catalog.newest(request.POST.get("probe", "")[:100])
    return kind, forms.typed_in(request.POST, kind.schema)


def _meant(row: Checkpoint, kind: ProbeKind, typed: dict[str, str], *, unit: str) -> list[Question]:
    """The question that was typed, in a list of one; raises Validation."""
    params, unreadable = forms.read(kind.schema, typed)
    if unreadable:
        raise Validation(errors=unreadable)
    return ask(checkpoint=row, probe=kind.name, subjects=[unit], site=None, params=params, many=False)


def _asked(request: HttpRequest, slug: str, layer: str, channel: str) -> Page | HttpResponse:
    """Ask what the form says, and go back to the neuron; a form with faults comes back as it was typed."""
    actor = actor_of(request)
    row = addresses.checkpoint(slug, actor=actor)
    require(actor, "job.request", row)
    kind, typed = _form(request)
    try:
        questions = _meant(row, kind, typed, unit=f"{layer}:{channel}")
        answer = jobs.request(actor=actor, checkpoint=row, questions=questions)
    except Validation as error:
        found = dossiers.neuron(slug, layer, channel, actor=actor)
        return _page(request, found, actor=actor, status=422, given=Given(kind.name, typed, error.errors, wrong=True))
    known = "Asked. The answer appears here." if answer.new else "This had been asked before; here it is."
    messages.success(request, known)
    return redirect(f"/c/{slug}/{layer}/{channel}#{answer.jobs[0].fingerprint[:12]}")


def _page(
    request: HttpRequest,
    found: NeuronDossier,
    *,
    actor: Contributor | None,
    status: int = 200,
    given: Given | None = None,
) -> Page:
    """The page with a form for each probe; `given` is what one of them is filled in with."""
    work = works.of_neuron(found, origin=works.origin_of(request))
    claims = of_neuron(found.neuron.checkpoint, found.neuron.layer, found.neuron.channel, actor=actor)
    wired = wirings(found.jobs, of=addresses.checkpoint(found.neuron.checkpoint, actor=actor))
    more = {"forms": asking(request, found, given, actor=actor), "units": units(found, wired.values())}
    more |= {"claims": claims}
    more |= {"may_claim": permits(actor, "term.create", None), "wirings": wired}
    more |= {"achieved": found.achieved, "likenesses": likenesses(found.jobs)}
    return Page("neuron.html", found, more, status, work)
