"""What a question may be asked with: one declaration is the schema people see, the defaults and the judge."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Self

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from workers.interp.errors import BadParameters

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOST_FAULTS = 20
LONGEST = 200  # characters of a detail
ARTIFACT, DATASET, CHECKPOINT = "artifact", "dataset", "checkpoint"  # the formats of parameters that name one
HASH = "^([0-9a-f]{64})?$"
ASCENDING = "x-ascending"  # a keyword of ours: pairs of properties of which the second is not below the first
Rule = Mapping[str, Any]


def integer(default: int, *, title: str, description: str, least: int, most: int) -> Any:
    """A whole number from `least` to `most`."""
    return _declared(default, title, description, {"type": "integer", "minimum": least, "maximum": most})


def number(
    default: float,
    *,
    title: str,
    description: str,
    least: float,
    most: float,
    gap: tuple[float, float] | None = None,
) -> Any:
    """A number from `least` to `most`, but for what lies inside of the `gap`."""
    rule: dict[str, Any] = {"type": "number", "minimum": least, "maximum": most}
    if gap:
        rule["not"] = {"exclusiveMinimum": gap[0], "exclusiveMaximum": gap[1]}
    return _declared(default, title, description, rule)


def flag(default: bool, *, title: str, description: str) -> Any:
    """Yes or no."""
    return _declared(default, title, description, {"type": "boolean"})


def choice(default: str, *, title: str, description: str, among: Sequence[str]) -> Any:
    """One of a few words."""
    return _declared(default, title, description, {"type": "string", "enum": list(among)})


def artifact(*, title: str, description: str) -> Any:
    """The SHA-256 of stored bytes, which the computation is handed as `materials`; "" for none."""
    return _declared("", title, description, {"type": "string", "pattern": HASH, "format": ARTIFACT})


def dataset(*, title: str, description: str) -> Any:
    """The digest of a dataset, whose items the computation is handed; "" for none. A probe has one at most."""
    return _declared("", title, description, {"type": "string", "pattern": HASH, "format": DATASET})


def checkpoint(*, title: str, description: str) -> Any:
    """The digest of another checkpoint, whose lens the computation is handed; "" for none."""
    return _declared("", title, description, {"type": "string", "pattern": HASH, "format": CHECKPOINT})


def words(default: str, *, title: str, description: str, pattern: str, longest: int) -> Any:
    """A short text of a given form."""
    return _declared(default, title, description, {"type": "string", "pattern": pattern, "maxLength": longest})


def integers(
    default: tuple[int, ...], *, title: str, description: str, least: int, most: int, length: tuple[int, int]
) -> Any:
    """Different whole numbers from `least` to `most`, in order; `length` is how few and how many."""
    items = {"type": "integer", "minimum": least, "maximum": most}
    bounds = {"minItems": length[0], "maxItems": length[1], "uniqueItems": True}
    return _declared(default, title, description, {"type": "array", "items": items, **bounds})


def numbers(
    default: tuple[float, ...], *, title: str, description: str, least: float, most: float, length: tuple[int, int]
) -> Any:
    """Different numbers from `least` to `most`, in order; `length` is how few and how many."""
    items = {"type": "number", "minimum": least, "maximum": most}
    bounds = {"minItems": length[0], "maxItems": length[1], "uniqueItems": True}
    return _declared(default, title, description, {"type": "array", "items": items, **bounds})


def several(default: tuple[str, ...], *, title: str, description: str, among: Sequence[str]) -> Any:
    """Some of a few words, each once."""
    items = {"type": "string", "enum": list(among)}
    return _declared(default, title, description, {"type": "array", "items": items, "uniqueItems": True})


def objects(*, title: str, description: str, each: Rule, most: int) -> Any:
    """A list of objects of a schema, none at first. Strings in it of the format `artifact` name artifacts."""
    return _declared((), title, description, {"type": "array", "items": dict(each), "maxItems": most})


def _declared(default: Any, title: str, description: str, rule: dict[str, Any]) -> Any:
    shown = list(default) if isinstance(default, tuple) else default
    return field(default=default, metadata={"title": title, "description": description, "default": shown, **rule})


@dataclass(frozen=True)
class Params:
    """The base of every probe's parameters: a frozen dataclass whose fields are declared by the functions above.

    `passes` says what they cost where that depends on them: a pass for each picture and arm. `pictures` names what
    bounds the pictures, `arms` the parameters that are so many arms or list them, `more` how many there are besides.
    """

    passes: ClassVar[Mapping[str, Any]] = {}

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """JSON Schema, draft 2020-12."""
        properties = {one.name: dict(one.metadata) for one in fields(cls)}
        rules = {"$schema": DIALECT, "type": "object", "properties": properties, "additionalProperties": False}
        return {**rules, "x-passes": dict(cls.passes)} if cls.passes else rules

    @classmethod
    def read(cls, given: Any) -> Self:
        """The parameters, defaults filled in; raises BadParameters with a pointer (RFC 6901) to every fault."""
        errors = faults(given, cls.schema())
        if errors:
            raise BadParameters(errors=errors)
        rules = {one.name: one.metadata for one in fields(cls)}
        return cls(**{name: _normal(value, rules[name]) for name, value in given.items()})

    @property
    def materials(self) -> tuple[str, ...]:
        """The artifacts that these parameters name."""
        return self._named(ARTIFACT)

    @property
    def datasets(self) -> tuple[str, ...]:
        """The datasets that these parameters name, by digest."""
        return self._named(DATASET)

    @property
    def checkpoints(self) -> tuple[str, ...]:
        """The other checkpoints that these parameters name, by digest."""
        return self._named(CHECKPOINT)

    def _named(self, format: str) -> tuple[str, ...]:
        said = (name for one in fields(self) for name in _of_format(getattr(self, one.name), one.metadata, format))
        return tuple(dict.fromkeys(said))

    def to_json(self) -> dict[str, Any]:
        """The parameters as data, complete."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def faults(value: Any, rule: Rule) -> list[dict[str, str]]:
    """Every way in which a value breaks a schema, as {pointer, code, detail}; the code is the schema's keyword."""
    found = sorted(Judge(rule).iter_errors(value), key=lambda error: list(map(str, error.absolute_path)))
    return [
        {"pointer": _pointer(error.absolute_path), "code": str(error.validator), "detail": error.message[:LONGEST]}
        for error in found[:MOST_FAULTS]
    ]


