"""The one JSON form that is hashed, exported and rendered, so that equal meaning always has equal bytes."""

import hashlib
import json
import math
import unicodedata
from typing import Any

from atlas import texts
from atlas.errors import NotCanonical

SAFE_INTEGER = 2**53 - 1  # beyond it JSON numbers of other languages lose digits
DEEPEST = 32


def normalise(value: Any, *, depth: int = 0) -> Any:
    """The canonical value: keys sorted, text in NFC, integral floats as integers; raises NotCanonical for the rest."""
    if depth > DEEPEST:
        raise NotCanonical(reason=f"nested deeper than {DEEPEST}")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, dict):
        return _members(value, depth=depth + 1)
    if isinstance(value, list | tuple):
        return [normalise(item, depth=depth + 1) for item in value]
    raise NotCanonical(reason=f"{type(value).__name__} has no JSON form")


def encode(value: Any) -> bytes:
    """Canonical UTF-8 bytes of a JSON value: no spaces, sorted keys, shortest round-trip numbers."""
    text = json.dumps(normalise(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def sha256(value: Any) -> str:
    """Hex SHA-256 of the canonical bytes."""
    return hashlib.sha256(encode(value)).hexdigest()


def _number(value: float) -> int | float:
    if isinstance(value, float) and not math.isfinite(value):
        raise NotCanonical(reason="numbers must be finite")
    # In this order: an integer of 400 digits has no float.
    if abs(value) > SAFE_INTEGER and (isinstance(value, int) or value.is_integer()):
        raise NotCanonical(reason="integers must fit into 53 bits")
    # 1 and 1.0 are one JSON number; two spellings must not become two questions.
    return int(value) if float(value).is_integer() else value


def _text(value: str) -> str:
    if "\x00" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise NotCanonical(reason="text must not contain NUL or lone surrogates")
    if texts.longest_run(value) > texts.STREAM_SAFE:
        raise NotCanonical(reason=f"text must not put more than {texts.STREAM_SAFE} marks on one letter")
    return unicodedata.normalize("NFC", value)


def _members(value: dict[Any, Any], *, depth: int) -> dict[str, Any]:
    members = {}
    for key in sorted(value):
        if not isinstance(key, str):
            raise NotCanonical(reason="keys must be text")
        members[_text(key)] = normalise(value[key], depth=depth)
    if len(members) != len(value):
        raise NotCanonical(reason="two keys are equal once normalised")
    return members
