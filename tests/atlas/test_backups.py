"""A backup is taken while others write, and restored into an empty place it is the same atlas: on both engines."""

import hashlib
import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from atlas.errors import BackupDamaged, BackupOfAnother, NoBackup, NotEmpty, ToolFailed
from atlas.models import Artifact, Change, Checkpoint
from atlas.services import artifacts, backups, dumps, people
from atlas.storage import path_of

ROOT = Path(__file__).parents[2]
A_PICTURE = hashlib.sha256(b"a picture").hexdigest()


@contextmanager
def somebody_writing() -> Iterator[list[str]]:
    """A thread that keeps new artifacts and brings in people as fast as it can; what it has kept."""
    kept: list[str] = []
    enough = threading.Event()

    def write() -> None:
        try:
            while not enough.is_set():
                kept.append(artifacts.keep(os.urandom(2_000), media_type="image/png").sha256)
                people.join(username=f"writer-{len(kept)}", password=f"correct horse battery {len(kept)}")
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while len(kept) < 3:
            enough.wait(0.01)
        yield kept
    finally:
        enough.set()
        writer.join()


@pytest.fixture
def world(fresh_database, register_on) -> Checkpoint:
    """A checkpoint and a person, on a database that commits."""
    people.join(username="alice", password="correct horse battery", citation_name="Alice Liddell")
    return register_on()


@pytest.fixture
def elsewhere(tmp_path, world) -> Iterator[dict[str, str]]:
    """What a process needs to know of an empty place."""
    home = {"ATLAS_HOME": str(tmp_path / "elsewhere"), "DJANGO_SETTINGS_MODULE": "atlas.settings"}
    if connection.vendor == "sqlite":
        yield {**os.environ, **home}
        return
    name = f"{connection.settings_dict['NAME']}_too"[-60:]
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    url = "postgres://{USER}:{PASSWORD}@{HOST}:{PORT}/".format(**connection.settings_dict)
    yield {**os.environ, **home, "ATLAS_DATABASE_URL": url + name}
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def manage(environment: dict[str, str], *words: str) -> "subprocess.CompletedProcess[str]":
    """A command in that place."""
    return subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )


