"""Two neurons beside each other: what makes each fire, what both listen to, and how alike they were measured to be."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from atlas.dossiers import connections
from atlas.dossiers.bodies import OnThePage
from atlas.dossiers.connections import ConnectionFacts
from atlas.dossiers.footholds import FootholdFacts, of_neuron
from atlas.dossiers.jobs import JobFacts, Row
from atlas.dossiers.neurons import NeuronDossier, NeuronFacts, neuron
from atlas.dossiers.recordings import StatisticsFacts
from atlas.models import Checkpoint, Contributor
from atlas.services import addresses

OTHER_END = {"upstream": "source", "downstream": "target"}
MOST_CONNECTIONS = 500  # of a neuron in one direction
ALIKE = ("family", "site", "reading")  # members of a tuning's numbers without which curves are of different things


@dataclass(frozen=True, slots=True)
class SharedFacts:
    """An end that both have a measured connection with, or one of them alone; shares are of all it listens to."""

    unit: str
    kind: str
    a: ConnectionFacts | None
    b: ConnectionFacts | None

    @property
    def weight(self) -> float:
        """Of both together, for the order."""
        return sum(one.share for one in (self.a, self.b) if one)


@dataclass(frozen=True, slots=True)
class SimilarityFacts:
    """A number that says how alike they are, out of a finding about one that lists the other."""

    about: str  # the unit that was asked about
    by: str
    measure: str
    value: float
    n: int
    url: str


@dataclass(frozen=True, slots=True)
class TuningFacts:
    """Both answers to the same stimuli."""

    axis: dict[str, Any]
    family: str
    a: list[float]
    b: list[float]
    same: bool  # whether all else about the stimuli is the same, their size for example
    urls: list[str]


@dataclass(frozen=True, slots=True)
class Half:
    """One of them, as a page shows it."""

    it: NeuronDossier
    claims: tuple[FootholdFacts, ...]

    @property
    def pictures(self) -> tuple[JobFacts, Row] | None:
        """The newest pictures that excite it, and the question they answer."""
        rows = [
            (job, row)
            for job in self.it.answered
            if job.finding and job.probe == "feature-visualization"
            for row in job.finding.gallery
            if row.polarity != "negative"
        ]
        return rows[0] if rows else None

    @property
    def recorded(self) -> Mapping[str, StatisticsFacts]:
        """What it answers, by dataset."""
        return {one.dataset: one for one in self.it.recorded}


@dataclass(frozen=True, slots=True)
class ComparisonDossier:
    """Everything the page of two neurons shows."""

    a: NeuronFacts
    b: NeuronFacts
    inputs: tuple[SharedFacts, ...]
    outputs: tuple[SharedFacts, ...]
    similarities: tuple[SimilarityFacts, ...]
    tunings: tuple[TuningFacts, ...]
    one_scale: OnThePage[bool]  # both are of one layer, so that their activations can be held against each other
    halves: OnThePage[tuple[Half, Half]]

    @property
    def examples(self) -> list[tuple[StatisticsFacts, StatisticsFacts]]:
        """What both answer to the same datasets."""
        one, other = (half.recorded for half in self.halves)
        return [(told, other[dataset]) for dataset, told in one.items() if dataset in other]


def comparison(a: tuple[str, str, str], b: tuple[str, str, str], *, actor: Contributor | None) -> ComparisonDossier:
    """Two neurons by slug, layer and channel; raises NoSuchCheckpoint, NoSuchLayer or NoSuchNeuron."""
    one, other = _half(a, actor), _half(b, actor)
    rows = [addresses.checkpoint(half.it.neuron.checkpoint, actor=actor) for half in (one, other)]
    together = one.it.neuron.checkpoint == other.it.neuron.checkpoint
    ends = [_connections(row, half.it.neuron, actor) for row, half in zip(rows, (one, other), strict=True)]
    return ComparisonDossier(
        a=one.it.neuron,
        b=other.it.neuron,
        inputs=_shared(*(end["upstream"] for end in ends)) if together else (),
        outputs=_shared(*(end["downstream"] for end in ends)) if together else (),
        similarities=(*_similar(one.it, other.it, rows[1]), *_similar(other.it, one.it, rows[0])),
        tunings=tuple(_tuned(one.it.answered, other.it.answered)),
        one_scale=one.it.layer.url == other.it.layer.url,
        halves=(one, other),
    )


def _half(place: tuple[str, str, str], actor: Contributor | None) -> Half:
    found = neuron(*place, actor=actor)
    at = found.neuron
    return Half(found, tuple(of_neuron(at.checkpoint, at.layer, at.channel, actor=actor)))


def _connections(
    row: Checkpoint, at: NeuronFacts, actor: Contributor | None
) -> dict[str, dict[tuple[str, str], ConnectionFacts]]:
    """By direction its measured connections, by kind and the unit at the other end."""
    place = addresses.neuron(row, at.layer, str(at.channel))
    found = {}
    for direction, end in OTHER_END.items():
        rows = connections.of_neuron(place, actor=actor, direction=direction).order_by("-share", "id")
        listed = connections.facts(connections.with_ends(rows)[:MOST_CONNECTIONS])
        found[direction] = {(one.kind, getattr(one, end)): one for one in listed}
    return found


def _shared(
    a: Mapping[tuple[str, str], ConnectionFacts], b: Mapping[tuple[str, str], ConnectionFacts]
) -> tuple[SharedFacts, ...]:
    """The ends of both, what they share first; each kind of weight apart, and only kinds measured of both."""
    kinds = {kind for kind, _ in a} & {kind for kind, _ in b}
    ends = [SharedFacts(unit, kind, a.get((kind, unit)), b.get((kind, unit))) for kind, unit in {**a, **b}]
    ends = [one for one in ends if one.kind in kinds]
    return tuple(sorted(ends, key=lambda it: (it.a is None or it.b is None, -it.weight, it.unit, it.kind)))


def _similar(of: NeuronDossier, to: NeuronDossier, where: Checkpoint) -> Iterator[SimilarityFacts]:
    for job in of.answered:
        numbers = job.finding.numbers if job.finding and job.probe == "similarity" else {}
        if numbers.get("checkpoint") != where.digest:
            continue
        for one in numbers["counterparts"]:
            if one["unit"] == to.neuron.unit:
                value = one["value"]
                yield SimilarityFacts(of.neuron.unit, numbers["by"], numbers["measure"], value, numbers["n"], job.url)


def _tuned(a: Iterable[JobFacts], b: Iterable[JobFacts]) -> Iterator[TuningFacts]:
    """Curves over one quantity to stimuli that both were shown in the same way; the newest of each."""
    others = {key: job for job in reversed(list(b)) if (key := _stimuli(job))}
    seen = set()
    for job in a:
        key = _stimuli(job)
        if key in others and key not in seen:
            seen.add(key)
            numbers, other = _numbers(job), _numbers(others[key])
            yield TuningFacts(
                numbers["axes"][0],
                numbers["family"],
                numbers["responses"],
                other["responses"],
                numbers["fixed"] == other["fixed"],
                [job.url, others[key].url],
            )


def _numbers(job: JobFacts) -> dict[str, Any]:
    return job.finding.numbers if job.finding else {}


def _stimuli(job: JobFacts) -> str:
    """What makes two curves comparable: family, reading, quantity and its values; empty for what is no such curve."""
    numbers = _numbers(job)
    if job.probe != "tuning" or len(numbers.get("axes", ())) != 1:
        return ""
    axis = numbers["axes"][0]
    return repr([*(numbers[name] for name in ALIKE), axis["name"], axis["unit"], axis["values"]])
