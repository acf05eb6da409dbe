"""A claim's form from the schema of its kind: what stands in each field, and beside it what is wrong with that."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atlas import markdown
from atlas.contents import CONTENTS, hand, lines
from atlas.contents.hand import Member

PREFIX = "content."  # of the names of the inputs, so that they meet no other of the page
ROWS = {"lines": 4, "json": 4, "prose": 9}
MOST_ROWS = 30  # items of a list that is typed in rows where there are scripts; a longer one is a text
MARKDOWN = {"body", "mechanism", "narrative", "conclusion", "interpretation"}
# Members that few write: folded away until they hold something, or something is wrong with them.
SELDOM = {
    "description": {"parameters", "claims", "predictions"},
    "link": {"rests_on.artifact", "rests_on.reference", "predictions"},
    "collection": {"query", "reference"},
}
PREVIEWED = 3  # the level at which headings begin in what is looked at beside the form
SURE = ("a guess", "plausible", "likely", "well supported", "certain")


@dataclass(frozen=True, slots=True)
class Field:
    """A member of a content as a person meets it."""

    member: Member
    fixed: bool  # with another one it would be another claim
    text: str
    errors: tuple[str, ...]
    remarks: tuple[str, ...] = ()  # of rules that are broken, though it can be saved so

    @property
    def name(self) -> str:
        """Of the input."""
        return PREFIX + self.member.name

    @property
    def about(self) -> str:
        """What it is."""
        return str(self.member.rule.get("description", ""))

    @property
    def barred(self) -> str:
        """How a list is typed where it is a text."""
        if self.member.kind != "lines":
            return ""
        named = [name for name in lines.columns(self.member.rule["items"]) if name]
        return f"One a line{': ' + ' | '.join(named) if named else ''}."

    @property
    def choices(self) -> tuple[str, ...]:
        """Of a choice; of an inner one, not to choose."""
        return (*([""] if len(self.member.path) > 1 else []), *self.member.rule.get("enum", ()))

    @property
    def grades(self) -> list[tuple[str, str]]:
        """Of the author's confidence, with what each means; what was typed and is none stays."""
        if self.member.path != ("confidence",):
            return []
        named = [(str(grade), f"{grade}, {says}") for grade, says in enumerate(SURE, 1)]
        known = {"", *(grade for grade, _ in named)}
        return named if self.text in known else [*named, (self.text, self.text[:40])]

    @property
    def previewed(self) -> bool:
        """Whether it is Markdown, which can be looked at as it will be read."""
        return self.member.kind == "prose" and self.member.path[-1] in MARKDOWN

    @property
    def rendered(self) -> str:
        """Its Markdown as it will be read."""
        return markdown.render(self.text, highest=PREVIEWED) if self.previewed else ""

    @property
    def columns(self) -> str:
        """What an item of a short list is made of, as JSON for the rows that a script makes of it; else empty."""
        rule = self.member.rule
        if self.member.kind != "lines" or rule.get("maxItems", MOST_ROWS + 1) > MOST_ROWS:
            return ""
        columns = [_column(name, of) for name, of in rule["items"].get("properties", {}).items()]
        return json.dumps(columns, ensure_ascii=False) if columns and all(columns) else ""

    @property
    def longest(self) -> int | None:
        """Characters; none for what is judged otherwise."""
        return self.member.rule.get("maxLength") if self.member.kind in ("line", "prose") else None

    @property
    def rows(self) -> int:
        """Lines to type in; 1 for a field of one line."""
        return ROWS.get(self.member.kind, 1) if self.member.path[-1] != "quote" else 3


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a content, and the faults that no field is the place of."""

    kind: str
    fields: tuple[Field, ...]
    elsewhere: tuple[str, ...]

    @property
    def first(self) -> tuple[Field, ...]:
        """What everybody writes."""
        return tuple(it for it in self.fields if it not in self.rest)

    @property
    def rest(self) -> tuple[Field, ...]:
        """What few write."""
        seldom = tuple(f"{name}." for name in SELDOM.get(self.kind, ()))
        return tuple(it for it in self.fields if f"{it.member.name}.".startswith(seldom))

    @property
    def seldom(self) -> list[str]:
        """What few write, in words."""
        return sorted(name.rpartition(".")[2] for name in SELDOM.get(self.kind, ()))

    @property
    def remarked(self) -> bool:
        """Whether the rules remark anything."""
        return any(it.remarks for it in self.fields)

    @property
    def open(self) -> bool:
        """Whether it is shown at once: it is written, something is said of it, or a link rests on nothing yet."""
        baseless = any(it.member.name == "rests_on.finding" and not it.text for it in self.fields)
        return baseless or any(it.text or it.errors or it.remarks for it in self.rest)


def form(
    kind: str,
    typed: Mapping[str, str],
    *,
    errors: Sequence[Mapping[str, str]] = (),
    remarks: Sequence[Mapping[str, str]] = (),
    new: bool = True,
) -> Form:
    """The form with what was typed, by the members' names; `remarks` are faults that keep nothing out."""
    every = list(hand.members(CONTENTS[kind]))
    wrong, elsewhere = _placed(errors, every)
    remarked, said = _placed(remarks, every)
    fixed = () if new else CONTENTS[kind].fixed
    fields = (
        Field(
            it,
            it.path[0] in fixed,
            typed.get(it.name, ""),
            tuple(wrong.get(it.name, ())),
            tuple(remarked.get(it.name, ())),
        )
        for it in every
    )
    return Form(kind, tuple(fields), (*elsewhere, *said))


def typed_in(kind: str, data: Mapping[str, str]) -> dict[str, str]:
    """What a posted form holds, by the members' names."""
    return {it.name: str(data.get(PREFIX + it.name, "")) for it in hand.members(CONTENTS[kind])}


def typed_for(kind: str, content: Mapping[str, Any]) -> dict[str, str]:
    """What would be typed for a content."""
    return hand.write(content, CONTENTS[kind])


def read(kind: str, typed: Mapping[str, str]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The content that was typed, and what of it could not be read."""
    return hand.read(typed, CONTENTS[kind])


def _placed(faults: Sequence[Mapping[str, str]], every: Sequence[Member]) -> tuple[dict[str, list[str]], list[str]]:
    """The faults in words by the member they are about, and those that are about none; a rule is named."""
    placed: dict[str, list[str]] = {}
    elsewhere = []
    for fault in faults:
        name, detail = _place(fault, every)
        code = fault.get("code", "")
        said = f"{detail} ({code})" if code.startswith("FH") else detail
        if name is None:
            elsewhere.append(said)
        else:
            placed.setdefault(name, []).append(said)
    return placed, elsewhere


def _column(name: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    """A cell as a script offers it; nothing for one that holds JSON."""
    if rule.get("type") == "object":
        return {}
    kind = "terms" if rule.get("type") == "array" else "term" if name == "term" else rule.get("type", "string")
    return {"name": name, "kind": kind, "choices": list(rule.get("enum", ())), "longest": rule.get("maxLength")}


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
