"""Celery is the engine that runs and supervises drains; every row of what they do is claimed from the database.

The parent forks one child, and only the child imports torch: in the parent it makes forked children hang. Messages
carry no work. The parent looks at the queue every half second and rings for itself, so the embedded in-process
transport and a Redis that is away are one and the same case.
"""

import logging
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import Celery, bootsteps
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown, worker_shutting_down
from celery.worker import state

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "atlas.settings")

import django

django.setup()

from django.conf import settings
from django.db import DatabaseError, connection

from atlas.services import janitor, jobs, turns
from atlas.services import workers as presence
from workers import memory

log = logging.getLogger(__name__)
STRAND_SECONDS = 600
TIDY_SECONDS = 60  # between two looks whether a round of the janitor is due
TIDYING = [sys.executable, str(settings.BASE_DIR / "manage.py"), "tidy"]
# Made before the fork, so that the child sees what the parent was told: SIGTERM reaches only the parent.
stopping = multiprocessing.Event()
# Held while the parent is at the database, and while it forks. On the in-process transport the two are different
# threads, and a child that is forked while another thread holds a lock of SQLite's finds it held for ever.
looking = threading.RLock()
os.register_at_fork(before=looking.acquire, after_in_parent=looking.release, after_in_child=looking.release)

janitors: subprocess.Popen[bytes] | None = None  # the round that was begun last

app = Celery("workers", broker=settings.BROKER)
app.conf.update(
    accept_content=["json"],
    broker_connection_retry_on_startup=True,
    broker_transport_options={"polling_interval": 0.1},
    task_acks_late=False,  # recovery belongs to the rows
    task_ignore_result=True,
    task_serializer="json",
    worker_enable_remote_control=False,
    worker_hijack_root_logger=False,
    worker_lost_wait=0.5,  # a dead child leaves no result to wait for: its jobs go on at once
    worker_prefetch_multiplier=1,
    worker_proc_alive_timeout=120,  # the child imports torch before it reports for work
    worker_send_task_events=False,
)


@app.task(name="workers.drain")
def drain() -> None:
    """Claim, compute and keep until the queue is empty or a minute has passed."""
    from workers.drain import resident  # torch: in the child only

    resident(stopping).drain(seconds=60)


@app.task(name="workers.sweep")
def sweep() -> int:
    """Give back what dead workers held; how many jobs moved."""
    gone = presence.dead()
    moved = jobs.reap(dead=gone)
    presence.bury(gone)
    return moved


class Bell(bootsteps.StartStopStep):
    """Looks after the queue from the parent: sweeps, and rings whenever there is work and the child is free."""

    requires = {"celery.worker.components:Timer"}

    def __init__(self, parent: Any, **_: Any) -> None:
        self.entries: list[Any] = []

    def start(self, parent: Any) -> None:
        """Look every SWEEP_SECONDS, and now and then for what nobody will answer and for what is left behind."""
        every = parent.timer.call_repeatedly
        looks = ((settings.SWEEP_SECONDS, look), (STRAND_SECONDS, strand), (TIDY_SECONDS, tidy))
        self.entries = [every(seconds, act) for seconds, act in looks]

    def stop(self, parent: Any) -> None:
        """Look no more."""
        for entry in self.entries:
            entry.cancel()


app.steps["worker"].add(Bell)


@contextmanager
def at_the_database() -> Iterator[None]:
    """The parent's time at the database. One that is away is logged: the next look may find it."""
    with looking:
        try:
            yield
        except DatabaseError as error:
            log.warning("cannot look at the queue: %s", error)
        finally:
            # The pool forks from this process: a child must not inherit an open connection.
            connection.close()


def look() -> None:
    """Sweep, and ring once if somebody waits."""
    with at_the_database():
        moved = sweep()
        idle = not state.active_requests and not state.reserved_requests
        if idle and not stopping.is_set() and turns.anybody_waits():
            drain.delay()
        if moved:
            log.info("took %d jobs back from workers that are gone", moved)


def strand() -> None:
    """Fail what has waited for a day without a worker that could answer it."""
    with at_the_database():
        failed = jobs.strand()
        if failed:
            log.warning("%d questions waited a day for a worker that could answer them", failed)


def tidy() -> None:
    """Begin a round of the janitor where one is due, in a process of its own: walking over a store takes long.

    It may be killed with this one anywhere, and the next goes on.
    """
    global janitors
    if janitors is not None and janitors.poll() is None:
        return
    with at_the_database():
        if janitor.is_due():
            log.info("tidying")
            janitors = subprocess.Popen(TIDYING, stdout=subprocess.DEVNULL)


@setup_logging.connect
def keep_logging(**_: Any) -> None:
    """Django's LOGGING is in force already; Celery must not replace it."""


@worker_process_init.connect
def enter(**_: Any) -> None:
    """In the child, before its first task: open the device and make the worker known."""
    from workers.drain import resident

    memory.keep()
    connection.close()
    resident(stopping)


@worker_process_shutdown.connect
def leave(**_: Any) -> None:
    """In the child, as it ends: say goodbye, so that nobody waits for the silence."""
    from workers.drain import resident

    resident(stopping).leave()


@worker_shutting_down.connect
def hand_back(**_: Any) -> None:
    """In the parent, on SIGTERM: the child gives its jobs back at the next step."""
    stopping.set()
