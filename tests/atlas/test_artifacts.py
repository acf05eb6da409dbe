"""Bytes under their own hash: whole or not at all, served only to those who may read a record that refers to them."""

import hashlib
import threading
from pathlib import Path

import pytest

from atlas.errors import ArtifactCorrupt, ArtifactMissing, NoSuchArtifact
from atlas.models import Artifact, Checkpoint
from atlas.services import artifacts
from atlas.storage import path_of

pytestmark = pytest.mark.django_db


def test_what_is_kept_is_read_back_under_its_hash(artifact_folder: Path):
    kept = artifacts.keep(b"a picture", media_type="image/png")
    assert kept.sha256 == hashlib.sha256(b"a picture").hexdigest()
    assert artifacts.read(kept) == b"a picture"
    assert (artifact_folder / path_of(kept.sha256)).read_bytes() == b"a picture"
    assert not list((artifact_folder / "tmp").iterdir())


def test_keeping_twice_is_keeping_once():
    first, second = (artifacts.keep(b"the same", media_type="image/png") for _ in range(2))
    assert first == second
    assert Artifact.objects.count() == 1


def test_a_file_is_kept_like_bytes(tmp_path: Path):
    file = tmp_path / "big"
    file.write_bytes(b"x" * (3 << 20))
    assert artifacts.keep(file, media_type="application/x-safetensors").size == 3 << 20


def test_parallel_writers_of_the_same_bytes_leave_one_whole_file(artifact_folder: Path):
    from django.core.files.base import ContentFile

    data = b"y" * (1 << 20)
    name = path_of(hashlib.sha256(data).hexdigest())
    writers = [threading.Thread(target=lambda: artifacts.store().save(name, ContentFile(data))) for _ in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert (artifact_folder / name).read_bytes() == data
    assert list(artifacts.stored()) == [name[3:]]


def test_a_file_that_a_crash_left_torn_is_written_anew(artifact_folder: Path):
    torn = artifact_folder / path_of(hashlib.sha256(b"a picture").hexdigest())
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b"a pic")
    assert artifacts.read(artifacts.keep(b"a picture", media_type="image/png")) == b"a picture"


def test_a_changed_byte_is_never_served(artifact_folder: Path):
    kept = artifacts.keep(b"a picture", media_type="image/png")
    (artifact_folder / path_of(kept.sha256)).write_bytes(b"b picture")
    with pytest.raises(ArtifactCorrupt):
        artifacts.read(kept)


def test_a_lost_file_is_said_to_be_lost(artifact_folder: Path):
    kept = artifacts.keep(b"a picture", media_type="image/png")
    (artifact_folder / path_of(kept.sha256)).unlink()
    with pytest.raises(ArtifactMissing):
        artifacts.read(kept)


def test_only_known_kinds_are_kept():
    with pytest.raises(ValueError, match="text/html"):
        artifacts.keep(b"<script>", media_type="text/html")


def test_the_hash_is_no_key(checkpoint, alice, operator):
    orphan = artifacts.keep(b"nobody refers to this", media_type="image/png")
    with pytest.raises(NoSuchArtifact):
        artifacts.find(orphan.sha256, actor=alice)
    weights = checkpoint.weights
    assert artifacts.find(weights.sha256, actor=None) == weights
    Checkpoint.objects.filter(pk=checkpoint.pk).update(visibility="team")
    with pytest.raises(NoSuchArtifact):
        artifacts.find(weights.sha256, actor=alice)
    assert artifacts.find(weights.sha256, actor=operator) == weights


@pytest.mark.parametrize("name", ["", "a" * 63, "A" * 64, "a" * 65, "../" + "a" * 61, "g" * 64])
def test_only_64_hex_digits_name_an_artifact(name):
    with pytest.raises(NoSuchArtifact):
        artifacts.find(name, actor=None)
    with pytest.raises(ValueError, match="64 hex"):
        path_of(name)