def _of_format(value: Any, rule: Rule, format: str) -> Iterator[str]:
    """What of a valid value its schema says to be of this format."""
    if isinstance(value, str) and value and rule.get("format") == format:
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _of_format(item, rule.get("items", {}), format)
    elif isinstance(value, Mapping):
        for each in (rule, *(branch["then"] for branch in rule.get("allOf", ()))):
            for name in value.keys() & each.get("properties", {}).keys():
                yield from _of_format(value[name], each["properties"][name], format)


def _pointer(path: Iterable[Any]) -> str:
    return "".join(f"/{str(part)[:80].replace('~', '~0').replace('/', '~1')}" for part in path)


def _is_number(_: Any, value: Any) -> bool:
    # JSON has no NaN and no infinity, and a comparison with NaN breaks no bound.
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_array(_: Any, value: Any) -> bool:
    return isinstance(value, list | tuple)


def _ascending(_: Any, pairs: Sequence[tuple[str, str]], value: Any, rule: Rule) -> Iterator[ValidationError]:
    for low, high in pairs if isinstance(value, Mapping) else ():
        least, most = (value.get(name, rule["properties"][name]["default"]) for name in (low, high))
        if _is_number(None, least) and _is_number(None, most) and most < least:
            yield ValidationError(f"{most:g} is less than {low}, {least:g}", path=[high])


_TYPES = Draft202012Validator.TYPE_CHECKER.redefine_many({"number": _is_number, "array": _is_array})
Judge = validators.extend(Draft202012Validator, {ASCENDING: _ascending}, type_checker=_TYPES)  # type: ignore[no-untyped-call]


def _normal(value: Any, rule: Rule) -> Any:
    if rule["type"] == "array":
        return tuple(_normal(item, rule["items"]) for item in value)
    return {"integer": int, "number": float}.get(rule["type"], lambda same: same)(value)
