"""A backup is a folder: the database of one moment, then every artifact it names, and last what proves both.

The order is the promise. Artifacts never change and are written before their rows, so whatever the database of that
moment names is there to be copied after it. SHA256SUMS is read by `sha256sum --check`, too; the manifest comes last,
under its name only when it is whole, and a folder without one is no backup.
"""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.core.files.base import File
from django.core.management import call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader

from atlas.errors import ArtifactCorrupt, ArtifactMissing, BackupDamaged, BackupOfAnother, NoBackup, NotEmpty
from atlas.models import Artifact
from atlas.services import artifacts, collection, dumps
from atlas.storage import hash_of, path_of

FORM = 1  # of the folder; another number is read by other code
AT_ONCE = 100  # artifacts copied between two requests for patience
MANIFEST, SUMS, FILES = "manifest.json", "SHA256SUMS", "artifacts"


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    form: int
    made_at: str
    engine: str
    migrations: list[str]
    rows: dict[str, int]
    artifacts: int
    bytes: int
    lost: list[str]  # artifacts whose bytes were missing or changed already
    sums: str  # the SHA-256 of SHA256SUMS


def take(folder: Path, *, since: Path | None = None) -> Manifest:
    """Make a backup in a new or empty folder, while others read and write.

    What an earlier backup on the same disk has already, `since`, is linked instead of copied. Raises NotEmpty.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # it holds everybody's hashed password
    if any(folder.iterdir()):
        raise NotEmpty(place=str(folder), found="a backup gets a folder of its own")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    collection.pause()  # what the database of this moment names must still be there when its turn comes
    found = dumps.dump(folder / dumps.file_name())
    sums, lost = {dumps.file_name(): _hash(folder / dumps.file_name())}, []
    for number, (sha256, _) in enumerate(found.artifacts):
        if number % AT_ONCE == 0:
            collection.pause()
        try:
            _copy(sha256, folder, since)
        except (ArtifactMissing, ArtifactCorrupt):
            lost.append(sha256)
        else:
            sums[_place(sha256)] = sha256
    _write(folder / SUMS, "".join(f"{digest}  {name}\n" for name, digest in sums.items()))
    size = sum(size for sha256, size in found.artifacts if sha256 not in set(lost))
    manifest = Manifest(
        FORM, at, connection.vendor, found.migrations, found.rows, len(sums) - 1, size, lost, _hash(folder / SUMS)
    )
    _write(folder / MANIFEST, json.dumps(asdict(manifest), indent=1))
    return manifest


def restore(folder: Path) -> Manifest:
    """Fill an empty place, once every byte of the backup has been found to be what was written.

    Then the migrations that the backup does not have yet. Raises NoBackup, BackupDamaged, BackupOfAnother, NotEmpty.
    """
    manifest = read(folder)
    require_ours(manifest)
    Path(settings.HOME).mkdir(parents=True, exist_ok=True)
    _require_empty()
    names = whole(folder, manifest)
    for name, digest in names.items():
        if name.startswith(f"{FILES}/"):
            with (folder / name).open("rb") as file:
                artifacts.store().save(path_of(digest), File(file))
    dumps.load(folder / dumps.file_name())
    differs = sorted(name for name, rows in dumps.counted(manifest.rows).items() if rows != manifest.rows[name])
    if differs:
        raise BackupDamaged(file=dumps.file_name(), reason=f"other numbers of rows in {', '.join(differs[:3])}")
    call_command("migrate", verbosity=0, interactive=False)
    return manifest


def read(folder: Path) -> Manifest:
    """What a backup says of itself; raises NoBackup."""
    try:
        manifest = Manifest(**json.loads((folder / MANIFEST).read_text()))
    except FileNotFoundError:
        raise NoBackup(folder=str(folder), reason=f"there is no {MANIFEST}, which is written last") from None
    except (ValueError, TypeError):
        raise NoBackup(folder=str(folder), reason=f"its {MANIFEST} cannot be read") from None
    if manifest.form != FORM:
        raise NoBackup(folder=str(folder), reason=f"its form is {manifest.form}, and this code reads {FORM}")
    return manifest


def whole(folder: Path, manifest: Manifest) -> dict[str, str]:
    """The files of a backup by name, with their hashes, once each was found to be what was written.

    Raises BackupDamaged.
    """
    names = dict(_sums(folder, manifest))
    for name, digest in names.items():
        if _hash(folder / name) != digest:
            raise BackupDamaged(file=name, reason="its bytes have another hash")
    return names


def require_ours(manifest: Manifest) -> None:
    """Raise BackupOfAnother when it is of another engine, or of a version that knows more migrations."""
    if manifest.engine != connection.vendor:
        raise BackupOfAnother(theirs=manifest.engine, ours=connection.vendor)
    known = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    later = sorted(set(manifest.migrations) - known)
    if later:
        raise BackupOfAnother(theirs=f"a later version, with the migration {later[-1]}", ours="an earlier one")


def _require_empty() -> None:
    if tables := dumps.present():
        raise NotEmpty(place="The database", found=f"{len(tables)} tables")
    if (first := next(artifacts.stored(), None)) is not None:
        raise NotEmpty(place="The store of artifacts", found=f"{first[:12]}… and perhaps more")


def _sums(folder: Path, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """(file, hash) of everything in a backup, each below it and there."""
    if not (folder / SUMS).is_file() or _hash(folder / SUMS) != manifest.sums:
        raise BackupDamaged(file=SUMS, reason="its hash is not the one in the manifest")
    for line in (folder / SUMS).read_text().splitlines():
        digest, _, name = line.partition("  ")
        if name not in (dumps.file_name(), _place(digest)):
            raise BackupDamaged(file=SUMS, reason="it names what is no part of a backup")
        if not (folder / name).is_file():
            raise BackupDamaged(file=name, reason="it is not there")
        yield name, digest


def _copy(sha256: str, folder: Path, since: Path | None) -> None:
    target, earlier = folder / _place(sha256), since / _place(sha256) if since else None
    target.parent.mkdir(parents=True, exist_ok=True)
    if earlier and earlier.is_file() and _hash(earlier) == sha256:
        os.link(earlier, target)
        return
    with artifacts.open_checked(Artifact(sha256=sha256)) as file, target.open("xb") as copy:
        shutil.copyfileobj(file, copy, 1 << 20)


def _place(sha256: str) -> str:
    return f"{FILES}/{path_of(sha256)}"


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hash_of(iter(lambda: file.read(1 << 20), b""))


def _write(path: Path, text: str) -> None:
    """A file that is whole under its name, also after a power cut."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
