"""What a worker may say and ask about the jobs it holds: how far they are, and whether they are wanted still."""

from collections.abc import Iterable

from django.db.models import QuerySet, Subquery

from atlas.models import Job

State = Job.State


def held(job: Job) -> QuerySet[Job]:
    """The row, if the lease this worker was given is still the one that counts."""
    return Job.objects.filter(pk=job.pk, state=State.RUNNING, fence=job.fence)


def unwanted(jobs: Iterable[Job]) -> set[int]:
    """Ids of claimed jobs that need no further work: cancelled, or taken over by somebody else."""
    fences = {job.pk: job.fence for job in jobs}
    wanted = Job.objects.filter(pk__in=fences, state=State.RUNNING, cancel_requested_at__isnull=True)
    alive = {pk for pk, fence in wanted.values_list("pk", "fence") if fences[pk] == fence}
    return set(fences) - alive


def report(job: Job, *, done: int, of: int) -> None:
    """Say how far a claimed job has come; a superseded worker's word changes nothing."""
    held(job).update(done_steps=done, of_steps=of)


def has_been_given_back(job: Job, *, why: str) -> bool:
    """Whether a worker gave the job back for this reason before, in this generation."""
    started = job.events.filter(kind__in=("request", "requeue")).order_by("-id").values("id")[:1]
    return job.events.filter(kind="release", data__why=why, id__gt=Subquery(started)).exists()
