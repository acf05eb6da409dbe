"""The neurons that somebody writes about and their pictures: what lies beside the text while it is written."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from django.db.models import Q

from atlas.dossiers.checkpoints import name_of
from atlas.dossiers.jobs import Row, facts_of, with_answer
from atlas.errors import AtlasError
from atlas.models import Checkpoint, Contributor, Job
from atlas.permissions import readable_jobs
from atlas.services.addresses import Map, Place

MOST = 2  # neurons: both ends of a link
PICTURES = "feature-visualization"


@dataclass(frozen=True, slots=True)
class Subject:
    """A neuron, by what it is called, with the pictures of the newest answer that has any, by their sign."""

    unit: str
    url: str
    name: str
    rows: tuple[Row, ...]


def subjects(checkpoint: Checkpoint | None, units: Sequence[str], *, actor: Contributor | None) -> tuple[Subject, ...]:
    """Those of these units that there are, in a fixed number of queries; what is no unit of the checkpoint is none."""
    if checkpoint is None or not units:
        return ()
    asked, places = units[:MOST], []
    layers = Map(checkpoint, (unit.partition(":")[0] for unit in asked))
    for unit in asked:
        with suppress(AtlasError):
            places.append(layers.unit(unit))
    newest = _newest(places, checkpoint, actor)
    return tuple(_subject(checkpoint, it, newest.get((it.layer.key, it.channel or 0), ())) for it in places)


def _newest(
    places: Sequence[Place], checkpoint: Checkpoint, actor: Contributor | None
) -> dict[tuple[str, int], tuple[Row, ...]]:
    """By layer and channel."""
    wanted = Q(pk__in=())
    for it in places:
        wanted |= Q(neuron__layer=it.layer, neuron__channel=it.channel)
    done = Job.objects.filter(
        wanted, readable_jobs(actor), checkpoint=checkpoint, probe__name=PICTURES, state=Job.State.DONE
    )
    last: dict[tuple[str, int], int] = {}
    for pk, key, channel in done.order_by("id").values_list("pk", "neuron__layer__key", "neuron__channel"):
        last[key, channel] = pk
    facts = {row.pk: facts_of(row) for row in with_answer(Job.objects.filter(pk__in=last.values()))}
    return {at: found.finding.gallery for at, pk in last.items() if (found := facts[pk]).finding}


def _subject(checkpoint: Checkpoint, place: Place, rows: tuple[Row, ...]) -> Subject:
    key, channel = place.layer.key, place.channel or 0
    named = name_of(checkpoint.units.get(key, []), channel)
    return Subject(f"{key}:{channel}", f"/c/{checkpoint.slug}/{key}/{channel}", named, rows)
