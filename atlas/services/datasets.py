"""Registering what checkpoints are shown: a dataset is the set of its items' digests."""

import re
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from atlas import canonical
from atlas.errors import NoSuchDataset, RegisteredDifferently, RegisteredElsewhere, Validation
from atlas.models import Artifact, Contributor, Dataset, DatasetItem, Spectrum, Team, Visibility
from atlas.models.checkpoints import SLUG
from atlas.permissions import readable_dataset
from atlas.services import changes

RESERVED = ("new",)


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


def register(*, actor: Contributor | None, slug: str, items: list[Item], **said: Any) -> Dataset:
    """Publish a dataset under its slug; the same content under the same slug again changes nothing."""
    return register_or_find(actor=actor, slug=slug, items=items, **said)[0]


@transaction.atomic
def register_or_find(
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
) -> tuple[Dataset, bool]:
    """The same: (row, whether it is new). Raises RegisteredDifferently, RegisteredElsewhere, and Validation for a slug.

    A slug whose dataset this person may not know of is in use, and no more is said of it.
    """
    if not re.match(SLUG, slug) or slug in RESERVED:
        raise _not_free(slug, "Must have 2 to 40 lower-case letters, digits and dashes, and is not new.")
    digest = digest_of(items)
    known = _known(slug, digest, actor=actor)
    if known is not None:
        _require_same(known, digest, items, labels)
        return known, False
    distinct = {item.digest: item for item in items}
    try:
        with transaction.atomic():
            dataset = Dataset.objects.create(
                slug=slug, digest=digest, kind=kind, title=title, licence=licence, labels=labels, size=len(distinct),
                team=team, visibility=visibility,
            )  # fmt: skip
    except IntegrityError:  # of two that register at once the database says who was first
        raise _not_free(slug, "Is being registered right now; ask again.") from None
    DatasetItem.objects.bulk_create(DatasetItem(dataset=dataset, **vars(item)) for item in distinct.values())
    changes.record(actor, "dataset.register", slug, digest=digest)
    return dataset, True


def _known(slug: str, digest: str, *, actor: Contributor | None) -> Dataset | None:
    """The dataset of this slug; raises RegisteredElsewhere for these pictures under another one."""
    readable = Q() if actor is None else readable_dataset(actor)
    known = Dataset.objects.filter(slug=slug).first()
    if known is not None:
        if not Dataset.objects.filter(readable, pk=known.pk).exists():
            raise _not_free(slug, "Is in use, and a slug is never reused.")
        return known
    elsewhere = Dataset.objects.filter(digest=digest).first()
    if elsewhere is not None:
        named = Dataset.objects.filter(readable, pk=elsewhere.pk).exists()
        raise RegisteredElsewhere(slug=elsewhere.slug if named else "one that only its own team may read")
    return None


def _require_same(known: Dataset, digest: str, items: list[Item], labels: list[str]) -> None:
    """What is registered says the same of the same pictures: labels, as pixels, never change."""
    said = dict(known.items.values_list("digest", "label"))
    if known.digest != digest or known.labels != labels or said != {item.digest: item.label for item in items}:
        raise RegisteredDifferently(slug=known.slug, digest=known.digest)


def _not_free(slug: str, detail: str) -> Validation:
    return Validation(errors=[{"pointer": "/slug", "code": "not-free", "detail": f"{slug[:80]}: {detail}"}])
