"""Imports as they are read: what would be done, what was done, what was undone, and each row with the reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from atlas.dossiers.bodies import OnThePage, Spread
from atlas.models import Comment, Contributor, Foothold, Import, ImportRow
from atlas.permissions import permits, readable_footholds, readable_imports
from atlas.services import imports

UNDER_WAY = tuple(passed.during for passed in imports.PASSES)


@dataclass(frozen=True, slots=True)
class ImportFacts:
    """An import as lists show it. `remaining` rows are still to be gone through by what is under way."""

    id: str
    url: str
    team: str
    checkpoint: str | None
    source: str
    visibility: str
    by: str
    form: str
    sha256: str
    rows: int
    state: str
    remaining: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ImportDossier:
    """An import, and how many of its rows would be, were and are again what; a word without rows is left out."""

    facts: Spread[ImportFacts]
    judged: dict[str, int]
    outcome: dict[str, int]
    reversal: dict[str, int]
    comments: int  # on what it made or revised: they stay there when it is undone
    may_commit: OnThePage[bool]
    may_undo: OnThePage[bool]


@dataclass(frozen=True, slots=True)
class FaultFacts:
    """Where a row is wrong, by which rule, and what is wrong there."""

    pointer: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class RowFacts:
    """A row: what a commit would do (`judged`), what it did, what the last undo or redo did, and why it did nothing."""

    line: int
    external_id: str
    kind: str
    title: str
    judged: str
    outcome: str
    reversal: str
    foothold: str | None
    version: int | None
    errors: tuple[FaultFacts, ...]


def readable_by(actor: Contributor) -> QuerySet[Import]:
    """The imports this person may read, to be listed by `facts_of`."""
    return Import.objects.filter(readable_imports(actor)).select_related("team", "checkpoint", "by")


def facts_of(row: Import) -> ImportFacts:
    """An import's facts."""
    return ImportFacts(
        id=str(row.public_id),
        url=f"/imports/{row.public_id}",
        team=row.team.slug,
        checkpoint=row.checkpoint.slug if row.checkpoint else None,
        source=row.source,
        visibility=row.visibility,
        by=row.by.handle,
        form=row.form,
        sha256=row.sha256,
        rows=row.size,
        state=row.state,
        remaining=row.size - row.done if row.state in UNDER_WAY else 0,
        created_at=row.created_at,
    )


def batch(public_id: str, *, actor: Contributor | None) -> ImportDossier:
    """The dossier of an import, in a fixed number of queries; raises NoSuchImport."""
    row = imports.find(public_id, actor=actor)
    counts: dict[str, dict[str, int]] = {"judged": {}, "outcome": {}, "reversal": {}}
    columns = tuple(counts)
    for found in row.rows.order_by(*columns).values(*columns).annotate(count=Count("pk")):
        for name in columns:
            if found[name]:
                counts[name][found[name]] = counts[name].get(found[name], 0) + found["count"]
    return ImportDossier(
        facts=facts_of(row),
        comments=_comments_on(row),
        may_commit=permits(actor, "import.commit", row),
        may_undo=permits(actor, "import.undo", row),
        **counts,
    )


def _comments_on(row: Import) -> int:
    written = row.rows.filter(outcome__in=(ImportRow.Outcome.CREATED, ImportRow.Outcome.REVISED))
    standing = Comment.objects.filter(removed_at=None, moderation=Comment.Moderation.VISIBLE)
    return standing.filter(foothold__in=written.values("foothold")).count()


def rows_of(row: Import) -> QuerySet[ImportRow]:
    """Its rows by line, to be listed by `rows_facts`."""
    return row.rows.select_related("foothold").order_by("line")


def with_word(rows: QuerySet[ImportRow], word: str) -> QuerySet[ImportRow]:
    """Those of which a word is true, whichever step it is about."""
    return rows.filter(Q(judged=word) | Q(outcome=word) | Q(reversal=word))


def rows_facts(rows: Sequence[ImportRow], *, actor: Contributor | None) -> list[RowFacts]:
    """The facts of a page of rows; a foothold is named to who may read it."""
    named = [row.foothold_id for row in rows if row.foothold_id]
    readable = set(Foothold.objects.filter(readable_footholds(actor), pk__in=named).values_list("pk", flat=True))
    return [_row_facts(row, named=row.foothold_id in readable) for row in rows]


def _row_facts(row: ImportRow, *, named: bool) -> RowFacts:
    given: Any = row.given if isinstance(row.given, dict) else {}
    content: Any = given.get("content") if isinstance(given.get("content"), dict) else {}
    known = row.foothold if named else None
    return RowFacts(
        line=row.line,
        external_id=row.external_id,
        kind=str(given.get("kind", ""))[:20],
        title=str(content.get("title", known.title if known else ""))[:120],
        judged=row.judged,
        outcome=row.outcome,
        reversal=row.reversal,
        foothold=known.accession if known else None,
        version=row.version,
        errors=tuple(FaultFacts(it["pointer"], it["code"], it["detail"]) for it in row.errors),
    )
