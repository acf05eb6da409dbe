"""A list of objects that come in variants, such as edits, as plain fields: from its schema, and back into one object.

The schema says which variants there are in an enum, and in branches `if … then …` which members each has. One object
can be typed by fields; a script makes as many of these fields as there are objects, and writes the list they stand for.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SEPARATOR = "."  # between a parameter's name and a member's: the fields of one object
PLACEHOLDERS = {"list": "0, 1, 5", "json": "JSON", "mixed": "0"}
SUGGESTED = {"layer": "layers"}  # members whose values a page may know
UNIT = "layer:0"


@dataclass(frozen=True, slots=True)
class Member:
    """A member of some of the variants, with what stands in its field."""

    name: str
    sent: str  # the field's name
    kind: str  # choice, number, mixed (a word or a number), list (of numbers), json or text
    variants: tuple[str, ...]  # that have it
    required: tuple[str, ...]  # that do not go without
    choices: tuple[str, ...]
    placeholder: str
    suggests: str  # the id of a list of values, or ""
    text: str


@dataclass(frozen=True, slots=True)
class Variants:
    """What an object of a list can be: `tag` is the member that says which, `sent` its field with `text` in it."""

    tag: str
    sent: str
    kinds: tuple[str, ...]
    text: str
    members: tuple[Member, ...]


def of(name: str, rule: Mapping[str, Any], typed: Mapping[str, str]) -> Variants | None:
    """The fields for one object of the list `name`; None where its schema knows no variants."""
    branches = _branches(rule)
    if not branches:
        return None
    tag = next(iter(rule["items"]["properties"]))
    rules: dict[str, Mapping[str, Any]] = {}
    for then in branches.values():
        rules |= {member: sub for member, sub in then.get("properties", {}).items() if member not in (tag, *rules)}
    sent = f"{name}{SEPARATOR}{tag}"
    members = tuple(_member(name, member, sub, branches, typed) for member, sub in rules.items())
    return Variants(tag, sent, tuple(branches), typed.get(sent, ""), members)


def sent_by(name: str, rule: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of these fields."""
    found = of(name, rule, {})
    return (found.sent, *(member.sent for member in found.members)) if found else ()


def read(name: str, rule: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, Any] | None:
    """The object that was typed by fields, None where no variant was chosen; raises ValueError for the unreadable."""
    found = of(name, rule, typed)
    if found is None or not found.text:
        return None
    here = (member for member in found.members if member.text.strip() and found.text in member.variants)
    return {found.tag: found.text, **{member.name: _value(member) for member in here}}


def _branches(rule: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    items = rule.get("items", {})
    tag = next(iter(items.get("properties", {})), "")
    found = {}
    for branch in items.get("allOf", ()):
        kind = branch.get("if", {}).get("properties", {}).get(tag, {}).get("const")
        if kind is not None:
            found[str(kind)] = branch.get("then", {})
    return found


def _member(
    name: str, member: str, rule: Mapping[str, Any], branches: Mapping[str, Mapping[str, Any]], typed: Mapping[str, str]
) -> Member:
    kind = _kind(rule)
    sent = f"{name}{SEPARATOR}{member}"
    is_unit = kind == "text" and "pattern" in rule and bool(re.search(rule["pattern"], UNIT))
    words = rule.get("enum") or next((it["enum"] for it in rule.get("anyOf", ()) if "enum" in it), ())
    return Member(
        name=member,
        sent=sent,
        kind=kind,
        variants=tuple(it for it, then in branches.items() if member in then.get("properties", {})),
        required=tuple(it for it, then in branches.items() if member in then.get("required", ())),
        choices=tuple(map(str, words)),
        placeholder="layer:channel" if is_unit else PLACEHOLDERS.get(kind, ""),
        suggests="units" if is_unit else SUGGESTED.get(member, ""),
        text=typed.get(sent, ""),
    )


def _kind(rule: Mapping[str, Any]) -> str:
    if "enum" in rule:
        return "choice"
    if "anyOf" in rule:
        return "mixed"
    if rule.get("type") == "array" and rule.get("items", {}).get("type") == "integer":
        return "list"
    return {"number": "number", "integer": "number", "string": "text"}.get(str(rule.get("type")), "json")


def loads(text: str) -> Any:
    """JSON without the numbers that are none; raises ValueError."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _value(member: Member) -> Any:
    text = member.text.strip()
    try:
        if member.kind == "list":
            return [int(part) for part in text.split(",") if part.strip()]
        if member.kind in ("number", "json") or (member.kind == "mixed" and text not in member.choices):
            return loads(text)
    except ValueError:
        raise ValueError(f"{member.name}: “{text[:40]}” cannot be read.") from None
    return text
