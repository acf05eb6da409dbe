"""When a question will begin and when it will be answered, as far as the present tells: about, and never promised.

What those before it are expected to take is divided among the workers; what is being computed goes on at its own pace.
"""

from dataclasses import dataclass

from django.db.models.functions import Now

from atlas.models import Job
from atlas.services import turns, workers

State = Job.State
SURE = 0.2  # of the steps, after which a question's own pace says all


@dataclass(frozen=True, slots=True)
class Outlook:
    """How many questions come before one, and in how many seconds it begins and ends; None where nobody can say."""

    ahead: int
    begins: float | None
    ends: float | None


def of(job: Job) -> Outlook:
    """The outlook of a question; of one that has ended, or that no worker is there for, it has no times."""
    if job.state == State.RUNNING:
        return Outlook(0, None, _left(job) or None)
    if job.state != State.QUEUED:
        return Outlook(0, None, None)
    ahead, seconds = turns.before(job)
    able = workers.alive().count()
    if not able:
        return Outlook(ahead, None, None)
    left = [_left(one) for one in _running()]
    begins = 0.0 if ahead + len(left) < able else (seconds + sum(left)) / able
    return Outlook(ahead, begins, begins + job.estimate)


def _running() -> list[Job]:
    return list(Job.objects.filter(state=State.RUNNING).annotate(now=Now()))


def _left(job: Job) -> float:
    """Seconds that a running question goes on: at first by what was expected, more and more by its own pace.

    The first steps are slow, because something is loaded, and by themselves would promise hours.
    """
    now = getattr(job, "now", None) or Job.objects.annotate(now=Now()).values_list("now", flat=True).get(pk=job.pk)
    spent = max(0.0, (now - job.started_at).total_seconds()) if job.started_at else 0.0
    expected = max(0.0, job.estimate - spent)
    if not (job.done_steps and job.of_steps):
        return expected
    share = job.done_steps / job.of_steps
    sure = min(1.0, share / SURE)
    return sure * spent * (1 - share) / share + (1 - sure) * expected
