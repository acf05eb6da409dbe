"""The one JSON form in which the science hashes its descriptions, so that equal meaning has equal bytes."""

import hashlib
import json
from typing import Any


def encode(value: Any) -> bytes:
    """Sorted keys, no spaces, finite numbers, integral floats as integers: 1 and 1.0 are one JSON number."""
    text = json.dumps(_normal(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def sha256(value: Any) -> str:
    """Hex SHA-256 of the canonical bytes."""
    return hashlib.sha256(encode(value)).hexdigest()


def _normal(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_normal(item) for item in value]
    return value
