"""How the work stands: who computes, what waits and for how long; for the page of workers and for the measures."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import Now

from atlas.models import Chore, Contributor, Job, JobEvent
from atlas.permissions import require
from atlas.services import janitor, turns, workers

LATEST = 200  # claims of which the latency is told
QUANTILES = (0.5, 0.95)
OUT_OF_MEMORY = "out of memory"  # why a batch went back to be computed in smaller ones


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """A living process that computes."""

    name: str
    device: str
    versions: Mapping[str, Any]
    started_at: datetime
    seen_at: datetime
    running: int
    refuses: tuple[str, ...]  # checkpoints whose responses it does not reproduce


@dataclass(frozen=True, slots=True)
class QueueFacts:
    """The questions by state, and how long the oldest that may be claimed has waited."""

    states: Mapping[str, int]
    waiting: int
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class OperationDossier:
    """Everything the page of workers shows."""

    workers: tuple[WorkerFacts, ...]
    queue: QueueFacts


def operation(actor: Contributor | None) -> OperationDossier:
    """The dossier of the page of workers, for whoever answers for the queue."""
    require(actor, "worker.see", None)
    alive = workers.alive().annotate(running=Count("jobs", filter=Q(jobs__state=Job.State.RUNNING)))
    refused: dict[Any, list[str]] = {}
    for report in workers.refusals():
        refused.setdefault(report.worker_id, []).append(report.checkpoint.slug)
    found = tuple(_facts(one, refused.get(one.pk, [])) for one in alive.order_by("host", "pid"))
    return OperationDossier(workers=found, queue=queue())


def queue() -> QueueFacts:
    """How the queue stands, by the database's own clock."""
    counted = dict(Job.objects.order_by().values_list("state").annotate(count=Count("pk")))
    waiting = turns.waiting()
    oldest = waiting.order_by("run_at").annotate(now=Now()).values_list("now", "run_at").first()
    return QueueFacts(
        states={state: counted.get(state, 0) for state in Job.State.values},
        waiting=waiting.count(),
        oldest_seconds=round((oldest[0] - oldest[1]).total_seconds(), 3) if oldest else 0.0,
    )


def devices() -> dict[str, int]:
    """How many living workers there are on each kind of device."""
    return dict(workers.alive().order_by().values_list("device").annotate(count=Count("pk")))


def claim_latency() -> dict[float, float]:
    """Seconds between the moment a question could be claimed and its claim, of the latest ones; {} when there are none.

    A question that was given back since has another `run_at`, and is left out.
    """
    latest = JobEvent.objects.filter(kind="claim").order_by("-id").values("job")[:LATEST]
    claimed = Job.objects.filter(pk__in=list(latest.values_list("job", flat=True)), started_at__gte=F("run_at"))
    waited = sorted((began - could).total_seconds() for began, could in claimed.values_list("started_at", "run_at"))
    if len(waited) < 2:
        return dict.fromkeys(QUANTILES, waited[0]) if waited else {}
    cuts = statistics.quantiles(waited, n=100, method="inclusive")
    return {quantile: cuts[round(quantile * 100) - 1] for quantile in QUANTILES}


def events() -> dict[tuple[str, str], int]:
    """How many transitions there have been, by kind and the state they led to."""
    rows = JobEvent.objects.order_by().values_list("kind", "to_state").annotate(count=Count("pk"))
    return {(kind, to): count for kind, to, count in rows}


def memory_splits() -> int:
    """How many questions went back because the device had no room for the batch they were in."""
    return JobEvent.objects.filter(kind="release", data__why__startswith=OUT_OF_MEMORY).count()


def chores() -> list[Chore]:
    """What the janitor's rules have removed so far."""
    return list(Chore.objects.filter(name__in=[rule.name for rule in janitor.RULES]).order_by("name"))


def last_round() -> float:
    """When the last whole round of the janitor began, in seconds since 1970; 0 if there was none."""
    found = Chore.objects.filter(name=janitor.ROUND, whole_at__isnull=False).first()
    return found.whole_at.timestamp() if found and found.whole_at else 0.0


def _facts(worker: Any, refuses: list[str]) -> WorkerFacts:
    return WorkerFacts(
        name=str(worker),
        device=worker.device,
        versions=worker.versions,
        started_at=worker.started_at,
        seen_at=worker.seen_at,
        running=worker.running,
        refuses=tuple(sorted(refuses)),
    )
