"""Tuning as drawings: round for angles, straight for what is inhibited too, a map of two quantities; all from JSON."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django import template

from atlas.dossiers.jobs import JobFacts
from atlas.dossiers.pictures import Shown
from atlas.web.figures import figure

register = template.Library()

CENTRE, RADIUS, RING = 160.0, 98.0, 132.0  # of the round plot, in its own units; stimuli lie on the ring
STIMULUS = 34.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 512.0, 14.0, 170.0  # of the straight plots
SPACES = 5  # between ticks, at most
EXCITES, INHIBITS = (178, 24, 43), (33, 102, 172)  # as kernels have it
READINGS = {"centre": "of that position", "max": "the largest over all positions"}
FAMILIES = {
    "curve": "a curve",
    "line": "a line",
    "gabor": "a Gabor",
    "edge": "an edge",
    "angle": "an angle",
    "disc": "a disc",
    "patch": "a patch of one colour",
    "boundary": "a boundary between fine and coarse stripes",
    "checkerboard": "a checkerboard",
    "picture": "the same picture, cut out by a round window",
}


@register.filter
def within(angle: float, period: float) -> float:
    """An angle as figures can tell it: what they would round to a full turn is none."""
    return angle if float(f"{angle:.3g}") < period else 0.0


@register.filter
def measured(value: float | None, unit: str) -> str:
    """A number with its unit; degrees stand close, pixels apart."""
    if value is None:
        return "–"
    return f"{figure(value)} {unit}" if unit == "px" else f"{figure(value)}{unit}"


@register.inclusion_tag("parts/tuning.html")
def tuned(job: JobFacts) -> dict[str, Any]:
    """All drawings of a tuning finding, and what its captions say; nothing for another finding."""
    numbers = job.finding.numbers if job.finding and job.probe == "tuning" else {}
    if "axes" not in numbers:
        return {}
    assert job.finding is not None
    stimuli = [one for one in job.finding.shown if one.role == "stimulus"]
    plot = next((one for one in job.finding.shown if one.role == "curve"), None)
    axes = numbers["axes"]
    alone = len(axes) == 1
    return {
        "job": job,
        "numbers": numbers,
        "axes": axes,
        "alt": plot.alt if plot else "",
        "turns": "orientation" in numbers["fixed"] or any(axis["name"] == "orientation" for axis in axes),
        "hued": any(axis["name"] == "hue" for axis in axes),
        "family": FAMILIES.get(numbers["family"], numbers["family"]),
        "reading": READINGS.get(numbers["reading"], numbers["reading"]),
        "round": _round(numbers, stimuli) if alone and axes[0]["period"] and not numbers["silent"] else None,
        "straight": _straight(numbers, stimuli) if alone else None,
        "map": None if alone else _map(numbers),
        "stimuli": [] if alone else [[one for one in stimuli if one.facts["axis"] == axis["name"]] for axis in axes],
    }


def _round(numbers: Mapping[str, Any], stimuli: Sequence[Shown]) -> dict[str, Any]:
    """Responses above 0 as distances from the middle; what looks the same half a turn later is drawn twice."""
    [axis] = numbers["axes"]
    turns = int(360 / axis["period"])
    angles = [angle + axis["period"] * turn for turn in range(turns) for angle in axis["values"]]
    shares = [max(0.0, value) / numbers["maximum"] for value in numbers["responses"]] * turns
    points = [_at(angle, RADIUS * share) for angle, share in zip(angles, shares, strict=True)]
    means = [] if axis["circular_mean"] is None else [axis["circular_mean"] + 180 * turn for turn in range(turns)]
    around = [(one, one.facts["value"] + axis["period"] * turn) for turn in range(turns) for one in stimuli]
    side = STIMULUS if len(around) <= 8 else STIMULUS * 0.66
    return {
        "middle": CENTRE,
        "points": " ".join(f"{x},{y}" for x, y in points),
        "rings": [RADIUS / 2, RADIUS],
        "spokes": [{"from": _at(angle, 0), "to": _at(angle, RADIUS), "angle": angle} for angle in (0, 90, 180, 270)],
        "means": [{"from": _at(angle, 0), "to": _at(angle, RADIUS + 8)} for angle in means],
        "best": [_at(axis["argmax"] + axis["period"] * turn, RADIUS) for turn in range(turns)],
        "stimuli": [_placed(one, _at(angle, RING), side) for one, angle in around],
        "side": side,
    }


def _straight(numbers: Mapping[str, Any], stimuli: Sequence[Shown]) -> dict[str, Any]:
    """Responses over one quantity; a circle is closed by its first value."""
    [axis] = numbers["axes"]
    values, responses = [*axis["values"]], [*numbers["responses"]]
    if axis["period"]:
        values, responses = [*values, axis["period"]], [*responses, responses[0]]
    ends = (values[0], values[-1])
    up = (min(0.0, numbers["minimum"]), max(0.0, numbers["maximum"]))
    places = [(across(x, ends), upward(y, up)) for x, y in zip(values, responses, strict=True)]
    zero = upward(0.0, up)
    line = " ".join(f"{x},{y}" for x, y in places)
    return {
        "points": line,
        "area": f"{LEFT},{zero} {line} {RIGHT},{zero}",
        "zero": zero,
        "above": {"y": TOP - 2, "height": zero - TOP + 2},
        "below": {"y": zero, "height": BOTTOM - zero + 2},
        "half": None if numbers["silent"] else upward(numbers["maximum"] / 2, up),
        "ground": upward(numbers["ground"], up) if up[0] <= numbers["ground"] <= up[1] else None,
        "across": [{"x": across(tick, ends), "says": measured(tick, axis["unit"])} for tick in ticks(ends, axis)],
        "up": [{"y": upward(tick, up), "says": figure(tick)} for tick in ticks(up)],
        "stimuli": [_placed(one, (across(one.facts["value"], ends), BOTTOM + 44), STIMULUS) for one in stimuli],
        "side": STIMULUS,
        "frame": {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM, "middle": (LEFT + RIGHT) / 2},
    }


def _map(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """A cell for each pair of values, the first to the right, the second upwards; colours full at ± the largest."""
    first, second = numbers["axes"]
    columns, rows = len(first["values"]), len(second["values"])
    scale = max(abs(numbers["maximum"]), abs(numbers["minimum"])) or 1.0
    cells = [
        {"x": column, "y": rows - 1 - row, "fill": _colour(value / scale)}
        for column, line in enumerate(numbers["responses"])
        for row, value in enumerate(line)
    ]
    width, height = (RIGHT - LEFT) / columns, (BOTTOM - TOP) / rows
    best = (
        None
        if numbers["silent"]
        else {"x": first["values"].index(first["argmax"]), "y": rows - 1 - second["values"].index(second["argmax"])}
    )
    return {
        "cells": cells,
        "best": best,
        "scale": scale,
        "transform": f"translate({LEFT} {TOP}) scale({width:.4f} {height:.4f})",
        "across": [
            {"x": round(LEFT + place * width, 1), "says": measured(value, first["unit"])}
            for value, place in _cells(first)
        ],
        "up": [
            {"y": round(BOTTOM - place * height, 1), "says": measured(value, second["unit"])}
            for value, place in _cells(second)
        ],
        "frame": {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM, "middle": (LEFT + RIGHT) / 2},
    }


def _placed(one: Shown, middle: tuple[float, float], side: float) -> dict[str, Any]:
    return {"shown": one, "x": round(middle[0] - side / 2, 1), "y": round(middle[1] - side / 2, 1)}


def _at(degrees: float, distance: float) -> tuple[float, float]:
    """Counter-clockwise from the right, as stimuli turn."""
    turn = math.radians(degrees)
    return round(CENTRE + distance * math.cos(turn), 1), round(CENTRE - distance * math.sin(turn), 1)


def across(value: float, ends: tuple[float, float]) -> float:
    """Where a value lies in a straight plot, to the right."""
    return round(LEFT + (RIGHT - LEFT) * (value - ends[0]) / ((ends[1] - ends[0]) or 1), 1)


def upward(value: float, ends: tuple[float, float]) -> float:
    """The same for a response, upwards."""
    return round(BOTTOM - (BOTTOM - TOP) * (value - ends[0]) / ((ends[1] - ends[0]) or 1), 1)


def ticks(ends: tuple[float, float], axis: Mapping[str, Any] | None = None) -> list[float]:
    """Quarters of a circle, or round numbers between the ends."""
    if axis and axis["period"]:
        return [axis["period"] * part / 4 for part in range(5)]
    span = ends[1] - ends[0]
    if span <= 0:
        return [ends[0]]
    power = 10.0 ** math.floor(math.log10(span / SPACES))
    step = next(power * it for it in (1, 2, 5, 10) if power * it * SPACES >= span * (1 - 1e-9))
    return [step * place for place in _between(ends, step)]


def _between(ends: tuple[float, float], step: float) -> Iterator[int]:
    yield from range(math.ceil(ends[0] / step - 1e-9), math.floor(ends[1] / step + 1e-9) + 1)


def _cells(axis: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """Round values and where they lie, in cells from the first one's edge; a value lies in the middle of its cell."""
    values = axis["values"]
    step = (values[-1] - values[0]) / (len(values) - 1)
    for tick in ticks((values[0], values[-1]), axis):
        if tick <= values[-1] + step / 2:
            yield tick, (tick - values[0]) / step + 0.5


def _colour(share: float) -> str:
    """From white towards red above 0, towards blue below."""
    end = EXCITES if share >= 0 else INHIBITS
    return "#" + "".join(f"{round(255 + (full - 255) * min(1.0, abs(share))):02x}" for full in end)
