"""What nothing refers to goes, in two phases; killed or raced anywhere, no row is ever left without its file."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.files.storage import storages
from django.core.management import call_command
from django.db import IntegrityError, connection, connections, models, transaction

from atlas import invariants
from atlas.models import Artifact, Chore, Comment, CommentVersion, Job, Snapshot, UnsavedText, Upload
from atlas.services import artifacts, backups, collection, janitor, jobs, people, references
from atlas.services.questions import ask
from atlas.storage import ContentStore, path_of
from tests.atlas.test_guards import full  # noqa: F401 - a fixture
from tests.collecting import ask_with

rolled_back = pytest.mark.django_db
PICTURE = "image/png"


@pytest.fixture(autouse=True)
def impatient(settings, monkeypatch):
    """Grace is over before it begins: a second of slack for a clock that counts milliseconds."""
    settings.GRACE_HOURS = -1 / 3600
    monkeypatch.setattr(collection, "UNMARKED", timedelta(seconds=-1))


def keep(data: bytes) -> Artifact:
    return artifacts.keep(data, media_type=PICTURE)


def collect() -> tuple[int, int]:
    collection.mark()
    return collection.sweep()


def lies() -> list[str]:
    return sorted(artifacts.lost())


def broken() -> dict[str, tuple[str, ...]]:
    return {it.name: it.shown for it in invariants.found() if it.count}


class TestReferences:
    @rolled_back
    def test_every_foreign_key_that_the_database_knows_counts(self):
        with connection.cursor() as cursor:
            known = {
                (table, column)
                for table in connection.introspection.table_names(cursor)
                for column, (_, other) in connection.introspection.get_relations(cursor, table).items()
                if other == Artifact._meta.db_table
            }
        assert known == {(field.model._meta.db_table, field.column) for field in references.fields()}
        assert len(known) > 5

    @rolled_back
    def test_a_model_that_is_added_counts_without_a_word(self):
        with new_model() as model:
            kept = keep(b"of the new model")
            model.objects.create(artifact=kept)
            assert collect() == (0, 0)
            model.objects.all().delete()
            assert collect() == (1, 16)
        assert "atlas_addedlater" not in {field.model._meta.db_table for field in references.fields()}

    @rolled_back
    def test_a_world_with_a_row_in_every_table_loses_nothing(self, full):  # noqa: F811
        before = set(Artifact.objects.values_list("pk", flat=True))
        assert collect() == (0, 0)
        assert set(Artifact.objects.values_list("pk", flat=True)) == before
        assert broken() == {}

    @rolled_back
    def test_what_a_text_or_a_question_names_stays(self, alice, checkpoint, argued):
        kept = [keep(name) for name in (b"typed", b"said", b"asked", b"nobody")]
        UnsavedText.objects.create(contributor=alice, item="new:x", content={"typed": {"artifacts": kept[0].sha256}})
        comment = Comment.objects.create(foothold=argued, number=99, author=alice, version=1, head_version=1)
        CommentVersion.objects.create(comment=comment, version=1, body=f"See /a/{kept[1].sha256}.png")
        ask_with(checkpoint, alice, kept[2])
        assert collect()[0] == 1
        assert {it.sha256 for it in kept} & set(Artifact.objects.values_list("pk", flat=True)) == {
            it.sha256 for it in kept[:3]
        }


@contextmanager
def new_model() -> Iterator[type[models.Model]]:
    """A model as a later version may have it, with its table, gone afterwards."""

    class AddedLater(models.Model):
        artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="+")

        class Meta:
            app_label = "atlas"

        def __str__(self) -> str:
            return str(self.artifact_id)

    serial = "integer PRIMARY KEY AUTOINCREMENT" if connection.vendor == "sqlite" else "bigserial PRIMARY KEY"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE atlas_addedlater (id {serial}, artifact_id varchar(64) NOT NULL)")
    try:
        yield AddedLater
    finally:
        del apps.all_models["atlas"]["addedlater"]
        apps.clear_cache()


@rolled_back
class TestPhases:
    def test_nothing_is_deleted_before_its_mark_has_stood_for_grace(self, settings):
        settings.GRACE_HOURS = 24
        kept = keep(b"unwanted")
        assert collect() == (0, 0)
        assert Artifact.objects.get(pk=kept.pk).marked_at
        age(hours=23)
        assert collect() == (0, 0)
        age(hours=2)
        assert collect() == (1, 8)
        assert (list(artifacts.stored()), lies()) == ([], [])

    def test_the_database_itself_deletes_nothing_that_is_not_marked(self):
        kept = keep(b"unwanted")
        with pytest.raises(IntegrityError), transaction.atomic():
            Artifact.objects.filter(pk=kept.pk)._raw_delete("default")

    def test_a_reference_between_mark_and_sweep_saves_it(self, alice):
        kept = keep(b"wanted again")
        collection.mark()
        Upload.objects.create(artifact=kept, uploaded_by=alice)
        assert collection.sweep() == (0, 0)
        assert not collection.forget(kept.sha256), "looked at again under its lock, not only in the list"
        collection.mark()
        assert Artifact.objects.get(pk=kept.pk).marked_at is None

    def test_kept_again_it_has_its_grace_again(self, settings):
        settings.GRACE_HOURS = 24
        keep(b"unwanted")
        collection.mark()
        age(hours=25)
        keep(b"unwanted")
        assert collect() == (0, 0)

    def test_a_new_artifact_is_left_alone_until_somebody_can_refer_to_it(self, monkeypatch):
        monkeypatch.setattr(collection, "UNMARKED", timedelta(hours=1))
        keep(b"on its way")
        assert collection.mark() == 0


def age(*, hours: float) -> None:
    """Let marks stand for longer."""
    for row in Artifact.objects.exclude(marked_at=None):
        Artifact.objects.filter(pk=row.pk).update(marked_at=row.marked_at - timedelta(hours=hours))


class Stops:
    """Kills this process at its n-th step: before each statement and before each file that is removed."""

    def __init__(self, step: int) -> None:
        self.left = step

    def __call__(self, execute, sql, params, many, context):
        self.count()
        return execute(sql, params, many, context)

    def heard(self, event: str, _: object) -> None:
        if event == "os.remove":
            self.count()

    def count(self) -> None:
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def killed_at(step: int) -> bool:
    """Whether a process that collects was killed at this step; False once there are fewer steps."""
    connections.close_all()
    child = os.fork()
    if child == 0:
        stops = Stops(step)
        sys.addaudithook(stops.heard)
        with connection.execute_wrapper(stops):
            collect()
            collection.sweep_orphans()
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_killed_at_any_step_it_leaves_garbage_and_never_a_lie(fresh_database, register_on, artifact_folder: Path):
    wanted = register_on().weights
    steps = 0
    while True:
        keep(b"garbage")
        went_on = killed_at(steps)
        assert lies() == [], steps
        assert wanted.sha256 in set(artifacts.stored())
        if not went_on:
            break
        steps += 1
    assert steps > 12
    assert list(artifacts.stored()) == [wanted.sha256]
    for step in (steps - 1, steps // 2, 3):  # and whatever it left, the next round finds
        keep(b"garbage")
        killed_at(step)
        collect()
        collection.sweep_orphans()
        assert (list(artifacts.stored()), lies()) == ([wanted.sha256], [])


class Slow(ContentStore):
    """A store in which somebody can be watched as they remove a file."""

    arrived, go_on = threading.Event(), threading.Event()

    def delete(self, name: str) -> None:
        self.arrived.set()
        assert self.go_on.wait(10)
        super().delete(name)


@pytest.fixture
def slow(settings) -> type[Slow]:
    """The store of this test is slow to remove."""
    of = settings.STORAGES["artifacts"]
    settings.STORAGES = {**settings.STORAGES, "artifacts": {**of, "BACKEND": f"{__name__}.Slow"}}
    storages._storages = {}
    Slow.arrived.clear()
    Slow.go_on.clear()
    return Slow


@contextmanager
def beside(act) -> Iterator[threading.Thread]:
    """Somebody who does this at the same time, with a connection of their own."""

    def run() -> None:
        try:
            act()
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield thread
    finally:
        thread.join(20)
        assert not thread.is_alive()


def test_kept_anew_while_its_file_is_being_removed_it_is_written_anew(fresh_database, slow):
    keep(b"wanted again")
    with beside(collect), beside(lambda: (slow.arrived.wait(10), keep(b"wanted again"))) as writer:
        assert slow.arrived.wait(10)
        writer.join(0.2)
        assert writer.is_alive(), "it waits for the shelf"
        assert not Artifact.objects.exists()
        slow.go_on.set()
    assert (Artifact.objects.count(), lies()) == (1, [])


def test_whoever_keeps_it_in_a_transaction_keeps_collection_away(fresh_database, register_on):
    kept = keep(b"wanted again")
    collection.mark()
    removed = []
    with ExitStack() as others, transaction.atomic():
        keep(b"wanted again")
        others.enter_context(beside(lambda: removed.append(collection.sweep()))).join(0.2)
    assert removed == [(0, 0)]
    assert (Artifact.objects.get(pk=kept.pk).marked_at, lies()) == (None, [])


def test_writers_and_collectors_race_and_never_leave_a_row_without_its_file(fresh_database, register_on, probe_on):
    checkpoint, _ = register_on(), probe_on()
    probe_job = first_job(checkpoint)
    enough = threading.Event()

    def collecting() -> None:
        while not enough.is_set():
            collect()
            collection.sweep_orphans()

    def writing(number: int):
        def write() -> None:
            for time in range(12):
                kept = keep(b"the same")
                try:
                    Snapshot.objects.create(job=probe_job, fence=number, step=time, position=0, artifact=kept)
                except IntegrityError:
                    continue  # grace is nothing here: refused, which is no lie
                Snapshot.objects.filter(fence=number).delete()

        return write

    with beside(collecting), beside(collecting):
        try:
            with beside(writing(1)), beside(writing(2)):
                pass
        finally:
            enough.set()
    assert lies() == []
    collect()
    collection.sweep_orphans()
    assert list(artifacts.stored()) == [checkpoint.weights_id]


def first_job(checkpoint) -> Job:
    """A question, whose pictures on their way come and go."""
    ana = people.join(username="ana", password="correct horse battery").contributor
    questions = ask(
        checkpoint=checkpoint, probe="feature-visualization", subjects=["edges:0"], site=None, params={}, many=False
    )
    jobs.request(actor=ana, checkpoint=checkpoint, questions=questions)
    return Job.objects.get()


class TestFiles:
    @rolled_back
    def test_a_file_without_a_row_goes_once_it_is_old(self, settings, artifact_folder):
        kept = keep(b"of a crash")
        collection.mark()
        collection.forget(kept.sha256)
        settings.GRACE_HOURS = 24
        assert collection.sweep_orphans() == (0, 0)
        os.utime(artifact_folder / path_of(kept.sha256), (0, 0))
        assert collection.sweep_orphans() == (1, 10)
        assert list(artifacts.stored()) == []

    @rolled_back
    def test_what_is_torn_or_rotten_is_replaced_by_whoever_keeps_it_again(self, artifact_folder):
        kept = keep(b"a picture")
        for damaged in (b"a pic", b"b picture"):
            (artifact_folder / path_of(kept.sha256)).write_bytes(damaged)
            assert artifacts.read(keep(b"a picture")) == b"a picture"

    @rolled_back
    def test_a_folder_that_cannot_be_written_leaves_a_file_and_no_lie(self, slow, caplog, monkeypatch):
        keep(b"unwanted")
        monkeypatch.setattr(Slow, "delete", lambda self, name: os.remove("/proc/version"))
        assert collect() == (0, 0)
        assert "belongs to nobody" in caplog.text
        assert (len(artifacts.orphans()), lies()) == (1, [])


def test_nothing_is_collected_while_a_backup_copies(fresh_database, tmp_path):
    keep(b"unwanted")
    collection.mark()
    collection.pause()
    assert collection.sweep() == (0, 0)
    made = backups.take(tmp_path / "backup")
    assert (made.artifacts, made.lost) == (1, [])
    assert collection.sweep() == (0, 0), "for some minutes more: another copy may be on its way"
    Chore.objects.filter(name=collection.NAME).update(paused_until=None)
    assert collection.sweep() == (1, 8)


@rolled_back
def test_doctor_holds_after_a_round(full, capsys):  # noqa: F811
    keep(b"unwanted")
    assert {rule.name: found.count for rule, found in janitor.tidy()}["artifacts"] == 1
    call_command("doctor", "--jobs")
    assert "BROKEN" not in capsys.readouterr().out
