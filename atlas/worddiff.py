"""What changed between two texts, word by word, as people read it: bounded work for any text, and no letter lost."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby

UNSPACED = r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"  # kana and Han: written without spaces, so a letter is a word
# A word, a line break, a run of other spaces, or any other mark.
TOKEN = re.compile(rf"{UNSPACED}|(?:(?!{UNSPACED})\w)+|\n|[^\S\n]+|.")
EXACTLY = 256 * 256  # cells of the table by which short stretches are compared: the best way, at its price
DEEPEST = 16  # how often a stretch is divided at its unique words before what is left counts as rewritten
Pair = tuple[int, int]


class Change(StrEnum):
    """What became of a run of words."""

    KEPT = "kept"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text that was kept, removed or added."""

    change: Change
    text: str


def diff(old: str, new: str) -> tuple[Run, ...]:
    """The runs that lead from `old` to `new`: kept and removed ones are the old text, kept and added ones the new."""
    before, after = tokens(old), tokens(new)
    steps: list[tuple[Change, str]] = []
    i = j = 0
    for x, y in [*matches(before, after), (len(before), len(after))]:
        steps += [(Change.REMOVED, one) for one in before[i:x]] + [(Change.ADDED, one) for one in after[j:y]]
        steps += [(Change.KEPT, one) for one in before[x : x + 1]]
        i, j = x + 1, y + 1
    return tuple(_readable(_grouped(steps)))


def tokens(text: str) -> list[str]:
    """The text in pieces: words, spaces, line breaks, marks. Joined they are the text."""
    return TOKEN.findall(text)


def words(text: str) -> list[str]:
    """The words alone: spaces and marks are nobody's."""
    return [token for token in tokens(text) if token[0].isalnum() or token[0] == "_"]


def matches(before: Sequence[str], after: Sequence[str]) -> list[Pair]:
    """Positions of equal tokens in both, rising in both."""
    return list(_matched(before, after, (0, len(before)), (0, len(after)), depth=0))


def _matched(a: Sequence[str], b: Sequence[str], old: Pair, new: Pair, *, depth: int) -> Iterator[Pair]:
    """The matches within two spans: their common ends, then whatever way between them the lengths allow."""
    (i, i_end), (j, j_end) = old, new
    while i < i_end and j < j_end and a[i] == b[j]:
        yield i, j
        i, j = i + 1, j + 1
    tail = 0
    while i < i_end and j < j_end and a[i_end - 1] == b[j_end - 1]:
        tail, i_end, j_end = tail + 1, i_end - 1, j_end - 1
    if (i_end - i) * (j_end - j) <= EXACTLY:
        yield from ((i + x, j + y) for x, y in _longest_common(a[i:i_end], b[j:j_end]))
    elif depth < DEEPEST:
        yield from _divided(a, b, (i, i_end), (j, j_end), depth=depth)
    yield from ((i_end + step, j_end + step) for step in range(tail))


def _divided(a: Sequence[str], b: Sequence[str], old: Pair, new: Pair, *, depth: int) -> Iterator[Pair]:
    """Divide the spans at the words that each holds once, in the order that keeps most of them."""
    (i, i_end), (j, j_end) = old, new
    places = {b[at]: at for at in range(j, j_end)}
    once = {word for word, count in Counter(a[i:i_end]).items() if count == 1}
    once &= {word for word, count in Counter(b[j:j_end]).items() if count == 1}
    anchors = _rising([(at, places[a[at]]) for at in range(i, i_end) if a[at] in once])
    for x, y in anchors:
        yield from _matched(a, b, (i, x), (j, y), depth=depth + 1)
        yield x, y
        i, j = x + 1, y + 1
    if anchors:
        yield from _matched(a, b, (i, i_end), (j, j_end), depth=depth + 1)


def _rising(pairs: list[Pair]) -> list[Pair]:
    """The longest part of the pairs, in order of their first, that rises in their second (patience sorting)."""
    tops: list[int] = []
    ends: list[int] = []  # by length: which pair ends the best way of that length
    before: list[int | None] = []
    for index, (_, second) in enumerate(pairs):
        pile = bisect_left(tops, second)
        before.append(ends[pile - 1] if pile else None)
        if pile == len(tops):
            tops.append(second)
            ends.append(index)
        else:
            tops[pile], ends[pile] = second, index
    way, at = [], ends[-1] if ends else None
    while at is not None:
        way.append(pairs[at])
        at = before[at]
    return way[::-1]


def _longest_common(a: Sequence[str], b: Sequence[str]) -> Iterator[Pair]:
    """The matches of a longest common subsequence, by the table of all suffixes."""
    table = [[0] * (len(b) + 1) for _ in range(len(a) + 1)]
    for x in range(len(a) - 1, -1, -1):
        row, below = table[x], table[x + 1]
        for y in range(len(b) - 1, -1, -1):
            row[y] = below[y + 1] + 1 if a[x] == b[y] else max(below[y], row[y + 1])
    x = y = 0
    while x < len(a) and y < len(b):
        if a[x] == b[y]:
            yield x, y
            x, y = x + 1, y + 1
        elif table[x + 1][y] >= table[x][y + 1]:
            x += 1
        else:
            y += 1


def _grouped(steps: list[tuple[Change, str]]) -> list[tuple[Change, str]]:
    """Neighbouring steps of one kind as one."""
    return [(change, "".join(text for _, text in run)) for change, run in groupby(steps, key=lambda step: step[0])]


def _readable(runs: list[tuple[Change, str]]) -> Iterator[Run]:
    """Between two changes, what was removed stands before what was added; a space alone is not what was kept."""
    removed = added = ""
    for index, (change, text) in enumerate(runs):
        lonely = change is Change.KEPT and text.strip(" ") == "" and 0 < index < len(runs) - 1
        removed += text if change is Change.REMOVED or lonely else ""
        added += text if change is Change.ADDED or lonely else ""
        if change is Change.KEPT and not lonely:
            yield from _changed(removed, added)
            removed = added = ""
            yield Run(Change.KEPT, text)
    yield from _changed(removed, added)


def _changed(removed: str, added: str) -> Iterator[Run]:
    if removed:
        yield Run(Change.REMOVED, removed)
    if added:
        yield Run(Change.ADDED, added)
