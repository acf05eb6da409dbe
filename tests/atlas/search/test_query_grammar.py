"""The grammar: what is printed is read again, whatever is typed is read or refused by place, and it is bounded."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.contents import CONTENTS
from atlas.contents.evidence import METHODS
from atlas.contents.link import RELATIONS
from atlas.errors import MalformedQuery
from atlas.models import Foothold
from atlas.search import (
    LONGEST,
    MOST_LEVELS,
    MOST_TERMS,
    Address,
    All,
    Alternatives,
    Field,
    Graph,
    Not,
    Phrase,
    Word,
    all_of,
    any_of,
    parse,
    written,
)
from atlas.search import fields as declared
from atlas.search.words import forms, marked, words

WORDS = st.from_regex(r"[a-zäß曲0-9][a-z0-9.*+-]{1,8}", fullmatch=True).filter(
    lambda text: words(text) and not text.endswith("*")
)
PHRASES = st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters='"'), max_size=20).filter(words)
ADDRESSES = st.from_regex(r"([a-z][a-z0-9-]{1,5}/)?[A-Za-z0-9][A-Za-z0-9_.]{0,6}:[0-9]{1,4}", fullmatch=True).filter(
    lambda text: text.partition(":")[0] not in declared.FIELDS
)
VALUES = {
    "name": st.one_of(WORDS, PHRASES.map(str.strip).filter(bool)),
    "unit": ADDRESSES,
    "number": st.sampled_from(["3", ">=4", "<2", "2..4"]),
    "date": st.sampled_from(["2026", ">=2026-01", "<=2024-02-29", "2025..2026-06"]),
}
FIELDS = st.sampled_from(sorted(declared.FIELDS)).flatmap(
    lambda name: st.builds(
        Field,
        name=st.just(name),
        value=VALUES.get(declared.FIELDS[name].what, st.sampled_from(declared.FIELDS[name].choices or ("",))),
    )
)
LEAVES = st.one_of(
    st.builds(Word, text=WORDS.filter(lambda text: len(words(text)[-1]) > 1), prefix=st.booleans()),
    st.builds(Phrase, text=PHRASES),
    st.builds(Address, text=ADDRESSES),
    st.builds(
        Graph,
        operator=st.sampled_from(["upstream", "downstream", "similar"]),
        neuron=ADDRESSES,
        top=st.integers(1, 200),
    ),
    FIELDS,
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(Not, inner=inner),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: all_of(*parts)),
        st.lists(inner, min_size=2, max_size=4).map(lambda parts: any_of(*parts)),
    ),
    max_leaves=10,
)
TYPED = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            ["curve", "OR", "AND", "NOT", "-", "(", ")", '"', "“", "”", " ", "kind:", "link", "4c:447", "upstream(",
             ", top=3", "*", "colour:", "confidence:>=", "9", "\x00", "é", ":", "created:2026-", "..", "term:"]
        ),
        max_size=25,
    ).map("".join),
)  # fmt: skip


@given(TREES)
@settings(max_examples=200, deadline=None)
def test_what_is_printed_is_read_as_the_same(tree):
    try:
        read = parse(written(tree)).root
    except MalformedQuery as error:
        assert len(written(tree)) > LONGEST or "nested" in str(error)  # noqa: PT017
    else:
        assert read == tree


@given(TYPED)
@settings(max_examples=300, deadline=None)
def test_whatever_is_typed_is_read_or_refused_by_its_place(text):
    try:
        query = parse(text)
    except MalformedQuery as error:
        refused = error.facts
    else:
        assert parse(written(query.root)) == query
        return
    excerpt, caret = refused["excerpt"]
    assert 0 <= refused["position"] <= len(text)
    assert caret.strip() == "^"
    assert len(caret) <= len(excerpt) + 1
    assert all(meant.isprintable() for meant in refused["did_you_mean"])


REFUSED = {
    "": (0, "nothing to look for", []),
    " – ": (0, "nothing to look for", []),
    "curve OR": (6, "OR stands between", []),
    "OR curve": (0, "OR stands between", []),
    "(curve": (0, "never closed", []),
    "curve)": (5, "closes nothing", []),
    'a "curve': (2, "quote is never closed", []),
    "kind:descripton": (5, "'descripton' is none of", ["description"]),
    "stat:accepted": (0, "no field 'stat'", ["state"]),
    "state:": (6, "wants a value", []),
    "upsteam(4c:447)": (0, "no operator 'upsteam'", ["upstream"]),
    "upstream(4c)": (9, "starts from a neuron", []),
    "upstream(4c:447, top=0)": (16, "top=1 to top=200", []),
    "upstream(4c:447": (8, "never closed", []),
    "neuron:4c": (7, "layer:channel", []),
    "confidence:high": (11, "is a number", []),
    "created:2026-13": (8, "is a date", []),
    "created:2026-02-30": (8, "is a date", []),
    "a*": (0, "at least 2 letters", []),
    "curve \x07": (6, "cannot be read", []),
}


@pytest.mark.parametrize(("text", "said"), REFUSED.items())
def test_a_refusal_says_where_what_and_what_is_closest(text, said):
    with pytest.raises(MalformedQuery) as refused:
        parse(text)
    at, reason, meant = said
    facts = refused.value.facts
    assert (facts["position"], facts["did_you_mean"][:1]) == (at, meant)
    assert reason in str(refused.value)


def test_it_is_bounded():
    deepest = "(" * MOST_LEVELS + "curve" + ")" * MOST_LEVELS
    assert parse(deepest).root == Word("curve")
    for wrong in (f"({deepest})", "-" * (MOST_LEVELS + 1) + "x", "a " * (MOST_TERMS + 1), "x" * (LONGEST + 1)):
        with pytest.raises(MalformedQuery):
            parse(wrong)
    started = time.perf_counter()
    for shape in ("(", '"', "-", "a:", "x OR ", "upstream(", "“", "*"):
        with pytest.raises(MalformedQuery):
            parse((shape * LONGEST)[:LONGEST])
    assert time.perf_counter() - started < 2


def test_and_binds_closer_than_or_and_a_minus_closest():
    assert parse("a1 b1 OR -c1 d1").root == Alternatives(
        (All((Word("a1"), Word("b1"))), All((Not(Word("c1")), Word("d1"))))
    )
    assert parse("a1 AND NOT (b1 OR c1)").root == All((Word("a1"), Not(Alternatives((Word("b1"), Word("c1"))))))


def test_its_words_are_those_of_the_record():
    assert set(CONTENTS) == set(declared.KINDS)
    assert set(Foothold.State.values) == set(declared.STATES)
    assert set(Foothold.Rank.values) == set(declared.RANKS)
    assert tuple(METHODS) == declared.METHODS
    assert set(RELATIONS) == set(declared.RELATIONS)


# --- words ------------------------------------------------------------------------------------------------------------
@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_words_are_made_once_and_marks_lose_nothing(text):
    assert words(" ".join(words(text))) == words(text)
    assert "".join(piece.text for piece in marked(text, lambda word: "a" in word)) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Curve", ["curve"]),
        ("GÖDEL, Gödel & go\u0308del", ["godel", "godel", "godel"]),
        ("45°", ["45"]),
        ("4c:447", ["4c", "447"]),
        ("low-level", ["low", "level"]),
        ("STRASSE Straße", ["strasse", "strasse"]),
        ("ﬁlter", ["filter"]),
        ("曲線 detector", ["曲", "線", "detector"]),
        ("– … ()", []),
    ],
)
def test_words(text, found):
    assert words(text) == found


def test_a_word_has_two_numbers():
    assert forms("curve") == ["curve", "curves"]
    assert forms("curves") == ["curves", "curve"]
    assert forms("glass") == ["glass"]
    assert forms("45") == ["45"]
