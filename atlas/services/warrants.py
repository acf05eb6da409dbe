"""Whether anybody who asked may still ask: looked up again when a worker takes a question, which may be days later."""

from collections.abc import Iterable

from atlas.models import Checkpoint, Contributor, Job
from atlas.permissions import permits


def revoked(claimed: Iterable[Job]) -> list[Job]:
    """Of these jobs those that everybody who wants them has lost the right to ask for.

    What the instance itself asked for, and what nobody wants any more, is none of them.
    """
    return [job for job in claimed if _is_revoked(job)]


def _is_revoked(job: Job) -> bool:
    wishes = list(job.asked.filter(cancelled_at=None).select_related("request__contributor__login"))
    askers = [wish.request.contributor for wish in wishes]
    return bool(askers) and not any(asker is None or _may_ask(asker, job) for asker in askers)


def _may_ask(asker: Contributor, job: Job) -> bool:
    login = getattr(asker, "login", None)
    if login is None or not login.is_active:
        return False
    if job.checkpoint.status == Checkpoint.Status.DRAFT:
        return permits(asker, "checkpoint.register", job.checkpoint.team)
    return permits(asker, "job.request", job.checkpoint)
