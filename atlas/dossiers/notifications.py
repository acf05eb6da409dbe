"""What somebody was told and what they watch, for themselves alone; as far as they may read it today."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from atlas.dossiers.bodies import OnThePage
from atlas.models import Contributor, Foothold, Neuron, Notification, Watch
from atlas.permissions import readable, readable_footholds
from atlas.services import notifications, watches

PAGE = 50  # on the page


@dataclass(frozen=True, slots=True)
class NotificationFacts:
    """That something happened which somebody wants to hear of."""

    id: int
    reason: str
    says: str
    url: str
    actor: str
    foothold: str
    title: str
    comment: int | None
    evidence: str | None
    at: datetime
    read: bool


@dataclass(frozen=True, slots=True)
class WatchFacts:
    """What somebody wants to hear of a thing: everything, or mute for nothing; null where they have not said."""

    title: str
    url: str
    level: str | None


@dataclass(frozen=True, slots=True)
class ReadFacts:
    """How many notifications were taken as read, and how many are left."""

    read: int
    unread: int


@dataclass(frozen=True, slots=True)
class Inbox:
    """The page of what one was told, newest first, and the id before which the next page starts."""

    items: tuple[NotificationFacts, ...]
    before: int | None
    unread: OnThePage[int]
    watches: OnThePage[tuple[WatchFacts, ...]]


def told(actor: Contributor) -> QuerySet[Notification]:
    """What somebody was told, to be ordered by id."""
    return notifications.shown_to(actor).select_related("actor", "foothold", "comment", "evidence")


def facts_of(row: Notification) -> NotificationFacts:
    """A row of `told`."""
    return NotificationFacts(
        id=row.pk,
        reason=row.reason,
        says=notifications.said(row),
        url=notifications.place(row),
        actor=row.actor.handle,
        foothold=row.foothold.accession,
        title=row.foothold.title,
        comment=row.comment.number if row.comment else None,
        evidence=row.evidence.accession if row.evidence else None,
        at=row.at,
        read=row.read_at is not None,
    )


def inbox(actor: Contributor, *, before: int | None = None) -> Inbox:
    """What somebody was told lately, or before an id, in three queries."""
    rows = told(actor) if before is None else told(actor).filter(pk__lt=before)
    found = [facts_of(row) for row in rows.order_by("-id")[: PAGE + 1]]
    return Inbox(
        items=tuple(found[:PAGE]),
        before=found[PAGE - 1].id if len(found) > PAGE else None,
        unread=notifications.unread(actor),
        watches=tuple(watch_facts(row) for row in watched(actor).order_by("-id")[:PAGE]),
    )


def watched(actor: Contributor) -> QuerySet[Watch]:
    """What somebody watches or has muted and may still read, to be ordered by id."""
    may = Q(neuron=None) & readable_footholds(actor, "foothold__")
    may |= Q(foothold=None) & readable(actor, "neuron__layer__checkpoint__")
    return Watch.objects.filter(may, contributor=actor).select_related("foothold", "neuron__layer__checkpoint")


def watch_facts(row: Watch) -> WatchFacts:
    """A row of `watched`."""
    return of_foothold(row.foothold, row) if row.foothold else of_neuron(row.neuron, row)


def watch(actor: Contributor, *, foothold: Foothold | None = None, neuron: Neuron | None = None) -> WatchFacts:
    """What somebody wants to hear of a foothold, or else of a neuron."""
    if foothold is not None:
        return of_foothold(foothold, watches.find(actor=actor, foothold=foothold))
    return of_neuron(neuron, watches.find(actor=actor, neuron=neuron))


def of_foothold(foothold: Foothold, row: Watch | None) -> WatchFacts:
    """The same of a row that is known."""
    return WatchFacts(foothold.title, f"/f/{foothold.accession}", row.level if row else None)


def of_neuron(neuron: Neuron | None, row: Watch | None) -> WatchFacts:
    """The same for a neuron."""
    assert neuron is not None
    layer = neuron.layer
    title = f"{layer.key}:{neuron.channel} of {layer.checkpoint.slug}"
    url = f"/c/{layer.checkpoint.slug}/{layer.key}/{neuron.channel}"
    return WatchFacts(title, url, row.level if row else None)
