"""Killed in the middle or run by two at once, an import does each row once; and all of it can still be undone."""

import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
from django.conf import settings
from django.db import connection

from atlas.errors import EditConflict, IllegalStanding, WrongStage
from atlas.models import Change, Foothold, Import, Revision, Role
from atlas.services import imports, reviews, teams
from tests import importing
from tests.claims import member
from tests.importing import described, outcomes

SIZE = 24
COMMIT = """
import django
django.setup()
from atlas.models import Import
from atlas.services import imports
imports.CHUNK = 4
batch = Import.objects.select_related("team", "checkpoint", "by").get()
imports.commit(actor=batch.by, batch=batch)
"""


@pytest.fixture
def stage(fresh_database, register_on):
    """Stages the same file, each time anew, on a database that commits."""
    lab, checkpoint = teams.found(actor=None, slug="lab", name="The lab", admin=None), register_on()
    ana = member("ana", lab, Role.ANNOTATOR)
    body = importing.jsonl(described(number) for number in range(SIZE))

    def staged():
        batch = importing.stage(body, actor=ana, team=lab, checkpoint=checkpoint)
        return imports.judge(actor=ana, batch=batch)

    return staged


def require_each_once():
    """Every row has become one foothold in one version, and the feed has no gap."""
    assert Foothold.objects.count() == Revision.objects.count() == SIZE
    numbers = list(Change.objects.values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))


def killed(environment, *, after):
    """A process that commits, killed once so many rows are done."""
    environment = {**environment, "DJANGO_SETTINGS_MODULE": "atlas.settings"}
    process = subprocess.Popen([sys.executable, "-c", COMMIT], env=environment, cwd=settings.BASE_DIR)
    until = time.monotonic() + 60
    while Import.objects.get().done < after and process.poll() is None and time.monotonic() < until:
        time.sleep(0.002)
    process.kill()
    process.wait()


def test_killed_between_chunks_nothing_is_doubled_and_nothing_lost(stage, fresh_database):
    batch = stage()
    for after in (4, 12):
        killed(fresh_database, after=after)
        batch.refresh_from_db()
        assert (batch.state, batch.done >= after, batch.done % 4) == ("committing", True, 0)
        assert Foothold.objects.count() == batch.done == batch.rows.exclude(outcome="").count()
    imports.commit(actor=batch.by, batch=batch)
    assert (batch.state, set(outcomes(batch))) == ("committed", {"created"})
    require_each_once()
    imports.undo(actor=batch.by, batch=batch)
    assert set(Foothold.objects.values_list("state", flat=True)) == {"withdrawn"}


def together(*acts):
    """All at once, each in a thread with a connection of its own."""
    barrier, failed = threading.Barrier(len(acts), timeout=60), []

    def carry_out(act):
        try:
            barrier.wait()
            act()
        except BaseException as error:  # noqa: BLE001 - it is what the test is to tell
            failed.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=carry_out, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def committing(batch):
    """Commits an import as whoever comes with a connection of their own does, unless another is through already."""

    def commit():
        with suppress(WrongStage):
            imports.commit(actor=batch.by, batch=imports.find(str(batch.public_id), actor=batch.by))

    return commit


def test_of_two_who_commit_one_import_each_row_is_done_by_one(stage, monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 3)
    batch = stage()
    together(committing(batch), committing(batch))
    batch.refresh_from_db()
    assert (batch.state, set(outcomes(batch))) == ("committed", {"created"})
    require_each_once()


def test_of_two_imports_of_one_file_one_makes_what_the_other_finds(stage, monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 3)
    batches = [stage(), stage()]
    together(*map(committing, batches))
    pairs = Counter(tuple(sorted(pair)) for pair in zip(*map(outcomes, batches), strict=True))
    assert pairs == {("created", "unchanged"): SIZE}
    require_each_once()


def test_who_reviews_and_who_undoes_do_not_stop_each_other(stage):
    batch = stage()
    imports.commit(actor=batch.by, batch=batch)
    bo = member("bo", batch.team, Role.REVIEWER)

    def back_and_forth():
        for _ in range(2):
            imports.undo(actor=batch.by, batch=batch)
            imports.redo(actor=batch.by, batch=batch)

    def review():
        for claim in Foothold.objects.select_related("team", "checkpoint"):
            with suppress(IllegalStanding, EditConflict):
                reviews.review(actor=bo, foothold=claim, version=claim.head_version, verdict="unsure")

    together(back_and_forth, review)
    kept = batch.rows.filter(reversal="kept").values("foothold")
    assert not Foothold.objects.filter(pk__in=kept).exclude(reviews__reviewer=bo).exists()
