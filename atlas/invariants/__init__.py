"""What must hold of jobs, findings, artifacts and the ledger whatever has happened; checked by `doctor --jobs`.

After every fault that is injected and every hour where the atlas is used. Each is one function that yields what breaks
it; the anchors are the invariants of the job protocol (docs/reference/guarantees.md says which promise each is for).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice

from django.db import connection, transaction

from atlas.invariants import files, histories, sums

MOST_SHOWN = 5  # violations of one invariant that are told; all are counted

Check = Callable[[], Iterator[str]]
INVARIANTS: Mapping[str, Check] = {
    "one job for each question": sums.one_job_per_question,
    "done exactly with a finding": sums.done_exactly_with_a_finding,
    "leased exactly while running": sums.leased_exactly_while_running,
    "every history is one the protocol allows": histories.unlawful,
    "every row says what its history says": histories.untrue,
    "who holds a job holds it alone": histories.shared,
    "no more starts and crashes than are allowed": histories.excessive,
    "a finding is of the last start": histories.stale,
    "nothing is published after a cancellation": histories.published_after_cancelling,
    "every hold is closed once, when its job has ended": sums.holds_and_closings,
    "nothing costs less than nothing": sums.negative,
    "a question that somebody wants is known": sums.wishes_without_a_job,
    "every artifact's file is there and whole": files.missing_or_torn,
    "every file is what its name says": files.misnamed,
    "every finding's artifacts are there": sums.findings_without_artifacts,
    "nothing is left half-written": files.half_written,
    "nothing that is wanted is marked to go": files.marked_and_wanted,
    "every artifact that is named is there": files.named_and_gone,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found: how many violations, and the first of them."""

    name: str
    count: int
    shown: tuple[str, ...]


def found() -> Iterator[Found]:
    """Every invariant with what breaks it, in order."""
    for name, check in INVARIANTS.items():
        with snapshot():
            violations = check()
            shown = tuple(islice(violations, MOST_SHOWN))
            count = len(shown) + sum(1 for _ in violations)
        yield Found(name, count, shown)


@contextmanager
def snapshot() -> Iterator[None]:
    """One moment of the database: what moves meanwhile breaks nothing. On SQLite writers wait for a check's length."""
    outermost = not connection.in_atomic_block
    with transaction.atomic():
        if connection.vendor == "postgresql" and outermost:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield
