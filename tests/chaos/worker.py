"""A worker without torch: a parent that starts a child anew when it dies, as Celery's does, and sweeps meanwhile.

    python -m tests.chaos.worker SEED

The child claims, renews beside its computation, keeps and finishes by the services every worker uses. Kill the child
and it has crashed; kill the group and the worker is gone; ask the group to end, and the jobs at hand are given back.
"""

import multiprocessing
import os
import queue
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

import django

django.setup()

from django.conf import settings
from django.db import Error, connection
from kombu import Connection

from atlas import shortages
from atlas.errors import LeaseLost
from atlas.models import Job, ProbeKind, Worker
from atlas.services import artifacts, jobs
from atlas.services import workers as presence
from atlas.services.jobs import Shown
from tests.chaos import bites, clock, reference
from tests.chaos.promises import Promises

TOGETHER = 6
stopping = threading.Event()
struck = Promises(settings.HOME / "bites.jsonl")


def main(seed: int) -> None:
    """The parent."""
    heed()
    while not stopping.is_set():
        child = multiprocessing.get_context("spawn").Process(target=compute, args=(seed,), daemon=True)
        child.start()
        mind(child)
        seed += 1_000


def heed() -> None:
    """Let SIGTERM be a wish, and believe the clock."""
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    clock.follow(settings.HOME)


def mind(child: BaseProcess) -> None:
    """Sweep while the child lives."""
    while child.is_alive():
        attempt(sweep)
        child.join(0.2)


def sweep() -> None:
    """Give back what the dead held."""
    gone = presence.dead()
    jobs.reap(dead=gone)
    presence.bury(gone)
    connection.close()


def attempt(act: Callable[[], object]) -> bool:
    """Whether it went through; a database that is away may be back soon."""
    try:
        act()
    except Error as error:
        notice(error)
        connection.close()
        time.sleep(0.1)
        return False
    return True


def notice(error: BaseException) -> None:
    """Write down which fault this comes from."""
    if (fault := bites.of(error)) is not None:
        struck.add(fault, "ok")


def compute(seed: int) -> None:
    """The child: until somebody kills it, or asks it to end."""
    heed()
    chance, bell = random.Random(seed), Bell()
    worker = None
    while worker is None and not stopping.is_set():
        try:
            worker = presence.start(device="reference", versions={})
            probes = list(ProbeKind.objects.all())
        except Error:
            connection.close()
            time.sleep(0.1)
    beside = Renewal(worker)
    beside.start()
    while not stopping.is_set():
        attempt(lambda: drain(worker, probes, beside, chance, bell))
    attempt(lambda: presence.leave(worker))


def drain(worker: Worker, probes: list[ProbeKind], beside: "Renewal", chance: random.Random, bell: "Bell") -> None:
    """Answer what waits."""
    claimed = jobs.claim(worker, limit=lambda head: TOGETHER, probes=probes)
    beside.claimed = claimed
    if not claimed:
        bell.wait()
    try:
        for job in claimed:
            answer(job, chance)
    finally:
        beside.claimed = []


def answer(job: Job, chance: random.Random) -> None:
    """One question: most are answered, a few have a fault, now and then the worker has one, or its disk."""
    if job.probe.name == reference.POISON:
        os.kill(os.getpid(), signal.SIGKILL)
    if stopping.wait(2.5 if reference.is_slow(job.fingerprint) else chance.uniform(0.0, 0.004)):
        jobs.release(job, handback=True, why="asked to stop")
        return
    try:
        if reference.has_none(job.fingerprint):
            jobs.fail(job, error=reference.FAULT)
        elif chance.random() < 0.01:
            jobs.release(job, after=0.1, handback=True, why="a whim")
        else:
            artifact = artifacts.keep(reference.answer(job.fingerprint), media_type="image/png")
            jobs.finish(job, numbers={}, provenance={}, shown=[Shown("image", artifact, {})])
    except LeaseLost:
        struck.add(bites.STALE, "ok")
        jobs.stop(job)
    except OSError as error:
        notice(error)
        jobs.release(job, after=chance.uniform(0.5, 1.5), handback=True, why=str(shortages.named(error)))


class Bell:
    """Waits for a ring, for as long as a sweep at most: one that is lost delays, and does nothing else."""

    def __init__(self) -> None:
        self.queue: Any = None

    def wait(self) -> None:
        """Until it rings."""
        if settings.BROKER.startswith("memory://"):
            time.sleep(0.05)
            return
        bell = Connection(settings.BROKER, transport_options={"socket_connect_timeout": 1, "socket_timeout": 1})
        try:
            self.queue = self.queue or bell.SimpleQueue("celery", no_ack=True)
            self.queue.get(timeout=settings.SWEEP_SECONDS)
        except queue.Empty:
            return
        except (*bell.connection_errors, *bell.channel_errors):
            self.queue = None
            time.sleep(0.1)


class Renewal(threading.Thread):
    """Renews the leases of what is at hand."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(daemon=True)
        self.worker = worker
        self.claimed: list[Job] = []
        self.ahead = clock.moved(settings.HOME)

    def run(self) -> None:
        """Three times a lease."""
        while True:
            attempt(self.renew)
            time.sleep(settings.LEASE_SECONDS / 3)

    def renew(self) -> None:
        """Once."""
        ahead = round(time.time() - clock.real())
        if ahead != self.ahead:
            self.ahead = ahead
            struck.add(bites.CLOCK, "ok", seconds=ahead)
        presence.beat(self.worker)
        jobs.renew(self.claimed)


if __name__ == "__main__":
    main(int(sys.argv[1]))
