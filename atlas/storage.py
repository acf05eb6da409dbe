"""Bytes under their own hash, written whole or not at all: an orphan file is garbage, a torn one would be a lie."""

import hashlib
import os
import re
import uuid
from collections.abc import Iterable
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

SHA256 = re.compile(r"^[0-9a-f]{64}$")


def path_of(sha256: str) -> str:
    """`ab/abcd…`: where an artifact lies in the store; built only from 64 lower-case hex digits."""
    if not SHA256.fullmatch(sha256):
        raise ValueError("an artifact is named by 64 hex digits")
    return f"{sha256[:2]}/{sha256}"


class ContentStore(FileSystemStorage):
    """A folder of immutable files. `tmp/` is part of it, so that the last step is a rename on one file system."""

    def _save(self, name: str, content: "File[bytes]") -> str:
        final = Path(self.path(name))
        if final.exists():
            return name  # equal names are equal bytes
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


def _flush_folder(folder: Path) -> None:
    # Without this a power cut may forget the rename although the file's own bytes were flushed.
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
