"""Queries kept under a name: nobody's business but their owner's, until they share one with a team."""

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from atlas import texts
from atlas.belonging import teams_of
from atlas.errors import MalformedQuery, NoSuchSearch, Validation
from atlas.models import Contributor, Foothold, SavedSearch, Team
from atlas.permissions import readable_footholds, require
from atlas.search import LONGEST, parse
from atlas.services import searching

LONGEST_NAME, MOST, MOST_NEW = 80, 100, 100  # characters; searches of one person; counted as new


@transaction.atomic
def save(*, actor: Contributor, name: str, query: str, team: Team | None = None) -> SavedSearch:
    """Keep a query under a name, in place of what was kept under it before; raises Validation.

    It need not find anything today, and it is judged as the search box judges it.
    """
    require(actor, "search.save", None)
    if team is not None:
        require(actor, "search.share", team)
    line = texts.line(name, at="/name", longest=LONGEST_NAME)
    asked = texts.line(query, at="/query", longest=LONGEST)
    errors = [*_of_query(asked)]
    others = SavedSearch.objects.filter(contributor=actor).exclude(name=line).count()
    if others >= MOST:
        errors.append({"pointer": "/name", "code": "too-many", "detail": f"You keep {MOST}: remove one first."})
    if errors:
        raise Validation(errors=errors)
    known = {"query": asked, "team": team}
    fresh = {**known, "seen_at": timezone.now()}
    return SavedSearch.objects.update_or_create(contributor=actor, name=line, defaults=known, create_defaults=fresh)[0]


def find(number: str, *, actor: Contributor) -> SavedSearch:
    """One of mine, or one that is shared with a team of mine; raises NoSuchSearch."""
    known = number.isascii() and number.isdigit() and len(number) <= 15
    found = readable_by(actor).filter(pk=int(number)).first() if known else None
    if found is None:
        raise NoSuchSearch(number=number[:40])
    return found


def readable_by(actor: Contributor) -> QuerySet[SavedSearch]:
    """Mine, and those of others that are shared with teams of mine; all of them by name."""
    shared = Q(team__in=teams_of(actor))
    return SavedSearch.objects.filter(Q(contributor=actor) | shared).select_related("contributor", "team")


@transaction.atomic
def look(*, actor: Contributor, search: SavedSearch) -> None:
    """Take what it finds as seen; another's stays as they left it."""
    require(actor, "search.save", None)
    SavedSearch.objects.filter(pk=search.pk, contributor=actor).update(seen_at=timezone.now())


@transaction.atomic
def remove(*, actor: Contributor, search: SavedSearch) -> None:
    """Keep it no longer; raises NoSuchSearch for another's."""
    require(actor, "search.save", None)
    gone, _ = SavedSearch.objects.filter(pk=search.pk, contributor=actor).delete()
    if not gone:
        raise NoSuchSearch(number=str(search.pk))


def new(search: SavedSearch, *, actor: Contributor) -> int | None:
    """How many of what it finds were written since its owner last looked, MOST_NEW at most.

    None where that is nobody's to know but the owner's, or where a name in it means nothing any more.
    """
    if search.contributor_id != actor.pk:
        return None
    try:
        plan = searching.plan(parse(search.query), actor=actor)
    except MalformedQuery:
        return None
    rows = Foothold.objects.filter(readable_footholds(actor), entry__revised_at__gt=search.seen_at)
    return rows.filter(plan.everywhere)[:MOST_NEW].count()


def _of_query(query: str) -> list[dict[str, str]]:
    try:
        parse(query)
    except MalformedQuery as error:
        return [{"pointer": "/query", "code": "malformed-query", "detail": str(error)}]
    return []
