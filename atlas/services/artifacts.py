"""Keeping bytes: the file first, under its own hash and whole; then, in the caller's transaction, the row."""

import io
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import reduce
from operator import or_
from pathlib import Path
from typing import IO, cast

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, storages
from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from atlas.errors import ArtifactCorrupt, ArtifactMissing, NoSuchArtifact
from atlas.models import (
    Artifact,
    Checkpoint,
    Contributor,
    DatasetItem,
    FindingArtifact,
    FootholdArtifact,
    Snapshot,
    Spectrum,
    Upload,
)
from atlas.permissions import readable, readable_dataset, readable_footholds, readable_jobs
from atlas.services import shelves
from atlas.storage import SHA256, Store, hash_of, path_of

# What a browser may be handed as it is; everything else is a download. Nothing here can carry a script.
SHOWN = {"image/png": "png", "image/webp": "webp", "image/jpeg": "jpg"}
SAFETENSORS = "application/x-safetensors"
DOWNLOADED = {"application/json": "json", SAFETENSORS: "safetensors", "text/csv": "csv"}
EXTENSIONS = SHOWN | DOWNLOADED


def store() -> Store:
    """Where artifacts lie."""
    return cast(Store, storages["artifacts"])


def keep(data: bytes | Path | IO[bytes], *, media_type: str) -> Artifact:
    """Store bytes or a file, by its path or open, and return its row. Storing the same bytes again changes nothing.

    From then on whoever keeps them has a day to refer to them, before they may be collected.
    """
    if media_type not in EXTENSIONS:
        raise ValueError(f"{media_type} is not a kind of artifact")
    with _opened(data) as file:
        sha256 = hash_of(iter(lambda: file.read(1 << 20), b""))
        size = file.tell()
        _save(file, sha256)
        with transaction.atomic():
            shelves.hold(sha256)
            if not _lies(sha256, size=size):  # collected since it was seen
                _save(file, sha256)
            given = {"media_type": media_type, "size": size}
            artifact, _ = Artifact.objects.get_or_create(sha256=sha256, defaults=given)
            unmark(artifact)
    return artifact


def unmark(artifact: Artifact) -> None:
    """Somebody wants it again: take back what collection noted, and so begin its grace anew."""
    if artifact.marked_at is not None:
        Artifact.objects.filter(pk=artifact.pk).update(marked_at=None)
        artifact.marked_at = None


def find(sha256: str, *, actor: Contributor | None) -> Artifact:
    """An artifact this person may read: some record they may read refers to it. The hash alone is no key."""
    if not SHA256.fullmatch(sha256):
        raise NoSuchArtifact(sha256=sha256[:80])
    artifact = Artifact.objects.filter(referred_to(actor), sha256=sha256).first()
    if artifact is None:
        raise NoSuchArtifact(sha256=sha256)
    return artifact


def read(artifact: Artifact) -> bytes:
    """The artifact's bytes, checked against its name: a mismatch is never served."""
    with open_checked(artifact) as file:
        return file.read()


def open_checked(artifact: Artifact) -> IO[bytes]:
    """The artifact's file, checked and rewound; raises ArtifactMissing or ArtifactCorrupt."""
    try:
        file = store().open(path_of(artifact.sha256))
    except FileNotFoundError:
        raise ArtifactMissing(sha256=artifact.sha256) from None
    if hash_of(iter(lambda: file.read(1 << 20), b"")) != artifact.sha256:
        file.close()
        raise ArtifactCorrupt(sha256=artifact.sha256)
    file.seek(0)
    return file


def have_room() -> bool:
    """Whether a megabyte can be kept now."""
    name = f"tmp/room-{uuid.uuid4()}"
    try:
        store().save(name, ContentFile(bytes(1 << 20)))
        store().delete(name)
    except OSError:
        return False
    return True


@contextmanager
def on_disk(artifact: Artifact) -> Iterator[Path]:
    """The artifact as a file of this machine while it is read: the store's own, or a copy; checked like every other."""
    with open_checked(artifact) as file, ExitStack() as ours:
        if isinstance(store(), FileSystemStorage):
            yield Path(file.name)
            return
        copy = ours.enter_context(tempfile.NamedTemporaryFile(prefix="atlas-artifact-"))
        shutil.copyfileobj(file, copy)
        copy.flush()
        yield Path(copy.name)


def stored() -> Iterator[str]:
    """Hashes of every file in the store, for doctor: files, rows and hashes have to agree."""
    try:
        folders, _ = store().listdir("")
    except FileNotFoundError:
        return
    for folder in folders:
        if len(folder) == 2:
            yield from store().listdir(folder)[1]


def orphans() -> set[str]:
    """Files that no row knows: garbage of a crash between the file and its row."""
    # The files first: what is kept meanwhile has its row by the time the rows are read.
    files = set(stored())
    return files - set(Artifact.objects.values_list("sha256", flat=True))


def lost() -> set[str]:
    """Rows whose file is not there: what must never happen."""
    # The rows first, for the same reason.
    rows = set(Artifact.objects.values_list("sha256", flat=True))
    return rows - set(stored())


def _save(file: IO[bytes], sha256: str) -> None:
    file.seek(0)
    store().save(path_of(sha256), File(file))


def _lies(sha256: str, *, size: int) -> bool:
    """Whether the file is there, as far as can be seen without reading it."""
    try:
        return store().size(path_of(sha256)) == size
    except FileNotFoundError:
        return False


def _opened(data: bytes | Path | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    """The bytes to be read from their beginning; an open file stays with whoever opened it."""
    if isinstance(data, bytes):
        return io.BytesIO(data)
    if isinstance(data, Path):
        return data.open("rb")
    data.seek(0)
    return nullcontext(data)


def referred_to(actor: Contributor | None) -> Q:
    """The artifacts that some record which the actor may read refers to."""
    this = OuterRef("pk")
    findings = FindingArtifact.objects.filter(readable_jobs(actor, "finding__job__"), artifact=this)
    snapshots = Snapshot.objects.filter(readable_jobs(actor, "job__"), artifact=this)
    weights = Checkpoint.objects.filter(readable(actor), weights=this)
    spectra = Spectrum.objects.filter(readable_dataset(actor, "dataset__"), artifact=this)
    items = DatasetItem.objects.filter(readable_dataset(actor, "dataset__"), artifact=this)
    pictures = FootholdArtifact.objects.filter(readable_footholds(actor, "foothold__"), artifact=this)
    sent = Upload.objects.filter(uploaded_by=actor, artifact=this)
    known = (findings, snapshots, weights, items, spectra, pictures, *(() if actor is None else (sent,)))
    return reduce(or_, (Q(Exists(rows)) for rows in known))
