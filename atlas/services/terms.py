"""The vocabulary: words are made by annotators, renamed and merged by curators, and never go away."""

import re
from typing import Any

from django.db import transaction
from django.db.models import F

from atlas import texts
from atlas.errors import EditConflict, NoSuchTerm, Validation
from atlas.models import Contributor, FootholdTerm, Term
from atlas.models.checkpoints import SLUG, is_slug
from atlas.permissions import require
from atlas.services import changes, indexing

LONGEST_LABEL, LONGEST_DEFINITION, MOST_SYNONYMS = 80, 1_000, 20
NOT_FREE = {"pointer": "/slug", "code": "not-free", "detail": "Is in use."}


def find(slug: str) -> Term:
    """The term of this slug, whatever became of it; raises NoSuchTerm."""
    found = None if "\x00" in slug else Term.objects.filter(slug=slug[:40]).select_related("replaced_by").first()
    if found is None or len(slug) > 40:
        raise NoSuchTerm(term=slug[:80])
    return found


def current(slug: str) -> str:
    """What a term that was merged is called now; any other word as it is."""
    found = Term.objects.filter(slug=slug, replaced_by__isnull=False).values_list("replaced_by__slug", flat=True)
    return found.first() or slug


@transaction.atomic
def create(
    *,
    actor: Contributor,
    slug: str,
    label: str,
    definition: str = "",
    synonyms: list[str] | None = None,
    broader: Term | None = None,
) -> Term:
    """A new word; raises Validation."""
    require(actor, "term.create", None)
    errors = _of_slug(slug) + _of_words(label, definition, synonyms or [])
    if errors:
        raise Validation(errors=errors)
    words = {"label": label.strip(), "definition": definition.strip(), "synonyms": synonyms or []}
    made, is_new = Term.objects.get_or_create(slug=slug, defaults={**words, "broader": broader, "created_by": actor})
    if not is_new:  # of two who make one word at once the database says who was first
        raise Validation(errors=[NOT_FREE])
    indexing.name_term(made)
    changes.record(actor, "term.create", slug)
    return made


@transaction.atomic
def rename(*, actor: Contributor, term: Term, based_on: str, label: str, definition: str, synonyms: list[str]) -> Term:
    """Another label, the old one kept as a synonym; its slug stays. Raises Validation, EditConflict."""
    require(actor, "term.curate", None)
    known = [*synonyms, *([term.label] if term.label != label.strip() and term.label not in synonyms else [])]
    if errors := _of_words(label, definition, known):
        raise Validation(errors=errors)
    row = Term.objects.filter(pk=term.pk, version=term.version)
    columns: dict[str, Any] = {"label": label.strip(), "definition": definition.strip(), "synonyms": known}
    if based_on != term.version_tag or not row.update(version=F("version") + 1, **columns):
        raise EditConflict(seen=based_on[:80], current=Term.objects.get(pk=term.pk).version_tag)
    term.refresh_from_db()
    indexing.name_term(term)
    changes.record(actor, "term.rename", term.slug)
    return term


@transaction.atomic
def merge(*, actor: Contributor, term: Term, into: Term) -> Term:
    """Say that two words mean one: whatever uses this one is found under that one, and its address leads there.

    What was written stays as it was written. Raises Validation for itself and for one that is merged already.
    """
    require(actor, "term.curate", None)
    changes.take_turn(term, into)  # two merges of each other cannot both win
    rows = Term.objects.in_bulk((term.pk, into.pk))
    if term.pk == into.pk or rows[into.pk].replaced_by_id or rows[term.pk].replaced_by_id:
        detail = "Name another term that is not merged itself."
        raise Validation(errors=[{"pointer": "/into", "code": "not-fitting", "detail": detail}])
    _move_uses(term, into)
    Term.objects.filter(replaced_by=term).update(replaced_by=into)
    Term.objects.filter(broader=term).exclude(pk=into.pk).update(broader=into)
    Term.objects.filter(pk=into.pk, broader=term).update(broader=None)
    Term.objects.filter(pk=term.pk).update(replaced_by=into, version=F("version") + 1)
    term.refresh_from_db()
    changes.record(actor, "term.merge", term.slug, into=into.slug)
    return term


def _move_uses(term: Term, into: Term) -> None:
    uses = FootholdTerm.objects.filter(term=term)
    known = FootholdTerm.objects.filter(term=into, foothold__in=uses.values("foothold"))
    twice = set(known.values_list("foothold", "polarity"))
    for use in uses:
        if (use.foothold_id, use.polarity) in twice:
            use.delete()
    FootholdTerm.objects.filter(term=term).update(term=into)


def _of_slug(slug: str) -> list[dict[str, str]]:
    if not re.match(SLUG, slug):
        return [{"pointer": "/slug", "code": "not-pattern", "detail": str(is_slug.message)}]
    return [NOT_FREE] if Term.objects.filter(slug=slug).exists() else []


def _of_words(label: str, definition: str, synonyms: list[str]) -> list[dict[str, str]]:
    errors = texts.faults_of_line(label, at="/label", longest=LONGEST_LABEL)
    errors += texts.faults_of_prose(definition, at="/definition", longest=LONGEST_DEFINITION)
    for place, word in enumerate(synonyms):
        errors += texts.faults_of_line(word, at=f"/synonyms/{place}", longest=LONGEST_LABEL)
    if len(synonyms) > MOST_SYNONYMS:
        errors.append({"pointer": "/synonyms", "code": "not-maxitems", "detail": f"At most {MOST_SYNONYMS}."})
    return errors
