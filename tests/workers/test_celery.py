"""The real worker: Celery with its forked child, on the in-process transport and on a real Redis."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from atlas import supervisor
from atlas.models import Finding, Job, JobEvent, Worker
from atlas.services import workers

PATIENCE = 90  # seconds: a loaded machine imports torch slowly


def eventually(holds: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
    """Wait until it holds; fail when it never does."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, "it never came true"
        time.sleep(0.1)


@contextmanager
def worker(environment: dict[str, str], log: Path) -> Iterator[subprocess.Popen]:
    """A Celery worker as `serve` starts it, stopped by its id afterwards."""
    with log.open("a") as out:
        process = subprocess.Popen(
            supervisor.worker_command(),
            cwd=settings.BASE_DIR,
            env={**environment, "DJANGO_SETTINGS_MODULE": "atlas.settings", "ATLAS_DEVICE": "cpu"},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def child() -> int:
    """The process id of the newest worker child."""
    return Worker.objects.filter(stopped_at__isnull=True).latest("started_at").pid


@pytest.fixture(params=["memory", "redis"])
def broker(request, monkeypatch) -> str:
    """Both ways to ring."""
    if request.param == "memory":
        return "memory://"
    url = request.getfixturevalue("redis_url")
    monkeypatch.setattr(settings, "BROKER", url)
    from atlas import doorbell

    doorbell._sender.cache_clear()
    return url


@pytest.fixture
def environment(fresh_database, artifact_folder, tmp_path, broker) -> dict[str, str]:
    """What the worker process is told: this test's database, artifacts and broker."""
    return {**fresh_database, "ATLAS_BROKER": broker, "ATLAS_LEASE_SECONDS": "6", "ATLAS_HOME": str(tmp_path)}


def test_what_is_asked_is_answered(environment, organism_on, wish, units, tmp_path):
    checkpoint = organism_on()
    with worker(environment, tmp_path / "log"):
        jobs = wish(checkpoint, *units(checkpoint)[:3])
        eventually(lambda: Finding.objects.count() == len(jobs))
        parent = Path("/proc") / str(Worker.objects.get().pid) / "stat"
        assert parent.exists()
    assert Worker.objects.get().stopped_at, "a worker that stops says so"


def test_torch_is_in_the_child_only(environment, tmp_path):
    with worker(environment, tmp_path / "log") as process:
        eventually(lambda: workers.alive().exists())
        assert "libtorch" not in Path(f"/proc/{process.pid}/maps").read_text()
        assert "libtorch" in Path(f"/proc/{child()}/maps").read_text()


def test_a_killed_child_costs_a_start_and_nothing_else(environment, organism_on, wish, units, tmp_path):
    checkpoint = organism_on()
    with worker(environment, tmp_path / "log"):
        [job] = wish(checkpoint, units(checkpoint)[0], steps=300, size=128)
        eventually(lambda: Job.objects.filter(state="running", done_steps__gt=0).exists())
        os.kill(child(), signal.SIGKILL)
        eventually(lambda: Finding.objects.count() == 1)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.crashes) == ("done", 2, 1)
    assert JobEvent.objects.filter(job=job, kind="reap").count() == 1


def test_asked_to_stop_it_hands_back_within_ten_seconds(environment, organism_on, wish, units, tmp_path):
    checkpoint = organism_on()
    with worker(environment, tmp_path / "log") as process:
        [job] = wish(checkpoint, units(checkpoint)[0], steps=4096, size=256)
        eventually(lambda: Job.objects.filter(state="running", done_steps__gt=0).exists())
        asked = time.monotonic()
        process.terminate()
        process.wait(timeout=20)
        assert time.monotonic() - asked < 10
    job.refresh_from_db()
    assert (job.state, job.handbacks) == ("queued", 1)
    assert Worker.objects.get().stopped_at


def test_a_worker_killed_whole_loses_nothing(environment, organism_on, wish, units, tmp_path):
    checkpoint = organism_on()
    with worker(environment, tmp_path / "log") as process:
        [job] = wish(checkpoint, units(checkpoint)[0], steps=300, size=128)
        eventually(lambda: Job.objects.filter(state="running", done_steps__gt=0).exists())
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with worker(environment, tmp_path / "log"):
        eventually(lambda: Finding.objects.count() == 1)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("done", 2)


PARENT = """
import os, sys
from workers import celery
assert os.path.exists(celery.TIDYING[1]) and celery.TIDYING[2:] == ["tidy"]
celery.TIDYING = [sys.executable, "-S", "-c", "import sys; open(sys.argv[1], 'a').write('x')", sys.argv[1]]
for _ in range(3):
    celery.tidy()
    celery.janitors.wait()
assert "torch" not in sys.modules, "torch is in the parent"
"""


def test_the_parent_tidies_in_a_process_of_its_own_once_an_hour_and_never_imports_torch(fresh_database, tmp_path):
    subprocess.run(
        [sys.executable, "-c", PARENT, str(tmp_path / "begun")], check=True, cwd=settings.BASE_DIR, env=fresh_database
    )
    assert (tmp_path / "begun").read_text() == "x"
