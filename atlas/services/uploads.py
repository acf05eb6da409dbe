"""What people send as evidence: kept in a form of ours, read by who sent it, and by whoever reads what shows it."""

from pathlib import Path
from typing import IO

from django.db import transaction

from atlas.models import Artifact, Contributor, Foothold, FootholdArtifact, Upload
from atlas.permissions import require
from atlas.services import artifacts, changes, pictures, tables, tensors
from atlas.services.settling import Settled

LARGEST = max(pictures.LARGEST, tables.LARGEST, tensors.LARGEST)  # bytes of any file


def require_uploader(actor: Contributor) -> None:
    """Raise Forbidden for who may not send anything; before a byte of it is read."""
    require(actor, "artifact.upload", None)


def upload(*, actor: Contributor, file: IO[bytes], declared: str) -> Artifact:
    """Keep a picture, redrawn, or a table or tensors, written anew. Sent again it is the same artifact.

    `declared` is the media type it was sent as. Raises what `pictures.redrawn`, `tables.rewritten` and
    `tensors.rewritten` raise.
    """
    require_uploader(actor)
    if declared == tables.MEDIA_TYPE:
        return _kept(actor, tables.rewritten(file), tables.MEDIA_TYPE)
    if declared == artifacts.SAFETENSORS:
        return _kept(actor, tensors.rewritten(file), artifacts.SAFETENSORS)
    with pictures.redrawn(file, declared=declared) as picture:
        return _kept(actor, picture, pictures.MEDIA_TYPE)


def show(foothold: Foothold, settled: Settled, *, version: int) -> None:
    """Let whoever reads a foothold see the uploads that it names, in this version and in older ones.

    Only those: a finding's pictures and a checkpoint's weights are for who may read these, whatever names their hash.
    """
    named = {row.pk for row in settled.artifacts.values()}
    uploaded = Artifact.objects.filter(pk__in=named, uploads__isnull=False).distinct()
    FootholdArtifact.objects.bulk_create(
        [FootholdArtifact(foothold=foothold, artifact=row, since=version) for row in uploaded],
        ignore_conflicts=True,
    )


@transaction.atomic
def _kept(actor: Contributor, data: bytes | Path | IO[bytes], media_type: str) -> Artifact:
    kept = artifacts.keep(data, media_type=media_type)
    _, new = Upload.objects.get_or_create(artifact=kept, uploaded_by=actor)
    if new:
        changes.record(actor, "artifact.upload", kept.sha256)
    return kept
