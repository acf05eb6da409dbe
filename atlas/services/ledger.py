"""The ledger of device-seconds: held when a job is asked for, settled at what it took or released when it ends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Now
from django.utils import timezone

from atlas import canonical, validation
from atlas.belonging import role_in
from atlas.errors import AboveQuota, QuotaExceeded
from atlas.models import Checkpoint, Contributor, Job, LedgerEntry, ProbeKind, Quota, Role, Team
from atlas.permissions import is_operator
from atlas.services import changes, estimates, tallies
from atlas.services.instants import from_now
from atlas.services.questions import Question

Kind, State = LedgerEntry.Kind, Job.State
DAY = timedelta(hours=24)
RECENT = 20  # answers whose median is what the next one is expected to take
RECENT_OF_ALL = 10 * RECENT  # of whatever probe, where all are told at once
AS_LONG = 30.0  # s that this is remembered
UNKNOWN_WAIT = 3600  # seconds to say when only what is running stands in the way


@dataclass(frozen=True)
class Terms:
    """On what terms questions are asked: by whom, how urgently, who pays, and what each probe usually takes."""

    actor: Contributor
    priority: int
    payer: Team | None
    usual: Mapping[int, float]

    def of(self, question: Question) -> dict[str, Any]:
        """The terms of one question, as its job keeps them."""
        expected = self.estimate(question)
        return {"priority": self.priority, "asker": self.actor, "payer": self.payer, "estimate": expected}

    def estimate(self, question: Question) -> float:
        """What it is expected to take, in device-seconds: by its parameters where its probe says how, else as usual."""
        return _estimate(question, usual=self.usual[question.probe.pk])


def terms(questions: Sequence[Question], *, actor: Contributor, bulk: bool) -> Terms:
    """The terms of a request, whose questions are about one checkpoint."""
    about = questions[0].checkpoint
    probes = {question.probe for question in questions}
    return Terms(actor, int(bulk), payer(actor, about), {probe.pk: usual(probe, about) for probe in probes})


def payer(actor: Contributor, checkpoint: Checkpoint) -> Team | None:
    """Out of whose quota somebody's question is paid: the checkpoint's team where they annotate, else their own."""
    if checkpoint.team_id is not None and role_in(actor, checkpoint.team_id) >= Role.ANNOTATOR:
        return checkpoint.team
    return Team.objects.filter(person=actor).first()


def usual(probe: ProbeKind, checkpoint: Checkpoint) -> float:
    """What a probe's questions take here with the usual parameters, in device-seconds.

    It is the median of what the last ones took, each by what its own parameters cost; else the catalogue's word.
    """
    took = LedgerEntry.objects.filter(kind=Kind.SETTLE, job__state=State.DONE)
    recent = (
        took.filter(job__probe=probe, job__checkpoint=checkpoint).order_by("-id").values_list("seconds", "job__params")
    )
    found = [seconds / estimates.relative(probe.schema, params) for seconds, params in recent[:RECENT]]
    return median(found) if found else probe.seconds


def usuals(checkpoint: Checkpoint) -> dict[tuple[str, int], float]:
    """What questions with the usual parameters lately took of a checkpoint, by probe and version: medians.

    One with other parameters says nothing of what the usual ones cost. Looked up at most once in `AS_LONG`.
    """
    return tallies.remembered(f"usuals.{checkpoint.pk}", lambda: _usuals(checkpoint), seconds=AS_LONG)


def _usuals(checkpoint: Checkpoint) -> dict[tuple[str, int], float]:
    took = LedgerEntry.objects.filter(kind=Kind.SETTLE, job__state=State.DONE, job__checkpoint=checkpoint)
    of = ("job__probe__name", "job__probe__version", "job__probe__schema", "job__params", "seconds")
    found: dict[tuple[str, int], list[float]] = {}
    for name, version, schema, params, seconds in took.order_by("-id").values_list(*of)[:RECENT_OF_ALL]:
        if params == canonical.normalise(validation.completed({}, schema)):
            found.setdefault((name, version), []).append(seconds)
    return {kind: median(seconds[:RECENT]) for kind, seconds in found.items()}


def expected(question: Question) -> float:
    """What a question is expected to take, in device-seconds, as it is told before it is asked."""
    about, probe = question.checkpoint, question.probe
    lately = usuals(about).get((probe.name, probe.version), probe.seconds)
    return _estimate(question, usual=lately)


def _estimate(question: Question, *, usual: float) -> float:
    return estimates.seconds(
        question.probe.schema,
        question.params,
        usual=usual,
        flops=question.checkpoint.flops,
        pictures=question.dataset.size if question.dataset else None,
    )


def hold(jobs: Sequence[Job], *, actor: Contributor, team: Team) -> None:
    """Hold the estimates of new jobs; raises QuotaExceeded or AboveQuota, and then they must not be.

    The team's row is locked first: of any number of requests at once each sees what those before it hold.
    """
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    if not is_operator(actor):
        _require_room(team, sum(job.estimate for job in jobs), among=[job.pk for job in jobs])
    LedgerEntry.objects.bulk_create(
        LedgerEntry(kind=Kind.HOLD, job=job, generation=job.generation, team=team, seconds=job.estimate, at=Now())
        for job in jobs
    )


def close(ids: Iterable[int], *, was: str, to: str) -> None:
    """Close the holds of jobs that have ended: what ran is paid for, but not what a fault of ours has ended."""
    holds = LedgerEntry.objects.filter(kind=Kind.HOLD, job__in=ids, generation=F("job__generation"))
    for entry in holds.select_related("job"):
        paid = was == State.RUNNING and to != State.QUARANTINED and (entry.job.error or {}).get("fault") != "ours"
        LedgerEntry.objects.create(
            kind=Kind.SETTLE if paid else Kind.RELEASE,
            job=entry.job,
            generation=entry.generation,
            team_id=entry.team_id,
            seconds=took(entry.job) if paid else 0.0,
            at=Now(),
        )


def took(job: Job) -> float:
    """The device-seconds of a job's last start, of which those claimed together bear equal parts; 0 before it ends."""
    if job.started_at is None or job.finished_at is None:
        return 0.0
    return max(0.0, (job.finished_at - job.started_at).total_seconds()) / job.together


