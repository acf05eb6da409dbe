"""Findings about connections as pages show them: kernels beside the pictures of both ends, by what they do."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from atlas.dossiers.checkpoints import Tile, newest_pictures, tile_of
from atlas.dossiers.jobs import JobFacts
from atlas.dossiers.pictures import Shown
from atlas.models import Checkpoint, Job
from atlas.services.connections import PROBE

Newest = Mapping[tuple[str, int], Job]
SIDES = {"upstream": "Listens to", "downstream": "Feeds into"}
TITLES = {
    ("upstream", "+"): "Excited by",
    ("upstream", "-"): "Inhibited by",
    ("upstream", "mixed"): "Excited here, inhibited there by",
    ("downstream", "+"): "Excites",
    ("downstream", "-"): "Inhibits",
    ("downstream", "mixed"): "Excites here, inhibits there",
}


@dataclass(frozen=True, slots=True)
class Strand:
    """A connection: its numbers as the finding has them, its kernel, and the pictures of both ends.

    A colour of the input is an end without a picture.
    """

    numbers: dict[str, Any]
    kernel: Shown
    source: Tile | None
    target: Tile | None


@dataclass(frozen=True, slots=True)
class Group:
    """Connections of one sign."""

    title: str
    sign: str  # +, −, ±: never colour alone
    polarity: str
    strands: tuple[Strand, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """One direction: the strongest connections out of so many."""

    title: str
    layers: tuple[str, ...]
    left_out: tuple[str, ...]  # operations without a linear form
    of: int
    listed: int
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Wiring:
    """What a finding says of a unit's weights; `scale` is where every kernel's colours are full."""

    kind: str
    scale: float
    cancels: bool
    sides: tuple[Side, ...]
    n: int  # pictures over which it is a mean; 0 of weights that need none


def wirings(jobs: Iterable[JobFacts], *, of: Checkpoint) -> dict[str, Wiring]:
    """By fingerprint the connections that these jobs of one checkpoint found; two queries where there are any."""
    found = {job.fingerprint: job for job in jobs if job.probe == PROBE and job.finding and "kind" in _numbers(job)}
    units = {end for job in found.values() for edge in _edges(job) for end in (edge["source"], edge["target"]) if end}
    newest = newest_pictures(asked_of(units, of)) if units else {}
    return {fingerprint: _wiring(job, of, newest) for fingerprint, job in found.items()}


def wiring_of(job: JobFacts) -> dict[str, Wiring]:
    """The same of a single job, which its reader may read."""
    if job.probe != PROBE or not job.finding:
        return {}
    return wirings([job], of=Checkpoint.objects.get(slug=job.checkpoint))


def _numbers(job: JobFacts) -> dict[str, Any]:
    return job.finding.numbers if job.finding else {}


def _edges(job: JobFacts) -> Iterator[dict[str, Any]]:
    for side in SIDES:
        yield from _numbers(job).get(side, {}).get("edges", ())


def asked_of(units: Iterable[str], of: Checkpoint) -> Any:
    """All that was asked of these units."""
    channels: dict[str, list[int]] = {}
    for unit in units:
        channels.setdefault(unit.rpartition(":")[0], []).append(int(unit.rpartition(":")[2]))
    wanted = Q(pk__in=())
    for layer, listed in channels.items():
        wanted |= Q(neuron__layer__key=layer, neuron__channel__in=listed)
    return Job.objects.filter(wanted, checkpoint=of)


def _wiring(job: JobFacts, of: Checkpoint, newest: Newest) -> Wiring:
    numbers = _numbers(job)
    shown = job.finding.shown if job.finding else ()
    kernels = {(it.facts["direction"], it.facts["rank"]): it for it in shown if it.role == "kernel"}
    sides = []
    for direction in SIDES:
        if direction in numbers:
            edges = numbers[direction]["edges"]
            strands = [
                Strand(edge, kernels[direction, rank], *(_tile(edge[end], of, newest) for end in ("source", "target")))
                for rank, edge in enumerate(edges)
            ]
            sides.append(_side(direction, numbers[direction], strands))
    return Wiring(numbers["kind"], numbers["scale"], numbers["cancels"], tuple(sides), numbers.get("n", 0))


def _side(direction: str, said: Mapping[str, Any], strands: Sequence[Strand]) -> Side:
    groups = []
    for sign, shown, polarity in (("+", "+", "positive"), ("-", "−", "negative"), ("mixed", "±", "mixed")):
        chosen = tuple(strand for strand in strands if strand.numbers["sign"] == sign)
        if chosen:
            groups.append(Group(TITLES[direction, sign], shown, polarity, chosen))
    return Side(
        SIDES[direction], tuple(said["layers"]), tuple(said["left_out"]), said["of"], len(strands), tuple(groups)
    )


def _tile(unit: str | None, of: Checkpoint, newest: Newest) -> Tile | None:
    if unit is None:
        return None
    key, _, channel = unit.rpartition(":")
    return tile_of(of, key, int(channel), newest)
