"""The vocabulary as it is read."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast

from atlas.models import Term
from atlas.services import terms


@dataclass(frozen=True, slots=True)
class TermFacts:
    """A word and what it means."""

    slug: str
    url: str
    label: str
    definition: str
    synonyms: list[str]
    broader: str | None
    replaced_by: str | None
    version_tag: str


def every() -> QuerySet[Term]:
    """All terms, to be ordered by slug."""
    return Term.objects.select_related("broader", "replaced_by")


def listed() -> list[TermFacts]:
    """All terms by slug, those that were merged left out."""
    return [facts_of(row) for row in every().filter(replaced_by=None).order_by("slug")]


def term(slug: str) -> TermFacts:
    """One term; raises NoSuchTerm."""
    return facts_of(terms.find(slug))


def facts_of(row: Term) -> TermFacts:
    """A term's facts."""
    return TermFacts(
        slug=row.slug,
        url=f"/t/{row.slug}",
        label=row.label,
        definition=row.definition,
        synonyms=row.synonyms,
        broader=row.broader.slug if row.broader else None,
        replaced_by=row.replaced_by.slug if row.replaced_by else None,
        version_tag=row.version_tag,
    )


def suggested(word: str, *, most: int = 12) -> list[TermFacts]:
    """The words that somebody may mean who has typed so much: by slug, label or synonym, what begins so first."""
    typed = word.strip().lower().replace("\x00", "")
    if not typed:
        return []
    names = Q(slug__icontains=typed) | Q(label__icontains=typed) | Q(other__icontains=typed)
    rows = every().annotate(other=Cast("synonyms", TextField()))
    found = rows.filter(names, replaced_by=None).order_by("slug")[: 5 * most]
    return [facts_of(row) for row in sorted(found, key=lambda it: (not it.slug.startswith(typed), it.slug))[:most]]