def limit_of(team: Team) -> float | None:
    """How many device-seconds a team may use in 24 hours; None for no limit."""
    own = Quota.objects.filter(team=team).values_list("seconds", flat=True).first()
    return own if own is not None else settings.QUOTA_SECONDS


def used(team: Team) -> float:
    """Device-seconds settled in the last 24 hours."""
    return _settled(team).aggregate(sum=Sum("seconds"))["sum"] or 0.0


def held(team: Team) -> float:
    """Device-seconds held for what is queued or running."""
    return Job.objects.filter(payer=team, state__in=Job.OPEN).aggregate(sum=Sum("estimate"))["sum"] or 0.0


@dataclass(frozen=True, slots=True)
class Account:
    """How a team or a personal space stands: device-seconds of any 24 hours. Without a limit, `limit` is None."""

    limit: float | None
    used: float
    held: float


def account(team: Team) -> Account:
    """What a team may use, what it used in the last 24 hours, and what is held for its open questions."""
    return Account(limit_of(team), round(used(team), 1), round(held(team), 1))


@transaction.atomic
def set_quota(*, team: Team, seconds: float | None) -> None:
    """Say how many device-seconds a team or a personal space may use in 24 hours; None: as many as the setting says.

    The operator's word, from the command line.
    """
    if seconds is None:
        Quota.objects.filter(team=team).delete()
    else:
        Quota.objects.update_or_create(team=team, defaults={"seconds": seconds})
    changes.record(None, "quota.set", team.slug, seconds=seconds)


def _settled(team: Team) -> QuerySet[LedgerEntry]:
    return LedgerEntry.objects.filter(team=team, kind=Kind.SETTLE, at__gte=from_now(-DAY.total_seconds()))


def _require_room(team: Team, wanted: float, *, among: Sequence[int]) -> None:
    most = limit_of(team)
    if most is None:
        return
    if wanted > most:
        raise AboveQuota(team=team.slug, wanted=_whole(wanted), limit=_whole(most))
    others = Job.objects.filter(payer=team, state__in=Job.OPEN).exclude(pk__in=among)
    kept = others.aggregate(sum=Sum("estimate"))["sum"] or 0.0
    lacking = used(team) + kept + wanted - most
    if lacking > 0:
        left = max(0.0, most - used(team) - kept)
        raise QuotaExceeded(
            team=team.slug,
            limit=_whole(most),
            left=_whole(left),
            wanted=_whole(wanted),
            retry_after=_frees(team, lacking),
        )


def _frees(team: Team, lacking: float) -> int:
    """Seconds until so many device-seconds are a day old; what is held ends when it ends."""
    for at, seconds in _settled(team).order_by("at", "id").values_list("at", "seconds"):
        lacking -= seconds
        if lacking <= 0:
            return max(1, round((at + DAY - timezone.now()).total_seconds()))
    return UNKNOWN_WAIT


def _whole(seconds: float) -> float:
    return round(seconds, 1)
