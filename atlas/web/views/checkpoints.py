"""Checkpoints, and the walls of their layers."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from atlas import works
from atlas.dossiers import checkpoints as dossiers
from atlas.dossiers import jobs as questions
from atlas.dossiers.walls import wall as wall_of
from atlas.models import Checkpoint, Contributor
from atlas.permissions import permits
from atlas.services import addresses, drafts, jobs
from atlas.services.questions import ask, asked_of
from atlas.web import walls
from atlas.web.negotiation import Page, moved, negotiated
from atlas.web.people import actor_of

PROBE = "feature-visualization"  # what a wall shows


@negotiated("GET")
def checkpoints(request: HttpRequest) -> Page:
    """Every checkpoint this reader may see."""
    actor = actor_of(request)
    return Page("checkpoints.html", dossiers.checkpoints(actor), {"may_upload": drafts.may_upload(actor)})


@negotiated("GET", cited=True)
def checkpoint(request: HttpRequest, slug: str) -> Page | HttpResponse:
    """A checkpoint's card and layers; of a draft, how far its registration is."""
    actor = actor_of(request)
    if slug != slug.lower():
        addresses.checkpoint(slug.lower(), actor=actor)
        return moved(request, f"/c/{slug.lower()}")
    found = dossiers.checkpoint(slug, actor=actor)
    if found.registration is None:
        return Page("checkpoint.html", found, work=works.of_checkpoint(found, origin=works.origin_of(request)))
    asked = questions.job(found.registration.fingerprint, actor=actor)
    return Page("draft.html", found, {"asked": asked, "may_upload": drafts.may_upload(actor)})


@negotiated("GET", "POST")
def wall(request: HttpRequest, slug: str, layer: str) -> Page | HttpResponse:
    """A layer's neurons as somebody wants to see them, a hundred a page; posting asks for all pictures that miss."""
    actor = actor_of(request)
    row = addresses.checkpoint(slug.lower(), actor=actor)
    unit = addresses.UNIT.fullmatch(layer)
    if unit:  # 4c:447, as people write it
        place = addresses.neuron(row, unit["layer"], _bare(unit["channel"]))
        return moved(request, f"/c/{row.slug}/{place.layer.key}/{place.channel}")
    place = addresses.layer(row, layer)
    if not place.canonical or slug != row.slug:
        return moved(request, f"/c/{row.slug}/{place.layer.key}")
    if request.method == "POST":
        return _ask_for_all(request, row, layer, actor=actor)
    may_compute = permits(actor, "job.request", row)
    wanted, start = walls.wanted(request), walls.start(request, most=place.layer.channels)
    found = wall_of(slug, layer, actor=actor, wanted=wanted, start=start)
    return Page("wall.html", found, {"may_compute": may_compute})


def _ask_for_all(request: HttpRequest, row: Checkpoint, layer: str, *, actor: Contributor | None) -> HttpResponse:
    subjects, _ = asked_of(row, {"subject": {"layer": layer}})
    questions = ask(checkpoint=row, probe=PROBE, subjects=subjects, site=None, params={}, many=True)
    answer = jobs.request(actor=actor, checkpoint=row, questions=questions, bulk=True)
    known = len(answer.jobs) - len(answer.new)
    messages.success(request, f"{len(answer.new)} pictures are asked for; {known} were asked for before.")
    return redirect(f"/c/{row.slug}/{layer}")


def _bare(channel: str) -> str:
    """A channel without the zeros people put in front."""
    return channel.lstrip("0") or "0"
