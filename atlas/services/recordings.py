"""What findings recorded of neurons over a dataset: written with them, found again by who may read the dataset."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from atlas.models import Checkpoint, Contributor, Finding, FindingArtifact, Neuron, UnitStatistics
from atlas.permissions import readable_dataset
from atlas.services.questions import EVERYTHING

PROBE = "activations"
TOGETHER = 500  # rows a statement
NAMES = tuple(
    field.name
    for field in UnitStatistics._meta.concrete_fields
    if field.name not in ("id", "finding", "neuron", "dataset", "site")
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a worker recorded of a unit; `numbers` has a member for each column."""

    unit: str  # "mixed4b:447"
    site: str
    numbers: dict[str, Any]


def writing(recorded: Iterable[Recorded]) -> Callable[[Finding], None]:
    """What writes what a finding recorded, in the transaction that accepts it; nothing where no dataset is named."""
    return lambda finding: _write(finding, recorded)


def _write(finding: Finding, recorded: Iterable[Recorded]) -> None:
    dataset = finding.job.dataset_id
    if dataset is None:
        return
    neurons = _neurons(finding)
    rows = (
        UnitStatistics(
            finding=finding,
            neuron_id=neurons[one.unit],
            dataset_id=dataset,
            site=one.site,
            **{name: one.numbers[name] for name in NAMES},
        )
        for one in recorded
    )
    while some := list(islice(rows, TOGETHER)):
        UnitStatistics.objects.bulk_create(some)


def _neurons(finding: Finding) -> dict[str, int]:
    """The neurons that a finding is about by unit, in one query."""
    one = finding.job.neuron_id
    rows = Neuron.objects.filter(pk=one) if one else Neuron.objects.filter(layer__checkpoint=finding.job.checkpoint)
    return {f"{key}:{channel}": pk for key, channel, pk in rows.values_list("layer__key", "channel", "pk")}


def readable_by(actor: Contributor | None) -> QuerySet[UnitStatistics]:
    """What was recorded over datasets that this person may read."""
    return UnitStatistics.objects.filter(readable_dataset(actor, "dataset__"))


def of_everything(checkpoint: Checkpoint, *, actor: Contributor | None) -> QuerySet[FindingArtifact]:
    """The statistics of every neuron, by the datasets that this person may read, newest first."""
    rows = FindingArtifact.objects.filter(
        readable_dataset(actor, "finding__job__dataset__"),
        role="statistics",
        finding__job__checkpoint=checkpoint,
        finding__job__probe__name=PROBE,
        finding__job__subject_text=EVERYTHING,
    )
    return rows.select_related("artifact", "finding__job__dataset").order_by("-id")


def newest(*, actor: Contributor | None) -> QuerySet[UnitStatistics]:
    """The same, of every neuron, dataset and site only the newest."""
    same = {name: OuterRef(name) for name in ("neuron", "dataset", "site")}
    newer = UnitStatistics.objects.filter(**same, id__gt=OuterRef("id"))
    return readable_by(actor).filter(~Exists(newer))
