"""Equal meaning, equal bytes: the law every hash in the atlas rests on."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas import canonical
from atlas.errors import NotCanonical

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False, width=32)
values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


def shuffled(value, random):
    if isinstance(value, dict):
        items = list(value.items())
        random.shuffle(items)
        return {key: shuffled(inner, random) for key, inner in items}
    if isinstance(value, list):
        return [shuffled(inner, random) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value


@given(values, st.randoms())
def test_order_of_keys_and_spelling_of_numbers_do_not_matter(value, random):
    try:
        expected = canonical.encode(value)
    except NotCanonical:
        return  # two keys that normalise to one
    assert canonical.encode(shuffled(value, random)) == expected


@given(values)
def test_what_is_encoded_reads_back_and_encodes_the_same(value):
    try:
        once = canonical.encode(value)
    except NotCanonical:
        return
    assert canonical.encode(json.loads(once)) == once


def test_text_is_compared_in_normal_form():
    assert canonical.sha256("e\u0301") == canonical.sha256("\u00e9")


@pytest.mark.parametrize("different", [{"a": 2}, {"a": "1"}, {"b": 1}, {"a": [1]}, {"a": 1, "b": None}])
def test_a_different_meaning_has_a_different_hash(different):
    assert canonical.sha256({"a": 1}) != canonical.sha256(different)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 2**53, "a\x00b", "\ud800", {1: 2}, object(), {"e\u0301": 1, "\u00e9": 2}],
    ids=["nan", "infinity", "2^53", "NUL", "surrogate", "number as key", "object", "equal keys"],
)
def test_what_has_no_canonical_form_is_refused(value):
    with pytest.raises(NotCanonical):
        canonical.encode(value)


def test_depth_is_bounded():
    value: list = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(NotCanonical, match="deeper"):
        canonical.encode(value)