def facts_of_all(environment: dict[str, str]) -> dict[str, object]:
    """What a place says of its records, asked of itself."""
    code = (
        "import json; from atlas.models import *; from atlas.services import artifacts\n"
        "found = {'people': sorted(User.objects.values_list('username', 'password')),"
        " 'changes': Change.objects.count(), 'neurons': Neuron.objects.count(),"
        " 'checkpoint': Checkpoint.objects.get().digest,"
        " 'artifacts': sorted(it.sha256 for it in Artifact.objects.all() if artifacts.read(it))}\n"
        "try: Change.objects.all().delete(); found['guarded'] = False\n"
        "except Exception: found['guarded'] = True\n"
        "print(json.dumps(found))"
    )
    done = manage(environment, "shell", "--verbosity", "0", "--command", code)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_taken_while_somebody_writes_and_restored_elsewhere_it_is_the_same_atlas(world, elsewhere, tmp_path):
    folder, out = tmp_path / "backup", io.StringIO()
    with somebody_writing() as kept:
        before = set(kept)
        call_command("backup", str(folder), stdout=out)
        while len(kept) == len(before):
            pass  # it goes on writing after the moment of the backup
    manifest = backups.read(folder)
    assert f"{manifest.artifacts} artifacts" in out.getvalue()
    assert subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=folder).returncode == 0
    done = manage(elsewhere, "restore", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("OK ") == 6
    assert "FIX" not in done.stdout
    there = facts_of_all(elsewhere)
    assert before <= set(there["artifacts"])
    assert len(there["artifacts"]) == manifest.artifacts == manifest.rows["atlas_artifact"]
    assert len(there["people"]) == manifest.rows["atlas_user"] < 1 + len(kept) + 1
    assert there["people"][0][0] == "alice"
    assert there["checkpoint"] == world.digest
    assert there["neurons"] == 16
    assert there["changes"] == manifest.rows["atlas_change"] <= Change.objects.count()
    assert there["guarded"], "what may never change may not change there either"


def test_what_is_linked_what_was_lost_and_who_may_read(world, artifact_folder, tmp_path):
    """One database that commits, for what only such a one can show."""
    first, second, third = (tmp_path / name for name in ("first", "second", "third"))
    changed, lost = (artifacts.keep(data, media_type="image/png").sha256 for data in (b"one", b"three"))
    backups.take(first)
    assert first.stat().st_mode & 0o077 == 0, "it holds hashed passwords"
    with pytest.raises(NotEmpty):
        backups.take(first)
    (first / "artifacts" / path_of(changed)).write_bytes(b"two")
    backups.take(second, since=first)
    kept = world.weights.sha256
    assert (second / "artifacts" / path_of(kept)).samefile(first / "artifacts" / path_of(kept))
    assert (second / "artifacts" / path_of(changed)).read_bytes() == b"one", "what rotted there is copied anew"
    (artifact_folder / path_of(lost)).unlink()
    with pytest.raises(CommandError, match=f"1 artifacts were lost before, and are not: {lost}"):
        call_command("backup", str(third))
    made = backups.read(third)
    assert (made.lost, made.artifacts) == ([lost], Artifact.objects.count() - 1)


class TestRefusals:
    """What is not whole, or not for here, is found before anything is changed."""

    @pytest.fixture
    def taken(self, tmp_path) -> Path:
        """A backup as `take` leaves it: of a database nobody has to open, and one artifact."""
        folder = tmp_path / "backup"
        files = {dumps.file_name(): b"a database", f"artifacts/{path_of(A_PICTURE)}": b"a picture"}
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        sums = "".join(f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in files.items())
        (folder / "SHA256SUMS").write_text(sums)
        manifest = backups.Manifest(
            1, "2026-01-01T00:00:00+00:00", connection.vendor, [], {}, 1, 9, [], backups._hash(folder / "SHA256SUMS")
        )
        (folder / "manifest.json").write_text(json.dumps(asdict(manifest)))
        assert len(whole(folder)) == 2
        return folder

    @pytest.mark.django_db
    def test_a_place_that_is_not_empty(self, taken):
        with pytest.raises(NotEmpty, match=r"The database is not empty \(\d+ tables\)"):
            backups.restore(taken)

    def test_a_backup_that_was_not_finished(self, taken):
        (taken / "manifest.json").unlink()
        with pytest.raises(NoBackup, match="written last"):
            backups.restore(taken)

    @pytest.mark.parametrize("text", ["", "[]", "{}", '{"form": 1}', "\u00e9"])
    def test_a_manifest_that_cannot_be_read(self, taken, text):
        (taken / "manifest.json").write_text(text)
        with pytest.raises(NoBackup, match="cannot be read"):
            backups.restore(taken)

    def test_a_changed_byte_in_any_file(self, taken):
        files = [path for path in taken.rglob("*") if path.is_file() and path.name != "manifest.json"]
        assert len(files) == 3, "the database, an artifact, the sums"
        for path in files:
            kept = path.read_bytes()
            path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
            with pytest.raises(BackupDamaged, match=path.name):
                whole(taken)
            path.write_bytes(kept)

    def test_a_missing_file(self, taken):
        (taken / "artifacts" / path_of(A_PICTURE)).unlink()
        with pytest.raises(BackupDamaged, match="it is not there"):
            whole(taken)

    @pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "artifacts/../manifest.json"])
    def test_a_list_that_names_what_lies_elsewhere(self, taken, name):
        (taken / "SHA256SUMS").write_text(f"{'0' * 64}  {name}\n")
        rewritten(taken, sums=backups._hash(taken / "SHA256SUMS"))
        with pytest.raises(BackupDamaged, match="no part of a backup"):
            whole(taken)

    def test_another_engine_a_later_version_and_another_form(self, taken):
        rewritten(taken, engine="oracle")
        with pytest.raises(BackupOfAnother, match="of oracle, and this place has"):
            backups.restore(taken)
        rewritten(taken, engine=connection.vendor, migrations=["atlas.9999_later"])
        with pytest.raises(BackupOfAnother, match=r"atlas\.9999_later"):
            backups.restore(taken)
        rewritten(taken, form=2)
        with pytest.raises(NoBackup, match="form is 2"):
            backups.restore(taken)


def whole(folder: Path) -> dict[str, str]:
    """The files of a backup."""
    return backups.whole(folder, backups.read(folder))


def rewritten(folder: Path, **members: object) -> None:
    """The manifest with other members."""
    known = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**known, **members}))


@pytest.mark.django_db
def test_a_store_that_is_not_empty_is_left_alone(artifact_folder, tmp_path, monkeypatch):
    artifacts.keep(b"a picture", media_type="image/png")
    monkeypatch.setattr(dumps, "present", lambda: [])  # a database without tables cannot be had inside of a test's
    with pytest.raises(NotEmpty, match="The store of artifacts"):
        backups._require_empty()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite needs no other program")
def test_a_program_that_is_missing_or_refuses_is_named(world, tmp_path, monkeypatch):
    with pytest.raises(ToolFailed, match="pg_restore did not do its work"):
        dumps._run("pg_restore", "--dbname", "nobodys", str(tmp_path / "nothing"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolFailed, match="apt-get install postgresql-client"):
        backups.take(tmp_path / "backup")
