"""Whose question is next: the person with the least recent device-time, of theirs what somebody waits for, then age.

Start-time fair queueing (Goyal et al. 1996): a person's turn moves on by what their questions take, expected when they
are claimed and corrected when they end; who comes back after a pause starts where the least served of the present is,
so that nobody saves up time, and nobody with five thousand questions delays another's first.
"""

from collections.abc import Iterable, Sequence

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Now

from atlas.models import Breaker, Contributor, Job, ProbeKind, Share, Worker
from atlas.services.instants import HORIZON, from_now
from atlas.services.ledger import took

State = Job.State


def waiting() -> QuerySet[Job]:
    """Questions that may be claimed now; of one that would rest for longer than any does, a clock had gone wrong."""
    due = Q(run_at__lte=Now()) | Q(run_at__gt=from_now(HORIZON))
    return Job.objects.filter(due, state=State.QUEUED)


def anybody_waits() -> bool:
    """Whether there is something to claim. In the index's order: else PostgreSQL may look through what has ended."""
    return bool(waiting().order_by("asker", "priority", "run_at", "id").values_list("pk", flat=True)[:1])


def head(worker: Worker, probes: Sequence[ProbeKind]) -> Job | None:
    """The next question that this worker can answer."""
    able = _able(worker, probes).order_by("priority", "run_at", "id")
    own = Subquery(able.filter(asker=OuterRef("person")).values("pk")[:1])
    heads = [it for it in Share.objects.order_by("turn").values_list("turn", own) if it[1] is not None]
    least = [pk for turn, pk in heads if turn == heads[0][0]]
    if not heads:  # what was asked before there were turns
        least = list(able.filter(asker=None).values_list("pk", flat=True)[:1])
    # Among equals what somebody waits for comes first, then what has waited longest.
    rows = Job.objects.filter(pk__in=least).select_related("checkpoint", "probe")
    return rows.order_by("priority", "run_at", "id").first()


def floor_for(person: Contributor, *, estimate: float) -> float:
    """Where somebody starts who asks now: from a pause just before the least served of those who have questions open.

    By one question, so that the first of whoever comes waits for none that has not begun.
    """
    present = Share.objects.filter(_has_open())
    if present.filter(person=person).exists():
        return 0.0
    return (present.aggregate(least=Min("turn"))["least"] or 0.0) - estimate


def enter(person: Contributor, *, floor: float) -> None:
    """Somebody has asked, and starts no earlier than there. After the jobs: whoever claims locks them in this order."""
    Share.objects.get_or_create(person=person, defaults={"turn": floor})
    Share.objects.filter(person=person, turn__lt=floor).update(turn=floor)


def charge(claimed: Iterable[Job]) -> None:
    """Questions have been claimed: they count at once, at what they are expected to take."""
    _move({job: job.estimate for job in claimed})


def settle(ids: Iterable[int]) -> None:
    """Questions run no longer: what was expected is put right by what it took."""
    _move({job: took(job) - job.estimate for job in Job.objects.filter(pk__in=ids)})


def ahead_of(job: Job) -> int:
    """About how many questions are claimed before this one."""
    return before(job)[0]


def before(job: Job) -> tuple[int, float]:
    """About how many questions are claimed before this one, and the device-seconds that they are expected to take.

    The person's own, and one of each other's for each.
    """
    queue = waiting().filter(asker=job.asker)
    # As the database has it: SQLite compares moments as texts, and would not know its own three digits from six.
    since = Subquery(Job.objects.filter(pk=job.pk).values("run_at"))
    sooner = Q(run_at__lt=since) | Q(run_at=since, pk__lt=job.pk)
    own, seconds = _weight(queue.filter(Q(priority__lt=job.priority) | Q(sooner, priority=job.priority)))
    others = Share.objects.filter(Exists(waiting().filter(asker=OuterRef("person")))).exclude(person=job.asker_id)
    theirs = [_weight(waiting().filter(asker=it)[: own + 1]) for it in others.values_list("person", flat=True)]
    return own + sum(count for count, _ in theirs), seconds + sum(more for _, more in theirs)


def _weight(queue: QuerySet[Job]) -> tuple[int, float]:
    """How many there are, and what they are expected to take."""
    found = queue.aggregate(count=Count("pk"), seconds=Sum("estimate"))
    return found["count"], found["seconds"] or 0.0


def _able(worker: Worker, probes: Sequence[ProbeKind]) -> QuerySet[Job]:
    refused = worker.reports.filter(passed=False).values("checkpoint")
    broken = Breaker.objects.filter(probe=OuterRef("probe"), checkpoint=OuterRef("checkpoint"), until__gt=Now())
    return waiting().filter(~Exists(broken), probe__in=probes).exclude(checkpoint__in=refused)


def _has_open() -> Exists:
    return Exists(Job.objects.filter(asker=OuterRef("person"), state__in=Job.OPEN))


def _move(by: dict[Job, float]) -> None:
    """Move people's turns, in the order of their ids, so that two who do so at once do not wait for each other."""
    seconds: dict[int, float] = {}
    for job, more in by.items():
        if job.asker_id is not None:
            seconds[job.asker_id] = seconds.get(job.asker_id, 0.0) + more
    for person, more in sorted(seconds.items()):
        Share.objects.filter(person=person).update(turn=F("turn") + more)
