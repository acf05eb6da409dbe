"""Tensors that people send: numbers by name, or refused by what is wrong with them."""

import io
import json

import numpy as np
import pytest
from safetensors.numpy import load, save

from atlas.errors import Malformed, TooLarge
from atlas.services import tensors

MADE = {"weight": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.ones(2, dtype=np.float64)}


def rewritten(raw: bytes) -> bytes:
    return tensors.rewritten(io.BytesIO(raw))


def file_of(header, data: bytes = b"\x00" * 8) -> bytes:
    said = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(said).to_bytes(8, "little") + said + data


def entry(**changes):
    return {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **changes}


def test_numbers_stay_and_all_else_goes():
    found = rewritten(save(MADE, metadata={"made by": "<script>"}))
    assert b"script" not in found
    assert {name: value.tolist() for name, value in load(found).items()} == {n: v.tolist() for n, v in MADE.items()}
    assert found == rewritten(save(dict(reversed(MADE.items())))) == rewritten(found)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\x80\x04K\x01.", b"PK\x03\x04" + b"\x00" * 40, b"\xff" * 64, file_of(b"{"), file_of(b"[]"), file_of({}),
        file_of(b'{"a": 1, "a": 2}'), file_of(b'{"a":' * 2000), file_of({"../a": entry()}), file_of({"a": entry(x=1)}),
        file_of({"a": entry(dtype="I64")}), file_of({"a": entry(shape=[True])}), file_of({"a": entry(shape=[0])}),
        file_of({"a": entry(shape=[3])}), file_of({"a": entry(data_offsets=[4, 12])}),
        file_of({"a": entry()}, b"\x00" * 9), file_of({"a": entry(dtype=[])}),
        file_of({"a": entry()}, b"\x00" * 7), file_of({"a": entry(), "b": entry()}),
        file_of({f"{it}": entry() for it in range(65)}),
    ],
    ids=range(21),
)  # fmt: skip
def test_what_is_no_tensors_is_refused(raw):
    with pytest.raises(Malformed):
        rewritten(raw)


def test_what_is_too_large_is_refused_unread():
    with pytest.raises(TooLarge):
        rewritten(b"\x00" * (tensors.LARGEST + 1))
