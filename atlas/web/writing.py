"""A claim's form from the schema of its kind: what stands in each field, and beside it what is wrong with that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atlas.contents import CONTENTS, hand, lines
from atlas.contents.hand import Member

PREFIX = "content."  # of the names of the inputs, so that they meet no other of the page
ROWS = {"lines": 4, "json": 4, "prose": 7}


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a content as a person meets it."""

    member: Member
    fixed: bool  # with another one it would be another claim
    text: str
    errors: tuple[str, ...]

    @property
    def name(self) -> str:
        """Of the input."""
        return PREFIX + self.member.name

    @property
    def about(self) -> str:
        """What it is, and how a list of it is typed."""
        says = str(self.member.rule.get("description", ""))
        if self.member.kind != "lines":
            return says
        named = [name for name in lines.columns(self.member.rule["items"]) if name]
        return f"{says} One a line{': ' + ' | '.join(named) if named else ''}."

    @property
    def choices(self) -> tuple[str, ...]:
        """Of a choice; of an inner one, not to choose."""
        return (*([""] if len(self.member.path) > 1 else []), *self.member.rule.get("enum", ()))

    @property
    def longest(self) -> int | None:
        """Characters; none for what is judged otherwise."""
        return self.member.rule.get("maxLength") if self.member.kind in ("line", "prose") else None

    @property
    def rows(self) -> int:
        """Lines to type in; 1 for a field of one line."""
        return ROWS.get(self.member.kind, 1)


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a content, and the faults that no field is the place of."""

    fields: tuple[Field, ...]
    elsewhere: tuple[str, ...]


def form(kind: str, typed: Mapping[str, str], *, errors: Sequence[Mapping[str, str]] = (), new: bool = True) -> Form:
    """The form with what was typed, by the members' names."""
    every = list(hand.members(CONTENTS[kind]))
    placed: dict[str, list[str]] = {}
    elsewhere = []
    for error in errors:
        name, detail = _place(error, every)
        if name is None:
            elsewhere.append(detail)
        else:
            placed.setdefault(name, []).append(detail)
    fixed = () if new else CONTENTS[kind].fixed
    fields = (Field(it, it.path[0] in fixed, typed.get(it.name, ""), tuple(placed.get(it.name, ()))) for it in every)
    return Form(tuple(fields), tuple(elsewhere))


def typed_in(kind: str, data: Mapping[str, str]) -> dict[str, str]:
    """What a posted form holds, by the members' names."""
    return {it.name: str(data.get(PREFIX + it.name, "")) for it in hand.members(CONTENTS[kind])}


def typed_for(kind: str, content: Mapping[str, Any]) -> dict[str, str]:
    """What would be typed for a content."""
    return hand.write(content, CONTENTS[kind])


def read(kind: str, typed: Mapping[str, str]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The content that was typed, and what of it could not be read."""
    return hand.read(typed, CONTENTS[kind])


def _place(error: Mapping[str, str], members: Sequence[Member]) -> tuple[str | None, str]:
    """The member that a fault is about, and the fault in words, with the entry of a list in which it lies."""
    first, *within = error["pointer"].split("/")[1:] or [""]
    if first != "content" or not within:
        return None, error["detail"]
    path = tuple(within)
    for member in members:
        if path[: len(member.path)] == member.path:
            return member.name, _within(path[len(member.path) :], error["detail"])
    return next((it.name for it in members if it.path[: len(path)] == path), None), error["detail"]


def _within(rest: tuple[str, ...], detail: str) -> str:
    if not rest:
        return detail
    entry = f"Entry {int(rest[0]) + 1}" if rest[0].isdecimal() else rest[0]
    return f"{', '.join([entry, *rest[1:]])}: {detail}"
