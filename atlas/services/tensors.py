"""Weights and masks that people send for an intervention: safetensors, judged by their header and written anew.

Data and nothing else: names, shapes and floating-point numbers. Whether these fit a layer is the science's to judge.
"""

import json
import math
import re
from typing import IO, Any

from atlas.errors import Malformed, TooLarge

LARGEST = 16 << 20  # bytes of a file: what a computation is handed at most
LARGEST_HEADER = 64 << 10
MOST_TENSORS, MOST_DIMENSIONS = 64, 8
NAME = re.compile(r"[A-Za-z0-9_.\-]{1,200}", re.ASCII)
BYTES = {"F16": 2, "BF16": 2, "F32": 4, "F64": 8}


def rewritten(file: IO[bytes]) -> bytes:
    """The same tensors by name, without metadata, so that equal tensors are one artifact.

    Raises TooLarge, and Malformed for what is no safetensors file of floating-point numbers.
    """
    raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise TooLarge(most=LARGEST)
    length = int.from_bytes(raw[:8], "little")
    if len(raw) < 9 or raw[8:9] != b"{" or not 2 <= length <= min(LARGEST_HEADER, len(raw) - 8):
        raise Malformed(detail="This is no safetensors file, or its header is too long.")
    entries, data = _entries(raw[8 : 8 + length]), raw[8 + length :]
    _require_layout(entries, len(data))
    header, parts, at = {}, [], 0
    for name in sorted(entries):
        start, stop = entries[name]["data_offsets"]
        parts.append(data[start:stop])
        header[name] = {**entries[name], "data_offsets": [at, at + stop - start]}
        at += stop - start
    said = json.dumps(header, separators=(",", ":"), sort_keys=True).encode()
    said += b" " * (-len(said) % 8)
    return len(said).to_bytes(8, "little") + said + b"".join(parts)


def _entries(raw: bytes) -> dict[str, dict[str, Any]]:
    try:
        said = json.loads(raw.decode(), object_pairs_hook=_unique)
    except (ValueError, RecursionError):
        raise Malformed(detail="The header is not the JSON of a safetensors file.") from None
    if not isinstance(said, dict):
        raise Malformed(detail="The header is not an object.")
    said.pop("__metadata__", None)
    if not 0 < len(said) <= MOST_TENSORS:
        raise Malformed(detail=f"A file has 1 to {MOST_TENSORS} tensors.")
    return {name: _entry(name, one) for name, one in said.items()}


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _entry(name: str, one: Any) -> dict[str, Any]:
    """A tensor as the header has it; raises Malformed naming what is wrong with it."""
    if not NAME.fullmatch(name):
        raise Malformed(detail="A tensor's name has 1 to 200 letters, digits, dots, dashes and underscores.")
    if not isinstance(one, dict) or set(one) != {"dtype", "shape", "data_offsets"}:
        raise Malformed(detail=f"{name} has other members than dtype, shape and data_offsets.")
    if not isinstance(one["dtype"], str) or one["dtype"] not in BYTES:
        raise Malformed(detail=f"{name} must be of the type {', '.join(BYTES)}.")
    if not _are_counts(one["shape"]) or len(one["shape"]) > MOST_DIMENSIONS or 0 in one["shape"]:
        raise Malformed(detail=f"{name} needs a shape of at most {MOST_DIMENSIONS} lengths from 1 on.")
    if not _are_counts(one["data_offsets"]) or len(one["data_offsets"]) != 2:
        raise Malformed(detail=f"{name} needs two offsets.")
    return one


def _are_counts(value: Any) -> bool:
    return isinstance(value, list) and all(type(it) is int and 0 <= it <= LARGEST for it in value)


def _require_layout(entries: dict[str, dict[str, Any]], size: int) -> None:
    """Every tensor has the bytes its shape needs, one behind the other, and no byte is left over."""
    at = 0
    for name, one in sorted(entries.items(), key=lambda item: item[1]["data_offsets"]):
        start, stop = one["data_offsets"]
        if start != at or stop - start != math.prod(one["shape"]) * BYTES[one["dtype"]]:
            raise Malformed(detail=f"The bytes of {name} are not where its shape and the others put them.")
        at = stop
    if at != size:
        raise Malformed(detail=f"The file has {size} bytes of data, and its tensors have {at}.")
