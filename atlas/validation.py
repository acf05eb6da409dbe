"""JSON Schema as the one judge of bodies, parameters and cards: every fault with its pointer, defaults filled in."""

import copy
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

MOST_ERRORS = 20


def faults(value: Any, schema: dict[str, Any], *, at: str = "") -> list[dict[str, str]]:
    """Every violation as {pointer (RFC 6901), code, detail}; `at` is the pointer of `value` in what the person sent."""
    found = sorted(Draft202012Validator(schema).iter_errors(value), key=lambda error: list(map(str, error.path)))
    return [entry for error in found[:MOST_ERRORS] for entry in _entries(error, at=at)]


def with_defaults(value: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """The value with the schema's own defaults filled in, so that spelling one out changes nothing."""
    filled = copy.deepcopy(value)
    for name, rule in schema.get("properties", {}).items():
        if name not in filled and "default" in rule:
            filled[name] = copy.deepcopy(rule["default"])
    return filled


def _entries(error: ValidationError, *, at: str) -> list[dict[str, str]]:
    place = at + "".join(f"/{_escaped(part)}" for part in error.absolute_path)
    rule: Any = error.schema
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        known = rule.get("properties", {})
        extra = [name for name in error.instance if name not in known]
        return [
            {
                "pointer": f"{place}/{_escaped(name)}",
                "code": "unknown-field",
                "detail": f"There is no field {name!r:.80}; there are {', '.join(sorted(known)) or 'none'}.",
            }
            for name in extra[:MOST_ERRORS]
        ]
    if error.validator == "required" and isinstance(error.instance, dict):
        absent = [name for name in rule["required"] if name not in error.instance]
        return [{"pointer": f"{place}/{_escaped(name)}", "code": "required", "detail": "Missing."} for name in absent]
    return [{"pointer": place, "code": _code(error), "detail": _detail(error)}]


def _code(error: ValidationError) -> str:
    ranges = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
    return "out-of-range" if error.validator in ranges else f"not-{error.validator}".lower()


def _detail(error: ValidationError) -> str:
    wanted = error.validator_value
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
        "pattern": f"Must match {wanted}.",
    }
    return sentences.get(str(error.validator), error.message[:200])


def _escaped(part: Any) -> str:
    return str(part)[:80].replace("~", "~0").replace("/", "~1")
