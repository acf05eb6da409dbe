"""What was recorded of neurons over datasets: statistics, and the items that show what a neuron does, with crops."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet

from atlas.dossiers.pictures import ArtifactFacts
from atlas.dossiers.pictures import facts_of as artifact_facts
from atlas.models import Contributor, Dataset, DatasetItem, Job, UnitStatistics
from atlas.services import recordings
from atlas.services.addresses import Place


@dataclass(frozen=True, slots=True)
class ExampleFacts:
    """An item that shows what a neuron does, by quantile of the items' maxima or by rank from the strongest.

    `box` is what the position sees, left, top, width and height in pixels of the network's input; `part` the same of
    the item's own picture, as parts of 1.
    """

    quantile: float | None
    rank: int | None
    value: float
    item: str  # digest
    name: str
    label: str  # "" where it has none
    position: list[int]  # y, x
    box: list[int]
    part: list[float]
    picture: ArtifactFacts | None

    @property
    def alt(self) -> str:
        """What is seen of it, in words."""
        left, top, width, height = self.box
        shown = f"{self.label}, {self.name}" if self.label else self.name
        return f"{shown}: {width} × {height} px at {left}, {top} of what the network is shown"


@dataclass(frozen=True, slots=True)
class HistogramFacts:
    """Counts in equal bins from low to high, and what lies outside."""

    low: float
    high: float
    below: int
    counts: list[int]
    above: int


@dataclass(frozen=True, slots=True)
class StatisticsFacts:
    """What a neuron answers to a dataset, and the job that found it."""

    unit: str  # "mixed4b:12"
    site: str
    dataset: str  # digest
    title: str  # of the dataset
    items: int
    rectified: bool  # whether a ReLU follows, behind which a positive maximum is the same
    maximum: float
    maximum_mean: float
    maximum_std: float
    percentiles: list[float]
    positions: int
    mean: float
    variance: float
    skewness: float | None
    kurtosis: float | None
    active: float
    histogram: HistogramFacts
    examples: tuple[ExampleFacts, ...]
    job: str  # fingerprint
    url: str

    @property
    def spectrum(self) -> tuple[ExampleFacts, ...]:
        """From what it answers least to what it answers most, by quantile; each item once."""
        seen: dict[str, ExampleFacts] = {}
        for one in self.examples:
            if one.quantile is not None:
                seen.setdefault(one.item, one)
        return tuple(seen.values())

    @property
    def strongest(self) -> tuple[ExampleFacts, ...]:
        """The items that it answers most, the strongest first."""
        return tuple(one for one in self.examples if one.rank is not None)


def of_neuron(place: Place, *, actor: Contributor | None, dataset: str | None = None) -> QuerySet[UnitStatistics]:
    """The newest of a neuron over each dataset that this person may read."""
    chosen = Q(dataset__digest=dataset) if dataset else Q()
    here = {"neuron__layer": place.layer, "neuron__channel": place.channel}
    return recordings.newest(actor=actor).filter(chosen, **here)


def of_job(job: Job, *, actor: Contributor | None) -> tuple[tuple[StatisticsFacts, ...], tuple[StatisticsFacts, ...]]:
    """What is usual for the neuron that a question is about, and what its answer recorded; nothing for more neurons."""
    if job.neuron is None:
        return (), ()
    if job.probe.name == recordings.PROBE:
        return (), facts(_numbers(recordings.readable_by(actor).filter(finding__job=job)))
    return facts(_numbers(recordings.newest(actor=actor).filter(neuron=job.neuron).order_by("-id"))), ()


def of_place(place: Place, *, actor: Contributor | None) -> tuple[StatisticsFacts, ...]:
    """What is usual for a neuron, over each dataset that this person may read, newest first."""
    return facts(_numbers(of_neuron(place, actor=actor).order_by("-id")))


def _numbers(rows: QuerySet[UnitStatistics]) -> QuerySet[UnitStatistics, int]:
    return rows.values_list("pk", flat=True)


def facts(numbers: Iterable[int]) -> tuple[StatisticsFacts, ...]:
    """Rows by number as lists show them, with the items' names and pictures: two queries, however many there are."""
    ids = list(numbers)
    if not ids:
        return ()
    full = UnitStatistics.objects.filter(pk__in=ids).select_related("neuron__layer", "dataset", "finding__job")
    by_id = {row.pk: row for row in full}
    found = [by_id[pk] for pk in ids]
    items = _items(found)
    return tuple(_facts(row, items) for row in found)


def _items(rows: Sequence[UnitStatistics]) -> Mapping[tuple[int, str], DatasetItem]:
    """The items that examples name, by dataset and digest."""
    wanted = Q(pk__in=())
    for row in rows:
        wanted |= Q(dataset=row.dataset_id, digest__in={one["item"] for one in row.examples})
    return {(it.dataset_id, it.digest): it for it in DatasetItem.objects.filter(wanted).select_related("artifact")}


def _facts(row: UnitStatistics, items: Mapping[tuple[int, str], DatasetItem]) -> StatisticsFacts:
    told = {name: getattr(row, name) for name in recordings.NAMES if name not in ("histogram", "examples")}
    return StatisticsFacts(
        unit=f"{row.neuron.layer.key}:{row.neuron.channel}",
        site=row.site,
        dataset=str(row.dataset.digest),
        title=row.dataset.title,
        histogram=HistogramFacts(**row.histogram),
        examples=tuple(_example(one, row.dataset, items.get((row.dataset_id, one["item"]))) for one in row.examples),
        job=row.finding.job.fingerprint,
        url=f"/j/{row.finding.job.fingerprint}",
        **told,
    )


def _example(one: Mapping[str, Any], dataset: Dataset, item: DatasetItem | None) -> ExampleFacts:
    return ExampleFacts(
        quantile=one.get("quantile"),
        rank=one.get("rank"),
        value=one["value"],
        item=one["item"],
        name=item.name if item else "",
        label=_label(dataset, one["label"]),
        position=one["position"],
        box=one["box"],
        part=one["part"],
        picture=artifact_facts(item.artifact) if item and item.artifact else None,
    )


def _label(dataset: Dataset, index: int | None) -> str:
    if index is None:
        return ""
    return str(dataset.labels[index]) if index < len(dataset.labels) else str(index)
