"""Datasets as they are read: what each is, its pictures with their labels, and which checkpoints have figures on it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from atlas.archives import Refused
from atlas.dossiers.bodies import OnThePage, Spread
from atlas.dossiers.pictures import ArtifactFacts
from atlas.dossiers.pictures import facts_of as artifact_facts
from atlas.errors import BadParameter
from atlas.models import Checkpoint, Contributor, Dataset, DatasetItem
from atlas.permissions import readable, readable_dataset
from atlas.services import datasets
from atlas.services.gathering import Gathered

GRID = 60  # pictures of a page
CHOICES = 500  # datasets of a form


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A dataset as lists show it."""

    slug: str
    digest: str  # over the sorted digests of its items
    url: str
    title: str
    kind: str  # images, or stimuli
    size: int  # items
    label_count: int
    licence: str
    team: str | None  # null: the atlas itself
    visibility: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """A picture: the digest of its pixels, what it is called, its label by index and in words, and its bytes."""

    digest: str
    name: str
    label: int | None
    words: str | None
    artifact: ArtifactFacts | None  # null where only the digest is kept


@dataclass(frozen=True, slots=True)
class FigureFacts:
    """How well a checkpoint does on the whole of it, as its card says."""

    checkpoint: str
    url: str
    title: OnThePage[str]
    metric: str
    n: int
    value: float


@dataclass(frozen=True, slots=True)
class DatasetDossier:
    """Everything that is known of a dataset besides its items."""

    dataset: Spread[DatasetFacts]
    labels: list[str]  # by index
    unlabelled: int  # items without a label
    spectra: tuple[ArtifactFacts, ...]  # mean magnitudes, as they were measured
    figures: tuple[FigureFacts, ...]


@dataclass(frozen=True, slots=True)
class GridDossier:
    """A page of a dataset's pictures: all of them, or those of one label."""

    dataset: Spread[DatasetDossier]
    items: tuple[ItemFacts, ...]
    label: int | None
    words: str | None
    of: int  # pictures of which these are some
    start: int
    following: int | None
    before: int | None

    @property
    def last(self) -> int:
        """The last picture of this page, counted from 1."""
        return self.start + len(self.items)


@dataclass(frozen=True, slots=True)
class RefusedFacts:
    """A file that was not taken, and why."""

    name: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class AddedDossier:
    """A dataset as it was registered, and what of the upload is not in it."""

    dataset: Spread[DatasetDossier]
    refused: tuple[RefusedFacts, ...]


def readable_by(actor: Contributor | None) -> QuerySet[Dataset]:
    """The datasets that this person may read."""
    return Dataset.objects.filter(readable_dataset(actor)).select_related("team")


def facts_of(row: Dataset) -> DatasetFacts:
    """A row as lists show it."""
    return DatasetFacts(
        slug=row.slug,
        digest=row.digest,
        url=f"/d/{row.digest}",
        title=row.title,
        kind=row.kind,
        size=row.size,
        label_count=len(row.labels),
        licence=row.licence,
        team=row.team.slug if row.team else None,
        visibility=row.visibility,
        created_at=row.created_at,
    )


def dataset(digest: str, *, actor: Contributor | None) -> DatasetDossier:
    """The dossier of one dataset; raises NoSuchDataset."""
    return dossier_of(datasets.readable_by(actor, digest), actor=actor)


def dossier_of(row: Dataset, *, actor: Contributor | None) -> DatasetDossier:
    """The same of a row that this person may read."""
    spectra = row.spectra.select_related("artifact")
    return DatasetDossier(
        dataset=facts_of(row),
        labels=row.labels,
        unlabelled=row.items.filter(label=None).count(),
        spectra=tuple(artifact_facts(it.artifact) for it in spectra),
        figures=_figures(row, actor),
    )


def summarise(rows: Iterable[Dataset]) -> list[DatasetFacts]:
    """Rows as lists show them."""
    return [facts_of(row) for row in rows]


def choices(actor: Contributor | None) -> list[tuple[str, str]]:
    """The datasets of which somebody may choose one in a form, by title: digest, and what it is called there."""
    rows = readable_by(actor).order_by("title", "slug").values_list("digest", "title", "size")
    return [(digest, f"{title} ({size:,} picture{'' if size == 1 else 's'})") for digest, title, size in rows[:CHOICES]]


def shown(row: Dataset, *, actor: Contributor | None, start: int, label: int | None) -> GridDossier:
    """A page of its pictures, in the order of their digests; raises BadParameter where it would be empty."""
    rows = items_of(row).order_by("digest")
    rows = rows if label is None else rows.filter(label=label)
    of = rows.count()
    if start and start >= of:
        raise BadParameter(parameter="start", reason=f"must be less than {of}, as many as there are")
    return GridDossier(
        dataset=dossier_of(row, actor=actor),
        items=tuple(item_facts(rows[start : start + GRID], of=row)),
        label=label,
        words=_words(label, row.labels),
        of=of,
        start=start,
        following=start + GRID if start + GRID < of else None,
        before=max(0, start - GRID) if start else None,
    )


def added(row: Dataset, gathered: Gathered, *, actor: Contributor | None) -> AddedDossier:
    """What has become of an upload."""
    return AddedDossier(dossier_of(row, actor=actor), refused_facts(gathered.refused))


def refused_facts(refused: Iterable[Refused]) -> tuple[RefusedFacts, ...]:
    """Files that were not taken, as they are told."""
    return tuple(RefusedFacts(it.name, it.code, it.detail) for it in refused)


def items_of(row: Dataset) -> QuerySet[DatasetItem]:
    """The items of a dataset with all that `item_facts` reads."""
    return row.items.select_related("artifact")


def item_facts(rows: Iterable[DatasetItem], *, of: Dataset) -> list[ItemFacts]:
    """Items as lists show them."""
    return [
        ItemFacts(
            digest=it.digest,
            name=it.name,
            label=it.label,
            words=_words(it.label, of.labels),
            artifact=artifact_facts(it.artifact) if it.artifact else None,
        )
        for it in rows
    ]


def _words(label: int | None, labels: list[str]) -> str | None:
    return labels[label] if label is not None and label < len(labels) else None


def _figures(row: Dataset, actor: Contributor | None) -> tuple[FigureFacts, ...]:
    """Cards are read one by one: both engines keep them as JSON, and only one could look into it."""
    rows = Checkpoint.objects.filter(readable(actor)).order_by("slug").values_list("slug", "title", "figures")
    return tuple(
        FigureFacts(slug, f"/c/{slug}", title, **_said(figure))
        for slug, title, figures in rows
        for figure in figures
        if figure["dataset"] == row.digest
    )


def _said(figure: dict[str, Any]) -> dict[str, Any]:
    return {name: figure[name] for name in ("metric", "n", "value")}
