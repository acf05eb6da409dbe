"""A form from a probe's JSON Schema, and its typed text back as parameters; nothing typed is lost on the way."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

KINDS = {"integer": "number", "number": "number", "boolean": "checkbox", "array": "list", "string": "text"}
LONGEST, LONGEST_JSON = 500, 20_000  # characters of one field
DATASET = "dataset"  # the format of parameters that name one
FIXED = ("", "the eight fixed pictures")  # what a probe looks at where no dataset is named
AT_ONCE = 6  # fields that are seen at once; a schema's order says which are asked for most
FEW = 2  # so few more are seen at once, too


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter as a person meets it. `text` is what stands in it now, `errors` what is wrong with that."""

    name: str
    title: str
    description: str
    kind: str  # number, checkbox, choice, dataset, list, json or text
    text: str
    usual: str
    choices: tuple[tuple[str, str], ...]  # what is sent, and what is read
    least: Any
    most: Any
    step: str
    errors: tuple[str, ...]

    @property
    def checked(self) -> bool:
        """Whether a checkbox is ticked."""
        return self.text == "on"

    @property
    def touched(self) -> bool:
        """Whether it holds something that somebody meant, or that is wrong."""
        return bool(self.errors) or self.text != self.usual


def divided(found: Sequence[Field]) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """The fields that are seen at once, and those that only some ask for: the ones behind the first six.

    What pictures a probe is shown is always seen.
    """
    first = [field for place, field in enumerate(found) if place < AT_ONCE or field.kind == DATASET]
    rest = [field for field in found if field not in first]
    return (tuple(found), ()) if len(rest) <= FEW else (tuple(first), tuple(rest))


def fields(
    schema: Mapping[str, Any],
    *,
    typed: Mapping[str, str] | None = None,
    errors: Sequence[Mapping[str, str]] = (),
    datasets: Sequence[tuple[str, str]] = (),
) -> tuple[Field, ...]:
    """The fields of a schema, with its defaults or what was `typed`, and errors by their pointers `/params/…`.

    `datasets` are those that can be chosen, by digest, with what they are called.
    """
    wrong: dict[str, list[str]] = {}
    for error in errors:
        wrong.setdefault(_field_of(error["pointer"]), []).append(error["detail"])
    return tuple(
        _field(name, rule, typed=typed, errors=tuple(wrong.get(name, ())), datasets=datasets)
        for name, rule in schema.get("properties", {}).items()
    )


def read(schema: Mapping[str, Any], typed: Mapping[str, str]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Parameters from typed text, and what could not be read; an empty field means the default."""
    params: dict[str, Any] = {}
    errors: list[dict[str, str]] = []
    for name, rule in schema.get("properties", {}).items():
        text = typed.get(name, "").strip()
        if rule.get("type") == "boolean":
            params[name] = text == "on"
        elif text:
            try:
                params[name] = _value(text, rule)
            except ValueError as error:
                errors.append({"pointer": f"/params/{name}", "code": "unreadable", "detail": str(error)})
    return params, errors


def typed_in(data: Mapping[str, str], schema: Mapping[str, Any]) -> dict[str, str]:
    """What a posted form holds for the fields of a schema."""
    rules = schema.get("properties", {})
    return {name: str(data.get(name, ""))[: LONGEST_JSON if _is_json(rules[name]) else LONGEST] for name in rules}


def _field(
    name: str,
    rule: Mapping[str, Any],
    *,
    typed: Mapping[str, str] | None,
    errors: tuple[str, ...],
    datasets: Sequence[tuple[str, str]],
) -> Field:
    usual = _written(rule)
    text = usual if typed is None else typed.get(name, "")
    return Field(
        name=name,
        title=rule.get("title", name),
        description=rule.get("description", ""),
        kind=_kind(rule),
        text=text,
        usual=usual,
        choices=_chosen_from(rule, text, datasets),
        least=rule.get("minimum"),
        most=rule.get("maximum"),
        step="1" if rule.get("type") == "integer" else "any",
        errors=errors,
    )


def _is_json(rule: Mapping[str, Any]) -> bool:
    """Whether a parameter is typed as it is sent: a list of objects."""
    return bool(rule.get("type") == "array" and rule.get("items", {}).get("type") == "object")


def _written(rule: Mapping[str, Any]) -> str:
    """The default as text."""
    value = rule.get("default", "")
    return json.dumps(value, ensure_ascii=False) if _is_json(rule) else _text(value)


def _kind(rule: Mapping[str, Any]) -> str:
    if rule.get("format") == DATASET:
        return DATASET
    if _is_json(rule):
        return "json"
    return "choice" if "enum" in rule else KINDS.get(rule.get("type", "string"), "text")


def _chosen_from(
    rule: Mapping[str, Any], text: str, datasets: Sequence[tuple[str, str]]
) -> tuple[tuple[str, str], ...]:
    """What can be chosen; of datasets also one that was typed and is none, so that it is not lost."""
    if rule.get("format") != DATASET:
        return tuple((str(choice), str(choice)) for choice in rule.get("enum", ()))
    known = {FIXED[0], *(digest for digest, _ in datasets)}
    return (FIXED, *datasets, *(() if text in known else ((text, text[:12]),)))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else ""
    if isinstance(value, list):
        return ", ".join(_text(item) for item in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _value(text: str, rule: Mapping[str, Any]) -> Any:
    if _is_json(rule):
        return _json(text)
    if rule.get("type") == "array":
        return [_value(part.strip(), rule.get("items", {})) for part in text.split(",") if part.strip()]
    if rule.get("type") == "integer":
        return _number(text, int, "a whole number")
    if rule.get("type") == "number":
        return _number(text, float, "a number")
    return text


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"This is no JSON: {str(error)[:120]}.") from None


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _number(text: str, kind: type, wanted: str) -> Any:
    try:
        # Python reads 1_000, ٣ and nan, too; people who type those mean something else.
        value = kind(text)
        if "_" in text or not text.isascii() or not math.isfinite(value):
            raise ValueError
        return value
    except ValueError:
        raise ValueError(f"“{text[:40]}” is not {wanted}.") from None


def _field_of(pointer: str) -> str:
    """`/params/seeds/2` concerns the field `seeds`."""
    parts = pointer.split("/")
    return parts[2] if len(parts) > 2 and parts[1] == "params" else ""
