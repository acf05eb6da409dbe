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
from django.db import transaction

from atlas import errors, redrawing
from atlas.errors import ImageCorrupt, ImageFormat, ImageResource, ImageTypeMismatch, TooLarge
from atlas.models import Artifact, Contributor, Foothold, FootholdArtifact, UploadedPicture
from atlas.permissions import require
from atlas.services import artifacts, changes
from atlas.services.settling import Settled

LARGEST = 10 << 20  # bytes of a file
PATIENCE = 15.0  # seconds for a picture
MEDIA_TYPE = "image/png"  # of what is kept
# By the bytes with which files of a format begin.
FORMATS: Mapping[str, str] = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP"}
HEAD = 12


def require_uploader(actor: Contributor) -> None:
    """Raise Forbidden for who may not send pictures; before a byte of one is read."""
    require(actor, "picture.upload", None)


def upload(*, actor: Contributor, file: IO[bytes], declared: str) -> Artifact:
    """Keep a picture, redrawn; who sent it may read it, and so may whoever reads a foothold that shows it.

    `declared` is the media type it was sent as. Sent again it is the same artifact. Raises TooLarge, ImageFormat,
    ImageTypeMismatch, ImageTooManyPixels, ImageDimensions, ImageAnimated, ImageTruncated, ImageCorrupt, ImageResource.
    """
    require_uploader(actor)
    form = _format_of(file, declared)
    with _redrawn(file, form) as picture, transaction.atomic():
        kept = artifacts.keep(picture, media_type=MEDIA_TYPE)
        _, new = UploadedPicture.objects.get_or_create(artifact=kept, uploaded_by=actor)
        if new:
            changes.record(actor, "picture.upload", kept.sha256)
    return kept


def show(foothold: Foothold, settled: Settled, *, version: int) -> None:
    """Let whoever reads a foothold see the uploaded pictures that it names, in this version and in older ones.

    Only those: a finding's pictures and a checkpoint's weights are for who may read these, whatever names their hash.
    """
    named = {row.pk for row in settled.artifacts.values()}
    uploaded = Artifact.objects.filter(pk__in=named, uploads__isnull=False).distinct()
    FootholdArtifact.objects.bulk_create(
        [FootholdArtifact(foothold=foothold, artifact=row, since=version) for row in uploaded],
        ignore_conflicts=True,
    )


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


@contextmanager
def _redrawn(file: IO[bytes], form: str) -> Iterator[IO[bytes]]:
    """The redrawn picture as a nameless file, which is gone afterwards."""
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


def _refusal(done: "subprocess.CompletedProcess[bytes]") -> errors.AtlasError:
    """What the child said; one that said nothing has met its limits, or a fault of a decoder."""
    if done.returncode == redrawing.REFUSED:
        said = json.loads(done.stderr)
        kind: type[errors.AtlasError] = getattr(errors, said["error"])
        return kind(**said["facts"])
    return ImageResource() if done.returncode < 0 else ImageCorrupt()
