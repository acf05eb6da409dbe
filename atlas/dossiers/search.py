"""What a query finds: footholds with the passages that say it, places it may name, and why there is nothing."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet

from atlas import markdown
from atlas.dossiers import footholds
from atlas.dossiers.footholds import FootholdFacts
from atlas.dossiers.places import PlaceFacts, places
from atlas.models import Contributor, Foothold, Revision
from atlas.search import All, Query, parse, written
from atlas.search.matching import Run
from atlas.search.words import folded, marked
from atlas.services import searching
from atlas.services.searching import Plan

BODIES = ("body", "mechanism", "interpretation", "narrative", "conclusion")
BEFORE, LONGEST_PASSAGE = 60, 240
MOST_PARTS = 6  # of a query that finds nothing, each asked for alone


@dataclass(frozen=True, slots=True)
class PieceFacts:
    """A part of a text, and whether it is what was looked for."""

    text: str
    hit: bool


@dataclass(frozen=True, slots=True)
class HitFacts:
    """A foothold that was found, and where it says so."""

    foothold: FootholdFacts
    title: list[PieceFacts]
    passage: list[PieceFacts]  # of its text; empty where it has none


@dataclass(frozen=True, slots=True)
class SearchDossier:
    """A page of what a query finds. How many there are in all is not counted."""

    query: str
    reads: str  # the query as it was understood
    items: list[HitFacts]
    next: str | None
    places: list[PlaceFacts]  # on the first page: what the query may name besides
    notes: list[str]  # what operators looked at
    did_you_mean: list[str]  # words that find something, where nothing was found
    why_empty: list[str]


@dataclass(frozen=True, slots=True)
class Found:
    """What a query finds from one place on, and the place where it goes on."""

    dossier: SearchDossier
    after: list[int] | None


NOTHING = SearchDossier("", "", [], None, [], [], [], [])


def find(text: str, *, actor: Contributor | None, limit: int, after: list[int] | None = None) -> Found:
    """What this person finds by a query; raises MalformedQuery.

    `after` is [0 or 1, place]: first come those that say it in their titles, then all others; each in their order.
    """
    query = parse(text)
    plan = searching.plan(query, actor=actor)
    rows, following = _window(footholds.readable_by(actor), plan, limit=limit, after=after)
    empty = not rows and after is None
    dossier = SearchDossier(
        query=text,
        reads=written(query.root),
        items=_hits(rows, plan.sought, actor),
        next=None,
        places=[] if after else places(query, actor=actor),
        notes=list(plan.notes),
        did_you_mean=searching.nearest(query, actor=actor) if empty else [],
        why_empty=list(_why_empty(query, actor)) if empty else [],
    )
    return Found(dossier, following)


def kept_by(collection: Foothold, *, actor: Contributor | None, limit: int, after: list[int] | None = None) -> Found:
    """What the query of a dynamic collection finds today for this person; nothing for one that lists its items."""
    head = collection.revisions.get(version=collection.head_version)
    text = head.content.get("query")
    return find(text, actor=actor, limit=limit, after=after) if text else Found(NOTHING, None)


def _window(
    rows: QuerySet[Foothold], plan: Plan, *, limit: int, after: list[int] | None
) -> tuple[list[Any], list[int] | None]:
    """A page in the order (says it in its title, place), and where the next begins: stable while others write."""
    # Asked first, so that the entry is joined inwards and its order is that of an index, whatever is negated later.
    indexed = rows.filter(entry__place__gte=0).annotate(place=F("entry__place")).order_by("-entry__place")
    first, place = after or (0 if plan.in_title is not None else 1, None)
    found: list[tuple[int, Any]] = []
    for stage in range(first, 2):
        if plan.in_title is None:
            here = indexed.filter(plan.everywhere)
        elif stage == 0:
            here = indexed.filter(plan.in_title)  # what a title has, the whole has
        else:
            here = indexed.filter(plan.everywhere).exclude(plan.in_title)
        if place is not None and stage == first:
            here = here.filter(entry__place__lt=place)
        found += [(stage, row) for row in here[: limit + 1 - len(found)]]
        if len(found) > limit:
            last_stage, last = found[limit - 1]
            return [row for _, row in found[:limit]], [last_stage, last.place]
    return [row for _, row in found], None


# --- passages ---------------------------------------------------------------------------------------------------------
def _hits(rows: list[Any], sought: tuple[Run, ...], actor: Contributor | None) -> list[HitFacts]:
    heads = Revision.objects.filter(foothold__in=[row.pk for row in rows], version=F("foothold__head_version"))
    texts = {head.foothold_id: _text_of(head.content) for head in heads}
    spoken = _Sought(sought)
    return [
        HitFacts(facts, spoken.pieces(row.title), spoken.pieces(spoken.passage(texts[row.pk])))
        for row, facts in zip(rows, footholds.listed(rows, actor=actor), strict=True)
    ]


def _text_of(content: dict[str, Any]) -> str:
    return "\n\n".join(content[name] for name in BODIES if content.get(name))


class _Sought:
    """The words that were looked for, to be found again in a text."""

    def __init__(self, sought: tuple[Run, ...]) -> None:
        self.words = {word for run in sought for word in (run.words[:-1] if run.prefix else run.words)}
        self.beginnings = tuple(run.words[-1] for run in sought if run.prefix)

    def hits(self, word: str) -> bool:
        """Whether this is one of them."""
        return word in self.words or (bool(self.beginnings) and word.startswith(self.beginnings))

    def pieces(self, text: str) -> list[PieceFacts]:
        """A text in pieces, those that are hits marked."""
        return [PieceFacts(piece.text, piece.hit) for piece in marked(text, self.hits)]

    def passage(self, source: str) -> str:
        """The part of a Markdown text around the first hit, or its beginning: as words, without a mark."""
        start = max(0, self.first(source) - BEFORE)
        if start:
            start = source.find(" ", start) + 1 or start
        cut = source[start : start + LONGEST_PASSAGE]
        plain = markdown.plain(cut)
        return f"{'… ' if start else ''}{plain}{' …' if start + LONGEST_PASSAGE < len(source) else ''}" if plain else ""

    def first(self, source: str) -> int:
        """Where about the first of them stands: exactly, in texts without letters that fold to several."""
        flat, found = folded(source), len(source)
        for word in [*self.words, *self.beginnings]:
            at = flat.find(word)
            while 0 <= at < found and not self._alone(flat, at, word):
                at = flat.find(word, at + 1)
            found = at if 0 <= at < found else found
        return found if found < len(source) else 0

    def _alone(self, flat: str, at: int, word: str) -> bool:
        return not flat[at - 1 : at].isalnum() and (
            word in self.beginnings or not flat[at + len(word) : at + len(word) + 1].isalnum()
        )


# --- nothing found ----------------------------------------------------------------------------------------------------
def _why_empty(query: Query, actor: Contributor | None) -> Iterator[str]:
    """Which part finds nothing even alone; or that each finds something, though nothing all of them."""
    parts = query.root.parts[:MOST_PARTS] if isinstance(query.root, All) else (query.root,)
    lonely = []
    for part in parts:
        alone = searching.plan(Query(query.text, part), actor=actor)
        if not footholds.readable_by(actor).filter(alone.everywhere).exists():
            lonely.append(written(part))
    if lonely:
        yield from (f"Nothing that you may read has {part}." for part in lonely)
    else:
        yield "Each part finds something, but nothing has all of them."
