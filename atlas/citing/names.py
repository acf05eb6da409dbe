"""How a signed name is taken apart: reference managers sort by family, and must not sort van Beethoven under L."""

from dataclasses import dataclass, replace

from atlas.citing.facts import Author

SUFFIXES = frozenset({"Jr", "Jr.", "Sr", "Sr.", "II", "III", "IV"})


@dataclass(frozen=True, slots=True)
class Name:
    """The parts of a name; one that cannot be taken apart is all family."""

    family: str
    given: str = ""
    particle: str = ""  # van, de la
    suffix: str = ""  # Jr.

    @property
    def whole(self) -> bool:
        """Whether there is nothing to take apart: Plato, a team."""
        return not (self.given or self.particle or self.suffix)

    @property
    def sorted_under(self) -> str:
        """`van Beethoven`."""
        return f"{self.particle} {self.family}".strip()

    @property
    def inverted(self) -> str:
        """`van Beethoven, Ludwig`."""
        return ", ".join(part for part in (self.sorted_under, self.given, self.suffix) if part)

    @property
    def spoken(self) -> str:
        """`Ludwig van Beethoven`."""
        return " ".join(part for part in (self.given, self.particle, self.family, self.suffix) if part)


def parts_of(author: Author) -> Name:
    """The parts of `Given particle Family Jr.`, `particle Family, Given` or `particle Family, Jr., Given`."""
    pieces = [piece.strip() for piece in author.name.split(",")]
    several = "and" in author.name.lower().split()  # Ernst and Young, whom BibTeX would take for two
    if author.whole or several or len(pieces) > 3 or not all(pieces):
        return Name(author.name)
    if len(pieces) == 1 or (len(pieces) == 2 and pieces[1] in SUFFIXES):
        return _spoken(" ".join(pieces).split()) or Name(author.name)
    particle, family = _particle(pieces[0].split())
    return Name(family, given=pieces[-1], particle=particle, suffix=pieces[1] if len(pieces) == 3 else "")


def _spoken(words: list[str]) -> Name | None:
    """The parts of a name as it is said: the family is its last word, with the small words before it."""
    *rest, last = words
    if last in SUFFIXES:
        name = _spoken(rest) if len(rest) > 1 else None
        return replace(name, suffix=last) if name and name.given and not name.suffix else None
    small = [index for index, word in enumerate(rest) if _is_small(word) and not _is_small(last)]
    start = small[0] if small else len(rest)
    particle, family = _particle(words[start:])
    return Name(family, given=" ".join(words[:start]), particle=particle)


def _particle(words: list[str]) -> tuple[str, str]:
    """The small words in front, and the rest, of which at least one word is left."""
    start = next((index for index, word in enumerate(words[:-1]) if not _is_small(word)), len(words) - 1)
    return " ".join(words[:start]), " ".join(words[start:])


def _is_small(word: str) -> bool:
    return word[0].islower()
