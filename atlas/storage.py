"""Bytes under their own hash, written whole or not at all: an orphan file is garbage, a torn one would be a lie."""

import hashlib
import os
import re
import time
import uuid
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import IO, Protocol

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

SHA256 = re.compile(r"^[0-9a-f]{64}$")


def path_of(sha256: str) -> str:
    """`ab/abcd…`: where an artifact lies in the store; built only from 64 lower-case hex digits."""
    if not SHA256.fullmatch(sha256):
        raise ValueError("an artifact is named by 64 hex digits")
    return f"{sha256[:2]}/{sha256}"


class Store(Protocol):
    """What the atlas needs of a place for artifacts: a folder and a bucket both have it."""

    def open(self, name: str, mode: str = "rb") -> IO[bytes]:
        """A file, to be read; raises FileNotFoundError."""

    def save(self, name: str, content: "File[bytes]") -> str:
        """Write a file whole, unless it is there."""

    def delete(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""

    def exists(self, name: str) -> bool:
        """Whether there is a file."""

    def size(self, name: str) -> int:
        """Its bytes; raises FileNotFoundError."""

    def listdir(self, name: str) -> tuple[list[str], list[str]]:
        """(folders, files) directly below a name."""

    def get_modified_time(self, name: str) -> datetime:
        """When it was written; raises FileNotFoundError."""

    def unfinished(self, *, seconds: float) -> list[str]:
        """What somebody began to write and has not gone on with for so long."""

    def abandon(self, name: str) -> None:
        """Remove what `unfinished` named."""


class ContentStore(FileSystemStorage):
    """A folder of immutable files. `tmp/` is part of it, so that the last step is a rename on one file system."""

    def _save(self, name: str, content: "File[bytes]") -> str:
        final = Path(self.path(name))
        if final.exists() and _is_whole(final):
            return name  # equal names are equal bytes; what is torn or rotten is replaced
        unfinished = Path(self.path(f"tmp/{uuid.uuid4()}"))
        unfinished.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._write(unfinished, content.chunks())
            final.parent.mkdir(parents=True, exist_ok=True)
            unfinished.replace(final)
        finally:
            unfinished.unlink(missing_ok=True)
        _flush_folder(final.parent)
        return name

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        """The name itself: content addressing leaves no other."""
        return name

    def unfinished(self, *, seconds: float) -> list[str]:
        """What somebody began to write and has not gone on with for so long."""
        begun = Path(self.path("tmp"))
        until = time.time() - seconds
        return sorted(f"tmp/{it.name}" for it in begun.glob("*") if _written(it) < until)

    def abandon(self, name: str) -> None:
        """Remove what `unfinished` named. Whoever still writes to it fails, and tries again."""
        self.delete(name)

    @staticmethod
    def _write(path: Path, chunks: Iterable[bytes]) -> None:
        with path.open("xb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())


def hash_of(chunks: Iterable[bytes]) -> str:
    """Hex SHA-256 of a stream."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _is_whole(path: Path) -> bool:
    """Whether a file is what its name says; of a name that says nothing it is."""
    if not SHA256.fullmatch(path.name):
        return True
    with path.open("rb") as file:
        return hash_of(iter(lambda: file.read(1 << 20), b"")) == path.name


def _written(path: Path) -> float:
    """When a file was last written, as seconds; of one that has just gone, now."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return time.time()


def _flush_folder(folder: Path) -> None:
    # Without this a power cut may forget the rename although the file's own bytes were flushed.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
