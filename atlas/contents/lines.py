r"""A content's lists as people type and compare them: a line for each item, its members divided by bars.

`detects | curve` is an item of `terms`. The columns are the members in the schema's order; those at the end may be left
out. A bar within a text is written `\|`, a backslash `\\`. What is written by `written` is read by `read` as it was.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from atlas import strictness
from atlas.errors import AtlasError

Schema = Mapping[str, Any]
BAR = re.compile(r"((?:[^\\|]|\\.)*)(?:\||$)", re.DOTALL)
DIVIDED = ", "  # the items of a list within a list


class Unreadable(ValueError):
    """An entry that cannot be read: which one and why."""


def columns(item: Schema) -> tuple[str, ...]:
    """The names of an item's members in the order in which they are typed; of a plain item there is one, unnamed."""
    return tuple(item["properties"]) if item.get("type") == "object" else ("",)


def written(values: Sequence[Any], item: Schema) -> str:
    """The items, a line for each."""
    return "\n".join(" | ".join(_cells(value, item)) for value in values)


def read(text: str, item: Schema) -> list[Any]:
    """The items of a text, empty lines left out; raises Unreadable. What they hold is for the schema to judge."""
    found = []
    for entry, line in enumerate((line for line in text.splitlines() if line.strip()), 1):
        try:
            found.append(_item(line, item))
        except ValueError as error:
            raise Unreadable(f"Entry {entry}: {error}") from None
    return found


def number(text: str, *, whole: bool = False) -> int | float:
    """A number as people write it; raises ValueError for the other spellings that Python reads: 1_000, ٣, nan."""
    if re.fullmatch(r"[-+]?\d{1,30}", text, flags=re.ASCII):
        return int(text)
    if not whole and re.fullmatch(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", text, flags=re.ASCII):
        value = float(text)
        if math.isfinite(value):
            return value
    raise ValueError(f"“{text[:40]}” is not {'a whole number' if whole else 'a number'}.")


def json_of(text: str) -> Any:
    """The value of a text, read as strictly as a body of the API; raises ValueError."""
    try:
        return strictness.read(text, what=f"“{text[:40]}”")
    except AtlasError as error:
        raise ValueError(str(error)) from None


def _cells(value: Any, item: Schema) -> list[str]:
    if item.get("type") != "object":
        return [_escaped(_written(value, item))]
    cells = [_written(value.get(name), rule) for name, rule in item["properties"].items()]
    while cells and not cells[-1]:
        cells.pop()
    return [_escaped(cell) for cell in cells]


def _written(value: Any, rule: Schema) -> str:
    """A member in one cell."""
    if value is None:
        return ""
    if rule.get("type") == "array":
        names = columns(rule["items"])
        return DIVIDED.join(" ".join(str(one[name]) for name in names) for one in value)
    if rule.get("type") == "object":
        return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
    return str(value)


def _item(line: str, item: Schema) -> Any:
    cells = [_plain(cell) for cell in _divided(line)]
    names = columns(item)
    if len(cells) > len(names):
        raise ValueError(f"It has {len(cells)} parts divided by bars, of at most {len(names)}.")
    if names == ("",):
        return _value(cells[0], item)
    rules, required = item["properties"], item.get("required", ())
    typed = {name: (cell, rules[name]) for name, cell in zip(names, cells, strict=False)}
    found = {name: _value(cell, rule) for name, (cell, rule) in typed.items() if cell}
    bare = {name: "" for name in required if name not in found and rules[name].get("minLength") == 0}
    return found | bare


def _divided(line: str) -> Iterator[str]:
    """The text between the bars."""
    at = 0
    while at <= len(line):
        match = BAR.match(line, at)
        if match is None:  # a backslash that ends the line
            yield line[at:]
            return
        yield match[1]
        if match[0] == match[1]:  # no bar follows, nor does anything else
            return
        at = match.end()


def _value(cell: str, rule: Schema) -> Any:
    kind = rule.get("type")
    if kind in ("number", "integer"):
        return number(cell, whole=kind == "integer")
    if kind == "object":
        return json_of(cell)
    if kind == "array":
        names = columns(rule["items"])
        parts = [part.split(maxsplit=len(names) - 1) for part in cell.split(",") if part.strip()]
        return [dict(zip(names, part, strict=False)) for part in parts]
    return cell


def _escaped(cell: str) -> str:
    return cell.replace("\\", "\\\\").replace("|", "\\|")


def _plain(cell: str) -> str:
    return re.sub(r"\\(.)", r"\1", cell.strip(), flags=re.DOTALL) if "\\" in cell else cell.strip()
