"""What people and processes leave behind, one kind a function: each removes it, or with `dry` only counts it."""

import os
import shutil
import tempfile
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Exists, F, Model, OuterRef, QuerySet, Sum
from django.db.models.functions import Now

from atlas.models import Artifact, Checkpoint, Import, Job, KeptAnswer, Snapshot, Upload
from atlas.services import answers, artifacts, changes, collection, imports, references

Row = TypeVar("Row", bound=Model)
UNFINISHED = 3600.0  # seconds after which nobody goes on writing
STRAYED = 86400.0  # seconds after which no process still works in a folder it made for itself: several deadlines
# Folders and files that processes make for themselves, and leave behind when they are killed.
STRAYS = ("artifact", "examination", "materials", "published", "recording", "registration", "spectrum")


@dataclass(frozen=True, slots=True)
class Removed:
    """How much of a kind was removed, or would be."""

    count: int
    bytes: int = 0


def marked(dry: bool) -> Removed:
    """Artifacts that nothing refers to: marked, and nothing more yet."""
    return Removed(collection.unmarked().count() if dry else collection.mark())


def unreferenced(dry: bool) -> Removed:
    """Artifacts that have been marked for as long as grace lasts."""
    if dry:
        found = collection.condemned()
        return Removed(len(found), sum(found.values()))
    return Removed(*collection.sweep())


def orphans(dry: bool) -> Removed:
    """Files in the store that no row knows, left by whoever was killed in between."""
    if dry:
        sizes = [size for _, size in collection.orphans()]
        return Removed(len(sizes), sum(sizes))
    return Removed(*collection.sweep_orphans())


def unfinished(dry: bool) -> Removed:
    """Files in the store, or uploads to the bucket, that somebody began to write an hour ago."""
    store = artifacts.store()
    names = store.unfinished(seconds=UNFINISHED)
    for name in () if dry else names:
        store.abandon(name)
    return Removed(len(names))


def kept_answers(dry: bool) -> Removed:
    """Answers under an Idempotency-Key, a day old."""
    return _deleted(KeptAnswer.objects.filter(created_at__lt=collection.before(answers.KEPT)), dry)


def sessions(dry: bool) -> Removed:
    """Sessions that are over."""
    return _deleted(Session.objects.filter(expire_date__lt=Now()), dry)


def staged_imports(dry: bool) -> Removed:
    """Files of claims that nobody committed."""
    old = Import.objects.filter(state__in=imports.STAGED, created_at__lt=_long_ago())
    if dry:
        return Removed(old.count())
    return Removed(sum(imports.discard_old(batch) for batch in list(old)))


def snapshots(dry: bool) -> Removed:
    """Pictures on their way, of starts that were superseded: no page shows them."""
    gone = Snapshot.objects.filter(fence__lt=F("job__fence"))
    return _deleted(_unnamed(gone), dry)


def uploads(dry: bool) -> Removed:
    """Pictures and tables that somebody sent as evidence, and nothing shows."""
    lonely = references.none_to(apart_from=(Upload,))
    old = Upload.objects.filter(artifact__in=Artifact.objects.filter(lonely), at__lt=_long_ago())
    if dry:
        return Removed(_unnamed(old).count())
    return Removed(sum(_discarded(row) for row in list(_unnamed(old))))


def refused_files(dry: bool) -> Removed:
    """Files of checkpoints whose registration failed or was given up; the draft stays, and takes another file."""
    ended = Job.objects.filter(fingerprint=OuterRef("question"), state__in=Job.ENDED, finished_at__lt=_long_ago())
    drafts = Checkpoint.objects.filter(Exists(ended), digest=None, upload__isnull=False)
    size: int = drafts.aggregate(size=Sum("upload__size"))["size"] or 0
    # Without its question the draft waits for no answer: asked again, it has to be uploaded again.
    count = drafts.count() if dry else drafts.update(upload=None, question="", version=F("version") + 1)
    return Removed(count, size)


def scratch(dry: bool = False) -> Removed:
    """What long computations wrote on their way, of questions that have an answer or need none."""
    lying = {path.name: path for path in Path(settings.SCRATCH).glob("*")}
    if not lying:
        return Removed(0)
    wanted = Job.objects.filter(fingerprint__in=lying, state__in=Job.OPEN).values_list("fingerprint", flat=True)
    return _cleared([lying[name] for name in lying.keys() - set(wanted)], dry)


def strays(dry: bool) -> Removed:
    """Folders that killed processes of this machine made for themselves."""
    until = time.time() - STRAYED
    found = [path for name in STRAYS for path in Path(tempfile.gettempdir()).glob(f"atlas-{name}-*")]
    return _cleared([path for path in found if _is_ours(path) and _changed(path) < until], dry)


def _deleted(rows: "QuerySet[Model]", dry: bool) -> Removed:
    return Removed(rows.count() if dry else rows.delete()[0])


def _unnamed(rows: "QuerySet[Row]") -> "QuerySet[Row]":
    """Those whose artifact no text names: whoever reads that text may need the row to be shown it."""
    named = references.named(set(rows.values_list("artifact", flat=True)))
    return rows.exclude(artifact__in=named)


@transaction.atomic
def _discarded(row: Upload) -> bool:
    """Forget an upload, unless it came to be shown; the artifact's row is locked, as it is by whoever refers to it.

    The upload's first: a connection lines up as a writer by that, and never waits with the artifact in its hands.
    """
    if not list(Upload.objects.filter(pk=row.pk).select_for_update()):
        return False
    free = Artifact.objects.filter(references.none_to(apart_from=(Upload,)), pk=row.artifact_id)
    locked = list(Artifact.objects.filter(pk=row.artifact_id).select_for_update(skip_locked=True))
    if not locked or not free.exists():
        return False
    changes.record(None, "artifact.discard", row.artifact_id)
    return bool(Upload.objects.filter(pk=row.pk).delete()[0])


def _cleared(paths: Collection[Path], dry: bool) -> Removed:
    size = sum(_size(path) for path in paths)
    for path in () if dry else paths:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    return Removed(len(paths), size)


def _size(path: Path) -> int:
    return sum(it.lstat().st_size for it in (path, *path.rglob("*")) if it.is_file())


def _is_ours(path: Path) -> bool:
    """Whether our own user made it, as it is: everybody may write to that folder, and a link may lead anywhere."""
    try:
        return path.lstat().st_uid == os.getuid() and not path.is_symlink()
    except FileNotFoundError:
        return False


def _changed(path: Path) -> float:
    """When something in it was last written; now, if it is going away."""
    try:
        return max(it.lstat().st_mtime for it in (path, *path.rglob("*")))
    except FileNotFoundError:
        return time.time()


def _long_ago() -> object:
    return collection.before(timedelta(days=settings.LEFTOVER_DAYS))
