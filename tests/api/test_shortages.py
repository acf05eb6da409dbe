"""What the machine lacks is nobody's bug and nobody's fault: 503 or 507 with its name, and nothing half kept."""

import pytest
from django.db import connection, transaction

from atlas.models import Artifact, Job, Request, Upload
from tests import disks
from tests.api.conftest import question
from tests.api.test_sent_pictures import GOOD
from tests.api.uploading import form

pytestmark = pytest.mark.django_db
NO_MOUNT = "needs a small disk of its own, which only root may mount"


@pytest.fixture
def disk(tmp_path, settings, artifact_folder):
    """Everything that is kept, and what is on its way, lies on a disk of a megabyte."""
    with disks.small(tmp_path / "disk", size="1m") as mounted:
        if mounted is None:
            pytest.skip(NO_MOUNT)
        settings.HOME = mounted.folder
        where = {"BACKEND": "atlas.storage.ContentStore", "OPTIONS": {"location": str(mounted.folder / "artifacts")}}
        settings.STORAGES = {**settings.STORAGES, "artifacts": where}
        yield mounted


def refused(answer, status, name):
    """The answer is this problem, and says when to come back."""
    assert answer.status_code == status, answer.content
    assert answer.json()["type"] == f"/problems/{name}"
    assert int(answer["Retry-After"]) > 0


def send(api):
    return api.ask("POST", "artifacts", GOOD, content_type="image/png")


def test_a_full_disk_refuses_uploads_by_name_and_takes_them_once_there_is_room(disk, as_alice):
    disk.fill()
    refused(send(as_alice), 507, "insufficient-storage")
    assert (Artifact.objects.count(), Upload.objects.count()) == (0, 0)
    disk.empty()
    assert send(as_alice).status_code == 201


def test_a_disk_that_fills_up_within_the_body_is_full_as_well(disk, as_operator):
    refused(as_operator.send(form(weights=b"w" * (2 << 20))), 507, "insufficient-storage")


def test_a_folder_that_cannot_be_written_refuses_by_name(disk, as_alice):
    assert disk.shut()
    refused(send(as_alice), 503, "storage-unusable")
    disk.open()
    assert send(as_alice).status_code == 201


@pytest.fixture
def full_database():
    """A database that really has no page left (SQLite), or says that it has none (PostgreSQL)."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA page_count")
            [pages] = cursor.fetchone()
            cursor.execute("PRAGMA max_page_count")
            [most] = cursor.fetchone()
            cursor.execute(f"PRAGMA max_page_count = {pages}")
            yield lambda: cursor.execute(f"PRAGMA max_page_count = {most}")
            return
        cursor.execute(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$;"
            "CREATE TRIGGER full_disk BEFORE INSERT ON atlas_request EXECUTE FUNCTION full_disk()"
        )
        yield lambda: cursor.execute("DROP TRIGGER full_disk ON atlas_request")


def fill_pages(api):
    """Ask until a page is needed that is not there."""
    for steps in range(1, 100):
        answer = api.post("jobs", question(params={"steps": steps}))
        if answer.status_code != 202:
            return answer
    raise AssertionError("a hundred questions fit into no page at all")


def test_a_full_database_refuses_questions_by_name_and_keeps_none_of_them(checkpoint, probe, full_database, as_alice):
    refused(fill_pages(as_alice), 507, "insufficient-storage")
    counted = Job.objects.count()
    assert Request.objects.count() == counted, "what was refused left nothing behind"
    full_database()
    assert as_alice.post("jobs", question(params={"steps": 100})).status_code == 202
    assert Job.objects.count() == counted + 1


@pytest.fixture
def read_only_database():
    """Nothing may be written, for the rest of the test."""
    with transaction.atomic(), connection.cursor() as cursor:
        sqlite = connection.vendor == "sqlite"
        cursor.execute("PRAGMA query_only = 1" if sqlite else "SET TRANSACTION READ ONLY")
        yield
        if sqlite:
            cursor.execute("PRAGMA query_only = 0")


def test_a_database_that_may_only_be_read_is_read(checkpoint, probe, alice, as_alice, read_only_database):
    refused(as_alice.post("jobs", question()), 503, "read-only")
    assert as_alice.get("checkpoints/toy").status_code == 200


@pytest.fixture
def signed_in(user, client):
    """Alice, before anything is shut."""
    client.force_login(user)
    return client


def test_a_page_says_the_same(checkpoint, probe, signed_in, read_only_database):
    page = signed_in.post("/c/toy/edges/1", {"probe": probe.name}, headers={"Accept": "text/html"})
    assert (page.status_code, page["Retry-After"]) == (503, "60")
    assert "can only be read now" in page.content.decode()
