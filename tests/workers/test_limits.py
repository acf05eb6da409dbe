"""What does not fit, takes too long or hangs: it is split, tried again, given up by name, and takes nobody along."""

import os
import signal
import subprocess
import sys
import threading

import pytest
import torch
from django.db import connection

from atlas.models import Job, JobEvent
from atlas.services import jobs
from tests import disks
from workers import drain as module
from workers.drain import Drain
from workers.interp.probe import Progress
from workers.interp.probes import PROBES


@pytest.fixture
def drain(fresh_database, monkeypatch):
    loop = Drain(stopping=threading.Event(), device="cpu")
    # As on a device that takes several at once.
    monkeypatch.setattr("workers.lenses.Plan.units_for", lambda flops, device: 4)
    yield loop
    loop.leave()


class Hungry:
    """A probe that holds no more than `most` units at once, and answers like the real one."""

    def __init__(self, most):
        self.most = most
        self.sizes = []
        self.real = PROBES["feature-visualization"]

    def run(self, lens, subjects, params, **more):
        self.sizes.append(len(subjects))
        if len(subjects) > self.most:
            raise torch.OutOfMemoryError("too much")
        return self.real.run(lens, subjects, params, **more)


def rested():
    """No question waits for its next try."""
    Job.objects.filter(state="queued").update(run_at=jobs.from_now(-1))


def answer(drain, monkeypatch, probe, rounds=1):
    monkeypatch.setattr(module, "PROBES", {"feature-visualization": probe})
    for _ in range(rounds):
        rested()
        drain.drain(seconds=60)


@pytest.mark.parametrize(("most", "sizes"), [(4, [4]), (2, [4, 2, 2]), (1, [4, 2, 1, 1, 1, 1])])
def test_what_does_not_fit_together_is_split_and_that_is_remembered(drain, organism_on, wish, monkeypatch, most, sizes):
    asked = wish(organism_on(), *(f"curve:{unit}" for unit in range(4)))
    probe = Hungry(most)
    answer(drain, monkeypatch, probe, rounds=3)
    assert probe.sizes == sizes
    for job in asked:
        job.refresh_from_db()
        assert job.state == "done"
        assert job.attempts - job.handbacks == 1, "a split costs no start"


def test_what_does_not_fit_by_itself_is_given_up_after_a_second_try(drain, organism_on, wish, monkeypatch):
    [job] = wish(organism_on(), "curve:0")
    answer(drain, monkeypatch, Hungry(0), rounds=3)
    job.refresh_from_db()
    assert (job.state, job.error["slug"], job.error["fault"]) == ("failed", "out-of-memory", "ours")
    assert JobEvent.objects.filter(job=job, kind="claim").count() == 2


class Slow:
    """A probe that takes steps for ever."""

    def run(self, lens, subjects, params, *, observe, **more):
        while True:
            observe(Progress(1, 1))


def test_what_takes_too_long_twice_is_given_up(drain, organism_on, wish, monkeypatch, settings):
    settings.DEADLINE_SECONDS = 0.05
    [job] = wish(organism_on(), "curve:0")
    answer(drain, monkeypatch, Slow(), rounds=3)
    job.refresh_from_db()
    assert (job.state, job.error["slug"], job.error["fault"]) == ("failed", "deadline-exceeded", "yours")
    assert JobEvent.objects.filter(job=job, kind="claim").count() == 2


HANGING = """
import threading, time, django
django.setup()
from workers import drain as module
class Hanging:
    def run(self, *args, **more):
        time.sleep(600)
module.PROBES = {"feature-visualization": Hanging()}
module.Drain(stopping=threading.Event(), device="cpu").drain(seconds=60)
"""


def test_a_computation_that_hangs_ends_its_process_and_counts_as_a_crash(fresh_database, organism_on, wish):
    from atlas.services import workers

    [job] = wish(organism_on(), "curve:0")
    environment = {**fresh_database, "ATLAS_STALL_SECONDS": "0.2", "DJANGO_SETTINGS_MODULE": "tests.settings"}
    environment["ATLAS_HOME"] = fresh_database.get("ATLAS_HOME", os.environ["ATLAS_HOME"])
    ended = subprocess.run([sys.executable, "-c", HANGING], env=environment, timeout=60, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert b"took no step" in ended.stderr
    assert jobs.reap(dead=workers.dead()) == 1
    job.refresh_from_db()
    assert (job.state, job.crashes) == ("queued", 1)


@pytest.fixture
def disk(artifact_folder):
    with disks.small(artifact_folder, size="4m") as mounted:
        if mounted is None:
            pytest.skip("needs a small disk of its own, which only root may mount")
        yield mounted


def test_a_full_disk_costs_no_start_and_nothing_is_claimed_until_there_is_room(drain, organism_on, wish, disk):
    asked = wish(organism_on(), "curve:0", "curve:1")
    disk.fill()
    for _ in range(7):
        rested()
        drain.drain(seconds=60)
    released = JobEvent.objects.filter(kind="release", data__why="insufficient-storage")
    assert released.count() == JobEvent.objects.filter(kind="claim").count() == 2, "once"
    disk.empty()
    rested()
    drain.drain(seconds=60)
    for job in asked:
        job.refresh_from_db()
        assert (job.state, job.attempts - job.handbacks) == ("done", 1)


def test_a_database_that_was_away_finds_the_worker_and_its_watch_alive(drain, organism_on, wish, monkeypatch):
    [job] = wish(organism_on(), "curve:0")

    class Cut:
        """A probe in whose midst the connection to the database is lost."""

        def run(self, *args, **more):
            connection.ensure_connection()
            connection.connection.close()
            Job.objects.count()

    if connection.vendor != "postgresql":
        pytest.skip("loses the connection to its server: make test-servers has one")
    answer(drain, monkeypatch, Cut())
    job.refresh_from_db()
    assert (job.state, job.attempts - job.handbacks) == ("queued", 0)
    assert drain.watch.claimed == [], "what nobody computes is not renewed"
    answer(drain, monkeypatch, Hungry(4))
    job.refresh_from_db()
    assert (job.state, drain.watch.is_alive()) == ("done", True)
