"""What can be wrong with an installation, each as one check that answers OK or the fix."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from atlas.models import Checkpoint, ProbeKind, guards, traces
from atlas.services import artifacts, indexing, workers

LEAST_FREE = 1 << 30  # bytes of disk below which artifacts may soon fail to be kept


@dataclass(frozen=True)
class Verdict:
    """What a check found: `fix` is empty when all is well."""

    name: str
    found: str
    fix: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing has to be done."""
        return not self.fix


Check = Callable[[], Verdict]


def database() -> Verdict:
    """Whether the database answers."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Verdict("database", f"answers, {connection.vendor}")


def migrations() -> Verdict:
    """Whether the database is as the code expects it."""
    executor = MigrationExecutor(connection)
    pending = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if pending:
        return Verdict("migrations", f"{len(pending)} are missing", "run: manage.py migrate")
    return Verdict("migrations", f"applied, on {connection.vendor}")


@cache
def _newest() -> frozenset[tuple[str, str]]:
    """The last migrations of this process's code, which does not change while it runs."""
    return frozenset(MigrationLoader(None).graph.leaf_nodes())


def migrated() -> Verdict:
    """The same in one query, for who asks often."""
    lacking = _newest() - MigrationRecorder(connection).applied_migrations().keys()
    if lacking:
        return Verdict("migrations", f"{len(lacking)} apps are behind", "run: manage.py migrate")
    return Verdict("migrations", "applied")


def triggers() -> Verdict:
    """Whether the database itself keeps records immutable and traces who writes."""
    lost = [*guards.missing(connection), *traces.missing(connection)]
    if lost:
        return Verdict("triggers", f"{len(lost)} are missing: {', '.join(lost[:3])}", "run: manage.py migrate")
    return Verdict("triggers", f"{len(guards.GUARDS)} tables are guarded, {len(traces.TRACES)} traced")


def search() -> Verdict:
    """Whether everything that is written can be found."""
    lost = indexing.stale().count()
    if lost:
        return Verdict("search", f"{lost} footholds cannot be found", "run: manage.py reindex --missing")
    return Verdict("search", "every foothold is indexed")


def storage() -> Verdict:
    """Whether bytes come back from the store as they went in."""
    store, probe = artifacts.store(), os.urandom(1024)
    place = getattr(store, "bucket_name", settings.HOME)  # a bucket, or our folder
    name = f"tmp/doctor-{uuid.uuid4()}"
    try:
        store.save(name, ContentFile(probe))
        with store.open(name) as file:
            same = file.read() == probe
        store.delete(name)
    except OSError as error:
        return Verdict("storage", f"cannot be written: {error.strerror}", f"make {place} writable for this user")
    if not same:
        return Verdict("storage", "bytes come back changed", "check the disk; do not trust this store")
    return Verdict("storage", "a kilobyte went in and came back")


def kept() -> Verdict:
    """Whether every artifact that a row names is there, and every file has its row."""
    lost, orphans = artifacts.lost(), artifacts.orphans()
    if lost:
        first = ", ".join(sorted(lost)[:3])
        return Verdict("artifacts", f"{len(lost)} are missing: {first}", "restore them from a backup")
    spare = f"; {len(orphans)} files belong to no row, and do no harm" if orphans else ""
    return Verdict("artifacts", f"all files are there{spare}")


def catalogue() -> Verdict:
    """Whether anything can be asked."""
    names = sorted(set(ProbeKind.objects.values_list("name", flat=True)))
    if not names:
        return Verdict("catalogue", "no probe is published", "start a worker, or run: manage.py publish_catalog")
    return Verdict("catalogue", ", ".join(names))


def heartbeat() -> Verdict:
    """Whether anything asked will be answered."""
    alive = workers.alive().count()
    if not alive:
        return Verdict("worker", "none has been heard of for a minute", "start one: make serve")
    return Verdict("worker", f"{alive} alive")


def responses() -> Verdict:
    """Whether every living worker computes the functions that are registered."""
    refused = [f"{report.checkpoint.slug} on {report.worker}: {report.detail}" for report in workers.refusals()]
    if refused:
        fix = "compare its torch version, processor and weights with those of a worker that passes"
        return Verdict("response check", f"refused: {'; '.join(refused)}", fix)
    served = Checkpoint.objects.exclude(status=Checkpoint.Status.DRAFT).count()
    return Verdict("response check", f"nothing refused of {served} checkpoints")


def disk() -> Verdict:
    """Whether there is room for what will be found."""
    free = shutil.disk_usage(settings.HOME).free
    if free < LEAST_FREE:
        return Verdict(
            "disk", f"{free >> 20} MiB free in {settings.HOME}", "make room, or set ATLAS_HOME to a larger disk"
        )
    return Verdict("disk", f"{free >> 30} GiB free in {settings.HOME}")


def broker() -> Verdict:
    """Whether the bell can be rung; without it questions still start, a little later."""
    from kombu import Connection
    from kombu.exceptions import OperationalError

    if settings.BROKER.startswith("memory://"):
        return Verdict("broker", "embedded: the worker rings for itself")
    try:
        with Connection(settings.BROKER, connect_timeout=2) as bell:
            bell.ensure_connection(max_retries=1, timeout=3)
    except OperationalError as error:
        return Verdict("broker", f"cannot be reached: {error}", "start Redis, or correct ATLAS_BROKER")
    return Verdict("broker", "answers")


CHECKS: tuple[Check, ...] = (
    migrations, triggers, search, storage, kept, broker, catalogue, heartbeat, responses, disk
)  # fmt: skip
# What a web process needs before requests are sent to it, asked for every few seconds; and what a restored place has to
# hold before it is started.
READY: tuple[Check, ...] = (database, migrated, storage)
RESTORED: tuple[Check, ...] = (migrations, triggers, search, storage, kept, disk)


def verdicts(checks: tuple[Check, ...] = CHECKS) -> Iterator[Verdict]:
    """Every check's verdict; a database that is away is itself one."""
    for check in checks:
        try:
            yield check()
        except DatabaseError as error:
            yield Verdict(check.__name__, f"cannot be asked: {error}", "start the database, or run: manage.py migrate")
