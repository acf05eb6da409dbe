"""Pictures that people send as evidence: redrawn pixel by pixel in a child, so that nothing else of a file is kept."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO

from django.conf import settings

from atlas import errors, redrawing
from atlas.errors import ImageCorrupt, ImageFormat, ImageResource, ImageTypeMismatch, TooLarge

LARGEST = 10 << 20  # bytes of a file
PATIENCE = 15.0  # seconds for a picture
MEDIA_TYPE = "image/png"  # of what is kept
# By the bytes with which files of a format begin.
FORMATS: Mapping[str, str] = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
HEAD = 12


@contextmanager
def redrawn(file: IO[bytes], *, declared: str) -> Iterator[IO[bytes]]:
    """A picture's pixels as PNG, in a nameless file that is gone afterwards; `declared` is what it was sent as.

    Raises TooLarge, ImageFormat, ImageTypeMismatch, ImageTooManyPixels, ImageDimensions, ImageAnimated, ImageTruncated,
    ImageCorrupt, ImageResource.
    """
    form = _format_of(file, declared)
    settings.HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.HOME) as drawn:
        command = [sys.executable, "-I", redrawing.__file__, form]
        try:
            done = subprocess.run(
                command, input=file.read(), stdout=drawn, stderr=subprocess.PIPE, timeout=PATIENCE, env={}, check=False
            )
        except subprocess.TimeoutExpired:
            raise ImageResource() from None
        if done.returncode:
            raise _refusal(done)
        os.lseek(drawn.fileno(), 0, os.SEEK_SET)  # it was written past this object, which does not know
        yield drawn


def _format_of(file: IO[bytes], declared: str) -> str:
    """The format by the file's own first bytes; it has to be the one that was declared."""
    file.seek(0, 2)
    if file.tell() > LARGEST:
        raise TooLarge(most=LARGEST)
    file.seek(0)
    found = _sniffed(file.read(HEAD))
    file.seek(0)
    if found is None:
        raise ImageFormat()
    if declared != found:
        raise ImageTypeMismatch(declared=declared[:40], found=found)
    return FORMATS[found]


def _sniffed(head: bytes) -> str | None:
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    return "image/webp" if head[:4] == b"RIFF" and head[8:12] == b"WEBP" else None


def _refusal(done: "subprocess.CompletedProcess[bytes]") -> errors.AtlasError:
    """What the child said; one that said nothing has met its limits, or a fault of a decoder."""
    if done.returncode == redrawing.REFUSED:
        said = json.loads(done.stderr)
        kind: type[errors.AtlasError] = getattr(errors, said["error"])
        return kind(**said["facts"])
    return ImageResource() if done.returncode < 0 else ImageCorrupt()
