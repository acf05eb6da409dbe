"""What a job that has ended, or begins anew, means for the claims whose predictions it tests."""

from collections.abc import Iterable

from atlas.models import Foothold, Job, Trial
from atlas.services import notifications, standing

# States whose coming or going changes what a claim's flags say.
TELLING = (Job.State.DONE, Job.State.FAILED, Job.State.QUARANTINED)


def follow(jobs: Iterable[int]) -> None:
    """Compute the flags of the claims that these jobs test anew, and tell who watches what was decided.

    In the transaction that moved the jobs: their rows are locked first, then the claims', by whoever does both.
    """
    trials = list(Trial.objects.filter(job__in=jobs).select_related("job", "by", "foothold"))
    for claim in Foothold.objects.filter(trials__in=trials).distinct().order_by("pk"):
        recompute(claim)
    for trial in trials:
        if trial.job.state in TELLING:
            notifications.of_trial(trial)


def recompute(claim: Foothold) -> None:
    """The flags of one claim, once nobody else writes about it."""
    standing.recompute(Foothold.objects.select_for_update().get(pk=claim.pk))
