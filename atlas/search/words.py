"""What a word is, decided here for both databases: neither is ever asked to take a text apart by its own rules."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass

LONGEST_WORD = 60
# Scripts without spaces between words: each character is a word, and several that follow each other are a phrase.
ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
RUN = re.compile(f"[{ALONE}]|[^\\W_{ALONE}]+")
# A letter with the marks that combine with it; \w alone would part them.
SHOWN = re.compile("(?:[^\\W_][\u0300-\u036f]*)+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text, and whether it is what was looked for."""

    text: str
    hit: bool


def words(text: str) -> list[str]:
    """The words of a text: without case, accents, and whatever is neither letter nor digit. `45°` is 45."""
    return [found[:LONGEST_WORD] for found in RUN.findall(folded(text))]


def folded(text: str) -> str:
    """Without case, marks, and the difference between ﬁ and fi."""
    if text.isascii():
        return text.lower()
    return _bare(_bare(text).casefold())


def forms(word: str) -> list[str]:
    """The word itself, and its other number where that is an s: who looks for curves looks for a curve."""
    if len(word) < 3 or not (word.isascii() and word.isalpha()):
        return [word]
    if not word.endswith("s"):
        return [word, f"{word}s"]
    return [word] if word.endswith("ss") else [word, word[:-1]]


def marked(text: str, hits: Callable[[str], bool]) -> Iterator[Piece]:
    """The text in pieces, so that those with a word that `hits` can be shown."""
    done = 0
    for found in SHOWN.finditer(text):
        if any(hits(word) for word in words(found[0])):
            if done < found.start():
                yield Piece(text[done : found.start()], False)
            yield Piece(found[0], True)
            done = found.end()
    if done < len(text):
        yield Piece(text[done:], False)


def _bare(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if unicodedata.category(letter) != "Mn")
