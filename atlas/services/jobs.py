"""The state machine of questions: asked once, computed once, never lost. Every edge between states is here.

The row is the truth. Each edge is one conditional UPDATE whose WHERE is its guard, so the database decides who won;
time in guards is the database's. See design: request, claim, renew, finish, release, fail, reap, cancel, requeue.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, F, Q, QuerySet, When
from django.db.models.functions import Now

from atlas import doorbell
from atlas.errors import IllegalTransition, LeaseLost, NoSuchJob, NoWorker, PermissionRevoked
from atlas.models import (
    Artifact,
    Checkpoint,
    Contributor,
    Finding,
    FindingArtifact,
    Job,
    ProbeKind,
    Request,
    RequestedJob,
    Worker,
)
from atlas.permissions import curates, readable_jobs, require
from atlas.services import breakers, changes, ledger, turns, workers
from atlas.services.holding import held
from atlas.services.instants import HORIZON, from_now
from atlas.services.journal import note
from atlas.services.questions import Question, require_materials

State = Job.State
MOST_STARTS = 5  # handed-back starts do not count
MOST_CRASHES = 3
CANCEL_GRACE = timedelta(seconds=30)  # a worker that has not stopped by then has its lease taken away
PATIENCE = timedelta(hours=24)  # how long a question waits for a worker that could answer it
# Asked for again, these start over: what was cancelled, and what failed for no fault of the question.
BLAMELESS = (PermissionRevoked.slug(), NoWorker.slug())
STARTS_OVER = Q(state=State.CANCELLED) | Q(state=State.FAILED, error__slug__in=BLAMELESS)
NO_WORKER = {"slug": NoWorker.slug(), "detail": str(NoWorker()), "facts": {}, "fault": NoWorker.fault}
FREE = {"owner": None, "lease_until": None, "cancel_requested_at": None}


@dataclass(frozen=True)
class Shown:
    """An artifact in its role, with what the picture shows."""

    role: str
    artifact: Artifact
    facts: dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """The answer to a request: its jobs, and which of them are new."""

    request: Request
    jobs: list[Job]
    new: frozenset[str]


def find(fingerprint: str, *, actor: Contributor | None) -> Job:
    """The job of this fingerprint, if this person may read its checkpoint and what it was shown."""
    job = Job.objects.filter(readable_jobs(actor), fingerprint=fingerprint).first()
    if job is None:
        raise NoSuchJob(fingerprint=fingerprint[:80])
    return job


# --- asking -----------------------------------------------------------------------------------------------------------
@transaction.atomic
def request(*, actor: Contributor, checkpoint: Checkpoint, questions: Sequence[Question], bulk: bool = False) -> Asked:
    """– → queued, cancelled → queued: somebody wants these questions answered. A known question finds its job."""
    require(actor, "job.request", checkpoint)
    require_materials(questions, actor=actor)
    return queue(actor=actor, questions=questions, bulk=bulk)


@transaction.atomic
def queue(*, actor: Contributor, questions: Sequence[Question], bulk: bool = False) -> Asked:
    """The same for a verb that asks by itself, and has been permitted by its own name.

    Raises QuotaExceeded or AboveQuota for what would be new; a known question costs nothing.
    """
    terms = ledger.terms(questions, actor=actor, bulk=bulk)
    floor = turns.floor_for(actor, estimate=max(map(terms.estimate, questions)))
    asked = Request.objects.create(contributor=actor, team=terms.payer)
    jobs, new = [], []
    for question in questions:
        job, created = _ask(question, terms)
        RequestedJob.objects.get_or_create(request=asked, job=job)
        jobs.append(job)
        if created:
            new.append(job)
    turns.enter(actor, floor=floor)
    if new and terms.payer is not None:
        ledger.hold(new, actor=actor, team=terms.payer)
    changes.record(actor, "job.request", str(asked.id), jobs=len(jobs), new=len(new))
    transaction.on_commit(doorbell.ring, robust=True)
    return Asked(request=asked, jobs=jobs, new=frozenset(job.fingerprint for job in new))


def _ask(question: Question, terms: ledger.Terms) -> tuple[Job, bool]:
    job, created = Job.objects.get_or_create(
        fingerprint=question.fingerprint,
        defaults={
            "checkpoint": question.checkpoint,
            "probe": question.probe,
            "subject": question.subject,
            "subject_text": question.text,
            "neuron": question.neuron,
            "site": question.site,
            "params": question.params,
            "dataset": question.dataset,
            "batch_key": question.batch_key,
            "run_at": Now(),
            **terms.of(question),
        },
    )
    if created:
        note([job.pk], "request", State.QUEUED, actor=terms.actor)
        return job, True
    # Whoever waits for what was asked in bulk has it take their turn.
    waits = Job.objects.filter(pk=job.pk, state=State.QUEUED, priority__gt=terms.priority)
    waits.update(priority=terms.priority, asker=terms.actor)
    # A wanted job that is about to stop runs on.
    Job.objects.filter(pk=job.pk, state=State.RUNNING).update(cancel_requested_at=None)
    over = Job.objects.filter(STARTS_OVER, pk=job.pk)
    again = _restart(over, kind="request", actor=terms.actor, **terms.of(question))
    job.refresh_from_db()
    return job, again


# --- working ----------------------------------------------------------------------------------------------------------
def claim(worker: Worker, *, limit: Callable[[Job], int], probes: Sequence[ProbeKind]) -> list[Job]:
    """queued → running: the next question this worker can answer and those that share its forward pass.

    `limit` says for a head how many one pass takes; `probes` are the versions this worker has the code of. [] when
    none waits. Losing a race is not an empty queue: it looks again until there is no head.
    """
    while (head := turns.head(worker, probes)) is not None:
        # After a crash a question is claimed singly: a poisonous one takes no innocent ones along.
        singly = head.crashes or breakers.is_watched(head)
        won = _take(worker, head, limit=1 if singly else limit(head))
        if won:
            return won
    return []


@transaction.atomic
def _take(worker: Worker, head: Job, *, limit: int) -> list[Job]:
    mates = turns.waiting().filter(batch_key=head.batch_key).filter(Q(pk=head.pk) | Q(crashes=0))
    head_first = Case(When(pk=head.pk, then=0), default=1)
    chosen = mates.order_by(head_first, "id")[:limit]
    if connection.features.has_select_for_update_skip_locked:
        chosen = chosen.select_for_update(skip_locked=True)
    ids = list(chosen.values_list("pk", flat=True))
    won = [
        pk
        for pk in ids
        if Job.objects.filter(pk=pk, state=State.QUEUED).update(
            state=State.RUNNING,
            owner=worker,
            lease_until=from_now(settings.LEASE_SECONDS),
            attempts=F("attempts") + 1,
            fence=F("fence") + 1,
            started_at=Now(),
            done_steps=0,
            of_steps=0,
            together=1,
        )
    ]
    if len(won) > 1:
        Job.objects.filter(pk__in=won).update(together=len(won))
    note(won, "claim", State.RUNNING, was=State.QUEUED, worker=worker)
    claimed = list(
        Job.objects.filter(pk__in=won).select_related("checkpoint", "probe", "owner").order_by(head_first, "id")
    )
    turns.charge(claimed)
    return claimed


def renew(jobs: Iterable[Job]) -> tuple[set[int], set[int]]:
    """running → running: extend the leases still held; (ids held, ids of those that somebody wants cancelled)."""
    ours = {job.pk for job in jobs if held(job).update(lease_until=from_now(settings.LEASE_SECONDS))}
    unwanted = Job.objects.filter(pk__in=ours, cancel_requested_at__isnull=False)
    return ours, set(unwanted.values_list("pk", flat=True))


@transaction.atomic
def finish(
    job: Job,
    *,
    numbers: dict[str, Any],
    provenance: dict[str, Any],
    shown: Sequence[Shown],
    rows: Callable[[Finding], None] = lambda finding: None,
) -> Finding:
    """running → done: accept the finding, if the lease still holds and nobody cancelled; else LeaseLost.

    The artifacts' files and rows exist already: an orphan file is garbage, an orphan row would be a lie. `rows` writes
    what else the finding says, in the same transaction.
    """
    wanted = held(job).filter(cancel_requested_at__isnull=True)
    if not wanted.update(state=State.DONE, finished_at=Now(), error=None, **FREE):
        raise LeaseLost(fingerprint=job.fingerprint)
    finding = Finding.objects.create(job=job, numbers=numbers, provenance=provenance)
    FindingArtifact.objects.bulk_create(
        FindingArtifact(finding=finding, position=position, role=one.role, artifact=one.artifact, facts=one.facts)
        for position, one in enumerate(shown)
    )
    rows(finding)
    breakers.answered(job)
    note([job.pk], "finish", State.DONE, was=State.RUNNING, worker=job.owner)
    return finding


@transaction.atomic
def fail(job: Job, *, error: dict[str, Any]) -> None:
    """running → failed: the question cannot be answered; it is not tried again. `error`: slug, detail, facts, fault."""
    if not held(job).update(state=State.FAILED, finished_at=Now(), error=error, **FREE):
        raise LeaseLost(fingerprint=job.fingerprint)
    note([job.pk], "fail", State.FAILED, was=State.RUNNING, worker=job.owner, **error)


@transaction.atomic
def release(job: Job, *, after: float = 0.0, handback: bool = False, **why: Any) -> bool:
    """running → queued (or quarantined when its starts are used up): the worker gives the job back.

    `after` seconds of rest; a `handback` (shutdown, a checkpoint this worker may not serve) costs no start.
    Returns False when the lease was lost already.
    """
    ours = held(job)
    if handback:
        ours.update(handbacks=F("handbacks") + 1)
    spent = ours.filter(attempts__gte=F("handbacks") + MOST_STARTS)
    if spent.update(state=State.QUARANTINED, finished_at=Now(), error=_gave_up(why), **FREE):
        note([job.pk], "quarantine", State.QUARANTINED, was=State.RUNNING, worker=job.owner, handback=handback, **why)
        return True
    freed = ours.update(state=State.QUEUED, run_at=from_now(after), fence=F("fence") + 1, **FREE)
    if freed:
        note([job.pk], "release", State.QUEUED, was=State.RUNNING, worker=job.owner, handback=handback, **why)
    return bool(freed)


@transaction.atomic
def stop(job: Job) -> bool:
    """running → cancelled, by the worker that noticed: nothing of it is published. False when it was not cancelled."""
    unwanted = held(job).filter(cancel_requested_at__isnull=False)
    stopped = unwanted.update(state=State.CANCELLED, finished_at=Now(), fence=F("fence") + 1, **FREE)
    if stopped:
        note([job.pk], "stop", State.CANCELLED, was=State.RUNNING, worker=job.owner)
    return bool(stopped)


# --- clearing up ------------------------------------------------------------------------------------------------------
def reap(*, dead: Iterable[Worker] = ()) -> int:
    """running, lapsed → queued, cancelled or quarantined; returns how many. Any number of reapers may run at once.

    Jobs of workers known to be dead need not wait for their lease, and count a crash where the worker died by itself.
    """
    gone = {worker.pk: workers.crashed(worker) for worker in dead}
    # A lease far ahead was given before the database's clock went back: who lives renews it, who is dead never would.
    late = Q(lease_until__lt=Now()) | Q(lease_until__gt=from_now(HORIZON + settings.LEASE_SECONDS))
    late |= Q(cancel_requested_at__lt=from_now(-CANCEL_GRACE.total_seconds()))
    # Whatever runs has a lease; said again, because by this the index of leases is found, however many have ended.
    running = Job.objects.filter(state=State.RUNNING, lease_until__isnull=False).order_by("lease_until")
    lapsed = running.filter(Q(owner__in=gone) | late)
    return sum(
        _reap_one(job, crashed=bool(job.owner_id and gone.get(job.owner_id))) for job in lapsed.select_related("owner")
    )


def strand() -> int:
    """queued → failed (`no-worker`): for a day no worker has been heard of that could answer; returns how many.

    Asked again, such a question waits another day.
    """
    late = Job.objects.filter(state=State.QUEUED, run_at__lt=from_now(-PATIENCE.total_seconds()))
    pairs = set(late.order_by().values_list("probe", "checkpoint").distinct())
    unserved = [pair for pair in pairs if not workers.anybody_serves(*pair, within=PATIENCE)]
    return sum(_strand(late.filter(probe=probe, checkpoint=checkpoint)) for probe, checkpoint in unserved)


@transaction.atomic
def _strand(late: QuerySet[Job]) -> int:
    named = list(late.select_for_update().order_by("pk").values_list("pk", flat=True))
    moved = [
        pk
        for pk in named
        if late.filter(pk=pk).update(state=State.FAILED, finished_at=Now(), fence=F("fence") + 1, error=NO_WORKER)
    ]
    note(moved, "strand", State.FAILED, was=State.QUEUED)
    return len(moved)


@transaction.atomic
def _reap_one(job: Job, *, crashed: bool) -> bool:
    crashes = job.crashes + crashed
    spent = job.attempts - job.handbacks >= MOST_STARTS or crashes >= MOST_CRASHES
    to = State.CANCELLED if job.cancel_requested_at else State.QUARANTINED if spent else State.QUEUED
    ended = {} if to == State.QUEUED else {"finished_at": Now()}
    error = {"error": _gave_up({"crashes": crashes})} if to == State.QUARANTINED else {}
    # The row must still be as it was read: a worker that renewed or finished meanwhile has won.
    same = Job.objects.filter(
        pk=job.pk,
        state=State.RUNNING,
        fence=job.fence,
        lease_until=job.lease_until,
        cancel_requested_at=job.cancel_requested_at,
    )
    moved = same.update(state=to, crashes=crashes, fence=F("fence") + 1, run_at=Now(), **FREE, **ended, **error)
    if moved:
        note([job.pk], "reap", to, was=State.RUNNING, worker=job.owner, crashed=crashed, together=job.together)
        if crashed:
            breakers.crashed(job)
    return bool(moved)


@transaction.atomic
def cancel(*, actor: Contributor, job: Job) -> Job:
    """queued, running → cancelled, when nobody else asked: withdraw my wish, and stop the job if it was the last.

    Who answers for the checkpoint withdraws everybody's.
    """
    require(actor, "job.cancel", job)
    if job.state not in (State.QUEUED, State.RUNNING, State.CANCELLED):
        raise IllegalTransition(state=job.state, verb="cancelled")
    wishes = RequestedJob.objects.filter(job=job, cancelled_at__isnull=True)
    mine = wishes if curates(actor, job.checkpoint) else wishes.filter(request__contributor=actor)
    mine.update(cancelled_at=Now())
    changes.record(actor, "job.cancel", job.fingerprint)
    heir = wishes.select_related("request__contributor").order_by("id").first()
    if heir is None:
        withdraw(job, actor=actor)
    else:
        Job.objects.filter(pk=job.pk, asker=actor).update(asker=heir.request.contributor)
    job.refresh_from_db()
    return job


def withdraw(job: Job, *, actor: Contributor) -> None:
    """queued, running → cancelled: nobody has a use for the answer any more."""
    queued = Job.objects.filter(pk=job.pk, state=State.QUEUED)
    if queued.update(state=State.CANCELLED, finished_at=Now(), fence=F("fence") + 1):
        note([job.pk], "cancel", State.CANCELLED, was=State.QUEUED, actor=actor)
        return
    running = Job.objects.filter(pk=job.pk, state=State.RUNNING, cancel_requested_at__isnull=True)
    if running.update(cancel_requested_at=Now()):
        note([job.pk], "cancel", State.RUNNING, was=State.RUNNING, actor=actor)


@transaction.atomic
def requeue(*, actor: Contributor, job: Job) -> Job:
    """quarantined, failed → queued, by a curator who has mended the cause: a new generation, which nobody pays for."""
    require(actor, "job.requeue", job)
    ended = Job.objects.filter(pk=job.pk, state__in=(State.QUARANTINED, State.FAILED))
    if not _restart(ended, kind="requeue", actor=actor, payer=None):
        raise IllegalTransition(state=job.state, verb="queued again")
    changes.record(actor, "job.requeue", job.fingerprint)
    transaction.on_commit(doorbell.ring, robust=True)
    job.refresh_from_db()
    return job


# --- what the edges share ---------------------------------------------------------------------------------------------
def _restart(ended: QuerySet[Job], *, kind: str, actor: Contributor, **terms: Any) -> bool:
    rows = list(ended.values_list("pk", "state"))
    restarted = ended.update(
        state=State.QUEUED,
        generation=F("generation") + 1,
        fence=F("fence") + 1,
        attempts=0,
        handbacks=0,
        crashes=0,
        done_steps=0,
        of_steps=0,
        error=None,
        run_at=Now(),
        started_at=None,
        finished_at=None,
        **terms,
    )
    if restarted:
        for pk, was in rows:
            note([pk], kind, State.QUEUED, was=was, actor=actor)
    return bool(restarted)


def _gave_up(why: dict[str, Any]) -> dict[str, Any]:
    detail = f"Given up after {MOST_STARTS} starts or {MOST_CRASHES} crashes; a curator can queue it again."
    return {"slug": "quarantined", "detail": detail, "facts": why, "fault": "ours"}
