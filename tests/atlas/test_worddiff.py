"""A word diff loses no letter, keeps as much as can be kept, and takes no longer for a text that wants it to."""

import random
import sys
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.worddiff import Change, Run, diff, matches, tokens, words

LIMIT = 8_000  # characters of the longest text
anything = st.text(max_size=60)
prose = st.lists(st.sampled_from(["curve", "line", "at", "240", "°", ".", ",", " ", "  ", "\n", "曲", "é"])).map(
    "".join
)
letters = st.lists(st.sampled_from("abc"), max_size=12)
HAN = [chr(0x4E00 + number) for number in range(LIMIT)]


def sides(runs):
    """The old and the new text, put together from the runs."""
    return tuple(
        "".join(run.text for run in runs if run.change is not other) for other in (Change.ADDED, Change.REMOVED)
    )


@given(st.one_of(st.tuples(anything, anything), st.tuples(prose, prose)))
def test_kept_and_removed_is_the_old_text_and_kept_and_added_the_new(texts):
    old, new = texts
    runs = diff(old, new)
    assert sides(runs) == (old, new)
    assert all(run.text for run in runs)
    assert all(one.change is not two.change for one, two in pairwise(runs))
    assert [run.change for run in diff(new, new)] == [Change.KEPT] * bool(new)


@given(anything)
def test_tokens_are_the_text(text):
    assert "".join(tokens(text)) == text
    assert [token for token in tokens(text) if token in set(words(text))] == words(text)


@given(letters, letters)
def test_short_texts_keep_as_much_as_can_be_kept(old, new):
    found = matches(old, new)
    assert all(old[i] == new[j] for i, j in found)
    assert all(one[0] < two[0] and one[1] < two[1] for one, two in pairwise(found))
    assert len(found) == longest_common(tuple(old), tuple(new))


@cache
def longest_common(old, new):
    """The slow truth: the length of a longest common subsequence, by its definition."""
    if not old or not new:
        return 0
    if old[0] == new[0]:
        return 1 + longest_common(old[1:], new[1:])
    return max(longest_common(old[1:], new), longest_common(old, new[1:]))


@given(st.sets(st.integers(0, 1999)), st.sets(st.integers(0, 1999)))
def test_of_long_texts_every_word_that_occurs_once_is_kept_where_it_stands(gone, changed):
    old = HAN[:2000]
    new = ["new" if at in changed else word for at, word in enumerate(old) if at not in gone]
    assert [old[i] for i, _ in matches(old, new)] == [word for word in new if word != "new"]


def test_what_people_see():
    runs = diff("It detects curves at 240°.\nNot lines.", "It strongly detects arcs at 225°.\n\nNot lines.")
    kept, removed, added = Change.KEPT, Change.REMOVED, Change.ADDED
    assert runs == (
        Run(kept, "It "), Run(added, "strongly "), Run(kept, "detects "), Run(removed, "curves"), Run(added, "arcs"),
        Run(kept, " at "), Run(removed, "240"), Run(added, "225"), Run(kept, "°."), Run(added, "\n"),
        Run(kept, "\nNot lines."),
    )  # fmt: skip


def test_a_space_between_two_changes_is_not_what_was_kept():
    assert diff("a b c", "x y z") == (Run(Change.REMOVED, "a b c"), Run(Change.ADDED, "x y z"))


def test_where_words_are_not_spaced_a_letter_is_a_word():
    assert diff("曲線検出", "曲面検出")[1:3] == (Run(Change.REMOVED, "線"), Run(Change.ADDED, "面"))


draw = random.Random(1)
ENEMIES = {
    "nothing common": ("a " * 4_000, "b" * LIMIT),
    "one word": ("a " * 4_000, "b a " * 2_000),
    "every second word": ("".join(HAN), "".join(word if at % 2 else "x" for at, word in enumerate(HAN))),
    "backwards": ("".join(HAN), "".join(reversed(HAN))),
    "two letters at random": tuple("".join(draw.choices("ab ", k=LIMIT)) for _ in range(2)),
    "many letters at random": tuple("".join(draw.choices(HAN[:4_000], k=LIMIT)) for _ in range(2)),
    "anchored rows": tuple("".join(word + pair * 60 for word in HAN[:60]) for pair in ("a b ", "b a ")),
}


@pytest.mark.parametrize("texts", ENEMIES.values(), ids=ENEMIES)
def test_hostile_texts_of_full_length_take_bounded_work(texts):
    """Counted in lines of ours that ran, which no other load on the machine changes."""
    old, new = (text[:LIMIT] for text in texts)
    ran = 0

    def count(frame, event, _):
        nonlocal ran
        if not frame.f_code.co_filename.endswith("worddiff.py"):
            return None
        ran += event == "line"
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        runs = diff(old, new)
    finally:
        sys.settrace(before)
    assert sides(runs) == (old, new)
    assert ran < 8_000_000
