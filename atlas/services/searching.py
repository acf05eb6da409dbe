"""From a query's tree to the rows it means for one person: names and neurons looked up, texts left to the engine."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from atlas.models import Contributor, Foothold, FootholdNeuron, FootholdTerm, Review, Revision, Support, index
from atlas.permissions import readable_footholds
from atlas.search import Address, All, Alternatives, Field, Graph, Node, Not, Phrase, Query, Word, unreadable
from atlas.search import fields as grammar
from atlas.search.matching import NEURON, Every, Match, Run, Some
from atlas.search.spelling import closest
from atlas.search.words import words
from atlas.services import names, neighbours
from atlas.services.standing import flagged, hidden_from

State = Foothold.State
Text = Word | Phrase | Address  # what the engine looks up in its index of words
MOST_SUGGESTED, MOST_CANDIDATES, MOST_TRIED = 3, 40, 5


@dataclass(frozen=True)
class Plan:
    """What a query means: the rows it finds, those of them that say it in their titles, and what has to be told."""

    everywhere: Q
    in_title: Q | None  # None where it looks for no words: then no title is nearer than another
    sought: tuple[Run, ...]  # words to be shown in what is found
    notes: tuple[str, ...]


def plan(query: Query, *, actor: Contributor | None) -> Plan:
    """What this query means to this person; raises MalformedQuery for names that they cannot know."""
    compiler = _Compiler(query, actor, known=dict(names.matches(_texts(query.root))))
    everywhere = compiler.rows(query.root, column="words")
    sought = tuple(compiler.sought)
    in_title = compiler.rows(query.root, column="title") if sought else None
    return Plan(everywhere, in_title, sought, tuple(compiler.notes))


def nearest(query: Query, *, actor: Contributor | None) -> list[str]:
    """Words that somebody may have meant who found nothing: each is found in what this person may read."""
    found: list[str] = []
    for leaf in [leaf for leaf in leaves(query.root) if isinstance(leaf, Word | Phrase)][:MOST_TRIED]:
        for word in words(leaf.text)[:MOST_TRIED]:
            if not _finds(word, actor):
                like = index.like(word, connection=connection, most=MOST_CANDIDATES)
                candidates = closest(word, like, most=MOST_TRIED)
                found += [one for one in candidates if one not in found and _finds(one, actor)][:MOST_SUGGESTED]
    return found


def _finds(word: str, actor: Contributor | None) -> bool:
    rows = Foothold.objects.filter(readable_footholds(actor), entry__words__matches=Run((word,)))
    return rows.exists()


def leaves(node: Node) -> Iterable[Node]:
    """What is looked for, and not what is excluded."""
    if isinstance(node, All | Alternatives):
        for part in node.parts:
            yield from leaves(part)
    elif not isinstance(node, Not):
        yield node


def _texts(node: Node) -> list[Word | Phrase]:
    """Every word and phrase, also those that are excluded."""
    if isinstance(node, All | Alternatives):
        return [leaf for part in node.parts for leaf in _texts(part)]
    if isinstance(node, Not):
        return _texts(node.inner)
    return [node] if isinstance(node, Word | Phrase) else []


@dataclass
class _Compiler:
    """Goes through one query for one person; what costs a look-up is looked up once."""

    query: Query
    actor: Contributor | None
    sought: list[Run] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    known: dict[Any, Any] = field(default_factory=dict)

    def rows(self, node: Node, *, column: str) -> Q:
        """The condition under which a foothold is found. What is excluded is excluded wherever it stands."""
        if isinstance(node, Not):
            apart = _Compiler(self.query, self.actor, notes=self.notes, known=self.known)  # not to be shown as found
            return ~apart.rows(node.inner, column="words")
        if isinstance(node, All | Alternatives):
            return self.parts(node, column=column)
        if isinstance(node, Text):
            return self.contains(self.match(node), column)
        return self.once(node)

    def parts(self, node: All | Alternatives, *, column: str) -> Q:
        """The texts of a level in one condition, so that the engine looks them up together."""
        texts = [self.match(part) for part in node.parts if isinstance(part, Text)]
        found = [self.rows(part, column=column) for part in node.parts if not isinstance(part, Text)]
        if texts:
            joined = (Every if isinstance(node, All) else Some)(tuple(texts)) if len(texts) > 1 else texts[0]
            found.insert(0, self.contains(joined, column))
        whole = found[0]
        for part in found[1:]:
            whole = whole & part if isinstance(node, All) else whole | part
        return whole

    def match(self, leaf: Word | Phrase | Address) -> Match:
        """What a text has to contain: the words, or a term, a person or a neuron that is called so."""
        self.sought += [run for run in names.own(leaf) if run not in self.sought]
        if isinstance(leaf, Address) and leaf not in self.known:
            marks = _marks(neighbours.neurons(leaf.text, actor=self.actor))
            self.known[leaf] = Some((*names.own(leaf), *marks))
        found: Match = self.known[leaf]
        return found

    def contains(self, match: Match, column: str) -> Q:
        """The rows that do."""
        return Q(**{f"entry__{column}__matches": match})

    def once(self, node: Node) -> Q:
        """A condition that is the same wherever words are looked for."""
        if node not in self.known:
            self.known[node] = self.looked_up(node)
        found: Q = self.known[node]
        return found

    def looked_up(self, node: Node) -> Q:
        """The rows of a field or an operator."""
        if isinstance(node, Graph):
            return self.graph(node)
        assert isinstance(node, Field)
        spec = grammar.FIELDS[node.name]
        if spec.what in ("number", "date"):
            return _between(COLUMNS[node.name], grammar.span(spec.what, node.value))
        return FIELDS[node.name](self, node)

    def graph(self, node: Graph) -> Q:
        """Claims about the neurons that an operator leads to; and it is told which these are, and how it is known."""
        found = neighbours.beside(node.operator, self.units(node, node.neuron), top=node.top, actor=self.actor)
        how = "share terms with it" if node.operator == "similar" else "are named by links that people claimed"
        claimed = len(found.shown) - found.measured
        said = f"{node.operator}({node.neuron}): {claimed} neurons {how}{_listed(found.shown[:claimed])}."
        if found.measured:
            said += f" {found.measured} more are measured, the strongest first{_listed(found.shown[claimed:])}."
        self.notes.append(said)
        subjects = FootholdNeuron.objects.filter(neuron__in=found.neurons, role="subject")
        return Q(pk__in=subjects.values("foothold"))

    def units(self, node: Field | Graph, text: str) -> list[int]:
        """The neurons of an address that has to lead somewhere."""
        found = neighbours.neurons(text, actor=self.actor)
        if not found:
            name = text.rpartition("/")[2].partition(":")[0]
            raise self.fault(node, f"there is no neuron {text[:60]}", name, neighbours.layer_names(self.actor))
        return found

    def fault(self, node: Field | Graph, reason: str, meant: str, known: Iterable[str]) -> Exception:
        """That a name leads nowhere, and what is closest of those this person may know."""
        inside = len(node.name if isinstance(node, Field) else node.operator) + 1
        near = [one for one in closest(meant, known) if one != meant]
        return unreadable(self.query.text, node.at + inside, reason, did_you_mean=near)


Compile = Callable[[_Compiler, Field], Q]


def _listed(names: Sequence[str]) -> str:
    return f": {', '.join(names)}" if names else ""


def _marks(neurons: Iterable[int]) -> list[Run]:
    """What the texts about a neuron have."""
    return [Run((f"{NEURON}{neuron}",)) for neuron in neurons]


def _between(column: str, span: grammar.Span) -> Q:
    low = Q() if span.low is None else Q(**{f"{column}__gte": span.low})
    return low if span.high is None else low & Q(**{f"{column}__lt": span.high})


# --- fields -----------------------------------------------------------------------------------------------------------
def _state(it: _Compiler, node: Field) -> Q:
    """As it is shown: what a blind review hides is proposed to whom it is hidden from."""
    if node.value == State.DISPUTED:
        return Q(state=State.DISPUTED) & ~hidden_from(it.actor)
    if node.value == State.PROPOSED:
        return Q(state=State.PROPOSED) | (Q(state=State.DISPUTED) & hidden_from(it.actor))
    return Q(state=node.value)


def _has(it: _Compiler, node: Field) -> Q:
    if node.value == "evidence":
        return Q(pk__in=_support(it).values("claim"))
    return _reviewed(it, Review.objects.all())


def _support(it: _Compiler) -> Any:
    return Support.objects.filter(readable_footholds(it.actor, "evidence__"), withdrawn_at=None)


def _reviewed(it: _Compiler, reviews: Any) -> Q:
    """Verdicts that this person may know of: all of what is not hidden, and their own."""
    this = reviews.filter(foothold=OuterRef("pk"))
    known = Q(Exists(this)) & ~hidden_from(it.actor)
    return known if it.actor is None else known | Q(Exists(this.filter(reviewer=it.actor)))


def _method(it: _Compiler, node: Field) -> Q:
    speaks = _support(it).filter(evidence__entry__method=node.value)
    return Q(entry__method=node.value) | Q(pk__in=speaks.values("claim"))


def _term(it: _Compiler, node: Field) -> Q:
    family = names.term_family(node.value)
    if not family:
        raise it.fault(node, f"there is no term {node.value[:40]!r}", node.value, names.term_slugs())
    uses = FootholdTerm.objects.filter(term__in=family)
    return Q(pk__in=(uses if node.name == "term" else uses.filter(polarity=node.name)).values("foothold"))


def _checkpoint(it: _Compiler, node: Field) -> Q:
    slugs = names.checkpoint_slugs(it.actor)
    if node.value not in slugs:
        raise it.fault(node, f"there is no checkpoint {node.value[:40]!r}", node.value, slugs)
    return Q(checkpoint__slug=node.value)


def _layer(it: _Compiler, node: Field) -> Q:
    found = neighbours.layers(node.value, actor=it.actor)
    if not found:
        raise it.fault(node, f"there is no layer {node.value[:40]!r}", node.value, neighbours.layer_names(it.actor))
    within = Q(pk__in=())
    for layer, start, stop in found:
        within |= Q(neuron__layer=layer, neuron__channel__gte=start, neuron__channel__lt=stop)
    return Q(pk__in=FootholdNeuron.objects.filter(within).values("foothold"))


def _team(it: _Compiler, node: Field) -> Q:
    slugs = names.team_slugs(it.actor)
    if node.value not in slugs:
        raise it.fault(node, f"there is no team {node.value[:40]!r} whose footholds you may read", node.value, slugs)
    return Q(team__slug=node.value)


def _person(it: _Compiler, node: Field) -> Contributor:
    found = Contributor.objects.filter(handle=node.value.lower()).first()
    if found is None:
        raise it.fault(node, f"there is nobody called {node.value[:40]!r}", node.value, names.handles_like(node.value))
    return found


FIELDS: dict[str, Compile] = {
    "kind": lambda it, node: Q(kind=node.value),
    "state": _state,
    "flag": lambda it, node: flagged(node.value, actor=it.actor),
    "rank": lambda it, node: Q(rank=node.value),
    "has": _has,
    "method": _method,
    "relation": lambda it, node: Q(entry__relation=node.value),
    "polarity": lambda it, node: Q(pk__in=FootholdTerm.objects.filter(polarity=node.value).values("foothold")),
    **dict.fromkeys(("term", "detects", "inhibited-by", "does-not-detect"), _term),
    "checkpoint": _checkpoint,
    "layer": _layer,
    "neuron": lambda it, node: it.contains(Some(tuple(_marks(it.units(node, node.value)))), "words"),
    "author": lambda it, node: Q(pk__in=Revision.objects.filter(author=_person(it, node)).values("foothold")),
    "reviewer": lambda it, node: _reviewed(it, Review.objects.filter(reviewer=_person(it, node))),
    "team": _team,
    "accession": lambda it, node: Q(accession=names.accession(node.value)),
}
COLUMNS = {"confidence": "entry__confidence", "created": "created_at", "updated": "entry__revised_at"}
