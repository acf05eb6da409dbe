"""Two neurons beside each other: how an address names them, and their curves on one scale."""

import re
from collections.abc import Sequence
from typing import Any

from django import template

from atlas.dossiers.comparisons import TuningFacts
from atlas.errors import BadParameter
from atlas.web.curves import BOTTOM, FAMILIES, LEFT, RIGHT, TOP, across, measured, ticks, upward
from atlas.web.figures import figure

register = template.Library()

NEURON = re.compile(
    r"(?:https?://[^/\s]+)?(?:/?c/)?(?P<slug>[a-z0-9][a-z0-9-]{1,39})/"
    r"(?P<layer>[A-Za-z0-9][A-Za-z0-9_.]{0,119})[/:](?P<channel>[0-9]{1,9})"
)
UNIT = re.compile(r"(?P<layer>[A-Za-z0-9][A-Za-z0-9_.]{0,119}):(?P<channel>[0-9]{1,9})")


def place(text: str, *, parameter: str, beside: str = "") -> tuple[str, str, str]:
    """Slug, layer and channel of a neuron as people name it; `layer:channel` alone is of the checkpoint `beside`."""
    text = text.strip()
    found = NEURON.fullmatch(text) or (UNIT.fullmatch(text) if beside else None)
    if found is None:
        raise BadParameter(parameter=parameter, reason="must name a neuron, as checkpoint/layer/channel")
    said = found.groupdict()
    return said.get("slug", beside), said["layer"], said["channel"].lstrip("0") or "0"


@register.inclusion_tag("parts/overlay.html")
def overlay(told: TuningFacts, one_scale: bool) -> dict[str, Any]:
    """Two curves in one frame: in activation where both have one scale, else each as a part of its own largest."""
    scales = [1.0, 1.0] if one_scale else [max(map(abs, one)) or 1.0 for one in (told.a, told.b)]
    both = [[value / scale for value in one] for one, scale in zip((told.a, told.b), scales, strict=True)]
    values = [*told.axis["values"]]
    if told.axis["period"]:  # a circle is closed by its first value
        values.append(told.axis["period"])
        both = [[*one, one[0]] for one in both]
    ends = (values[0], values[-1])
    up = (min(0.0, *map(min, both)), max(0.0, *map(max, both)))
    return {
        "lines": [_line(values, one, ends, up) for one in both],
        "zero": upward(0.0, up),
        "up": [{"y": upward(tick, up), "says": figure(tick)} for tick in ticks(up)],
        "across": [
            {"x": across(tick, ends), "says": measured(tick, told.axis["unit"])} for tick in ticks(ends, told.axis)
        ],
        "frame": {"left": LEFT, "right": RIGHT, "top": TOP, "bottom": BOTTOM},
        "title": told.axis["title"],
        "family": FAMILIES.get(told.family, told.family),
        "n": len(told.a),
        "one_scale": one_scale,
        "most": [max(told.a), max(told.b)],
        "at": [told.axis["values"][one.index(max(one))] for one in (told.a, told.b)],
        "unit": told.axis["unit"],
        "urls": told.urls,
        "same": told.same,
    }


def _line(
    values: Sequence[float], responses: Sequence[float], ends: tuple[float, float], up: tuple[float, float]
) -> str:
    return " ".join(f"{across(x, ends)},{upward(y, up)}" for x, y in zip(values, responses, strict=True))
