"""What things are called: from words somebody typed to terms, people and whatever else has a name, as it is today."""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, Q

from atlas import accessions
from atlas.belonging import teams_of
from atlas.models import Checkpoint, Contributor, Foothold, NameWord, Team, Term
from atlas.permissions import readable, readable_footholds
from atlas.search import Address, Phrase, Word
from atlas.search.matching import PERSON, TERM, Match, Run, Some
from atlas.search.words import forms, words

MOST_NAMES, MOST_SLUGS = 200, 5_000


def own(leaf: Word | Phrase | Address) -> list[Run]:
    """The words that are looked for; a word alone in either number."""
    found = tuple(words(leaf.text))
    prefix = isinstance(leaf, Word) and leaf.prefix
    if len(found) > 1 or prefix or not isinstance(leaf, Word):
        return [Run(found, prefix)]
    return [Run((form,)) for form in forms(found[0])]


def matches(leaves: Iterable[Word | Phrase]) -> dict[Word | Phrase, Match]:
    """What texts have to contain for each: the words, or a mark for a term or a person called so. Looked up at once."""
    every = {leaf: own(leaf) for leaf in leaves}
    at = _first_of(run for runs in every.values() for run in runs)
    found = set(NameWord.objects.filter(at).order_by("what", "of").values_list("what", "of")[:MOST_NAMES])
    terms = list(Term.objects.filter(pk__in=[of for what, of in found if what == TERM]))
    families = {term.replaced_by_id or term.pk: {term.replaced_by_id or term.pk} for term in terms}
    for merged in Term.objects.filter(replaced_by__in=families):
        families[merged.replaced_by_id or 0].add(merged.pk)
    people = list(Contributor.objects.filter(pk__in=[of for what, of in found if what == PERSON]))
    return {leaf: _match(runs, terms, families, people) for leaf, runs in every.items()}


def _match(runs: list[Run], terms: list[Term], families: dict[int, set[int]], people: list[Contributor]) -> Match:
    marks = {f"{TERM}{of}" for term in terms if _is(term, runs) for of in families[term.replaced_by_id or term.pk]}
    marks |= {
        f"{PERSON}{person.pk}"
        for person in people
        if any(_called(name, run) for name in (person.handle, person.citation_name) for run in runs)
    }
    every = [*runs, *(Run((mark,)) for mark in sorted(marks))]
    return every[0] if len(every) == 1 else Some(tuple(every))


def term_family(text: str) -> list[int]:
    """The terms that this slug, label or synonym means: one, and all that were merged into it."""
    root = Term.objects.filter(slug=text.lower()).values_list("pk", "replaced_by").first()
    if root is not None:
        return _family([root[1] or root[0]])
    run = Run(tuple(words(text)))
    if not run.words:
        return []
    called = NameWord.objects.filter(_first_of([run]), what=TERM).order_by("of").values_list("of", flat=True)
    named = [term for term in Term.objects.filter(pk__in=called[:MOST_NAMES]) if _is(term, [run], whole=True)]
    return _family([term.replaced_by_id or term.pk for term in named])


def term_slugs() -> list[str]:
    """Slugs of terms, for who misspelt one."""
    return list(Term.objects.order_by("slug").values_list("slug", flat=True)[:MOST_SLUGS])


def checkpoint_slugs(actor: Contributor | None) -> list[str]:
    """Slugs of the checkpoints this person may read."""
    return list(Checkpoint.objects.filter(readable(actor)).values_list("slug", flat=True)[:MOST_SLUGS])


def team_slugs(actor: Contributor | None) -> list[str]:
    """Slugs of the teams of which this person may read something, or that are their own."""
    known = Exists(Foothold.objects.filter(readable_footholds(actor), team=OuterRef("pk")))
    mine = Q(pk__in=() if actor is None else teams_of(actor))
    return list(Team.objects.filter(Q(known) | mine).order_by("slug").values_list("slug", flat=True)[:MOST_SLUGS])


def handles_like(text: str) -> list[str]:
    """Handles that begin like this one, for who misspelt it."""
    rows = Contributor.objects.filter(handle__startswith=text[:1].lower())
    return list(rows.order_by("handle").values_list("handle", flat=True)[:MOST_SLUGS])


def accession(text: str) -> str:
    """An accession in its canonical spelling."""
    return accessions.read(text[:40])


def _first_of(runs: Iterable[Run]) -> Q:
    """Names with the first of the words."""
    at = Q(pk__in=())
    for run in runs:
        begins = run.prefix and len(run.words) == 1
        at |= Q(**{"word__startswith" if begins else "word": run.words[0]})
    return at


def _family(roots: list[int]) -> list[int]:
    rows = Term.objects.filter(Q(pk__in=roots) | Q(replaced_by__in=roots))
    return sorted(rows.values_list("pk", flat=True))


def _is(term: Term, runs: Iterable[Run], *, whole: bool = False) -> bool:
    """Whether one of a term's names is meant."""
    called = (term.slug, term.label, *term.synonyms)
    return any(_called(name, run, whole=whole) for name in called for run in runs)


def _called(name: str, run: Run, *, whole: bool = False) -> bool:
    """Whether a name has these words in a row, or is them."""
    said, sought = words(name), list(run.words)
    if whole:
        return said == sought
    for start in range(len(said) - len(sought) + 1):
        *before, last = said[start : start + len(sought)]
        if before == sought[:-1] and (last.startswith(sought[-1]) if run.prefix else last == sought[-1]):
            return True
    return False
