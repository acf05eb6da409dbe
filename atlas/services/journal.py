"""What every edge between a job's states leaves behind: its event, its line in the ledger, what it means for claims."""

from collections.abc import Sequence
from typing import Any

from django.db.models.functions import Now

from atlas.models import Contributor, Job, JobEvent, Worker
from atlas.services import ledger, outcomes, turns

State = Job.State


def note(
    ids: Sequence[int],
    kind: str,
    to: str,
    *,
    was: str = "",
    worker: Worker | None = None,
    actor: Contributor | None = None,
    **data: Any,
) -> None:
    """Write down that these jobs went from one state to another, in the transaction that moved them."""
    JobEvent.objects.bulk_create(
        JobEvent(
            job_id=pk,
            kind=kind,
            from_state=was,
            to_state=to,
            fence=fence,
            worker=worker,
            actor=actor,
            at=Now(),
            data=data,
        )
        for pk, fence in Job.objects.filter(pk__in=ids).order_by("pk").values_list("pk", "fence")
    )
    if was == State.RUNNING != to:
        turns.settle(ids)
    if to in Job.ENDED:
        ledger.close(ids, was=was, to=to)
    if {was, to} & set(outcomes.TELLING):
        outcomes.follow(ids)
