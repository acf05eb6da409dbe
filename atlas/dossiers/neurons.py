"""One neuron's story: where it sits, what it is by construction, what has been asked and found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from atlas.dossiers import recordings
from atlas.dossiers.achievements import AchievedFacts, achieved
from atlas.dossiers.bodies import OnThePage, Spread
from atlas.dossiers.checkpoints import CheckpointFacts, LayerFacts, RefusalFacts, layers, name_of, summary_of
from atlas.dossiers.jobs import JobFacts, answers, cancellable, facts_of
from atlas.dossiers.recordings import StatisticsFacts
from atlas.models import Checkpoint, Contributor, Job, ProbeKind
from atlas.permissions import permits, readable_jobs
from atlas.services import addresses, estimates, ledger, watches, workers

THOUSAND = 1_000  # pictures
# The story of a neuron: what was asked of it in the order in which it is told, and what each part of it is called.
RECORDED = "activations"
STORY = {
    "feature-visualization": "Pictures made for it",
    RECORDED: "Examples",
    "tuning": "Tuning",
    "connections": "What excites it, what it feeds",
    "intervention": "Interventions",
    "similarity": "Who is like it",
}


@dataclass(frozen=True, slots=True)
class ProbeFacts:
    """A probe as its worker published it; the form is built from its schema."""

    name: str
    version: int
    summary: str
    description: str
    schema: dict[str, Any]
    subjects: list[str]
    site: str
    example: dict[str, Any]
    seconds: float
    measured: OnThePage[bool] = False  # the seconds are those of the last answers here
    thousand: OnThePage[float | None] = None  # seconds for so many pictures of a dataset


@dataclass(frozen=True, slots=True)
class NeuronFacts:
    """A neuron: its coordinates and its address, as the API returns it."""

    checkpoint: str
    layer: str
    channel: int
    unit: str  # "mixed4c:447"
    url: str
    name: str  # what it is by construction, where the card says so
    aliases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of a neuron's story: answers to the questions of one probe, or what was recorded."""

    probe: str
    title: str
    jobs: tuple[JobFacts, ...]

    @property
    def anchor(self) -> str:
        """Where it begins on the page."""
        return self.jobs[0].fingerprint[:12] if self.jobs else "recorded"


@dataclass(frozen=True, slots=True)
class NeuronDossier:
    """Everything the neuron page shows, read in a fixed number of queries."""

    neuron: Spread[NeuronFacts]
    checkpoint: CheckpointFacts
    layer: LayerFacts
    layers: OnThePage[tuple[str, ...]]  # keys, from input to output
    input_size: OnThePage[list[int]]  # height and width of the input in px
    before: str | None  # address of the neuron before this one; of the first, the last of the layer before
    after: str | None
    jobs: tuple[JobFacts, ...]  # newest first
    recorded: tuple[StatisticsFacts, ...]  # over each dataset, newest first
    achieved: tuple[AchievedFacts, ...]  # what pictures of it reach, against a dataset
    probes: OnThePage[tuple[ProbeFacts, ...]]  # that take a single unit
    refusals: tuple[RefusalFacts, ...]
    workers: OnThePage[int]
    cancellable: OnThePage[frozenset[str]]  # fingerprints of what this reader may withdraw
    may_compute: OnThePage[bool]
    may_requeue: OnThePage[bool]
    may_watch: OnThePage[bool]
    watching: OnThePage[bool]  # what is newly claimed about it

    @property
    def answered(self) -> tuple[JobFacts, ...]:
        """Questions with a finding, but for recordings, which stand by dataset."""
        told = {one.job for one in self.recorded}
        return tuple(job for job in self.jobs if job.finding and job.fingerprint not in told)

    @property
    def chapters(self) -> tuple[Chapter, ...]:
        """What was found, in the order in which a story tells it."""
        by_probe: dict[str, list[JobFacts]] = {probe: [] for probe in STORY}
        for job in self.answered:
            by_probe.setdefault(job.probe, []).append(job)
        told = [
            Chapter(probe, STORY.get(probe, probe.replace("-", " ").capitalize()), tuple(jobs))
            for probe, jobs in by_probe.items()
            if jobs
        ]
        if self.recorded:
            told.insert(sum(it.probe == "feature-visualization" for it in told), Chapter("", STORY[RECORDED], ()))
        return tuple(told)

    @property
    def open(self) -> tuple[JobFacts, ...]:
        """Questions on their way."""
        return tuple(job for job in self.jobs if not job.ended)

    @property
    def unanswered(self) -> tuple[JobFacts, ...]:
        """Questions that ended without a finding."""
        return tuple(job for job in self.jobs if job.ended and not job.finding)


