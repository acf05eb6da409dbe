"""A form from a probe's JSON Schema, and its typed text back as parameters; nothing typed is lost on the way."""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from atlas.web import variants
from atlas.web.variants import Variants

KINDS = {"integer": "number", "number": "number", "boolean": "checkbox", "array": "list", "string": "text"}
LONGEST, LONGEST_JSON = 500, 20_000  # characters of one field
DATASET, CHECKPOINT = "dataset", "checkpoint"  # the formats of parameters that name one
# What is meant where none is named: what a probe looks at, and where.
UNNAMED = {DATASET: ("", "the eight fixed pictures"), CHECKPOINT: ("", "its own")}
LAYER = "layer"  # the name of parameters that say where
UNITS = (("in pixels", "px"), ("in degrees", "°"))  # as descriptions say them
BRIEF = 110  # characters of a description that are read at a glance
NOTHING = ","  # a list that was emptied; where nothing was typed, the default is meant
Choices = Mapping[str, Sequence[tuple[str, str]]]  # by format: what is sent, and what is read
AT_ONCE = 6  # fields that are seen at once; a schema's order says which are asked for most
FEW = 2  # so few more are seen at once, too


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter as a person meets it. `text` is what stands in it now, `errors` what is wrong with that."""

    name: str
    title: str
    description: str
    kind: str  # number, checkbox, choice, dataset, checkpoint, several, list, json or text
    text: str
    usual: str
    choices: tuple[tuple[str, str], ...]  # what is sent, and what is read
    least: Any
    most: Any
    step: str
    errors: tuple[str, ...]
    suggests: str = ""  # the id of a list of what it could be
    variants: Variants | None = None  # of a list of objects: the fields of one of them

    @property
    def unit(self) -> str:
        """px or °, where its description says so."""
        return next((unit for said, unit in UNITS if said in self.description.lower()), "")

    @property
    def brief(self) -> str:
        """The beginning of its description: as many sentences as are read at a glance, and at least one."""
        sentences = re.split(r"(?<=\.) ", self.description)
        kept = sentences[:1]
        for sentence in sentences[1:]:
            if len(" ".join(kept)) + len(sentence) > BRIEF:
                break
            kept.append(sentence)
        return " ".join(kept)

    @property
    def further(self) -> str:
        """The rest of it."""
        return self.description.removeprefix(self.brief).strip()

    @property
    def span(self) -> str:
        """From where to where it may lie, and what is usual."""
        if self.kind != "number":
            return ""
        bounds = [f"from {_bound(self.least)}"] if self.least is not None else []
        bounds += [f"to {_bound(self.most)}"] if self.most is not None else []
        said = ", ".join([*([" ".join(bounds)] if bounds else []), *([f"usually {self.usual}"] if self.usual else [])])
        return f"{said[:1].upper()}{said[1:]}." if said else ""

    @property
    def ticked(self) -> tuple[tuple[str, bool], ...]:
        """Of several that can be chosen each, and whether it is."""
        chosen = {part.strip() for part in self.text.split(",")}
        return tuple((sent, sent in chosen) for sent, _ in self.choices)

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
    choices: Choices | None = None,
) -> tuple[Field, ...]:
    """The fields of a schema, with its defaults or what was `typed`, and errors by their pointers `/params/…`.

    `choices` are the datasets and the checkpoints that can be chosen, by digest, with what they are called.
    """
    wrong: dict[str, list[str]] = {}
    for error in errors:
        name, within = _field_of(error["pointer"])
        wrong.setdefault(name, []).append(f"{within}: {error['detail']}" if within else error["detail"])
    return tuple(
        _field(name, rule, typed=typed, errors=tuple(wrong.get(name, ())), choices=choices or {})
        for name, rule in schema.get("properties", {}).items()
    )


def elsewhere(schema: Mapping[str, Any], errors: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """What is wrong with none of the fields."""
    return tuple(it["detail"] for it in errors if _field_of(it["pointer"])[0] not in schema.get("properties", {}))


def read(schema: Mapping[str, Any], typed: Mapping[str, str]) -> tuple[dict[str, Any], list[dict[str, str]]]:
    """Parameters from typed text, and what could not be read; an empty field means the default."""
    params: dict[str, Any] = {}
    errors: list[dict[str, str]] = []
    for name, rule in schema.get("properties", {}).items():
        text = typed.get(name, "").strip()
        try:
            more = variants.read(name, rule, typed)
            if rule.get("type") == "boolean":
                params[name] = text == "on"
            elif text or more:
                params[name] = _together(_value(text, rule) if text else [], more)
        except ValueError as error:
            errors.append({"pointer": f"/params/{name}", "code": "unreadable", "detail": str(error)})
    return params, errors


def _together(value: Any, more: dict[str, Any] | None) -> Any:
    """A list with the object that was typed by fields; what is none is for the schema to judge."""
    return [*value, more] if more and isinstance(value, list) else value


def typed_in(data: QueryDict, schema: Mapping[str, Any]) -> dict[str, str]:
    """What a posted form holds for the fields of a schema."""
    found = {}
    for name, rule in schema.get("properties", {}).items():
        sent = data.getlist(name)
        several = _kind(rule) == "several" and sent
        # The field before the boxes is empty, and says that there are boxes.
        text = (", ".join(filter(None, sent)) or NOTHING) if several else str(data.get(name, ""))
        found[name] = text[: LONGEST_JSON if _is_json(rule) else LONGEST]
        found |= {one: str(data.get(one, ""))[:LONGEST] for one in variants.sent_by(name, rule)}
    return found


def typed_from(params: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, str]:
    """The same of a question that has been asked; what its version of the probe did not know has its default."""
    rules = schema.get("properties", {})
    return {
        name: _shown(params[name] if name in params else rule.get("default", ""), rule) for name, rule in rules.items()
    }


def _field(
    name: str,
    rule: Mapping[str, Any],
    *,
    typed: Mapping[str, str] | None,
    errors: tuple[str, ...],
    choices: Choices,
) -> Field:
    usual = _shown(rule.get("default", ""), rule)
    text = usual if typed is None else typed.get(name, "")
    return Field(
        name=name,
        title=rule.get("title", name),
        description=rule.get("description", ""),
        kind=_kind(rule),
        text=text,
        usual=usual,
        choices=_chosen_from(rule, text, choices),
        least=rule.get("minimum"),
        most=rule.get("maximum"),
        step="1" if rule.get("type") == "integer" else "any",
        errors=errors,
        suggests="layers" if name == LAYER else "",
        variants=variants.of(name, rule, typed or {}),
    )


def _is_json(rule: Mapping[str, Any]) -> bool:
    """Whether a parameter is typed as it is sent: a list of objects."""
    return bool(rule.get("type") == "array" and rule.get("items", {}).get("type") == "object")


def _bound(value: float) -> str:
    """A number as people write it; a whole one may come as a float."""
    return (f"{value:,.0f}" if value == int(value) else f"{value:g}").replace("-", "−")


def _shown(value: Any, rule: Mapping[str, Any]) -> str:
    """A value as text."""
    return json.dumps(value, ensure_ascii=False) if _is_json(rule) else _text(value)


def _kind(rule: Mapping[str, Any]) -> str:
    if rule.get("format") in UNNAMED:
        return str(rule["format"])
    if _is_json(rule):
        return "json"
    if rule.get("type") == "array" and "enum" in rule.get("items", {}):
        return "several"
    return "choice" if "enum" in rule else KINDS.get(rule.get("type", "string"), "text")


def _chosen_from(rule: Mapping[str, Any], text: str, choices: Choices) -> tuple[tuple[str, str], ...]:
    """What can be chosen; of datasets also one that was typed and is none, so that it is not lost."""
    named = rule.get("format", "")
    if named not in UNNAMED:
        among = rule.get("enum") or rule.get("items", {}).get("enum", ())
        return tuple((str(choice), str(choice)) for choice in among)
    listed = choices.get(named, ())
    known = {"", *(digest for digest, _ in listed)}
    return (UNNAMED[named], *listed, *(() if text in known else ((text, text[:12]),)))


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
        return variants.loads(text)
    except ValueError as error:
        raise ValueError(f"This is no JSON: {str(error)[:120]}.") from None


def _number(text: str, kind: type, wanted: str) -> Any:
    try:
        # Python reads 1_000, ٣ and nan, too; people who type those mean something else.
        value = kind(text)
        if "_" in text or not text.isascii() or not math.isfinite(value):
            raise ValueError
        return value
    except ValueError:
        raise ValueError(f"“{text[:40]}” is not {wanted}.") from None


def _field_of(pointer: str) -> tuple[str, str]:
    """`/params/seeds/2` concerns the field `seeds`, and there the third; of edits it is said where: `Edit 3, value`."""
    parts = pointer.split("/")
    if len(parts) < 3 or parts[1] != "params":
        return "", ""
    within = [f"number {int(part) + 1}" if part.isdecimal() else part for part in parts[3:]]
    return parts[2], ", ".join(within).capitalize() if len(parts) > 4 else ""
