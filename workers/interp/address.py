"""How a unit is named: its layer and channel; and a subject, the weighted sum of units that a question is about."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workers.interp.errors import BadAddress

PATTERN = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.]*):(0|[1-9][0-9]{0,8})", re.ASCII)


@dataclass(frozen=True, order=True)
class Unit:
    """A channel of a layer, tied over positions."""

    layer: str
    channel: int

    @classmethod
    def parse(cls, text: str) -> "Unit":
        """`mixed4c:447` → Unit; raises BadAddress."""
        matched = PATTERN.fullmatch(text)
        if not matched:
            raise BadAddress(text=repr(text)[:80])
        return cls(matched[1], int(matched[2]))

    def __str__(self) -> str:
        return f"{self.layer}:{self.channel}"


@dataclass(frozen=True)
class Subject:
    """An ordered weighted sum of units; a single unit has weight 1."""

    terms: tuple[tuple[Unit, float], ...]

    @classmethod
    def parse(cls, given: str | Iterable[Sequence[object]]) -> "Subject":
        """`"mixed4c:447"`, or pairs of unit and weight: `[["mixed4c:447", 0.7], ["mixed3b:379", -0.3]]`."""
        if isinstance(given, str):
            return cls(((Unit.parse(given), 1.0),))
        return cls(tuple((Unit.parse(str(unit)), float(str(weight))) for unit, weight in given))

    @classmethod
    def of(cls, unit: Unit) -> "Subject":
        """The subject that is one unit."""
        return cls(((unit, 1.0),))

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units, in order."""
        return tuple(unit for unit, _ in self.terms)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that have to be read, each once, in order."""
        return tuple(dict.fromkeys(unit.layer for unit in self.units))

    def __str__(self) -> str:
        if len(self.terms) == 1 and self.terms[0][1] == 1:
            return str(self.terms[0][0])
        return " ".join(f"{weight:+g}*{unit}" for unit, weight in self.terms)
