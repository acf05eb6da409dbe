"""A content as people type, compare and sign it: a text for each of its members, and those texts back as a content.

A member that is an object is taken apart (`reference.title`); a list is one text with a line for each item (lines.py).
What is missing or wrong is for the service to judge; here it is only written and read.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from atlas.contents import lines
from atlas.contents.pieces import PROSE, Content

Schema = Mapping[str, Any]
KINDS = {"integer": "number", "number": "number", "array": "lines", "object": "json"}


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a content, and how it is typed: line, prose, number, choice, lines or json."""

    path: tuple[str, ...]
    rule: Schema
    kind: str

    @property
    def name(self) -> str:
        """Its path, with dots."""
        return ".".join(self.path)

    @property
    def title(self) -> str:
        """As it is read: `rests_on.reference.doi` as Rests on: reference: doi."""
        return ": ".join(part.replace("_", " ") for part in self.path).capitalize()


def members(content: Content) -> Iterator[Member]:
    """Those of a kind of content, in the schema's order."""
    for path, rule in _members(content.schema, ()):
        yield Member(path, rule, "choice" if "enum" in rule else KINDS.get(rule["type"], _of_text(path[-1])))


def write(content: Mapping[str, Any], kind: Content) -> dict[str, str]:
    """What is typed for a content, by the members' names; `read` gives it back."""
    return {it.name: _text(_at(content, it.path), it) for it in members(kind)}


def read(typed: Mapping[str, str], kind: Content) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """The content, and what could not be read, with its pointer. An empty text means that a member is not given."""
    content: dict[str, Any] = {}
    errors: list[dict[str, str]] = []
    for it in members(kind):
        text = typed.get(it.name, "").replace("\r\n", "\n")
        if not text.strip():
            continue
        try:
            _put(content, it.path, _value(text, it))
        except ValueError as error:
            pointer = f"/content/{'/'.join(it.path)}"
            errors.append({"pointer": pointer, "code": "unreadable", "detail": str(error)})
    return content, errors


def _of_text(name: str) -> str:
    return "prose" if name in PROSE else "line"


def _members(schema: Schema, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Every member that is no closed object itself, with the members of those that are."""
    for name, rule in schema["properties"].items():
        bare = _bare(rule)
        if "properties" in bare:
            yield from _members(bare, (*path, name))
        else:
            yield (*path, name), bare


def _bare(rule: Schema) -> Schema:
    """The form in which something is given, of a member that may be null."""
    if "anyOf" not in rule or "properties" in rule:
        return rule
    given = next(form for form in rule["anyOf"] if form.get("type") != "null")
    return {**given, **{name: rule[name] for name in ("description",) if name in rule}}


def _text(value: Any, member: Member) -> str:
    if value is None:  # of an inner member not to choose is a choice
        chosen = member.kind in ("choice", "number") and len(member.path) == 1
        return str(member.rule.get("default", "")) if chosen else ""
    if member.kind == "lines":
        return lines.written(value, member.rule["items"])
    if member.kind == "json":
        return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) if value else ""
    return str(value)


def _value(text: str, member: Member) -> Any:
    if member.kind == "lines":
        return lines.read(text, member.rule["items"])
    if member.kind == "number":
        return lines.number(text.strip(), whole=member.rule["type"] == "integer")
    if member.kind == "json":
        return lines.json_of(text)
    return text if member.kind == "prose" else text.strip()


def _at(content: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = content
    for part in path:
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _put(content: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for part in path[:-1]:
        content = content.setdefault(part, {})
    content[path[-1]] = value
