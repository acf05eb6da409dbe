"""A foothold through its versions, and what became of each word from one to another."""

import re
from dataclasses import dataclass

from atlas import worddiff
from atlas.contents import CONTENTS, hand
from atlas.dossiers.footholds import FootholdFacts, RevisionFacts, alone, revision_facts
from atlas.errors import NoSuchVersion
from atlas.models import Contributor
from atlas.services import footholds
from atlas.worddiff import Run

BETWEEN = re.compile(r"([0-9]{1,9})\.\.([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A member of the content, and what became of its words."""

    name: str
    title: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two versions, member by member; those that are equal are left out."""

    foothold: FootholdFacts
    old: RevisionFacts
    new: RevisionFacts
    fields: tuple[FieldChange, ...]


@dataclass(frozen=True, slots=True)
class HistoryDossier:
    """Every version, newest first."""

    foothold: FootholdFacts
    versions: tuple[RevisionFacts, ...]


def history(accession: str, *, actor: Contributor | None) -> HistoryDossier:
    """The versions of a foothold; raises NoSuchFoothold, Gone."""
    row = footholds.find(accession, actor=actor)
    rows = row.revisions.select_related("author").defer("content").order_by("-version")
    return HistoryDossier(alone(row, actor=actor), tuple(revision_facts(row, it) for it in rows))


def difference(accession: str, between: str, *, actor: Contributor | None) -> Difference:
    """What changed between the versions of `2..5`; raises NoSuchFoothold, Gone, NoSuchVersion."""
    row = footholds.find(accession, actor=actor)
    named = BETWEEN.fullmatch(between)
    if named is None:
        raise NoSuchVersion(accession=row.accession, version=between[:20], last=row.head_version)
    old, new = (footholds.revision_named(row, number) for number in named.groups())
    return Difference(
        foothold=alone(row, actor=actor),
        old=revision_facts(row, old),
        new=revision_facts(row, new),
        fields=changes(row.kind, old.content, new.content),
    )


def changes(kind: str, old: dict[str, object], new: dict[str, object]) -> tuple[FieldChange, ...]:
    """What became of each member between two contents."""
    before, after = hand.write(old, CONTENTS[kind]), hand.write(new, CONTENTS[kind])
    return tuple(
        FieldChange(it.name, it.title, worddiff.diff(before[it.name], after[it.name]))
        for it in hand.members(CONTENTS[kind])
        if before[it.name] != after[it.name]
    )
