"""Whose words a version holds: authors are those whose words survive in it, and they can see why they are listed."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from atlas.worddiff import matches, words

RUN = 4  # as many words in a row as stood in an earlier version are not written anew: they come back
C = TypeVar("C", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Edit(Generic[C]):
    """A version as its contributor left it: all of its texts, by field."""

    contributor: C
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Share(Generic[C]):
    """Why somebody is listed: so many characters of the version's words are theirs, of so many in all."""

    contributor: C
    characters: int
    of: int
    since: int  # the first version they made, from 1


class Provenance(Generic[C]):
    """Walks from version to version and knows of every word who first wrote it.

    A kept word stays whose it was. A text that stood in this field before comes back with its owners, and so does a
    word among others with which it stood anywhere before: who restores or moves words does not become their author.
    All other words are the editor's.
    """

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.owners: dict[str, list[C]] = {}
        self.whole: dict[tuple[str, str], list[C]] = {}
        self.runs: dict[tuple[str, ...], tuple[C, ...]] = {}

    def follow(self, edit: Edit[C]) -> None:
        """Take in the next version."""
        found = {name: self._owners_of(name, text, edit.contributor) for name, text in edit.texts.items()}
        self.texts = {name: words(text) for name, text in edit.texts.items()}
        self.owners = found
        for name, text in edit.texts.items():
            self.whole.setdefault((name, text), found[name])
            self._remember(self.texts[name], found[name])

    def _owners_of(self, name: str, text: str, editor: C) -> list[C]:
        """The owner of every word of a field's new text."""
        if (name, text) in self.whole:
            return self.whole[name, text]
        written = words(text)
        owners: list[C | None] = [None] * len(written)
        for old, new in matches(self.texts.get(name, ()), written):
            owners[new] = self.owners[name][old]
        for start in range(len(written) - RUN + 1):
            known = self.runs.get(tuple(written[start : start + RUN]), ())
            for at, owner in enumerate(known, start):
                owners[at] = owner if owners[at] is None else owners[at]
        return [editor if owner is None else owner for owner in owners]

    def _remember(self, written: list[str], owners: list[C]) -> None:
        """Who owned each run of words when it first stood somewhere."""
        for start in range(len(written) - RUN + 1):
            run = slice(start, start + RUN)
            self.runs.setdefault(tuple(written[run]), tuple(owners[run]))


def shares(edits: Sequence[Edit[C]]) -> tuple[Share[C], ...]:
    """The authors of the last of these versions, by surviving characters, then by whose first edit came first."""
    walk: Provenance[C] = Provenance()
    for edit in edits:
        walk.follow(edit)
    counted = _counted(walk.texts, walk.owners)
    since = {edit.contributor: number for number, edit in reversed([*enumerate(edits, 1)])}
    found = [Share(who, characters, sum(counted.values()), since[who]) for who, characters in counted.items()]
    return tuple(sorted(found, key=lambda share: (-share.characters, share.since)))


def _counted(texts: Mapping[str, list[str]], owners: Mapping[str, list[C]]) -> dict[C, int]:
    """By owner, the characters of their words."""
    counted: dict[C, int] = {}
    for name, written in texts.items():
        for word, owner in zip(written, owners[name], strict=True):
            counted[owner] = counted.get(owner, 0) + len(word)
    return counted
