"""Claim, compute, keep: the loop of every worker, under Celery and without."""

import logging
import os
import platform
import random
import signal
import threading
import time
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any, Protocol

import torch
from django.conf import settings
from django.db import Error, connection, transaction

from atlas import shortages
from atlas.errors import AtlasError, DeadlineExceeded, LeaseLost, OutOfMemory, PermissionRevoked
from atlas.models import Job, Snapshot, Worker
from atlas.services import artifacts, catalog, holding, jobs, leftovers, tallies, warrants
from atlas.services import workers as presence
from workers import registrar, scratch, translate
from workers.interp.errors import InterpError
from workers.interp.probe import Failure, Finding, Progress
from workers.interp.probes import PROBES
from workers.lenses import Lenses, device_of

log = logging.getLogger(__name__)
REPORT_SECONDS = 0.5  # progress is written at most so often
GLANCE_SECONDS = 0.5  # how often the watch looks whether a job was cancelled
LONGEST_PAUSE = 300.0  # seconds before another try


class Flag(Protocol):
    """Something that is set once: threading's event, or one shared with the parent process."""

    def is_set(self) -> bool:
        """Whether it is."""


class Unwanted(Exception):
    """None of the questions at hand needs an answer any more, or this process has been asked to stop."""


@cache
def resident(stopping: Flag) -> "Drain":
    """This process's drain: a worker child has one for its life."""
    return Drain(stopping=stopping)


class Overdue(Exception):
    """The questions at hand have taken longer than any may."""


class Watch(threading.Thread):
    """Renews the leases beside the computation, so that a long step loses none, and notices cancellations.

    A computation that takes no step for STALL_SECONDS will take none any more, and nothing but the end of its process
    stops it: the rows of its jobs bring them back, and it counts as a crash.
    """

    def __init__(self, worker: Worker) -> None:
        super().__init__(daemon=True, name="watch")
        self.worker = worker
        self.claimed: list[Job] = []
        self.unwanted: set[int] = set()
        self.done = threading.Event()
        self.stepped = time.monotonic()

    def run(self) -> None:
        """Glance twice a second, renew three times a lease, until done."""
        due = 0.0
        while not self.done.wait(GLANCE_SECONDS):
            try:
                due = self._tend(due)
            except Error as error:
                log.warning("leases cannot be renewed now: %s", error)
                connection.close_if_unusable_or_obsolete()  # the next glance opens another
        connection.close()

    def hold(self, claimed: Iterable[Job]) -> None:
        """From now on these are the jobs at hand."""
        self.claimed = list(claimed)
        self.unwanted = set()
        self.step()

    def step(self) -> None:
        """The computation goes on."""
        self.stepped = time.monotonic()

    def named(self) -> str:
        """The questions at hand, for the log."""
        return ", ".join(job.fingerprint[:12] for job in self.claimed)

    def _tend(self, due: float) -> float:
        claimed = self.claimed
        if claimed and time.monotonic() - self.stepped > settings.STALL_SECONDS:
            log.error("%s took no step for %g s: this process ends", self.named(), settings.STALL_SECONDS)
            os.kill(os.getpid(), signal.SIGKILL)
        if claimed:
            self.unwanted = holding.unwanted(claimed)
        if time.monotonic() < due:
            return due
        presence.beat(self.worker)
        jobs.renew(claimed)
        return time.monotonic() + settings.LEASE_SECONDS / 3


