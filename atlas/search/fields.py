"""The fields a query may name, and what their values are: words of ours, names, numbers or dates."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

KINDS = ("description", "link", "evidence", "circuit", "collection")
STATES = ("draft", "proposed", "accepted", "disputed", "resolved", "withdrawn", "retracted", "merged")
FLAGS = ("unsupported", "stale-reviews", "falsified", "evidence-failed")
POLARITIES = ("detects", "inhibited-by", "does-not-detect")
RANKS = ("preferred", "normal", "deprecated")
RELATIONS = (
    "builds-from", "excites", "inhibits", "unions-over", "gates", "equivariant-partner", "antagonist", "duplicate",
)  # fmt: skip
METHODS = ("FV", "DX", "SX", "JT", "FI", "FU", "HW", "AB", "AT", "LT", "AU")
HAS = ("evidence", "review")

COMPARED = re.compile(r"(?P<sign>>=|<=|>|<)?(?P<low>[^.<>=]+)(?:\.\.(?P<high>[^.<>=]+))?")
DATE = re.compile(r"([12][0-9]{3})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", re.ASCII)


@dataclass(frozen=True)
class Spec:
    """A field: what its value is, the words it may be where those are few, and what it looks for."""

    what: Literal["choice", "name", "unit", "number", "date"]
    says: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """From `low` on, up to and without `high`; None is without end."""

    low: float | datetime | None
    high: float | datetime | None


FIELDS: dict[str, Spec] = {
    "kind": Spec("choice", "What sort of foothold.", KINDS),
    "state": Spec("choice", "What its team believes of it, as far as you may know.", STATES),
    "flag": Spec("choice", "What is wrong beside its state.", FLAGS),
    "rank": Spec("choice", "Which of several a curator put first or last.", RANKS),
    "has": Spec("choice", "Evidence for or against it, or a verdict on it.", HAS),
    "method": Spec("choice", "Evidence by this method, and the claims it speaks of.", METHODS),
    "relation": Spec("choice", "Links of this relation.", RELATIONS),
    "polarity": Spec("choice", "Some term is used so.", POLARITIES),
    "term": Spec("name", "Uses this term, however: its slug, label or a synonym."),
    "detects": Spec("name", "Says that the neuron detects this term."),
    "inhibited-by": Spec("name", "Says that this term inhibits the neuron."),
    "does-not-detect": Spec("name", "Says that the neuron does not detect this term."),
    "checkpoint": Spec("name", "About this checkpoint, by slug."),
    "layer": Spec("name", "About neurons of this layer, by any of its names."),
    "neuron": Spec("unit", "About this neuron: `4c:447`, or `curve-circuit/4c:447`."),
    "author": Spec("name", "Somebody of this handle wrote a version of it."),
    "reviewer": Spec("name", "Somebody of this handle gave a verdict on it."),
    "team": Spec("name", "Of this team, by slug."),
    "accession": Spec("name", "The one of this accession."),
    "confidence": Spec("number", "The author's own, from 1 to 5."),
    "created": Spec("date", "When it was first written."),
    "updated": Spec("date", "When its newest version was written."),
}


def span(what: str, text: str) -> Span:
    """`>=2026-01`, `2..4` or `3` as bounds; raises ValueError saying what it wants."""
    examples = "3, >=4 or 2..4" if what == "number" else "2026, 2026-01, >=2026-01-31 or 2025..2026"
    wanted = f"is a {what}: {examples}"
    matched = COMPARED.fullmatch(text)
    if not matched or (matched["sign"] and matched["high"]):
        raise ValueError(wanted)
    bounds = _of_number if what == "number" else _of_date
    try:
        start, stop = bounds(matched["low"])
        last = bounds(matched["high"])[1] if matched["high"] else stop
    except ValueError:
        raise ValueError(wanted) from None
    by_sign = {">=": Span(start, None), ">": Span(stop, None), "<": Span(None, start), "<=": Span(None, stop)}
    return by_sign[matched["sign"]] if matched["sign"] else Span(start, last)


def _of_number(text: str) -> tuple[int, int]:
    """A whole number and the one after it."""
    if not re.fullmatch(r"[0-9]{1,4}", text, re.ASCII):
        raise ValueError
    return int(text), int(text) + 1


def _of_date(text: str) -> tuple[datetime, datetime]:
    """The beginning of a year, a month or a day, and that of the next."""
    matched = DATE.fullmatch(text)
    if not matched:
        raise ValueError
    year, month, day = (int(part) if part else None for part in matched.groups())
    assert year is not None
    first = date(year, month or 1, day or 1)
    if day:
        after = first + timedelta(days=1)
    elif month:
        after = date(year + month // 12, month % 12 + 1, 1)
    else:
        after = date(year + 1, 1, 1)
    return _midnight(first), _midnight(after)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
