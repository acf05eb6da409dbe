"""A weights file is believed nothing: whatever its bytes, it is refused by name, and before a tensor is built."""

import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from workers.interp import header, weights
from workers.interp.errors import CheckpointArchitecture, CheckpointNonfinite, InterpError, RefusedWeights

FIXED = settings(database=None, derandomize=True, deadline=None, max_examples=200)
TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.tensor([1.0, -1.0])}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """Somewhere to put bytes."""
    return tmp_path_factory.mktemp("weights") / "file"


def packed(described, data: bytes = b"") -> bytes:
    """A file with this header, JSON or bytes."""
    raw = described if isinstance(described, bytes) else json.dumps(described).encode()
    return struct.pack("<Q", len(raw)) + raw + data


def refusal(file, content: bytes) -> str | None:
    """The slug of the refusal; None where the file is accepted. Anything but RefusedWeights comes through."""
    file.write_bytes(content)
    try:
        weights.load(file)
    except RefusedWeights as error:
        return error.slug
    return None


ONE = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
MANY = {str(i): {**ONE, "data_offsets": [4 * i, 4 * i + 4]} for i in range(20_001)}
HOSTILE = {
    "empty": (b"", "checkpoint-empty"),
    "text": (b"these are not the weights you are looking for", "checkpoint-format"),
    "short": (b"\x01\x02", "checkpoint-format"),
    "pickle": (pickle.dumps({"a": [1.0] * 9}), "checkpoint-pickle-refused"),
    "not UTF-8": (packed(b'{"\xff": 1}'), "checkpoint-header"),
    "not JSON": (packed(b"{" * 10), "checkpoint-header"),
    "deep": (packed(b'{"a":' + b"[" * 200_000), "checkpoint-header"),
    "not an object": (packed(b"{}, {}"), "checkpoint-header"),
    "NaN": (packed(b'{"a": NaN}'), "checkpoint-header"),
    "twice": (packed(b'{"a": {}, "a": {}}'), "checkpoint-header"),
    "longer than the file": (struct.pack("<Q", 1000) + b'{"a": 1}', "checkpoint-header"),
    "header too large": (packed(b"{" + b" " * (9 << 20) + b"}"), "checkpoint-header-too-large"),
    "too many tensors": (packed(MANY, bytes(4 * 20_001)), "checkpoint-too-many-tensors"),
    "metadata": (packed({"__metadata__": {"a": "x" * 20_000}}), "checkpoint-metadata"),
    "metadata not texts": (packed({"__metadata__": {"a": 1}}), "checkpoint-header"),
    "name": (packed({"../../etc/passwd": ONE}, bytes(4)), "checkpoint-name"),
    "name with line": (packed({"a\nb": ONE}, bytes(4)), "checkpoint-name"),
    "dtype": (packed({"a": {**ONE, "dtype": "C64"}}, bytes(4)), "checkpoint-dtype"),
    "dtype no text": (packed({"a": {**ONE, "dtype": ["F32"]}}, bytes(4)), "checkpoint-dtype"),
    "a million dimensions": (packed({"a": {**ONE, "shape": [1] * 1_000_000}}, bytes(4)), "checkpoint-shape"),
    "negative": (packed({"a": {**ONE, "shape": [-1]}}, bytes(4)), "checkpoint-shape"),
    "true for one": (packed({"a": {**ONE, "shape": [True]}}, bytes(4)), "checkpoint-shape"),
    "zero": (packed({"a": {**ONE, "shape": [0], "data_offsets": [0, 0]}}), "checkpoint-shape"),
    "overflow": (packed({"a": {**ONE, "shape": [2**62, 2**62]}}, bytes(4)), "checkpoint-shape"),
    "mis-shaped": (packed({"a": {**ONE, "shape": [2]}}, bytes(4)), "checkpoint-offsets"),
    "hole": (packed({"a": {**ONE, "data_offsets": [4, 8]}}, bytes(8)), "checkpoint-offsets"),
    "overlap": (packed({"a": ONE, "b": ONE}, bytes(4)), "checkpoint-offsets"),
    "backwards": (packed({"a": {**ONE, "data_offsets": [4, 0]}}, bytes(4)), "checkpoint-offsets"),
    "further member": (packed({"a": {**ONE, "code": "x"}}, bytes(4)), "checkpoint-header"),
    "truncated": (packed({"a": ONE}, bytes(3)), "checkpoint-truncated"),
    "trailing": (packed({"a": ONE}, bytes(5)), "checkpoint-trailing"),
    "not finite": (packed({"a": ONE}, struct.pack("<f", float("nan"))), "checkpoint-nonfinite"),
}


