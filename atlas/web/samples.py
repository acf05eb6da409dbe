"""What neurons answer to pictures, drawn: crops without new pixels, and histograms, as SVG from the server."""

from collections.abc import Sequence
from typing import Any

from django import template

from atlas.dossiers.achievements import AchievedFacts
from atlas.dossiers.pictures import Shown
from atlas.dossiers.recordings import HistogramFacts, StatisticsFacts

register = template.Library()

SIDE = 96  # of a crop, in px
LEFT, RIGHT, TOP, BOTTOM = 8, 412, 12, 112  # the plot of a histogram, in its own units


@register.filter
def at_quantile(quantile: float) -> str:
    """Where an item stands among all, from the least to the most."""
    if quantile in (0, 1):
        return "most" if quantile else "least"
    return f"{100 * quantile:g} %"


@register.filter
def over(ratio: float) -> str:
    """A ratio as people read it: 1.87 ×."""
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:.3g}"


@register.inclusion_tag("parts/crop.html")
def crop(address: str, part: Sequence[float], box: Sequence[int], alt: str) -> dict[str, Any]:
    """A part of a picture, as wide and high as the network sees it."""
    size = _fitted(box[2], box[3], side=SIDE)
    return {"address": address, "view": " ".join(map(_short, part)), "size": size, "alt": alt}


@register.inclusion_tag("parts/framed.html")
def framed(address: str, part: Sequence[float], box: Sequence[int], alt: str) -> dict[str, Any]:
    """A whole picture, stretched as the network sees it, with a frame around a part."""
    frame = dict(zip(("x", "y", "width", "height"), map(_short, part), strict=True))
    return {**whole(address, part, box, alt), "frame": frame}


@register.inclusion_tag("parts/framed.html")
def whole(address: str, part: Sequence[float], box: Sequence[int], alt: str) -> dict[str, Any]:
    """The same without the frame: how wide and high it is follows from a part and the pixels of that."""
    return {"address": address, "alt": alt, "size": _fitted(box[2] / part[2], box[3] / part[3], side=SIDE)}


@register.inclusion_tag("parts/histogram.html")
def histogram(told: StatisticsFacts) -> dict[str, Any]:
    """How often a neuron answers how much, at all positions: bars above 0 apart from those below."""
    drawn = _filled(told.histogram)
    low, high = drawn[0][0], drawn[-1][1]
    most = max(count for *_, count in drawn) or 1
    span = (high - low) or 1.0
    bars = []
    for start, stop, count in drawn:
        left, right = (LEFT + (RIGHT - LEFT) * (edge - low) / span for edge in (start, stop))
        height = (BOTTOM - TOP) * count / most
        side = "positive" if (start + stop) / 2 > 0 else "negative"
        words = f"{start:.3g} to {stop:.3g}: {count:,}"
        place = {"x": _short(left), "width": _short(right - left), "y": _short(BOTTOM - height)}
        bars.append({**place, "height": _short(height), "side": side, "words": words})
    zero = _short(LEFT + (RIGHT - LEFT) * (0 - low) / span) if low < 0 < high else None
    return {"told": told, "bars": bars, "low": low, "high": high, "zero": zero, "bottom": BOTTOM, "right": RIGHT}


@register.simple_tag
def achievement(achieved: Sequence[AchievedFacts], job: str, shown: Shown) -> AchievedFacts | None:
    """How far a picture goes beyond the pictures of a dataset, where that is known."""
    if shown.polarity != "positive":
        return None
    return next((one for one in achieved or () if one.job == job and one.seed == shown.seed), None)


def _filled(held: HistogramFacts) -> list[tuple[float, float, int]]:
    """The bins from the first to the last that holds something: low edge, high edge, count."""
    width = (held.high - held.low) / len(held.counts)
    filled = [place for place, count in enumerate(held.counts) if count] or [0]
    return [
        (held.low + place * width, held.low + (place + 1) * width, held.counts[place])
        for place in range(filled[0], filled[-1] + 1)
    ]


def _fitted(width: float, height: float, *, side: int) -> dict[str, int]:
    """Width and height in px, the longer of them `side`."""
    longer = max(width, height)
    return {"width": max(1, round(side * width / longer)), "height": max(1, round(side * height / longer))}


def _short(value: float) -> str:
    return f"{value:.6g}"
