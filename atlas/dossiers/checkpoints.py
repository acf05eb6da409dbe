"""A checkpoint and its layers as a reader meets them: what it is, how far the atlas has come with it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, Sum

from atlas.dossiers.anatomies import AnatomyFacts, anatomy
from atlas.dossiers.bodies import OnThePage, Spread
from atlas.dossiers.coverage import CoverageFacts, coverage
from atlas.dossiers.families import FamilyFacts, families
from atlas.dossiers.jobs import FindingFacts, JobFacts, answers, facts_of, with_answer
from atlas.models import Checkpoint, Contributor, Job, Layer, LayerAlias
from atlas.permissions import readable
from atlas.services import addresses, tallies, workers

HOUR = 3_600.0  # s
CHOICES = 100  # checkpoints of a form
STRIP, MOST_TILES = 6, 90  # tiles of a layer on its checkpoint's page, and of all layers together
LARGE = ("graph", "response_check", "labels", "units", "card")  # columns that no list shows


@dataclass(frozen=True, slots=True)
class AliasFacts:
    """Another name for channels start … stop−1 of a layer."""

    name: str
    layer: str
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class LayerFacts:
    """A layer: its shape, what one of its neurons sees, and how many have been visualized."""

    checkpoint: str
    key: str
    url: str
    kind: str
    index: int
    channels: int
    stride: list[int] | None
    receptive_field: list[int] | None
    positions: list[int]
    sites: list[str]
    aliases: tuple[AliasFacts, ...]
    answered: int  # neurons with at least one finding

    @property
    def positions_shared(self) -> int:
        """Positions that share one neuron's weights at the native input."""
        height, width = self.positions
        return height * width


@dataclass(frozen=True, slots=True)
class RefusalFacts:
    """A living worker that does not reproduce the checkpoint's responses, and so does not serve it."""

    worker: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CheckpointFacts:
    """A checkpoint as lists show it, and as the API's list returns it."""

    slug: str
    url: str
    title: str
    summary: str
    architecture: str
    task: str
    status: str
    digest: str | None  # null while it is a draft, as is all that only its registration finds out
    layer_count: int
    neuron_count: int
    answered: int
    licence: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Tile:
    """A neuron on a wall: its picture when there is one, the state of its newest question when not."""

    channel: int
    url: str
    name: str
    finding: FindingFacts | None
    state: str  # of its newest feature visualization; "" when nobody has asked
    job: OnThePage[str] = ""  # the fingerprint of that question


@dataclass(frozen=True, slots=True)
class Strip:
    """A layer with its first neurons."""

    layer: LayerFacts
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class CheckpointDossier:
    """Everything the checkpoint page shows: the card, the identity, the layers, who cannot serve it."""

    checkpoint: Spread[CheckpointFacts]
    weights_sha256: str | None
    graph_sha256: str | None
    input_spec: dict[str, Any] | None
    labels: list[str]
    figures: list[dict[str, Any]]
    parameters: int | None
    flops: int | None
    source: str
    paper: str
    team: str | None  # null: the atlas itself
    visibility: str
    version_tag: str
    registration: JobFacts | None  # of a draft: the question whose answer publishes it
    layers: tuple[LayerFacts, ...]
    coverage: tuple[CoverageFacts, ...]  # of the layers, in their order
    families: tuple[FamilyFacts, ...]
    strips: OnThePage[tuple[Strip, ...]]
    anatomy: OnThePage[AnatomyFacts]
    refusals: tuple[RefusalFacts, ...]

    @property
    def open(self) -> bool:
        """Whether some picture of the page is on its way."""
        return any(tile.state in Job.OPEN for strip in self.strips for tile in strip.tiles)


def checkpoints(actor: Contributor | None) -> tuple[CheckpointFacts, ...]:
    """Every checkpoint this person may read, by slug."""
    rows = Checkpoint.objects.filter(readable(actor)).defer(*LARGE)
    return summarise(rows)


def choices(actor: Contributor | None) -> list[tuple[str, str]]:
    """The checkpoints of which somebody may choose one in a form, by title: digest, and what it is called there."""
    rows = Checkpoint.objects.filter(readable(actor), digest__isnull=False).order_by("title", "slug")
    return [
        (digest, f"{title} ({slug})") for digest, title, slug in rows.values_list("digest", "title", "slug")[:CHOICES]
    ]


def summarise(rows: Iterable[Checkpoint]) -> tuple[CheckpointFacts, ...]:
    """Lists of checkpoints with their counts, in three queries."""
    rows = list(rows)
    ids = [row.pk for row in rows]
    layers = dict(_counted(Layer.objects.filter(checkpoint__in=ids), "checkpoint"))
    # A layer has as many neurons as channels; counting a million rows would take longer than all else of a page.
    widths = Layer.objects.filter(checkpoint__in=ids).order_by().values_list("checkpoint")
    neurons = dict(widths.annotate(neurons=Sum("channels")))
    answered = dict(_counted(_answered().filter(checkpoint__in=ids), "checkpoint", "neuron"))
    return tuple(_summary(row, layers.get(row.pk, 0), neurons.get(row.pk, 0), answered.get(row.pk, 0)) for row in rows)


def summary_of(row: Checkpoint, every: Sequence[LayerFacts]) -> CheckpointFacts:
    """A checkpoint with its counts, of whose layers everything is known."""
    widths, answered = (one.channels for one in every), (one.answered for one in every)
    return _summary(row, len(every), sum(widths), sum(answered))


