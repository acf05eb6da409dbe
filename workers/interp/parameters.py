"""What a question may be asked with: one declaration is the schema people see, the defaults and the judge."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from workers.interp.errors import BadParameters

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Rule = Mapping[str, Any]


def integer(default: int, *, title: str, description: str, least: int, most: int) -> Any:
    """A whole number from `least` to `most`."""
    return _declared(default, title, description, {"type": "integer", "minimum": least, "maximum": most})


def number(default: float, *, title: str, description: str, least: float, most: float) -> Any:
    """A number from `least` to `most`."""
    return _declared(default, title, description, {"type": "number", "minimum": least, "maximum": most})


def flag(default: bool, *, title: str, description: str) -> Any:
    """Yes or no."""
    return _declared(default, title, description, {"type": "boolean"})


def choice(default: str, *, title: str, description: str, among: Sequence[str]) -> Any:
    """One of a few words."""
    return _declared(default, title, description, {"type": "string", "enum": list(among)})


def integers(
    default: tuple[int, ...], *, title: str, description: str, least: int, most: int, length: tuple[int, int]
) -> Any:
    """Different whole numbers from `least` to `most`, in order; `length` is how few and how many."""
    items = {"type": "integer", "minimum": least, "maximum": most}
    bounds = {"minItems": length[0], "maxItems": length[1], "uniqueItems": True}
    return _declared(default, title, description, {"type": "array", "items": items, **bounds})


def _declared(default: Any, title: str, description: str, rule: dict[str, Any]) -> Any:
    shown = list(default) if isinstance(default, tuple) else default
    return field(default=default, metadata={"title": title, "description": description, "default": shown, **rule})


@dataclass(frozen=True)
class Params:
    """The base of every probe's parameters: a frozen dataclass whose fields are declared by the functions above."""

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """JSON Schema, draft 2020-12."""
        properties = {one.name: dict(one.metadata) for one in fields(cls)}
        return {"$schema": DIALECT, "type": "object", "properties": properties, "additionalProperties": False}

    @classmethod
    def read(cls, given: Any) -> Self:
        """The parameters, defaults filled in; raises BadParameters with a pointer (RFC 6901) to every fault."""
        errors = faults(given, cls.schema())
        if errors:
            raise BadParameters(errors=errors)
        rules = {one.name: one.metadata for one in fields(cls)}
        return cls(**{name: _normal(value, rules[name]) for name, value in given.items()})

    def to_json(self) -> dict[str, Any]:
        """The parameters as data, complete."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def faults(value: Any, rule: Rule, *, at: str = "") -> list[dict[str, str]]:
    """Every way in which a value breaks a rule, as {pointer, code, detail}.

    The part of JSON Schema that the declarations above write, and of that all: 512.0 is an integer, true is not.
    """
    if not _is_of_type(value, rule.get("type", "")):
        return [_fault(at, "not-type", f"Must be of type {rule['type']}.")]
    found = [_fault(at, code, detail) for code, detail in _breaches(value, rule)]
    if isinstance(value, dict):
        found += _of_members(value, rule["properties"], at=at)
    if isinstance(value, list | tuple):
        found += [fault for i, item in enumerate(value) for fault in faults(item, rule["items"], at=f"{at}/{i}")]
    return found


def _is_of_type(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    if isinstance(value, float) and not math.isfinite(value):
        return False
    accepted = {
        "integer": isinstance(value, int) or (isinstance(value, float) and value.is_integer()),
        "number": isinstance(value, int | float),
        "string": isinstance(value, str),
        "array": isinstance(value, list | tuple),
        "object": isinstance(value, dict),
    }
    return accepted.get(name, False)


def _breaches(value: Any, rule: Rule) -> list[tuple[str, str]]:
    """(code, detail) of every bound that a value of the right type breaks."""
    found = []
    if "minimum" in rule and value < rule["minimum"]:
        found.append(("out-of-range", f"Must be at least {rule['minimum']}."))
    if "maximum" in rule and value > rule["maximum"]:
        found.append(("out-of-range", f"Must be at most {rule['maximum']}."))
    if "enum" in rule and value not in rule["enum"]:
        found.append(("not-enum", f"Must be one of {rule['enum']}."))
    if "minItems" in rule and len(value) < rule["minItems"]:
        found.append(("not-minitems", f"Must have at least {rule['minItems']} items."))
    if "maxItems" in rule and len(value) > rule["maxItems"]:
        found.append(("not-maxitems", f"Must have at most {rule['maxItems']} items."))
    if rule.get("uniqueItems") and any(item in value[:index] for index, item in enumerate(value)):
        found.append(("not-uniqueitems", "Must not repeat an item."))
    return found


def _of_members(value: Mapping[str, Any], known: Mapping[str, Rule], *, at: str) -> list[dict[str, str]]:
    found = []
    for name, member in value.items():
        pointer = f"{at}/{str(name)[:80].replace('~', '~0').replace('/', '~1')}"
        if name in known:
            found += faults(member, known[name], at=pointer)
        else:
            detail = f"There is no field {name!r:.80}; there are {', '.join(sorted(known))}."
            found.append(_fault(pointer, "unknown-field", detail))
    return found


def _fault(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}


def _normal(value: Any, rule: Rule) -> Any:
    if rule["type"] == "array":
        return tuple(_normal(item, rule["items"]) for item in value)
    return {"integer": int, "number": float}.get(rule["type"], lambda same: same)(value)
