"""A job's history, replayed: its events must be a way through the state machine that ends where its row stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby

from atlas.models import Finding, Job, JobEvent
from atlas.services.jobs import MOST_CRASHES, MOST_STARTS

S = Job.State
# Every edge there is: what may happen in a state, and where it leads.
EDGES = {
    ("request", ""): {S.QUEUED},
    ("request", S.CANCELLED): {S.QUEUED},
    ("request", S.FAILED): {S.QUEUED},
    ("requeue", S.FAILED): {S.QUEUED},
    ("requeue", S.QUARANTINED): {S.QUEUED},
    ("claim", S.QUEUED): {S.RUNNING},
    ("finish", S.RUNNING): {S.DONE},
    ("fail", S.RUNNING): {S.FAILED},
    ("release", S.RUNNING): {S.QUEUED},
    ("quarantine", S.RUNNING): {S.QUARANTINED},
    ("reap", S.RUNNING): {S.QUEUED, S.CANCELLED, S.QUARANTINED},
    ("stop", S.RUNNING): {S.CANCELLED},
    ("cancel", S.QUEUED): {S.CANCELLED},
    ("cancel", S.RUNNING): {S.RUNNING},
    ("strand", S.QUEUED): {S.FAILED},
}
# With these a lease changes hands or ends early: whoever held the one before must not be able to write any more.
MOVES_FENCE = {"claim", "release", "reap", "stop", "requeue", "strand"}

BY_CLAIMANT = {"finish", "fail", "release", "quarantine", "stop"}


@dataclass
class History:
    """What a job's events add up to."""

    job: int
    state: str = ""
    fence: int = -1
    claimed: int | None = None  # the fence of the last claim
    claimant: object = None  # the worker that made it
    attempts: int = 0
    handbacks: int = 0
    crashes: int = 0
    generation: int = 0
    finishes: int = 0
    cancelling: bool = False
    unlawful: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    after_cancelling: list[str] = field(default_factory=list)

    def add(self, event: JobEvent) -> None:
        """Go one edge further."""
        if event.from_state != self.state or event.to_state not in EDGES.get((event.kind, self.state), ()):
            self.unlawful.append(f"{event.kind} leads from {self.state or 'nothing'} to {event.to_state}")
        if event.fence < self.fence or (event.kind in MOVES_FENCE and event.fence == self.fence):
            self.shared.append(f"the fence of {event.kind} is {event.fence} after {self.fence}")
        if event.kind in BY_CLAIMANT and event.worker_id != self.claimant:
            self.shared.append(f"{event.kind} came from a worker that did not hold it")
        self._count(event)
        self.state, self.fence = event.to_state, event.fence

    def _count(self, event: JobEvent) -> None:
        match event.kind:
            case "request" | "requeue":
                self.generation += 1
                self.attempts = self.handbacks = self.crashes = self.finishes = 0
                self.cancelling = False
            case "claim":
                self.attempts += 1
                self.claimed, self.claimant = event.fence, event.worker_id
            case "release" | "quarantine":
                self.handbacks += bool(event.data.get("handback"))
            case "reap":
                self.crashes += bool(event.data.get("crashed"))
            case "cancel":
                self.cancelling = True
            case "finish":
                self.finishes += 1
                if self.claimed != event.fence:
                    self.shared.append(f"finished with fence {event.fence}, claimed with {self.claimed}")
                if self.cancelling:
                    self.after_cancelling.append("finished after a cancellation")


def replayed() -> Iterator[History]:
    """The history of every job, in one pass over the events."""
    events = JobEvent.objects.order_by("job_id", "id").iterator(chunk_size=5_000)
    for job, group in groupby(events, key=lambda event: event.job_id):
        history = History(job)
        for event in group:
            history.add(event)
        yield history


def unlawful() -> Iterator[str]:
    """Edges that the protocol does not have."""
    for history in replayed():
        yield from (f"job {history.job}: {said}" for said in history.unlawful)


def shared() -> Iterator[str]:
    """Fences that do not rise, and answers of another lease than the last."""
    for history in replayed():
        yield from (f"job {history.job}: {said}" for said in history.shared)


def published_after_cancelling() -> Iterator[str]:
    """Answers that were accepted although nobody wanted them any more."""
    for history in replayed():
        yield from (f"job {history.job}: {said}" for said in history.after_cancelling)


def excessive() -> Iterator[str]:
    """More starts or crashes than a job may have."""
    for history in replayed():
        if history.attempts - history.handbacks > MOST_STARTS or history.crashes > MOST_CRASHES:
            yield f"job {history.job}: {history.attempts} starts, {history.crashes} crashes"
        if history.finishes > 1:
            yield f"job {history.job}: finished {history.finishes} times in one generation"


def untrue() -> Iterator[str]:
    """Rows that stand elsewhere than their history leads, and jobs without one."""
    wanted = ("state", "fence", "attempts", "handbacks", "crashes", "generation")
    told = {history.job: history for history in replayed()}
    for pk, *row in Job.objects.values_list("pk", *wanted).iterator():
        history = told.get(pk)
        if history is None:
            yield f"job {pk} has no history"
            continue
        for name, value in zip(wanted, row, strict=True):
            if getattr(history, name) != value:
                yield f"job {pk}: {name} is {value}, its history says {getattr(history, name)}"


def stale() -> Iterator[str]:
    """Findings of jobs that were not finished by their last claim."""
    done = set(Finding.objects.values_list("job", flat=True))
    for history in replayed():
        if history.job in done and (history.state != S.DONE or history.finishes != 1):
            yield f"job {history.job} has a finding and is {history.state}"
