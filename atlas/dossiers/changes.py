"""What was written, by whom: the feed that scripts follow and people read."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, QuerySet

from atlas.dossiers.bodies import OnThePage
from atlas.dossiers.tellings import About, about
from atlas.models import Change, Contributor
from atlas.permissions import readable_changes

PAGE = 50  # changes


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """One row of people's tables written. `before` and `after` hold what is kept of it: no name and no secret."""

    number: int
    at: datetime
    actor: str | None
    request_id: str | None
    table: str
    row: int
    kind: str
    changed: list[str]
    before: dict[str, Any] | None
    after: dict[str, Any] | None


def readable_by(actor: Contributor | None) -> QuerySet[Change]:
    """The changes this person may follow, to be ordered by number."""
    return Change.objects.filter(readable_changes(actor)).select_related("actor")


def newest(actor: Contributor | None) -> int:
    """The number of the newest change this person may follow, 0 before the first."""
    return Change.objects.filter(readable_changes(actor)).aggregate(newest=Max("number"))["newest"] or 0


def facts_of(row: Change) -> ChangeFacts:
    """A change's facts, from a row of `readable_by`."""
    return ChangeFacts(
        number=row.number,
        at=row.at,
        actor=row.actor.handle if row.actor else None,
        request_id=str(row.request_id) if row.request_id else None,
        table=row.table,
        row=row.row,
        kind=row.kind,
        changed=row.changed.split(),
        before=row.before,
        after=row.after,
    )


@dataclass(frozen=True, slots=True)
class Feed:
    """A page of changes, newest first, and the number before which the next page starts."""

    items: tuple[ChangeFacts, ...]
    before: int | None
    about: OnThePage[Mapping[int, About]]  # by number what each was about, as far as this reader may read it


def feed(actor: Contributor | None, *, before: int | None = None) -> Feed:
    """The newest changes this person may follow, or those before a number, and what they were about."""
    rows = readable_by(actor).order_by("-number")
    rows = rows if before is None else rows.filter(number__lt=before)
    found = list(rows[: PAGE + 1])
    shown, more = found[:PAGE], len(found) > PAGE
    items = tuple(facts_of(row) for row in shown)
    return Feed(items, items[-1].number if more else None, about(shown, actor=actor))
