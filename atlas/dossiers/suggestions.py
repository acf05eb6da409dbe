"""What somebody may mean who has begun to type: a fixed number of look-ups by how names begin."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.db.models import Case, QuerySet, When
from django.db.models.functions import Length

from atlas import accessions
from atlas.dossiers.places import PlaceFacts, neurons
from atlas.dossiers.resolving import UNIT
from atlas.models import Checkpoint, Contributor, Foothold, Layer, LayerAlias, NameWord, Term
from atlas.permissions import readable, readable_footholds
from atlas.search import fields as grammar
from atlas.search.grammar import OPERATORS
from atlas.search.matching import PERSON, TERM
from atlas.search.words import words

LAST = re.compile(r"(?P<before>.*?)(?P<sign>-?)(?P<token>[^\s()]*)", re.DOTALL)
LONGEST, MOST, MOST_OF_A_KIND, MOST_WORDS = 200, 12, 4, 6
LEAST = 3  # characters from which on an accession is looked for
DOES = {
    "upstream": "of the neurons that act on one",
    "downstream": "of the neurons that one acts on",
    "similar": "of the neurons that share its terms",
}


@dataclass(frozen=True, slots=True)
class SuggestionFacts:
    """A way to go on: what was typed with this in its place, and where it leads when nothing else was typed."""

    what: str  # neuron, foothold, layer, checkpoint, term, person, field, operator or page
    name: str
    text: str
    url: str  # empty for what is only a part of a query
    note: str


@dataclass(frozen=True, slots=True)
class SuggestionsDossier:
    """What is suggested for a text."""

    query: str
    items: list[SuggestionFacts]


def suggestions(text: str, *, actor: Contributor | None, checkpoint: str = "") -> SuggestionsDossier:
    """What may be meant, the surest first; `checkpoint` is the one that is being looked at."""
    if not text.strip() or len(text) > LONGEST or text.count('"') % 2 or "\x00" in text:
        return SuggestionsDossier(text[:LONGEST], [])
    matched = LAST.fullmatch(text)
    assert matched is not None  # any text ends in some part, an empty one at least
    typed = _Typed(text, matched["before"] + matched["sign"], matched["token"], actor, checkpoint)
    return SuggestionsDossier(text, list(typed.found())[:MOST])


@dataclass(frozen=True)
class _Typed:
    """A text whose last part is not finished."""

    text: str
    before: str
    token: str
    actor: Contributor | None
    checkpoint: str

    def found(self) -> Iterator[SuggestionFacts]:
        """Whatever the last part may become; names also by all words together."""
        field, colon, value = self.token.partition(":")
        if colon and field in grammar.FIELDS:
            yield from self.values(field, value)
        elif UNIT.fullmatch(self.token):
            yield from self.units()
        elif colon and field:  # a neuron whose channel is not typed yet: `curve:`
            begun = replace(self, text=self.before + field, token=field)
            yield from begun.layers()
            yield from begun.first_units()
            yield from begun.people_and_terms()
        elif self.token:
            yield from self.footholds()
            yield from self.layers()
            yield from self.checkpoints()
            yield from self.people_and_terms()
            yield from self.grammar()
        else:
            yield from self.people_and_terms()

    def place(self, one: PlaceFacts, *, becomes: str, whole: bool = False) -> SuggestionFacts:
        """Something with an address, which leads there when nothing else was typed."""
        alone = whole or not self.before.strip()
        text = becomes if whole else self.before + becomes
        return SuggestionFacts(one.what, one.name, text, one.url if alone else "", one.note)

    def part(self, what: str, name: str, note: str) -> SuggestionFacts:
        """A piece of the grammar."""
        return SuggestionFacts(what, name, self.before + name, "", note)

    def units(self) -> Iterator[SuggestionFacts]:
        """The neurons of this name, in the checkpoint that is looked at first."""
        found = list(neurons(self.token, actor=self.actor, most=MOST))
        for one in sorted(found, key=lambda one: one.note != self.checkpoint):
            yield self.place(one, becomes=f"{one.note}/{one.name}")

    def footholds(self) -> Iterator[SuggestionFacts]:
        """Claims whose accession begins so."""
        wanted = accessions.read(self.token)
        if not LEAST <= len(wanted) <= accessions.LENGTH or set(wanted) - set(accessions.ALPHABET):
            return
        rows = Foothold.objects.filter(readable_footholds(self.actor), accession__startswith=wanted)
        for accession, title in rows.order_by("accession").values_list("accession", "title")[:MOST_OF_A_KIND]:
            one = PlaceFacts("foothold", accession, f"/f/{accession}", title)
            yield self.place(one, becomes=accession)

    def layers(self) -> Iterator[SuggestionFacts]:
        """Layers whose key or other name begins so, those of the checkpoint that is looked at first."""
        slug = "checkpoint__slug"
        keys = Layer.objects.filter(readable(self.actor, "checkpoint__"), key__startswith=self.token)
        names = LayerAlias.objects.filter(readable(self.actor, "checkpoint__"), name__startswith=self.token)
        found = [
            *self.nearest(keys, "key").values_list("key", "key", slug)[:MOST_OF_A_KIND],
            *self.nearest(names, "name").values_list("name", "layer__key", slug)[:MOST_OF_A_KIND],
        ]
        here = sorted(found, key=lambda one: (one[2] != self.checkpoint, len(one[0])))
        for name, key, of in here[:MOST_OF_A_KIND]:
            note = of if name == key else f"{key} of {of}"
            yield self.place(PlaceFacts("layer", name, f"/c/{of}/{key}", note), becomes=f"layer:{name}")

    def first_units(self) -> Iterator[SuggestionFacts]:
        """The first neurons of the layer that is called so, in the checkpoint that is looked at first."""
        rows = Layer.objects.filter(readable(self.actor, "checkpoint__"), key=self.token)
        for slug, channels in self.nearest(rows, "key").values_list("checkpoint__slug", "channels")[:1]:
            for channel in range(min(channels, MOST_OF_A_KIND)):
                unit = f"{self.token}:{channel}"
                one = PlaceFacts("neuron", unit, f"/c/{slug}/{self.token}/{channel}", slug)
                yield self.place(one, becomes=f"{slug}/{unit}")

    def nearest(self, rows: QuerySet[Any], name: str) -> QuerySet[Any]:
        """Those of the checkpoint that is looked at before all others, of these what is nearly typed already."""
        here = Case(When(checkpoint__slug=self.checkpoint, then=0), default=1)
        return rows.order_by(here, Length(name), "checkpoint__slug", "pk")

    def checkpoints(self) -> Iterator[SuggestionFacts]:
        """Checkpoints whose slug begins so."""
        rows = Checkpoint.objects.filter(readable(self.actor), slug__startswith=self.token.lower())
        for slug, title in rows.order_by("slug").values_list("slug", "title")[:MOST_OF_A_KIND]:
            yield self.place(PlaceFacts("checkpoint", slug, f"/c/{slug}", title), becomes=f"checkpoint:{slug}")

    def people_and_terms(self) -> Iterator[SuggestionFacts]:
        """Terms and people in whose names all the words stand, the last of them perhaps begun."""
        said = words(self.text)
        if not said or len(said) > MOST_WORDS or set(self.text) & set('():"'):
            return
        terms = Term.objects.filter(replaced_by=None, pk__in=_called(said, TERM)).order_by("slug")
        for slug, label in terms.values_list("slug", "label")[:MOST_OF_A_KIND]:
            yield self.place(PlaceFacts("term", label, f"/t/{slug}", ""), becomes=f"term:{slug}", whole=True)
        people = Contributor.objects.filter(pk__in=_called(said, PERSON)).order_by("handle")
        for handle, name in people.values_list("handle", "citation_name")[:MOST_OF_A_KIND]:
            yield self.place(PlaceFacts("person", name, f"/u/{handle}", handle), becomes=f"author:{handle}", whole=True)

    def grammar(self) -> Iterator[SuggestionFacts]:
        """Fields and operators that begin so."""
        begun = self.token.lower()
        for name, spec in grammar.FIELDS.items():
            if name.startswith(begun):
                yield self.part("field", f"{name}:", spec.says)
        for name in OPERATORS:
            if name.startswith(begun):
                yield self.part("operator", f"{name}(", f"Claims {DOES[name]}.")

    def values(self, field: str, value: str) -> Iterator[SuggestionFacts]:
        """What a field may be: the few words there are, or names that begin so."""
        spec = grammar.FIELDS[field]
        for choice in spec.choices:
            if choice.startswith(value.lower()):
                yield self.part("field", f"{field}:{choice}", "")
        for name, note in _names(field, value, self.actor):
            yield self.part("field", f"{field}:{name}", note)


def _called(said: list[str], what: str) -> Any:
    """Whose name has all words, the last of which may be but the beginning of one."""
    *whole, begun = said
    found = NameWord.objects.filter(what=what, word__startswith=begun)
    for word in whole:
        found = found.filter(of__in=NameWord.objects.filter(what=what, word=word).values("of"))
    return found.values("of")


def _names(field: str, value: str, actor: Contributor | None) -> Any:
    """(name, note) for fields whose values are names; one query."""
    if field in ("term", "detects", "inhibited-by", "does-not-detect"):
        rows = Term.objects.filter(replaced_by=None, slug__startswith=value.lower()).order_by("slug")
        return rows.values_list("slug", "label")[:MOST]
    if field == "checkpoint":
        found = Checkpoint.objects.filter(readable(actor), slug__startswith=value.lower()).order_by("slug")
        return found.values_list("slug", "title")[:MOST]
    if field == "layer":
        keys = Layer.objects.filter(readable(actor, "checkpoint__"), key__startswith=value)
        return keys.order_by("pk").values_list("key", "checkpoint__slug")[:MOST]
    if field in ("author", "reviewer"):
        people = Contributor.objects.filter(erased_at=None, handle__startswith=value.lower()).order_by("handle")
        return people.values_list("handle", "citation_name")[:MOST]
    return ()
