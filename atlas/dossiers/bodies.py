"""A dossier as JSON: the page's twin and the API's body are one and the same."""

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import cache, reduce
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")
# The members of a field marked so stand in the body as the dossier's own: what a list shows of a thing, it shows too.
Spread = Annotated[T, "spread"]
# What a dossier says of its reader rather than of its subject, or shows a second time, stays on the page.
OnThePage = Annotated[T, "on the page"]


@dataclasses.dataclass(frozen=True, slots=True)
class Member:
    """A member of a body: the attributes that lead to its value, and the value's type."""

    path: tuple[str, ...]
    hint: Any


def body(dossier: Any) -> Any:
    """Plain JSON of a frozen dossier: fields by name, tuples as lists, times as ISO 8601 in UTC."""
    if dataclasses.is_dataclass(dossier):
        found = members(type(dossier))
        return {name: body(reduce(getattr, member.path, dossier)) for name, member in found.items()}
    if isinstance(dossier, datetime):
        return dossier.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(dossier, list | tuple):
        return [body(item) for item in dossier]
    if isinstance(dossier, dict):
        return {key: body(value) for key, value in dossier.items()}
    return dossier


@cache
def members(dossier: type) -> Mapping[str, Member]:
    """The members of a dossier's body by name, in order; its own win over spread ones of the same name."""
    own, spread = {}, {}
    for name, hint, mark in _marked(dossier):
        if mark == "spread":
            inner = members(hint).items()
            spread |= {key: Member((name, *member.path), member.hint) for key, member in inner}
        elif mark != "on the page":
            own[name] = Member((name,), hint)
    return spread | own


def _marked(dossier: Any) -> Iterator[tuple[str, Any, str]]:
    """Each field's name and type, and its mark where it has one."""
    hints = get_type_hints(dossier, include_extras=True)
    for field in dataclasses.fields(dossier):
        hint = hints[field.name]
        yield (field.name, *get_args(hint)) if get_origin(hint) is Annotated else (field.name, hint, "")