def checkpoint(slug: str, *, actor: Contributor | None) -> CheckpointDossier:
    """The dossier of one checkpoint; raises NoSuchCheckpoint."""
    row = addresses.checkpoint(slug, actor=actor)
    every = layers(row)
    return CheckpointDossier(
        checkpoint=summary_of(row, every),
        weights_sha256=row.weights_sha256,
        graph_sha256=row.graph_sha256,
        input_spec=row.input_spec,
        labels=row.labels,
        figures=row.figures,
        parameters=row.parameters,
        flops=row.flops,
        source=row.source,
        paper=row.paper,
        team=row.team.slug if row.team else None,
        visibility=row.visibility,
        version_tag=row.version_tag,
        registration=_registration(row),
        layers=every,
        coverage=coverage(row, every, actor=actor),
        families=families(row, actor=actor),
        strips=strips(row, every),
        anatomy=anatomy(row, every),
        refusals=tuple(RefusalFacts(str(report.worker), report.detail, report.at) for report in workers.refused(row)),
    )


def _registration(row: Checkpoint) -> JobFacts | None:
    if not row.question:
        return None
    return facts_of(with_answer(Job.objects.filter(fingerprint=row.question)).get())


def layers(of: Checkpoint) -> tuple[LayerFacts, ...]:
    """All layers of a checkpoint in depth order, with aliases and coverage, in three queries or in one."""
    answered = dict(_counted(_answered().filter(checkpoint=of), "neuron__layer__index", "neuron"))
    # Of one that is published nothing of its layers ever changes but how many of their neurons have been looked at.
    name = f"layers.{of.slug}.{of.digest}"
    known = tallies.remembered(name, lambda: _layers(of), seconds=HOUR) if of.digest else _layers(of)
    return tuple(replace(it, answered=answered[it.index]) if it.index in answered else it for it in known)


def _layers(of: Checkpoint) -> tuple[LayerFacts, ...]:
    named: dict[int, list[LayerAlias]] = {}
    for alias in LayerAlias.objects.filter(checkpoint=of):
        named.setdefault(alias.layer_id, []).append(alias)
    return tuple(_layer(of, row, named.get(row.pk, [])) for row in of.layers.order_by("index"))


def tiles(of: Checkpoint, layer: Layer, *, channels: Collection[int]) -> tuple[Tile, ...]:
    """These neurons of a layer with their newest feature visualization, in two queries."""
    newest = newest_pictures(Job.objects.filter(neuron__layer=layer, neuron__channel__in=channels))
    return tuple(tile_of(of, layer.key, channel, newest) for channel in channels)


def strips(of: Checkpoint, every: Sequence[LayerFacts]) -> tuple[Strip, ...]:
    """Every layer with its first neurons, fewer where there are many layers, in two queries."""
    most = min(STRIP, MOST_TILES // len(every)) if every else 0
    most = most if most > 1 else 0
    newest = newest_pictures(Job.objects.filter(neuron__layer__checkpoint=of, neuron__channel__lt=most))
    return tuple(
        Strip(layer, tuple(tile_of(of, layer.key, channel, newest) for channel in range(min(most, layer.channels))))
        for layer in every
    )


def newest_pictures(asked: Any) -> dict[tuple[str, int], Job]:
    """By layer and channel one feature visualization: with a picture, of what excites, in most steps, the newest."""
    newest: dict[tuple[str, int], Job] = {}
    for job in answers(asked.filter(probe__name="feature-visualization").order_by("id")):
        place = (job.neuron.layer.key, job.neuron.channel)
        if place not in newest or _shows(job) >= _shows(newest[place]):
            newest[place] = job
    return newest


def _shows(job: Job) -> tuple[bool, bool, int]:
    """Whether a visualization has a picture, whether it is of what excites, and in how many steps it was made."""
    return hasattr(job, "finding"), job.params.get("polarity") != "negative", job.params.get("steps", 0)


def name_of(named: list[Any], channel: int) -> str:
    """What a unit is by construction, where the card says so."""
    return str(named[channel]) if channel < len(named) else ""


def tile_of(of: Checkpoint, key: str, channel: int, newest: Mapping[tuple[str, int], Job]) -> Tile:
    """A neuron with its picture, out of the newest ones."""
    job = newest.get((key, channel))
    return Tile(
        channel=channel,
        url=f"/c/{of.slug}/{key}/{channel}",
        name=name_of(of.units.get(key, []), channel),
        finding=facts_of(job).finding if job else None,
        state=job.state if job else "",
        job=job.fingerprint if job else "",
    )


def _summary(row: Checkpoint, layer_count: int, neuron_count: int, answered: int) -> CheckpointFacts:
    return CheckpointFacts(
        slug=row.slug,
        url=f"/c/{row.slug}",
        title=row.title,
        summary=row.summary,
        architecture=row.architecture,
        task=row.task,
        status=row.status,
        digest=row.digest,
        layer_count=layer_count,
        neuron_count=neuron_count,
        answered=answered,
        licence=row.licence,
        created_at=row.created_at,
    )


def _layer(of: Checkpoint, row: Layer, named: list[LayerAlias]) -> LayerFacts:
    return LayerFacts(
        checkpoint=of.slug,
        key=row.key,
        url=f"/c/{of.slug}/{row.key}",
        kind=row.kind,
        index=row.index,
        channels=row.channels,
        stride=row.stride,
        receptive_field=row.receptive_field,
        positions=row.positions,
        sites=row.sites,
        aliases=tuple(AliasFacts(alias.name, row.key, alias.start, alias.stop) for alias in named),
        answered=0,
    )


def _answered() -> Any:
    return Job.objects.filter(state=Job.State.DONE, neuron__isnull=False)


def _counted(rows: Any, by: str, what: str = "pk") -> Any:
    return rows.order_by().values_list(by).annotate(count=Count(what, distinct=True, filter=Q()))
