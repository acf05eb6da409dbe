"""Two edits of one version: what each changed, and both together where they changed different fields."""

from dataclasses import dataclass
from typing import Any

Content = dict[str, Any]
ABSENT = object()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Which fields each side changed, and the merge, or None where both changed one field differently."""

    mine: tuple[str, ...]
    theirs: tuple[str, ...]
    clashing: tuple[str, ...]
    merged: Content | None


def compare(base: Content, mine: Content, theirs: Content) -> Comparison:
    """A three-way comparison by field; a field that both changed to the same is no clash."""
    by_me, by_them = _changed(base, mine), _changed(base, theirs)
    clashing = {name for name in by_me & by_them if mine.get(name, ABSENT) != theirs.get(name, ABSENT)}
    merged = None if clashing else _with(theirs, mine, by_me)
    return Comparison(tuple(sorted(by_me)), tuple(sorted(by_them)), tuple(sorted(clashing)), merged)


def _changed(base: Content, other: Content) -> set[str]:
    return {name for name in base.keys() | other.keys() if base.get(name, ABSENT) != other.get(name, ABSENT)}


def _with(theirs: Content, mine: Content, fields: set[str]) -> Content:
    kept = {name: value for name, value in theirs.items() if name not in fields}
    return kept | {name: mine[name] for name in fields if name in mine}
