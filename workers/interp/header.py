"""What a weights file claims about itself, judged in pure Python before any library is allowed to see the file."""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from workers.interp import errors

LARGEST_FILE = 2 << 30  # bytes
LARGEST_HEADER = 8 << 20  # bytes
LARGEST_METADATA = 16 << 10  # bytes
MOST_TENSORS = 20_000
MOST_DIMENSIONS = 8
MOST_NUMBERS = 1_000_000_000  # of all tensors together
NAME = re.compile(r"[A-Za-z0-9_.\-]{1,200}")
BYTES = {"BOOL": 1, "U8": 1, "I8": 1, "I16": 2, "F16": 2, "BF16": 2, "I32": 4, "F32": 4, "I64": 8, "F64": 8}
SNIFFED = 64 << 10  # bytes at either end in which an archive names its members


@dataclass(frozen=True)
class Entry:
    """A tensor as the header describes it; its bytes are [start, stop) of the data that follow the header."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """The tensors of a file by name, and its metadata."""

    tensors: Mapping[str, Entry]
    metadata: Mapping[str, str]


def inspect(path: Path | str) -> Header:
    """The header of a safetensors file that keeps our limits; raises the RefusedWeights that names what is wrong.

    Format: eight bytes of little-endian length, that many bytes of JSON, then the tensors without gaps
    (https://huggingface.co/docs/safetensors). Reads the header, never the tensors.
    """
    size = os.stat(path).st_size
    if size == 0:
        raise errors.CheckpointEmpty
    if size > LARGEST_FILE:
        raise errors.TooLarge(size=size, limit=LARGEST_FILE)
    with open(path, "rb") as file:
        raw = _raw(file, size=size)
    header = _parsed(raw)
    _require_layout(header.tensors)
    promised = 8 + len(raw) + max((entry.stop for entry in header.tensors.values()), default=0)
    if size < promised:
        raise errors.CheckpointTruncated(size=size, promised=promised)
    if size > promised:
        raise errors.CheckpointTrailing(size=size, promised=promised)
    return header


def _raw(file: BinaryIO, *, size: int) -> bytes:
    """The bytes of the header; raises when this is another format, or the header is too long."""
    start = file.read(9)
    length = int.from_bytes(start[:8], "little")
    if len(start) < 9 or (start[8:] != b"{" and (length > size - 8 or _is_foreign(start))):
        raise _foreign(start, file, size=size)
    if length > LARGEST_HEADER:
        _refuse_long(file, length=min(length, size - 8))
    if length > size - 8:
        raise errors.CheckpointHeader(reason="it is longer than the file")
    file.seek(8)
    return file.read(length)


def _is_foreign(start: bytes) -> bool:
    return start[:2] == b"PK" or _is_pickle(start)


def _is_pickle(start: bytes) -> bool:
    return start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")


def _foreign(start: bytes, file: BinaryIO, *, size: int) -> errors.RefusedWeights:
    """The refusal of something that is not safetensors, by the name of what it is."""
    if _is_pickle(start):
        return errors.CheckpointPickleRefused()
    if start[:2] == b"PK":
        file.seek(0)
        ends = file.read(SNIFFED)
        file.seek(max(0, size - SNIFFED))
        ends += file.read(SNIFFED)
        if b"constants.pkl" in ends and b"/code/" in ends:
            return errors.CheckpointTorchscriptRefused()
        if b"/data.pkl" in ends:
            return errors.CheckpointPickleRefused()
    return errors.CheckpointFormat()


def _refuse_long(file: BinaryIO, *, length: int) -> None:
    """A header over the limit is never parsed; counting says which of two refusals helps more."""
    file.seek(8)
    found = file.read(min(length, 4 * LARGEST_HEADER)).count(b'"data_offsets"')
    if found > MOST_TENSORS:
        raise errors.CheckpointTooManyTensors(limit=MOST_TENSORS)
    raise errors.CheckpointHeaderTooLarge(size=length, limit=LARGEST_HEADER)


def _parsed(raw: bytes) -> Header:
    try:
        parsed = json.loads(raw.decode(), object_pairs_hook=_unique, parse_constant=_constant, parse_float=_constant)
    except UnicodeDecodeError:
        raise errors.CheckpointHeader(reason="it is not UTF-8") from None
    except RecursionError:
        raise errors.CheckpointHeader(reason="it is nested too deeply") from None
    except ValueError as error:
        raise errors.CheckpointHeader(reason=f"it is not the JSON of a header ({error})") from None
    if not isinstance(parsed, dict):
        raise errors.CheckpointHeader(reason="it is not an object")
    metadata = _metadata(parsed.pop("__metadata__", {}))
    if len(parsed) > MOST_TENSORS:
        raise errors.CheckpointTooManyTensors(limit=MOST_TENSORS)
    return Header({name: _entry(name, value) for name, value in parsed.items()}, metadata)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names differ: the library would silently let the last one win."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name occurs twice")
    return members


def _constant(text: str) -> None:
    raise ValueError(f"{text[:20]} is no whole number")


def _metadata(value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise errors.CheckpointHeader(reason="its metadata are not texts by name")
    size = sum(len(text.encode(errors="replace")) for pair in value.items() for text in pair)
    if size > LARGEST_METADATA:
        raise errors.CheckpointMetadata(size=size, limit=LARGEST_METADATA)
    return value


def _entry(name: str, value: Any) -> Entry:
    if not NAME.fullmatch(name):
        raise errors.CheckpointName(name=name)
    if not isinstance(value, dict) or set(value) != {"dtype", "shape", "data_offsets"}:
        raise errors.CheckpointHeader(reason="a tensor has other members than dtype, shape and data_offsets")
    dtype, offsets = value["dtype"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in BYTES:
        raise errors.CheckpointDtype(name=name, dtype=str(dtype), accepted=sorted(BYTES))
    if not _are_counts(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise errors.CheckpointOffsets(name=name, reason="they are no pair of rising positions")
    return Entry(dtype, _shape(name, value["shape"]), offsets[0], offsets[1])


def _shape(name: str, shape: Any) -> tuple[int, ...]:
    if not _are_counts(shape):
        raise errors.CheckpointShape(name=name, reason="it is no list of whole numbers")
    if len(shape) > MOST_DIMENSIONS:
        raise errors.CheckpointShape(name=name, reason=f"it has {len(shape)} of at most {MOST_DIMENSIONS} dimensions")
    if not all(0 < length <= MOST_NUMBERS for length in shape) or prod(shape) > MOST_NUMBERS:
        raise errors.CheckpointShape(name=name, reason=f"it holds nothing, or more than {MOST_NUMBERS} numbers")
    return tuple(shape)


def _are_counts(value: Any) -> bool:
    """Whether this is a list of whole numbers from 0 on; True is not 1 here."""
    return isinstance(value, list) and all(type(item) is int and item >= 0 for item in value)


def _require_layout(tensors: Mapping[str, Entry]) -> None:
    """Every tensor has the bytes its shape needs, and they follow each other without hole or overlap."""
    if sum(prod(entry.shape) for entry in tensors.values()) > MOST_NUMBERS:
        raise errors.CheckpointShape(name="all tensors together", reason=f"they hold more than {MOST_NUMBERS} numbers")
    expected = 0
    for name, entry in _in_order(tensors):
        needed = prod(entry.shape) * BYTES[entry.dtype]
        if entry.stop - entry.start != needed:
            reason = f"shape and type need {needed}, and there are {entry.stop - entry.start}"
            raise errors.CheckpointOffsets(name=name, reason=reason)
        if entry.start != expected:
            raise errors.CheckpointOffsets(name=name, reason="there is a hole or an overlap before them")
        expected = entry.stop


def _in_order(tensors: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
    return iter(sorted(tensors.items(), key=lambda item: (item[1].start, item[1].stop)))
