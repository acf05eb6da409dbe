"""How a unit is written down, and sums of units: the words in which every question is asked."""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from workers.interp.errors import BadAddress

LAYER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]{0,119}")
UNIT = re.compile(r"(?P<layer>[A-Za-z0-9][A-Za-z0-9_.]{0,119}):(?P<channel>0|[1-9][0-9]{0,8})")
EVERYTHING = "*"  # all units of a checkpoint


@dataclass(frozen=True, slots=True, order=True)
class Unit:
    """One channel of one layer, tied over all positions."""

    layer: str
    channel: int

    @classmethod
    def parse(cls, text: str) -> "Unit":
        """`Unit.parse("mixed4c:447")`; raises BadAddress."""
        matched = UNIT.fullmatch(text) if isinstance(text, str) else None
        if not matched:
            raise BadAddress(text=str(text))
        return cls(matched["layer"], int(matched["channel"]))

    def __str__(self) -> str:
        return f"{self.layer}:{self.channel}"


@dataclass(frozen=True, slots=True)
class Subject:
    """An ordered weighted sum of units; a lone unit of weight 1 is the plain case.

    Without terms a whole layer, and without that the whole checkpoint.
    """

    terms: tuple[tuple[Unit, float], ...] = ()
    layer: str | None = None

    @classmethod
    def parse(cls, written: str | Sequence[Any]) -> "Subject":
        """`"mixed4c:447"`, `[["mixed4c:447", 0.7], ["mixed3b:379", -0.3]]`, `"mixed4c"` or `"*"`; raises BadAddress."""
        if written == EVERYTHING:
            return cls()
        if isinstance(written, str) and LAYER.fullmatch(written):
            return cls((), written)
        terms = [[written, 1.0]] if isinstance(written, str) else written
        if not isinstance(terms, Sequence) or not terms:
            raise BadAddress(text=str(written))
        parsed = tuple(_term(term) for term in terms)
        if len({unit for unit, _ in parsed}) < len(parsed):
            raise BadAddress(text=str(written))
        return cls(parsed)

    @classmethod
    def of(cls, unit: Unit) -> "Subject":
        """A lone unit."""
        return cls(((unit, 1.0),))

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units, in order."""
        return tuple(unit for unit, _ in self.terms)

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers that have to be read, each once, in order."""
        return (self.layer,) if self.layer else tuple(dict.fromkeys(unit.layer for unit in self.units))

    @property
    def kind(self) -> str:
        """`layer`, `checkpoint`; `unit` for a lone unit of weight 1, else `units`."""
        if not self.terms:
            return "layer" if self.layer else "checkpoint"
        return "unit" if len(self.terms) == 1 and self.terms[0][1] == 1 else "units"

    def __str__(self) -> str:
        """`mixed4c:447`, `+0.7*mixed4c:447-0.3*mixed3b:379`, `mixed4c`, `*`: equal exactly when the subjects are."""
        if not self.terms:
            return self.layer or EVERYTHING
        if self.kind == "unit":
            return str(self.units[0])
        return "".join(f"{weight:+}*{unit}" for unit, weight in self.terms)


def _term(written: Any) -> tuple[Unit, float]:
    """One `[unit, weight]`."""
    if isinstance(written, str | bytes) or not isinstance(written, Sequence) or len(written) != 2:
        raise BadAddress(text=str(written))
    unit, weight = written
    # An integer of JSON may be larger than any float, and longer than Python is willing to write down.
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 < abs(weight) <= sys.float_info.max:
        raise BadAddress(text=f"{unit} with this weight")
    return Unit.parse(unit), float(weight)
