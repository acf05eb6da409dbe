"""Families of synthetic stimuli: pictures as pure functions of a few numbers, drawn exactly and without aliasing.

Conventions, for all families: x runs to the right and y upwards from the stimulus's own middle, in pixels, though rows
run down; angles turn counter-clockwise as seen, 0° points right. The ground is grey (0.5), contrast 1 is white on it
and −1 black. Turning a stimulus by 90° is `rot90` of its picture.

How aliasing is avoided: of a shape every pixel shows how much of its square is covered, by formula (`coverage`), exact
where the outline is straight within the pixel. So areas are kept, a line of width w weighs w a pixel of its length in
every orientation, however thin, and none is drawn sharper than another. Waves are sampled as they are.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from workers.interp import coverage
from workers.interp.coverage import Plane, Size, cosine
from workers.interp.quantities import QUANTITIES, Quantity
from workers.interp.registry import registry

GREY = 0.5
FLAT = 0.75  # of a window's radius, within which it is open
Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of stimulus. `quantities` describe it, the first is varied unless somebody asks for another."""

    name: str
    says: str
    quantities: tuple[str, ...]
    draw: Callable[[Plane, Values], Tensor]  # -> [H, W] or [3, H, W] in [-1, 1]: what contrast multiplies
    half_turn: bool = False  # whether it looks the same half a turn later

    def period(self, quantity: Quantity, values: Values) -> float | None:
        """After how many degrees an angle is the same picture; None for what is no angle that goes round."""
        if quantity.name == "orientation" and self.half_turn and values.get("phase", 0.0) % 180 == 0:
            return 180.0
        return quantity.period


def render(family: Family, values: Values, *, size: Size, centre: tuple[float, float] | None = None) -> Tensor:
    """A stimulus as a picture, [3, H, W] in [0, 1], float32.

    `values` holds every quantity of the family, lengths in pixels; `centre` is the row and column of its middle, the
    picture's own middle unless it is given.
    """
    middle = centre or ((size[0] - 1) / 2, (size[1] - 1) / 2)
    pattern = family.draw(Plane.of(size, middle), values)
    picture = GREY + GREY * values["contrast"] * pattern
    return picture.expand(3, -1, -1).clamp(0, 1).to(torch.float32)


def window(plane: Plane, *, size: float) -> Tensor:  # -> [H, W] in [0, 1]
    """A round window of this diameter: open in its inner three quarters, then closing like a cosine."""
    share = (plane.distance / (size / 2) - FLAT) / (1 - FLAT)
    return 0.5 + 0.5 * torch.cos(math.pi * share.clamp(0, 1))


def _line(plane: Plane, values: Values) -> Tensor:
    across = coverage.facing(plane, values["orientation"] + 90)
    return across.strip(values["width"]) * window(plane, size=values["size"])


def _curve(plane: Plane, values: Values) -> Tensor:
    """Seen from its centre of curvature the arc lies against the orientation; past its ends the tips are nearest."""
    radius, half = values["radius"], values["span"] / 2
    turned = plane.turned(values["orientation"]).moved(radius, 0.0)
    within = torch.atan2(turned.y.abs(), -turned.x) <= math.radians(half)
    out, aside = -radius * cosine(half), radius * cosine(half - 90)
    tips = [coverage.circle(turned.moved(out, side * aside), 0.0) for side in (1, -1)]
    tip = coverage.either(turned.y > 0, *tips)
    return coverage.either(within, coverage.circle(turned, radius), tip).strip(values["width"])


def _angle(plane: Plane, values: Values) -> Tensor:
    arms = [plane.turned(values["orientation"] + side * values["opening"] / 2) for side in (1, -1)]
    middle = plane.turned(values["orientation"])
    arm = coverage.either(middle.y > 0, *(coverage.facing(one, 90) for one in arms))
    ahead = torch.where(middle.y > 0, arms[0].x, arms[1].x) >= 0
    arms_and_tip = coverage.either(ahead, arm, coverage.circle(plane, 0.0))
    return arms_and_tip.strip(values["width"]) * window(plane, size=values["size"])


