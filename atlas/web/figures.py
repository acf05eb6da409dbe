"""Numbers as people read them, and small drawings: SVG from the server, so that they need no script."""

from collections.abc import Sequence
from typing import Any

from django import template

register = template.Library()

WIDTH, HEIGHT = 320, 96  # of a trace, in its own units
WORDS = {
    "queued": "waiting",
    "running": "computing",
    "done": "done",
    "failed": "cannot be answered",
    "cancelled": "cancelled",
    "quarantined": "given up",
}


@register.filter
def in_words(state: str) -> str:
    """A job's state as a person says it."""
    return WORDS.get(state, state)


@register.filter
def short(sha256: str) -> str:
    """The beginning of a hash, enough to tell it from others at a glance."""
    return sha256[:12]


@register.filter
def figure(value: Any) -> str:
    """Three significant digits, with a proper minus; a dash for what is not known."""
    if value is None:
        return "–"
    return f"{value:.3g}".replace("-", "−")


@register.filter
def share(part: int, whole: int) -> float:
    """Percent, 0 to 100."""
    return round(100 * part / whole, 1) if whole else 0.0


@register.filter
def by(pair: Sequence[int] | None) -> str:
    """`[15, 15]` as 15 × 15."""
    return " × ".join(str(length) for length in pair) if pair else "–"


@register.filter
def million(count: int) -> str:
    """23.5 million, 46 thousand."""
    for size, word in ((10**9, "billion"), (10**6, "million"), (10**3, "thousand")):
        if count >= size:
            return f"{count / size:.3g} {word}"
    return str(count)


@register.filter
def is_web(address: str) -> bool:
    """Whether a source can be a link: nothing but http and https ever is."""
    return address.startswith(("https://", "http://")) and " " not in address


@register.inclusion_tag("parts/trace.html")
def trace(pictures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How the objective rose over the steps: one line for each picture, all on one scale."""
    curves = [picture for picture in pictures if picture.get("trace", {}).get("values")]
    values = [value for picture in curves for value in picture["trace"]["values"]]
    if not values:
        return {"lines": []}
    low, high = min(0.0, *values), max(0.0, *values)
    steps = max(picture["trace"]["steps"][-1] for picture in curves)
    lines = [
        {
            "points": _points(picture["trace"], steps=steps, low=low, high=high),
            "polarity": picture.get("polarity", "positive"),
            "seed": picture.get("seed"),
        }
        for picture in curves
    ]
    zero = _y(0.0, low=low, high=high)
    return {"lines": lines, "steps": steps, "low": low, "high": high, "zero": zero, "width": WIDTH, "height": HEIGHT}


def _points(curve: dict[str, Any], *, steps: int, low: float, high: float) -> str:
    pairs = zip(curve["steps"], curve["values"], strict=True)
    return " ".join(f"{WIDTH * step / steps:.1f},{_y(value, low=low, high=high):.1f}" for step, value in pairs)


def _y(value: float, *, low: float, high: float) -> float:
    return HEIGHT * (1 - (value - low) / ((high - low) or 1))
