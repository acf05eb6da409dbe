"""A worker without torch: a parent that starts a child anew when it dies, as Celery's does, and sweeps meanwhile.

    python -m tests.chaos.worker SEED

The child claims, renews beside its computation, keeps and finishes by the services every worker uses. Kill the child
and it has crashed; kill the group and the worker is gone.
"""

import multiprocessing
import os
import random
import signal
import sys
import threading
import time

import django

django.setup()

from django.conf import settings
from django.db import DatabaseError, connection

from atlas.errors import LeaseLost
from atlas.models import Job, ProbeKind, Worker
from atlas.services import artifacts, jobs
from atlas.services import workers as presence
from atlas.services.jobs import Shown
from tests.chaos import reference

TOGETHER = 6


def main(seed: int) -> None:
    """The parent."""
    while True:
        child = multiprocessing.get_context("spawn").Process(target=compute, args=(seed,), daemon=True)
        child.start()
        while child.is_alive():
            attempt(sweep)
            time.sleep(0.2)
        seed += 1_000


def sweep() -> None:
    """Give back what the dead held."""
    gone = presence.dead()
    jobs.reap(dead=gone)
    presence.bury(gone)
    connection.close()


def attempt(act) -> bool:
    """Whether it went through; a database that is away may be back soon."""
    try:
        act()
    except DatabaseError:
        connection.close()
        time.sleep(0.1)
        return False
    return True


def compute(seed: int) -> None:
    """The child: until somebody kills it."""
    chance = random.Random(seed)
    worker = None
    while worker is None:
        try:
            worker = presence.start(device="reference", versions={})
            probes = list(ProbeKind.objects.all())
        except DatabaseError:
            connection.close()
            time.sleep(0.1)
    beside = Renewal(worker)
    beside.start()
    while True:
        if not attempt(lambda: drain(worker, probes, beside, chance)):
            time.sleep(0.1)


def drain(worker: Worker, probes: list[ProbeKind], beside: "Renewal", chance: random.Random) -> None:
    """Answer what waits."""
    claimed = jobs.claim(worker, limit=lambda head: TOGETHER, probes=probes)
    beside.claimed = claimed
    if not claimed:
        time.sleep(0.05)
    for job in claimed:
        answer(job, chance)
    beside.claimed = []


def answer(job: Job, chance: random.Random) -> None:
    """One question: most are answered, a few have a fault, now and then the worker has one."""
    if job.probe.name == reference.POISON:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(2.5 if reference.is_slow(job.fingerprint) else chance.uniform(0.0, 0.004))
    try:
        if reference.has_none(job.fingerprint):
            jobs.fail(job, error=reference.FAULT)
        elif chance.random() < 0.01:
            jobs.release(job, after=0.1, handback=True, why="a whim")
        else:
            artifact = artifacts.keep(reference.answer(job.fingerprint), media_type="image/png")
            jobs.finish(job, numbers={}, provenance={}, shown=[Shown("image", artifact, {})])
    except LeaseLost:
        jobs.stop(job)


class Renewal(threading.Thread):
    """Renews the leases of what is at hand."""

    def __init__(self, worker: Worker) -> None:
        super().__init__(daemon=True)
        self.worker = worker
        self.claimed: list[Job] = []

    def run(self) -> None:
        """Three times a lease."""
        while True:
            attempt(self.renew)
            time.sleep(settings.LEASE_SECONDS / 3)

    def renew(self) -> None:
        """Once."""
        presence.beat(self.worker)
        jobs.renew(self.claimed)


if __name__ == "__main__":
    main(int(sys.argv[1]))
