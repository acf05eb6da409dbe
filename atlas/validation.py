"""JSON Schema as the one judge of bodies, parameters and cards: every fault with its pointer, defaults filled in."""

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError

from atlas import canonical
from atlas.errors import Gone, NotCanonical, NotFound, Validation

MOST_ERRORS = 20
SEEN = r"\S"  # the pattern of a text that is not blanks alone


def faults(value: Any, schema: dict[str, Any], *, at: str = "") -> list[dict[str, str]]:
    """Every violation as {pointer (RFC 6901), code, detail}; `at` is the pointer of `value` in what the person sent."""
    found = sorted(JUDGE(schema).iter_errors(value), key=lambda error: list(map(str, error.path)))
    return [entry for error in found[:MOST_ERRORS] for entry in _entries(error, at=at)][:MOST_ERRORS]


def closed(says: str, /, *, optional: Mapping[str, Any] | None = None, **required: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of an object with these members and no others."""
    return {
        "type": "object",
        "description": says,
        "additionalProperties": False,
        "required": [*required],
        "properties": {**required, **(optional or {})},
    }


@contextmanager
def named_at(pointer: str) -> Iterator[None]:
    """What a body names at `pointer` and is not there is a fault of the body; the same for what is hidden from one."""
    try:
        yield
    except (NotFound, Gone) as error:
        raise Validation(errors=[{"pointer": pointer, "code": error.slug(), "detail": str(error)}]) from None


def with_defaults(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The value with the schema's own defaults filled in, so that spelling one out changes nothing."""
    filled = copy.deepcopy(value)
    for name, rule in schema.get("properties", {}).items():
        if name not in filled and "default" in rule:
            filled[name] = copy.deepcopy(rule["default"])
    return filled


def completed(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The same for parameters, whose lists may hold objects: what these leave out is filled in as well."""
    filled = copy.deepcopy(value)
    _fill(filled, schema)
    return filled


def _fill(value: Any, schema: dict[str, Any]) -> None:
    if isinstance(value, dict):
        for name, rule in schema.get("properties", {}).items():
            if name not in value and "default" in rule:
                value[name] = copy.deepcopy(rule["default"])
            _fill(value.get(name), rule)
        for rule in schema.get("allOf", ()):
            if "if" in rule and JUDGE(rule["if"]).is_valid(value):
                _fill(value, rule.get("then", {}))
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            _fill(item, schema["items"])


def _unique_items(judge: Any, wanted: bool, value: Any, rule: Any) -> Iterator[ValidationError]:
    """`uniqueItems` in one pass. The library compares all pairs as soon as two items cannot be ordered."""
    if wanted and isinstance(value, list) and len({_written(item) for item in value}) < len(value):
        yield ValidationError("an item is repeated")


def _ascending(judge: Any, pairs: list[list[str]], value: Any, rule: Any) -> Iterator[ValidationError]:
    """`x-ascending`, by which a probe says that the second of two of its parameters is not below the first."""
    for low, high in pairs if isinstance(value, dict) else ():
        least, most = (value.get(name, rule["properties"][name]["default"]) for name in (low, high))
        if judge.is_type(least, "number") and judge.is_type(most, "number") and most < least:
            yield ValidationError(f"Must be at least {least:g}, as {low} is.", path=[high])


KEYWORDS = {"uniqueItems": _unique_items, "x-ascending": _ascending}
JUDGE = validators.extend(Draft202012Validator, KEYWORDS)  # type: ignore[no-untyped-call]


def _written(value: Any) -> bytes:
    """Equal for values that are equal as JSON."""
    try:
        return canonical.encode(value)
    except NotCanonical:  # such a value is refused elsewhere, by its own rule
        return json.dumps(value, sort_keys=True).encode()


def _entries(error: ValidationError, *, at: str) -> list[dict[str, str]]:
    place = at + "".join(f"/{escaped(part)}" for part in error.absolute_path)
    rule: Any = error.schema
    forms: Any = error.validator_value
    if error.validator in ("oneOf", "anyOf") and all("required" in form for form in forms):
        # Our schemas say with it which of several fields is to be given.
        names = [name for form in forms for name in form["required"]]
        detail = f"Give {'either ' if error.validator == 'oneOf' else ''}{' or '.join(names)}."
        return [{"pointer": f"{place}/{escaped(names[0])}", "code": "required", "detail": detail}]
    if error.validator == "anyOf":
        return _of_forms(error, place, at=at)
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = rule.get("properties", {})
        extra = [name for name in error.instance if name not in known]
        return [
            {
                "pointer": f"{place}/{escaped(name)}",
                "code": "unknown-field",
                "detail": f"There is no field {name!r:.80}; there are {', '.join(sorted(known)) or 'none'}.",
            }
            for name in extra[:MOST_ERRORS]
        ]
    if error.validator == "required" and isinstance(error.instance, dict):
        absent = [name for name in rule["required"] if name not in error.instance]
        return [{"pointer": f"{place}/{escaped(name)}", "code": "required", "detail": "Missing."} for name in absent]
    return [{"pointer": place, "code": _code(error), "detail": _detail(error)}]


def _of_forms(error: ValidationError, place: str, *, at: str) -> list[dict[str, str]]:
    """The faults of the one form that a value of this type can have been meant for; else which types there are."""
    forms: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        forms.setdefault(inner.relative_schema_path[0], []).append(inner)
    fitting = [faults for faults in forms.values() if not any(_of_another_type(inner) for inner in faults)]
    if len(fitting) == 1:
        return [entry for inner in fitting[0] for entry in _entries(inner, at=at)]
    wanted: Any = error.validator_value
    types = " or ".join(dict.fromkeys(str(form.get("type", "another form")) for form in wanted))
    return [{"pointer": place, "code": "not-type", "detail": f"Must be of type {types}."}]


def _of_another_type(inner: ValidationError) -> bool:
    return inner.validator == "type" and not inner.relative_path


def _code(error: ValidationError) -> str:
    ranges = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "x-ascending"}
    return "out-of-range" if error.validator in ranges or _is_gap(error) else f"not-{error.validator}".lower()


def _is_gap(error: ValidationError) -> bool:
    """Whether a number lies where it must not."""
    forbidden: Any = error.validator_value
    return error.validator == "not" and {*forbidden} == {"exclusiveMinimum", "exclusiveMaximum"}


def _detail(error: ValidationError) -> str:
    wanted: Any = error.validator_value
    if _is_gap(error):
        return f"Must not lie between {wanted['exclusiveMinimum']} and {wanted['exclusiveMaximum']}."
    sentences = {
        "minimum": f"Must be at least {wanted}.",
        "maximum": f"Must be at most {wanted}.",
        "exclusiveMinimum": f"Must be more than {wanted}.",
        "exclusiveMaximum": f"Must be less than {wanted}.",
        "type": f"Must be of type {wanted}.",
        "enum": f"Must be one of {wanted}.",
        "maxLength": f"Must be at most {wanted} characters long.",
        "minLength": f"Must be at least {wanted} characters long.",
        "maxItems": f"Must have at most {wanted} items.",
        "minItems": f"Must have at least {wanted} items.",
        "uniqueItems": "Must not repeat an item.",
        "pattern": "Must have something to be seen." if wanted == SEEN else f"Must match {wanted}.",
    }
    return sentences.get(str(error.validator), error.message[:200])


def escaped(part: Any) -> str:
    """A key or an index as a part of a JSON pointer."""
    return str(part)[:80].replace("~", "~0").replace("/", "~1")