@pytest.mark.parametrize(("content", "slug"), HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_file_is_refused_by_name(file, content, slug):
    assert refusal(file, content) == slug


@pytest.mark.parametrize(
    ("members", "slug"),
    [
        (["archive/data.pkl", "archive/data/0"], "checkpoint-pickle-refused"),
        (["model/constants.pkl", "model/code/__torch__.py", "model/data.pkl"], "checkpoint-torchscript-refused"),
        (["readme.txt"], "checkpoint-format"),
    ],
)
def test_an_archive_is_refused_by_what_it_is(file, members, slug):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for member in members:
            archive.writestr(member, "x")
    assert refusal(file, buffer.getvalue()) == slug


def test_a_file_as_the_library_writes_it_is_accepted(file):
    file.write_bytes(save(TENSORS))
    found = weights.load(file, expected={"a.weight": (2, 3), "a.bias": (2,)})
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)
    # In memory of their own: the file may change or vanish.
    file.write_bytes(bytes(10_000))
    assert all(torch.equal(found[name], TENSORS[name]) for name in TENSORS)


@FIXED
@given(st.binary(max_size=200))
def test_any_bytes_are_refused(file, content):
    assert refusal(file, content) is not None
    refusal(file, packed(content))


@FIXED
@given(st.data())
def test_a_valid_file_with_a_few_bytes_changed_is_refused_or_sound(file, data):
    """Flipped, cut or prolonged: RefusedWeights, or tensors of finite numbers and no other end."""
    content = bytearray(save(TENSORS, metadata={"format": "pt"}))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    refusal(file, bytes(content))
    if cut < len(content):
        assert refusal(file, bytes(content[:cut])) is not None
    assert refusal(file, bytes(content) + b"\0") is not None


@FIXED
@given(
    st.sampled_from(["dtype", "shape", "data_offsets"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
        max_leaves=5,
    ),
)
def test_any_member_of_a_header_may_be_hostile(file, key, value):
    described = {"a": {**ONE, key: value}}
    refusal(file, packed(described, bytes(4)))
    refusal(file, packed({"a": value}, bytes(4)))
    refusal(file, packed({"__metadata__": value, "a": ONE}, bytes(4)))


def test_nothing_is_built_before_the_refusal(file, monkeypatch):
    """The library is not even asked when the header or the shapes are wrong."""
    monkeypatch.setattr(weights, "safe_open", lambda *_, **__: pytest.fail("the library was asked"))
    for content, slug in HOSTILE.values():
        if slug != "checkpoint-nonfinite":
            assert refusal(file, content) == slug
    file.write_bytes(save(TENSORS))
    for expected in ({}, {"a.weight": (3, 2), "a.bias": (2,)}, {"a.weight": (2, 3), "b": (1,)}):
        with pytest.raises(CheckpointArchitecture):
            weights.load(file, expected=expected)


def test_a_refusal_says_which_tensors_are_wrong(file):
    file.write_bytes(save({**TENSORS, "count": torch.tensor([3]), "spare": torch.ones(1)}))
    expected = {"a.weight": (3, 2), "b": (1,), "count": (1,)}
    with pytest.raises(CheckpointArchitecture) as refused:
        weights.load(file, expected=expected, spare=["spare"])
    facts = refused.value.facts
    assert (facts["missing"], facts["unknown"]) == (["b"], ["a.bias"])
    assert (facts["of_another_shape"], facts["not_of_a_float_type"]) == (["a.weight"], ["count"])


def test_infinite_weights_are_refused_by_name(file):
    for bad in (float("inf"), float("-inf"), float("nan")):
        file.write_bytes(save({**TENSORS, "b": torch.tensor([1.0, bad])}))
        with pytest.raises(CheckpointNonfinite, match="b holds"):
            weights.load(file)


def test_a_digest_depends_on_content_alone(file):
    backwards = dict(reversed(TENSORS.items()))
    assert list(backwards) != list(TENSORS)
    assert weights.digest(backwards) == weights.digest(TENSORS)
    file.write_bytes(save(backwards, metadata={"author": "somebody"}))
    assert weights.digest(weights.load(file)) == weights.digest(TENSORS)
    turned = {"a.weight": TENSORS["a.weight"].t().contiguous().t(), "a.bias": TENSORS["a.bias"]}
    assert weights.digest(turned) == weights.digest(TENSORS)


@pytest.mark.parametrize(
    "change",
    [
        {"a.bias": torch.tensor([1.0, -np.nextafter(np.float32(1), np.float32(2))])},
        {"a.bias": torch.tensor([1.0, -1.0], dtype=torch.float64)},
        {"a.bias": torch.tensor([[1.0, -1.0]])},
        {"a.weight": torch.arange(6.0).reshape(3, 2)},
        {"more": torch.zeros(1)},
    ],
    ids=["a bit", "type", "dimension", "shape", "tensor"],
)
def test_a_digest_feels_everything(change):
    assert weights.digest({**TENSORS, **change}) != weights.digest(TENSORS)


def test_what_is_saved_is_equal_byte_for_byte(file):
    weights.save(file, TENSORS)
    first = file.read_bytes()
    weights.save(file, dict(reversed(TENSORS.items())))
    assert file.read_bytes() == first
    assert header.inspect(file).metadata == {}


def test_a_refusal_is_a_bounded_line(file):
    file.write_bytes(packed({"x" * 100_000 + "\n\x1b[2J": ONE}, bytes(4)))
    with pytest.raises(InterpError) as refused:
        header.inspect(file)
    assert len(str(refused.value)) < 400
    assert str(refused.value).isprintable()