class Drain:
    """One process's work: publishes what it can compute, then answers what is asked."""

    def __init__(self, *, stopping: Flag, device: str = "") -> None:
        self.stopping = stopping
        chosen = device_of(device or settings.DEVICE)
        self.worker = presence.start(device=str(chosen), versions=versions())
        self.lenses = Lenses(self.worker, device=chosen)
        # The catalogue first: nobody can ask, and nothing is claimed, before it is known what can be answered.
        self.probes = [catalog.publish(**kind) for kind in translate.kinds()]
        presence.serves(self.worker, self.probes)
        self.watch = Watch(self.worker)
        self.watch.start()
        self.short = False  # of room to keep answers in, when last tried

    def drain(self, *, seconds: float) -> int:
        """Answer questions until none waits, `seconds` have passed or the process is asked to stop; how many."""
        until = time.monotonic() + seconds
        answered = 0
        try:
            while time.monotonic() < until and not self.stopping.is_set() and self._has_room():
                claimed = jobs.claim(self.worker, limit=self.lenses.room, probes=self.probes)
                if not claimed:
                    break
                self.answer(claimed)
                answered += len(claimed)
        except Error as error:  # what was claimed comes back when its lease ends
            log.warning("the database cannot be asked now: %s", error)
            connection.close_if_unusable_or_obsolete()
        return answered

    def _has_room(self) -> bool:
        """Whether answers can be kept: after a shortage nothing is claimed until they can."""
        self.short = self.short and not artifacts.have_room()
        return not self.short

    def answer(self, claimed: list[Job]) -> None:
        """Compute what was claimed together. Whatever happens, no job is left behind running."""
        self.watch.hold(claimed)
        batch = Batch(claimed, watch=self.watch, stopping=self.stopping)
        try:
            for job in warrants.revoked(claimed):
                batch.fail(job, PermissionRevoked())
            if batch.open():
                self._compute(batch)
        except Unwanted:
            batch.give_back(handback=True, why="asked to stop")
        except InterpError as error:
            self._refused(batch, error)
        except Overdue:
            self._overdue(batch)
        except torch.OutOfMemoryError as error:
            self._split(batch, error)
        except Exception as error:  # a fault of ours may be anything: it is logged, and the question tried again
            log.exception("computing %s failed", [job.fingerprint[:12] for job in claimed])
            self._stumbled(batch, error)
        finally:
            self.watch.hold([])  # before anything that the database may refuse: what nobody computes is not renewed
            batch.give_back(why="not answered")
            leftovers.scratch()

    def leave(self) -> None:
        """Stop watching and say goodbye."""
        self.watch.done.set()
        self.watch.join(timeout=5)
        presence.leave(self.worker)
        connection.close()

    def _compute(self, batch: "Batch") -> None:
        first = batch.open()[0]
        if first.probe.name == catalog.REGISTER:
            registrar.answer(batch)
            return
        lens = self.lenses.lens(first.checkpoint)
        subjects = [translate.subject(job) for job in batch.open()]
        probe = PROBES[first.probe.name]
        started = time.time()
        with translate.materials(first) as files:
            answers = probe.run(
                lens, subjects, first.params, site=first.site, observe=batch.observe, materials=files,
                datasets=translate.datasets(first), scratch=scratch.of(batch.claimed),
                checkpoints=[self.lenses.lens(row) for row in translate.others(first)],
            )  # fmt: skip
            for answer in answers:
                batch.keep(answer, provenance=translate.provenance(lens, started=started))

    def _stumbled(self, batch: "Batch", error: Exception) -> None:
        """A full disk or a database that is away costs no start, and nothing is claimed until there is room again."""
        connection.close_if_unusable_or_obsolete()
        shortage = shortages.named(error)
        self.short = self.short or shortage is not None
        why = shortage.slug() if shortage else "our fault"
        after = pause(batch.claimed[0].attempts)
        batch.give_back(handback=shortage is not None, after=after, why=why, error=repr(error)[:500])

    def _split(self, batch: "Batch", error: torch.OutOfMemoryError) -> None:
        """Try half as many at once from now on; what does not fit by itself, in a second start either, never will."""
        log.warning("%d of %s together need too much memory", len(batch.claimed), batch.claimed[0].checkpoint.slug)
        if len(batch.claimed) > 1:
            self.lenses.halve(batch.claimed[0], len(batch.claimed))
            batch.give_back(handback=True, why="out of memory", together=len(batch.claimed))
            return
        for job in batch.open():
            if holding.has_been_given_back(job, why="out of memory alone"):
                batch.fail(job, OutOfMemory(checkpoint=job.checkpoint.slug, device=str(self.lenses.device)))
        batch.give_back(after=pause(1), why="out of memory alone", error=str(error)[:500])

    def _overdue(self, batch: "Batch") -> None:
        """Half as many at once the first time; what takes too long again is given up."""
        self.lenses.halve(batch.claimed[0], len(batch.claimed))
        for job in batch.open():
            if holding.has_been_given_back(job, why="overdue"):
                batch.fail(job, DeadlineExceeded(seconds=settings.DEADLINE_SECONDS))
        batch.give_back(why="overdue")

    def _refused(self, batch: "Batch", error: InterpError) -> None:
        """A fault of the question fails it; a checkpoint this worker cannot serve goes back for another worker."""
        if error.fault == "yours":
            for job in batch.open():
                batch.fail(job, error)
        else:
            batch.give_back(handback=True, after=5, why=error.slug)


