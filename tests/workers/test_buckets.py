"""Artifacts in a bucket, on a real server that speaks S3: the same promises as in a folder."""

import uuid
from datetime import timedelta
from urllib.parse import urlsplit

import boto3
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import storages

from atlas import health
from atlas.errors import ArtifactCorrupt, ArtifactMissing
from atlas.models import Artifact
from atlas.services import artifacts, backups, collection
from atlas.settings import artifact_store
from atlas.storage import path_of
from workers import lenses

rolled_back = pytest.mark.django_db


@pytest.fixture
def bucket(s3_url, settings):
    """A new bucket, in which artifacts lie below a prefix."""
    at, name = urlsplit(s3_url), f"atlas-{uuid.uuid4()}"
    where = {"endpoint_url": f"http://{at.hostname}:{at.port}", "region_name": "us-east-1"}
    made = boto3.resource("s3", aws_access_key_id=at.username, aws_secret_access_key=at.password, **where).Bucket(name)
    made.create()
    settings.STORAGES = {**settings.STORAGES, "artifacts": artifact_store(f"{s3_url}/{name}/of/ours")}
    storages._storages = {}
    return made


def key(artifact: Artifact) -> str:
    """Where it lies in the bucket."""
    return f"of/ours/{path_of(artifact.sha256)}"


@rolled_back
def test_what_is_kept_lies_under_its_hash_and_is_read_back(bucket):
    kept = artifacts.keep(b"a picture", media_type="image/png")
    again = artifacts.keep(b"a picture", media_type="image/png")
    assert kept == again
    assert [one.key for one in bucket.objects.all()] == [key(kept)]
    assert artifacts.read(kept) == b"a picture"
    assert list(artifacts.stored()) == [kept.sha256]
    with artifacts.on_disk(kept) as path:
        assert path.read_bytes() == b"a picture"
    assert not path.exists(), "the copy is gone"


@rolled_back
def test_it_is_served_by_its_page(bucket, client, checkpoint):
    answer = client.get(f"/a/{checkpoint.weights.sha256}.safetensors")
    assert (answer.status_code, b"".join(answer)) == (200, b"toy")
    assert answer["Content-Length"] == "3"


@rolled_back
def test_changed_bytes_are_never_served_and_lost_ones_are_said_to_be_lost(bucket):
    kept = artifacts.keep(b"a picture", media_type="image/png")
    bucket.put_object(Key=key(kept), Body=b"b picture")
    with pytest.raises(ArtifactCorrupt):
        artifacts.read(kept)
    with pytest.raises(ArtifactCorrupt), artifacts.on_disk(kept):
        pass
    bucket.delete_objects(Delete={"Objects": [{"Key": key(kept)}]})
    with pytest.raises(ArtifactMissing):
        artifacts.read(kept)
    assert "1 are missing" in health.kept().found


@rolled_back
def test_doctor_sees_the_bucket_and_says_when_it_is_away(bucket, s3_url, settings, free_port):
    assert health.storage().ok
    assert [one.key for one in bucket.objects.all()] == [], "nothing is left of the look"
    assert (health.kept().ok, health.kept().found) == (True, "all files are there")
    away = s3_url.replace(str(urlsplit(s3_url).port), str(free_port))
    settings.STORAGES = {**settings.STORAGES, "artifacts": artifact_store(f"{away}/mine")}
    storages._storages = {}
    found = health.storage()
    assert (found.ok, found.fix) == (False, "make mine writable for this user")
    assert "secret" not in found.found


@rolled_back
def test_a_bucket_that_is_not_there_is_an_error_of_the_store(bucket, s3_url, settings):
    settings.STORAGES = {**settings.STORAGES, "artifacts": artifact_store(f"{s3_url}/nobodys")}
    storages._storages = {}
    for deed in (lambda: artifacts.keep(b"x", media_type="image/png"), lambda: list(artifacts.stored())):
        with pytest.raises(OSError, match=r"NoSuchBucket|Not Found|does not exist"):
            deed()
    assert not Artifact.objects.exists(), "a row without its file would be a lie"


@rolled_back
def test_a_worker_opens_a_checkpoint_from_the_bucket(bucket, organism_on):
    found = lenses.load(organism_on())
    assert found.tensors


@pytest.mark.parametrize("url", ["http://host/bucket", "s3://host", "s3://key:secret@host/", "bucket"])
def test_an_address_that_is_no_bucket_starts_nothing(url):
    with pytest.raises(ImproperlyConfigured, match="ATLAS_ARTIFACTS_URL"):
        artifact_store(url)


def test_an_address_says_where_and_who():
    options = artifact_store("s3://a%2Fb:c%40d@s3.example.org:9000/bucket/in/here")["OPTIONS"]
    assert options["endpoint_url"] == "https://s3.example.org:9000"
    assert (options["access_key"], options["secret_key"]) == ("a/b", "c@d")
    assert (options["bucket_name"], options["location"]) == ("bucket", "in/here")
    amazons = artifact_store("s3:///bucket")["OPTIONS"]
    assert (amazons["endpoint_url"], amazons["access_key"], amazons["bucket_name"]) == (None, None, "bucket")


def test_a_backup_of_a_bucket_is_a_folder_like_any_other(bucket, fresh_database, tmp_path):
    kept = artifacts.keep(b"a picture", media_type="image/png")
    made = backups.take(tmp_path / "backup")
    assert (made.artifacts, made.lost) == (1, [])
    assert (tmp_path / "backup" / "artifacts" / path_of(kept.sha256)).read_bytes() == b"a picture"


@rolled_back
def test_what_nothing_refers_to_is_collected_and_what_is_kept_anew_is_whole(bucket, checkpoint, monkeypatch, settings):
    settings.GRACE_HOURS = -1 / 3600
    monkeypatch.setattr(collection, "UNMARKED", timedelta(seconds=-1))
    kept = artifacts.keep(b"unwanted", media_type="image/png")
    collection.mark()
    assert collection.sweep() == (1, 8)
    assert list(artifacts.stored()) == [checkpoint.weights_id]
    assert artifacts.read(artifacts.keep(b"unwanted", media_type="image/png")) == b"unwanted"
    bucket.put_object(Key=key(kept), Body=b"half")
    assert artifacts.read(artifacts.keep(b"unwanted", media_type="image/png")) == b"unwanted"
    bucket.put_object(Key=f"of/ours/{path_of('a' * 64)}", Body=b"of a crash")
    settings.GRACE_HOURS = -1
    assert collection.sweep_orphans() == (1, 10)
    assert sorted(artifacts.stored()) == sorted([checkpoint.weights_id, kept.sha256])


def test_uploads_in_parts_that_never_ended_are_given_up(bucket):
    for where in ("of/ours/aa/one", "somebody/elses"):
        bucket.Object(where).initiate_multipart_upload()
    store = artifacts.store()
    [begun] = store.unfinished(seconds=3600)  # this server says of every upload that it began in 2010
    store.abandon(begun)
    assert [it.object_key for it in bucket.multipart_uploads.all()] == ["somebody/elses"]