def neuron(slug: str, key: str, channel: str, *, actor: Contributor | None) -> NeuronDossier:
    """The dossier of one neuron; raises NoSuchCheckpoint, NoSuchLayer or NoSuchNeuron."""
    row = addresses.checkpoint(slug, actor=actor)
    place = addresses.neuron(row, key, channel)
    assert place.channel is not None
    every = layers(row)
    layer = every[place.layer.index]
    recorded = recordings.of_place(place, actor=actor)
    asked = Job.objects.filter(readable_jobs(actor), **_named(place)).order_by("-id")
    jobs = tuple(facts_of(job) for job in answers(asked))
    may_compute = permits(actor, "job.request", row)
    usual = ledger.usuals(row) if may_compute else {}
    return NeuronDossier(
        neuron=facts(layer, place.channel, named=row.units.get(layer.key, [])),
        checkpoint=summary_of(row, every),
        layer=layer,
        layers=tuple(one.key for one in every),
        input_size=row.input_spec["size"],
        before=_beside(every, layer, place.channel - 1),
        after=_beside(every, layer, place.channel + 1),
        jobs=jobs,
        recorded=recorded,
        achieved=achieved({it.fingerprint: it.finding.numbers for it in jobs if it.finding}, recorded),
        probes=tuple(_costed(probe, row, usual) for probe in probes() if "unit" in probe.subjects),
        refusals=tuple(RefusalFacts(str(it.worker), it.detail, it.at) for it in workers.refused(row)),
        workers=workers.count(),
        cancellable=cancellable(asked, of=row, actor=actor) if any(not it.ended for it in jobs) else frozenset(),
        may_compute=may_compute,
        may_requeue=permits(actor, "job.requeue", None),
        may_watch=permits(actor, "watch.set", None),
        watching=actor is not None and watches.find(actor=actor, **_named(place)) is not None,
    )


def _beside(every: Sequence[LayerFacts], layer: LayerFacts, channel: int) -> str | None:
    """The address of a channel that may lie one beyond a layer's ends, and so in the layer beside it."""
    if 0 <= channel < layer.channels:
        return f"{layer.url}/{channel}"
    at = layer.index + (1 if channel > 0 else -1)
    if not 0 <= at < len(every):
        return None
    return f"{every[at].url}/{0 if channel > 0 else every[at].channels - 1}"


def _costed(probe: ProbeFacts, row: Checkpoint, usual: Mapping[tuple[str, int], float]) -> ProbeFacts:
    """The probe with what it costs here: by its parameters where it says how, else as the last answers did."""

    def of(pictures: int | None) -> float:
        return estimates.seconds(probe.schema, {}, usual=probe.seconds, flops=row.flops, pictures=pictures)

    if estimates.PASSES in probe.schema and row.flops:
        return replace(probe, seconds=of(None), thousand=of(THOUSAND))
    lately = usual.get((probe.name, probe.version))
    return probe if lately is None else replace(probe, seconds=lately, measured=True)


def _named(place: addresses.Place) -> dict[str, Any]:
    """A neuron as rows that refer to one name it, without asking for its row."""
    return {"neuron__layer": place.layer, "neuron__channel": place.channel}


def facts(layer: LayerFacts, channel: int, *, named: list[Any]) -> NeuronFacts:
    """A neuron's facts from its layer's; `named` is what the card says of the layer's units."""
    return NeuronFacts(
        checkpoint=layer.checkpoint,
        layer=layer.key,
        channel=channel,
        unit=f"{layer.key}:{channel}",
        url=f"{layer.url}/{channel}",
        name=name_of(named, channel),
        aliases=tuple(
            f"{alias.name}:{channel - alias.start}" for alias in layer.aliases if alias.start <= channel < alias.stop
        ),
    )


def probes() -> tuple[ProbeFacts, ...]:
    """The newest version of every published probe, by name."""
    newest: dict[str, ProbeKind] = {}
    for kind in ProbeKind.objects.order_by("name", "version"):
        newest[kind.name] = kind
    return tuple(probe_facts(kind) for kind in newest.values())


def probe_facts(kind: ProbeKind) -> ProbeFacts:
    """A published probe's facts."""
    return ProbeFacts(
        name=kind.name,
        version=kind.version,
        summary=kind.summary,
        description=kind.description,
        schema=kind.schema,
        subjects=kind.subjects,
        site=kind.site,
        example=kind.example,
        seconds=kind.seconds,
    )