def _edge(plane: Plane, values: Values) -> Tensor:
    behind = coverage.facing(plane, values["orientation"]).inside
    return (1 - 2 * behind) * window(plane, size=values["size"])


def _gabor(plane: Plane, values: Values) -> Tensor:
    across = plane.turned(values["orientation"]).y
    wave = torch.cos(2 * math.pi * across / values["wavelength"] + math.radians(values["phase"]))
    return torch.exp(-plane.distance.square() / (2 * values["sigma"] ** 2)) * wave


def _disc(plane: Plane, values: Values) -> Tensor:
    return coverage.circle(plane, values["radius"]).inside


def _patch(plane: Plane, values: Values) -> Tensor:
    colour = torch.tensor([cosine(values["hue"] - 120 * channel) for channel in range(3)], dtype=torch.float64)
    return colour[:, None, None] * _disc(plane, values)


def _boundary(plane: Plane, values: Values) -> Tensor:
    along = plane.turned(values["orientation"]).y
    fine, coarse = (torch.cos(2 * math.pi * along / values[name]) for name in ("fine", "coarse"))
    behind = coverage.facing(plane, values["orientation"]).inside
    return ((1 - behind) * fine + behind * coarse) * window(plane, size=values["size"])


def _checkerboard(plane: Plane, values: Values) -> Tensor:
    both = [_squares(coverage.facing(plane, values["orientation"] + more), values["cell"]) for more in (0, 90)]
    return both[0] * both[1] * window(plane, size=values["size"])


def _squares(outline: coverage.Outline, side: float) -> Tensor:  # -> [H, W] in [-1, 1]
    """Plus and minus one by turns along an outline's normal, each `side` long, changing at the outline itself."""
    number = (outline.beyond / side).round()
    nearby = replace(outline, beyond=outline.beyond - number * side)
    return (1 - 2 * nearby.inside) * (1 - 2 * (number % 2))


FAMILIES = registry(
    "stimulus family",
    Family(
        "curve",
        "An arc through the middle; its centre of curvature lies `radius` away in the direction `orientation`.",
        ("orientation", "radius", "span", "width", "contrast"),
        _curve,
    ),
    Family(
        "line",
        "A straight line through the middle, along `orientation`.",
        ("orientation", "width", "contrast", "size"),
        _line,
        half_turn=True,
    ),
    Family(
        "gabor",
        "A wave under a Gaussian; its stripes run along `orientation`, the phase moves them to the right of that.",
        ("orientation", "wavelength", "sigma", "phase", "contrast"),
        _gabor,
        half_turn=True,
    ),
    Family(
        "edge",
        "A step in brightness through the middle, the light side towards `orientation`.",
        ("orientation", "contrast", "size"),
        _edge,
    ),
    Family(
        "angle",
        "Two arms from the middle, `opening` apart, on both sides of the direction `orientation`.",
        ("orientation", "opening", "width", "contrast", "size"),
        _angle,
    ),
    Family("disc", "A disc around the middle.", ("radius", "contrast"), _disc),
    Family(
        "patch",
        "A disc of one hue; red, green and blue lie around grey as cosines of it, so that all hues are equally bright.",
        ("hue", "radius", "contrast"),
        _patch,
    ),
    Family(
        "boundary",
        "Fine stripes towards `orientation`, coarse ones away from it, equally bright; they run across the boundary.",
        ("orientation", "fine", "coarse", "contrast", "size"),
        _boundary,
    ),
    Family(
        "checkerboard",
        "Squares whose sides run along `orientation` and across; a corner of four lies in the middle.",
        ("orientation", "cell", "contrast", "size"),
        _checkerboard,
        half_turn=True,
    ),
)


def quantities(family: Family) -> tuple[Quantity, ...]:
    """What describes a family, in its order."""
    return tuple(QUANTITIES[name] for name in family.quantities)
