"""Saved searches, as their owner and those they are shared with read them."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from atlas.models import Contributor, SavedSearch
from atlas.services import searches


@dataclass(frozen=True, slots=True)
class SavedSearchFacts:
    """A query under a name: whose it is, and with which team it is shared."""

    number: int
    name: str
    query: str
    url: str  # where the same query is asked
    owner: str
    mine: bool
    team: str | None
    seen_at: datetime | None  # when its owner last looked; null for others


@dataclass(frozen=True, slots=True)
class SavedSearchDossier:
    """A saved search, and how much of what it finds is new."""

    search: SavedSearchFacts
    new: int | None  # since its owner last looked, 100 at most; null for others, and where it cannot be asked any more


def every(actor: Contributor) -> list[SavedSearchFacts]:
    """Mine and those shared with my teams, by name; in one query."""
    return [facts_of(row, actor=actor) for row in searches.readable_by(actor)]


def one(row: SavedSearch, *, actor: Contributor) -> SavedSearchDossier:
    """One of them."""
    return SavedSearchDossier(facts_of(row, actor=actor), searches.new(row, actor=actor))


def facts_of(row: SavedSearch, *, actor: Contributor) -> SavedSearchFacts:
    """A search's facts."""
    mine = row.contributor_id == actor.pk
    return SavedSearchFacts(
        number=row.pk,
        name=row.name,
        query=row.query,
        url=f"/search?{urlencode({'q': row.query})}",
        owner=row.contributor.handle,
        mine=mine,
        team=row.team.slug if row.team else None,
        seen_at=row.seen_at if mine else None,
    )
