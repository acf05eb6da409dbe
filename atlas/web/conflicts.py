"""Two edits of one version at once: which field whose text stands, and for each that both changed a choice."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from atlas import worddiff
from atlas.contents import CONTENTS, hand
from atlas.worddiff import Run

TAKE = "take."  # of the names of the choices
THEIRS = "theirs"


@dataclass(frozen=True, slots=True)
class Contested:
    """A field that both changed: what each made of the text with which both began."""

    name: str
    title: str
    theirs: tuple[Run, ...]
    mine: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """A field that one of us changed, and how."""

    title: str
    runs: tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Merge:
    """What stands in the form: mine where I changed something, else theirs; and what became of each change."""

    typed: Mapping[str, str]
    contested: tuple[Contested, ...]
    theirs: tuple[Taken, ...]  # that they alone changed
    mine: tuple[Taken, ...]  # that I alone changed


def merge(kind: str, typed: Mapping[str, str], *, base: Any, theirs: Any, mine: Any) -> Merge:
    """Compare three contents field by field; `typed` is mine as I typed it."""
    was, now, my = (hand.write(content, CONTENTS[kind]) for content in (base, theirs, mine))
    contested, by_them, by_me, stands = [], [], [], {}
    for it in hand.members(CONTENTS[kind]):
        name, ours = it.name, my[it.name] != was[it.name]
        other = now[name] != was[name]
        stands[name] = typed.get(name, "") if ours else now[name]
        if ours and other and my[name] != now[name]:
            said = (worddiff.diff(was[name], text) for text in (now[name], my[name]))
            contested.append(Contested(name, it.title, *said))
        elif other:
            by_them.append(Taken(it.title, worddiff.diff(was[name], now[name])))
        elif ours:
            by_me.append(Taken(it.title, worddiff.diff(was[name], my[name])))
    return Merge(stands, tuple(contested), tuple(by_them), tuple(by_me))


def chosen(kind: str, typed: Mapping[str, str], *, posted: Mapping[str, str], theirs: Any) -> dict[str, str]:
    """What was typed, with their text wherever that was chosen."""
    now = hand.write(theirs, CONTENTS[kind])
    return {name: now[name] if posted.get(TAKE + name) == THEIRS else text for name, text in typed.items()}
