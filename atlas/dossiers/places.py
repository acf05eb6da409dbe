"""What a query may name besides footholds: a neuron, a layer, a checkpoint, an accession, a person, a term."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.db.models import Q, QuerySet

from atlas import accessions
from atlas.models import Checkpoint, Contributor, Foothold, Layer, NameWord, Neuron, Term
from atlas.permissions import readable, readable_footholds
from atlas.search import Address, All, Field, Graph, Node, Phrase, Query, Word
from atlas.search.matching import PERSON, TERM
from atlas.search.words import words
from atlas.services import neighbours

MOST_PLACES, MOST_OF_A_KIND = 10, 3


@dataclass(frozen=True, slots=True)
class PlaceFacts:
    """Something with an address of its own."""

    what: str  # neuron, layer, checkpoint, foothold, person or term
    name: str
    url: str
    note: str


def places(query: Query, *, actor: Contributor | None) -> list[PlaceFacts]:
    """The places that a query may name, as far as this person may know of them."""
    return list(islice(_named(query, actor), MOST_PLACES))


def _named(query: Query, actor: Contributor | None) -> Iterator[PlaceFacts]:
    """Its first neuron; and what is called by all its words together."""
    parts = query.root.parts if isinstance(query.root, All) else (query.root,)
    units = [unit for unit in map(_unit, parts) if unit]
    if units:
        yield from neurons(units[0], actor=actor)
    text = " ".join(part.text for part in parts if isinstance(part, Word | Phrase))
    if text:
        yield from called(text, actor=actor)


def called(text: str, *, actor: Contributor | None) -> Iterator[PlaceFacts]:
    """Everything but neurons that goes by these words."""
    yield from _footholds(text, actor)
    yield from _layers(text, actor)
    yield from _checkpoints(text, actor)
    yield from _names(text)


def _unit(part: Node) -> str:
    if isinstance(part, Address):
        return part.text
    if isinstance(part, Graph):
        return part.neuron
    return part.value if isinstance(part, Field) and part.name == "neuron" else ""


def neurons(text: str, *, actor: Contributor | None, most: int = MOST_OF_A_KIND) -> Iterator[PlaceFacts]:
    """The neurons that `layer:channel`, or `slug/layer:channel`, means; in two or three queries."""
    found = neighbours.neurons(text, actor=actor)[:most]
    for row in Neuron.objects.filter(pk__in=found).select_related("layer__checkpoint"):
        slug, layer = row.layer.checkpoint.slug, row.layer.key
        yield PlaceFacts("neuron", f"{layer}:{row.channel}", f"/c/{slug}/{layer}/{row.channel}", slug)


def _layers(text: str, actor: Contributor | None) -> Iterator[PlaceFacts]:
    named = [layer for layer, _, _ in neighbours.layers(text, actor=actor)][:MOST_OF_A_KIND]
    for row in Layer.objects.filter(pk__in=named).select_related("checkpoint"):
        slug = row.checkpoint.slug
        yield PlaceFacts("layer", row.key, f"/c/{slug}/{row.key}", f"{row.channels} neurons of {slug}")


def _footholds(text: str, actor: Contributor | None) -> Iterator[PlaceFacts]:
    """The one of this accession; where its check character says that it is wrong, those one slip away."""
    wanted = accessions.read(text)
    if len(wanted) != accessions.LENGTH:
        return
    right = accessions.is_valid(wanted)
    meant = [wanted] if right else list(accessions.neighbours(wanted))
    rows = Foothold.objects.filter(readable_footholds(actor), accession__in=meant).order_by("accession")
    for row in rows[:MOST_OF_A_KIND]:
        note = row.title if right else f"{row.title} (one slip away)"
        yield PlaceFacts("foothold", row.accession, f"/f/{row.accession}", note)


def _checkpoints(text: str, actor: Contributor | None) -> Iterator[PlaceFacts]:
    rows = Checkpoint.objects.filter(readable(actor), Q(slug__startswith=text.lower()) | Q(title__icontains=text))
    for row in rows.order_by("slug")[:MOST_OF_A_KIND]:
        yield PlaceFacts("checkpoint", row.slug, f"/c/{row.slug}", row.title)


def _names(text: str) -> Iterator[PlaceFacts]:
    """Terms and people in whose names all of these words stand."""
    for term in _called(text, TERM, Term.objects.filter(replaced_by=None)):
        yield PlaceFacts("term", term.label, f"/t/{term.slug}", term.definition[:200])
    for person in _called(text, PERSON, Contributor.objects.all()):
        yield PlaceFacts("person", person.citation_name, f"/u/{person.handle}", person.handle)


def _called(text: str, what: str, named: QuerySet[Any]) -> QuerySet[Any]:
    found = named
    for word in words(text):
        found = found.filter(pk__in=NameWord.objects.filter(what=what, word=word).values("of"))
    return found.order_by("pk")[:MOST_OF_A_KIND]
