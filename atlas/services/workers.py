"""The processes that compute: who lives, on what device, and which checkpoints each may serve."""

import os
import socket
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now

from atlas.models import Checkpoint, Job, ProbeKind, ResponseReport, Worker
from atlas.remembering import once

SILENCE = timedelta(seconds=60)  # a worker not heard of for so long counts as gone


@transaction.atomic
def start(*, device: str, versions: dict[str, Any]) -> Worker:
    """Make this process known as a worker."""
    pid, parent = os.getpid(), os.getppid()
    worker = Worker.objects.create(
        host=socket.gethostname(),
        pid=pid,
        born=_born(pid) or "unknown",
        parent=f"{parent} {_born(parent)}",
        device=device,
        versions=versions,
        started_at=Now(),
        seen_at=Now(),
    )
    worker.refresh_from_db()
    return worker


def serves(worker: Worker, probes: Iterable[ProbeKind]) -> None:
    """Say which probe versions this worker has the code of."""
    Worker.objects.filter(pk=worker.pk).update(probes=sorted(kind.pk for kind in probes))


def anybody_serves(probe: int, checkpoint: int, *, within: timedelta) -> bool:
    """Whether a worker heard of lately could have answered a probe's question about a checkpoint."""
    cutoff = ExpressionWrapper(Now() - within, output_field=DateTimeField())
    refused = ResponseReport.objects.filter(passed=False, checkpoint=checkpoint).values("worker")
    lately = Worker.objects.filter(seen_at__gte=cutoff).exclude(pk__in=refused)
    return any(probe in known for known in lately.values_list("probes", flat=True))


def beat(worker: Worker) -> None:
    """Say that this worker lives."""
    Worker.objects.filter(pk=worker.pk).update(seen_at=Now())


def leave(worker: Worker) -> None:
    """Say that this worker stops."""
    Worker.objects.filter(pk=worker.pk).update(stopped_at=Now(), seen_at=Now())


def alive() -> QuerySet[Worker]:
    """Workers heard of within the last minute."""
    cutoff = ExpressionWrapper(Now() - SILENCE, output_field=DateTimeField())
    return Worker.objects.filter(stopped_at__isnull=True, seen_at__gte=cutoff)


def dead() -> list[Worker]:
    """Workers of this host whose process is gone although their jobs say running: crashes, known at once."""
    holding = Job.objects.filter(state=Job.State.RUNNING).values("owner")
    suspects = Worker.objects.filter(Q(pk__in=holding) | Q(stopped_at__isnull=True), host=socket.gethostname())
    return [worker for worker in suspects if _born(worker.pid) != worker.born]


def crashed(worker: Worker) -> bool:
    """Whether a dead process of this host died by itself: what started it still runs, and was not stopped with it."""
    pid, _, born = worker.parent.partition(" ")
    return pid.isdigit() and _born(int(pid)) == born


def bury(gone: list[Worker]) -> None:
    """Note that these processes ended without saying so."""
    Worker.objects.filter(pk__in=[worker.pk for worker in gone], stopped_at__isnull=True).update(stopped_at=Now())


def report(worker: Worker, checkpoint: Checkpoint, *, passed: bool, detail: str = "", **facts: Any) -> None:
    """Record whether this worker reproduces the checkpoint's responses."""
    ResponseReport.objects.update_or_create(
        worker=worker, checkpoint=checkpoint, defaults={"passed": passed, "detail": detail, "facts": facts}
    )


def count() -> int:
    """How many are alive."""
    return once("workers", alive().count)


def refusals(checkpoint: Checkpoint | None = None) -> QuerySet[ResponseReport]:
    """Failed response checks of living workers: what doctor and the checkpoint's page have to say."""
    failed = ResponseReport.objects.filter(passed=False, worker__in=alive()).select_related("worker", "checkpoint")
    return failed.filter(checkpoint=checkpoint) if checkpoint else failed


def refused(checkpoint: Checkpoint) -> list[ResponseReport]:
    """The same of one checkpoint at hand; where nobody is alive, nobody is asked."""
    return list(refusals(checkpoint)) if count() else []


def _born(pid: int) -> str | None:
    """Boot id and start time of a process (Linux), None when there is none: a pid alone may have been reused."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()[:8]
        stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if stat[0] == "Z" else f"{boot}-{stat[19]}"
