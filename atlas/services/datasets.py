"""Registering what checkpoints are shown: a dataset is the set of its items' digests."""

from dataclasses import dataclass

from django.db import transaction

from atlas import canonical
from atlas.errors import NoSuchDataset, RegisteredDifferently
from atlas.models import Artifact, Contributor, Dataset, DatasetItem, Spectrum, Team, Visibility
from atlas.permissions import readable_dataset
from atlas.services import changes


@dataclass(frozen=True)
class Item:
    """One image or stimulus: the digest of its content, a name to show, and its class when it has one."""

    digest: str
    name: str
    label: int | None = None
    artifact: Artifact | None = None


def digest_of(items: list[Item]) -> str:
    """SHA-256 over the sorted item digests: order and names do not matter, a changed pixel does."""
    return canonical.sha256(sorted({item.digest for item in items}))


def find(slug: str) -> Dataset:
    """The dataset of this slug; raises NoSuchDataset naming those there are."""
    found = Dataset.objects.filter(slug=slug).first()
    if found is None:
        raise NoSuchDataset(dataset=slug[:80], datasets=", ".join(Dataset.objects.values_list("slug", flat=True)))
    return found


def readable_by(actor: Contributor | None, digest: str) -> Dataset:
    """The dataset of this digest, if this person may read it; raises NoSuchDataset."""
    readable = Dataset.objects.filter(readable_dataset(actor))
    found = readable.filter(digest=digest).first()
    if found is None:
        raise NoSuchDataset(dataset=digest[:80], datasets=", ".join(readable.values_list("slug", flat=True)[:20]))
    return found


def item(digest: str, *, actor: Contributor | None) -> DatasetItem | None:
    """An item of this digest, of a dataset that this person may read."""
    rows = DatasetItem.objects.filter(readable_dataset(actor, "dataset__"), digest=digest, artifact__isnull=False)
    return rows.select_related("artifact").first()


@transaction.atomic
def keep_spectrum(*, actor: Contributor | None, dataset: Dataset, spectrum: Artifact) -> None:
    """Say with what magnitudes pictures like those of a dataset are made."""
    Spectrum.objects.get_or_create(dataset=dataset, artifact=spectrum)
    changes.record(actor, "dataset.measure", dataset.slug, spectrum=spectrum.sha256)


@transaction.atomic
def register(
    *,
    actor: Contributor | None,
    slug: str,
    items: list[Item],
    kind: str,
    title: str,
    licence: str,
    labels: list[str],
    team: Team | None = None,
    visibility: str = Visibility.PUBLIC,
) -> Dataset:
    """Publish a dataset under its slug; the same content under the same slug again changes nothing."""
    digest = digest_of(items)
    known = Dataset.objects.filter(slug=slug).first()
    if known and known.digest != digest:
        raise RegisteredDifferently(slug=slug, digest=known.digest)
    if known:
        return known
    distinct = {item.digest: item for item in items}
    dataset = Dataset.objects.create(
        slug=slug, digest=digest, kind=kind, title=title, licence=licence, labels=labels, size=len(distinct),
        team=team, visibility=visibility,
    )  # fmt: skip
    DatasetItem.objects.bulk_create(DatasetItem(dataset=dataset, **vars(item)) for item in distinct.values())
    changes.record(actor, "dataset.register", slug, digest=digest)
    return dataset
