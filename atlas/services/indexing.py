"""Keeps what is searched in step with the record, in the same transaction; `manage.py reindex` makes it anew."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import F, Q, QuerySet

from atlas import markdown
from atlas.contents import PROSE
from atlas.models import Contributor, Foothold, IndexEntry, KnownWord, NameWord, Revision, Term
from atlas.search.matching import BREAK, NEURON, PERSON, TERM
from atlas.search.words import words

SAID = PROSE | {"title", "label", "group", "note", "name", "says"}  # members of contents that hold words of people
MOST_WORDS, MOST_NEURONS = 10_000, 50  # written out; all neurons are found by number
SHORTEST_KNOWN = 3  # letters of a word that can be misspelt
UNITS = 1 << 48  # places of one weight; more than there will ever be footholds
COLUMNS = ("version", "place", "title", "words", "method", "relation", "confidence", "revised_at")


# --- footholds --------------------------------------------------------------------------------------------------------
def keep(foothold: Foothold, head: Revision) -> None:
    """Index the newest version of a foothold, once all that it names has its rows."""
    fill([foothold.pk], heads={foothold.pk: head})


def fill(footholds: Sequence[int], *, heads: dict[int, Revision] | None = None) -> int:
    """Index these footholds in a fixed number of queries; how many there were."""
    rows = list(Foothold.objects.filter(pk__in=footholds).prefetch_related("neurons__neuron__layer", "terms"))
    if heads is None:
        newest = Revision.objects.filter(foothold__in=footholds, version=F("foothold__head_version"))
        heads = {revision.foothold_id: revision for revision in newest}
    authors: dict[int, set[int]] = {}
    for foothold, author in Revision.objects.filter(foothold__in=footholds).values_list("foothold", "author"):
        authors.setdefault(foothold, set()).add(author)
    entries = [_entry(row, heads[row.pk], authors[row.pk]) for row in rows]
    IndexEntry.objects.bulk_create(
        entries, update_conflicts=True, unique_fields=["foothold"], update_fields=[*COLUMNS], batch_size=200
    )
    _know(word for entry in entries for word in entry.words)
    return len(entries)


def weigh(foothold: Foothold) -> None:
    """Where it stands among all that are found, after its state or rank has changed."""
    IndexEntry.objects.filter(pk=foothold.pk).update(place=place_of(foothold))


def place_of(foothold: Foothold) -> int:
    """What people put first, then what is accepted, then the rest, then what has ended; of each the newest first.

    A blind reviewer learns nothing from it: proposed, disputed and resolved claims weigh the same.
    """
    if foothold.standing not in (Foothold.Standing.OPEN, Foothold.Standing.DRAFT):
        weight = 0
    elif foothold.rank == Foothold.Rank.DEPRECATED:
        weight = 1
    elif foothold.rank == Foothold.Rank.PREFERRED:
        weight = 4
    else:
        weight = 3 if foothold.state == Foothold.State.ACCEPTED else 2
    return weight * UNITS + foothold.pk


def _entry(row: Foothold, head: Revision, authors: Iterable[int]) -> IndexEntry:
    title, content = words(row.title), head.content
    said = list(title)
    for text in _said(content):
        said += [BREAK, *words(text)]
    said = said[:MOST_WORDS]
    named = list(row.neurons.all())
    for at in named[:MOST_NEURONS]:
        said += [BREAK, *words(f"{at.neuron.layer.key}:{at.neuron.channel}")]
    said += [f"{NEURON}{at.neuron_id}" for at in named]
    said += [BREAK, *words(row.accession)]
    said += [f"{TERM}{use.term_id}" for use in row.terms.all()] + [f"{PERSON}{author}" for author in sorted(authors)]
    return IndexEntry(
        foothold=row,
        version=head.version,
        place=place_of(row),
        title=title,
        words=said,
        method=content.get("method", ""),
        relation=content.get("relation", ""),
        confidence=content.get("confidence"),
        revised_at=head.at,
    )


def _said(value: Any, *, name: str = "") -> Iterator[str]:
    """Every text of a content that people read: prose without its marks, and what things are called."""
    if isinstance(value, dict):
        if {"name", "value"} <= value.keys():  # a parameter: orientation 45°
            yield f"{value['name']} {value['value']} {value.get('unit', '')}"
        else:
            for key, inner in value.items():
                yield from _said(inner, name=key)
    elif isinstance(value, list):
        for inner in value:
            yield from _said(inner, name=name)
    elif isinstance(value, str) and name in SAID:
        yield markdown.plain(value) if name in PROSE else value


def _know(found: Iterable[str]) -> None:
    """Remember words for who misspells them; in one order, so that two who learn the same do not wait in a circle."""
    known = sorted({word for word in found if len(word) >= SHORTEST_KNOWN and word.isalpha()})
    KnownWord.objects.bulk_create([KnownWord(word=word) for word in known], ignore_conflicts=True, batch_size=500)


# --- names ------------------------------------------------------------------------------------------------------------
def name_term(term: Term) -> None:
    """Find it by its names as they are now."""
    _name(TERM, term.pk, [term.slug, term.label, *term.synonyms])


def name_person(person: Contributor) -> None:
    """Find what somebody wrote by their name as it is now; no word of an erased one stays."""
    _name(PERSON, person.pk, [person.handle, person.citation_name])


def _name(what: str, of: int, names: Iterable[str]) -> None:
    NameWord.objects.filter(what=what, of=of).delete()
    found = sorted({word for name in names for word in words(name)})
    NameWord.objects.bulk_create([NameWord(what=what, of=of, word=word) for word in found])


# --- all of it --------------------------------------------------------------------------------------------------------
def stale() -> QuerySet[Foothold]:
    """The footholds whose newest version cannot be found."""
    return Foothold.objects.filter(Q(entry__isnull=True) | ~Q(entry__version=F("head_version")))


def rename_all() -> None:
    """The words of every term and every person."""
    for term in Term.objects.iterator():
        name_term(term)
    for person in Contributor.objects.iterator():
        name_person(person)