class Batch:
    """The jobs at hand, by subject, and what has become of each."""

    def __init__(self, claimed: list[Job], *, watch: Watch, stopping: Flag) -> None:
        self.claimed = claimed
        self.watch = watch
        self.stopping = stopping
        self.by_subject = {translate.name(job): job for job in claimed}
        self.reported = 0.0
        self.until = time.monotonic() + settings.DEADLINE_SECONDS

    def open(self) -> list[Job]:
        """Jobs nothing has become of yet."""
        return list(self.by_subject.values())

    def observe(self, progress: Progress) -> None:
        """Write how far it is; raise Unwanted when there is no reason to go on, Overdue when it has taken too long."""
        self.watch.step()
        if time.monotonic() > self.until:
            raise Overdue
        if self.stopping.is_set() or {job.pk for job in self.open()} <= self.watch.unwanted:
            raise Unwanted
        if progress.snapshots:
            self._show(progress)
        if progress.snapshots or time.monotonic() - self.reported > REPORT_SECONDS:
            for job in self.open():
                holding.report(job, done=progress.done, of=progress.of)
            self.reported = time.monotonic()

    def keep(self, answer: Finding | Failure, *, provenance: dict[str, Any]) -> None:
        """Accept one answer: its files first, then its rows, in one transaction."""
        self.watch.step()
        job = self.by_subject[str(answer.subject)]
        if isinstance(answer, Failure):
            self.fail(job, answer.error)
            return
        shown = [translate.shown(blob) for blob in answer.blobs]
        try:
            jobs.finish(
                job,
                numbers=answer.numbers,
                provenance={**provenance, "plan": answer.plan},
                shown=shown,
                rows=translate.rows(job, answer),
            )
        except LeaseLost as error:
            log.warning("%s", error)
            tallies.count(tallies.STALE)
            jobs.stop(job)
        self.answered(job)  # not before: what could not be kept is still open, and given back

    def answered(self, job: Job) -> None:
        """Nothing more is to become of it."""
        self.by_subject.pop(translate.name(job), None)

    def fail(self, job: Job, error: InterpError | AtlasError) -> None:
        """The question cannot be answered, and says why."""
        self.answered(job)
        try:
            jobs.fail(job, error=translate.error(error))
        except LeaseLost as lost:
            log.warning("%s", lost)
            tallies.count(tallies.STALE)

    def give_back(self, *, why: str, after: float = 0.0, handback: bool = False, **facts: Any) -> None:
        """Whatever is still open returns to the queue; what was cancelled ends."""
        for job in self.open():
            if not jobs.stop(job):
                jobs.release(job, after=after, handback=handback, why=why, **facts)
        self.by_subject = {}

    def _show(self, progress: Progress) -> None:
        for position, one in enumerate(progress.snapshots):
            job = self.by_subject.get(str(one.subject))
            if job is None or job.pk in self.watch.unwanted:
                continue
            artifact = artifacts.keep(one.blob.data, media_type=one.blob.media_type)
            with transaction.atomic():
                Snapshot.objects.get_or_create(
                    job=job,
                    fence=job.fence,
                    step=one.step,
                    position=position,
                    defaults={"artifact": artifact, "facts": one.blob.facts},
                )


def pause(starts: int) -> float:
    """Seconds before another try: twice as long each time, and never the same for all who failed together."""
    return min(LONGEST_PAUSE, 2.0**starts) * random.SystemRandom().uniform(0.5, 1.5)


def versions() -> dict[str, str]:
    """What this process computes with."""
    libraries = ("torch", "torchvision", "numpy", "numba", "pillow", "safetensors")
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}
