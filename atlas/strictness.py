"""JSON read strictly: duplicate keys, NaN, NUL, lone surrogates and more than its share are refused by name."""

import json
from typing import Any

from atlas import canonical
from atlas.errors import ControlCharacter, DuplicateKey, Malformed, TooDeep, TooManyItems

DEEPEST = 32
MOST_KEYS = 1_000
MOST_ITEMS = 10_000
LONGEST_TEXT = 64 * 1024


def read(text: str, *, what: str) -> Any:
    """The JSON value of a text; `what` it is stands in the refusals.

    Raises Malformed, DuplicateKey and TooDeep where the text is no JSON or ambiguous; ControlCharacter, TooManyItems
    and NotCanonical where a value could not be kept as it is.
    """
    value = _loaded(text, what)
    _inspect(value, depth=1)
    return value


def _loaded(text: str, what: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_members, parse_constant=_not_a_number)
    except RecursionError:
        raise TooDeep(most=DEEPEST) from None
    except ValueError:
        raise Malformed(detail=f"{what} is not JSON.") from None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            _require_plain(key)
            raise DuplicateKey(key=key[:80])
        members[key] = value
    return members


def _not_a_number(name: str) -> Any:
    raise Malformed(detail=f"{name} is not JSON.")


def _inspect(value: Any, *, depth: int) -> None:
    if isinstance(value, str):
        _require_plain(value)
    elif isinstance(value, int | float):
        canonical.normalise(value)
    elif isinstance(value, dict | list):
        if depth > DEEPEST:
            raise TooDeep(most=DEEPEST)
        if len(value) > (MOST_KEYS if isinstance(value, dict) else MOST_ITEMS):
            raise TooManyItems(most=MOST_KEYS if isinstance(value, dict) else MOST_ITEMS, items="members")
        for inner in [*value, *value.values()] if isinstance(value, dict) else value:
            _inspect(inner, depth=depth + 1)


def _require_plain(text: str) -> None:
    if len(text) > LONGEST_TEXT:
        raise TooManyItems(most=LONGEST_TEXT, items="characters in one text")
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ControlCharacter()
