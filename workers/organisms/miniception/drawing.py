"""What the world of `miniception` is drawn with: outlines by formula, surfaces, colours, and edges without jags.

An outline is a function f(x, y) that is negative inside; x goes right, y goes down, both in pixels from its middle. A
pixel is covered by ½ − f/|∇f|, between 0 and 1: f over its slope is how many pixels away the edge is. All numbers are
float64, so that rounding to 8 bits afterwards gives the same pixels on every machine.
"""

import math
from collections.abc import Callable

import numpy as np

SIDE = 64
Array = np.ndarray
Outline = Callable[[Array, Array], Array]
# OKLab (Ottosson 2020): from lightness and two opponent colours to cone responses, and from their cubes to linear RGB.
CONES = np.array(
    [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.2914855480]]
)
RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def plane(centre: tuple[float, float], *, turn: float = 0.0, size: float = 1.0) -> tuple[Array, Array]:
    """Coordinates [SIDE, SIDE] from a centre, turned by `turn` radians, in units of `size` pixels."""
    axis = np.arange(SIDE) + 0.5
    x, y = axis[None, :] - centre[0], axis[:, None] - centre[1]
    cosine, sine = math.cos(turn) / size, math.sin(turn) / size
    return x * cosine + y * sine, y * cosine - x * sine


def covered(f: Array) -> Array:  # [SIDE, SIDE] -> [SIDE, SIDE] in [0, 1]
    """How much of each pixel lies inside of f < 0."""
    down, across = np.gradient(f)
    return np.clip(0.5 - f / np.maximum(np.hypot(down, across), 1e-9), 0, 1)


def disc(x: Array, y: Array) -> Array:
    """The unit disc."""
    return np.hypot(x, y) - 1


def ring(x: Array, y: Array) -> Array:
    """A band along a circle."""
    return np.abs(np.hypot(x, y) - 0.74) - 0.26


def crescent(x: Array, y: Array) -> Array:
    """A disc out of which another has bitten."""
    return np.maximum(disc(x + 0.15, y), 0.78 - np.hypot(x - 0.42, y))


def heart(x: Array, y: Array) -> Array:
    """The sextic (x² + y² − 1)³ = x²y³, upright."""
    x, y = 1.2 * x, 0.12 - 1.2 * y
    return (x**2 + y**2 - 1) ** 3 - x**2 * y**3


def star(x: Array, y: Array, *, points: int = 5, waist: float = 0.45) -> Array:
    """A star with straight edges."""
    sector = math.pi / points
    off = np.abs((np.arctan2(x, -y) + sector) % (2 * sector) - sector)
    radius = np.hypot(x, y)
    along, across = radius * np.cos(off) - 1, radius * np.sin(off)
    valley = waist * math.cos(sector) - 1, waist * math.sin(sector)
    return (along * valley[1] - across * valley[0]) / math.hypot(*valley)


def flower(x: Array, y: Array, *, petals: int = 6) -> Array:
    """Round petals about a middle."""
    sector = math.pi / petals
    off = (np.arctan2(y, x) + sector) % (2 * sector) - sector
    radius = np.hypot(x, y)
    petal = np.hypot((radius * np.cos(off) - 0.62) / 0.38, radius * np.sin(off) / 0.3) - 1
    return np.minimum(petal, (radius - 0.45) / 0.3)


def fish(x: Array, y: Array) -> Array:
    """A body between two arcs, head to the right, and a forked tail."""
    body = np.hypot(x - 0.15, np.abs(y) + 0.45) - 1.0
    tail = np.maximum(np.abs(y) - 0.75 * (-x - 0.42), np.maximum(-x - 1.1 + 0.45 * (0.5 - np.abs(y)), x + 0.42))
    return np.minimum(body, tail)


def bar(x: Array, y: Array, *, slim: float = 4.0) -> Array:
    """A box, `slim` times as long as it is wide."""
    return np.maximum(np.abs(x) - 1, np.abs(y) - 1 / slim)


def wedge(x: Array, y: Array) -> Array:
    """A triangle."""
    return np.maximum(y - 0.5, np.abs(x) * 0.866 - y * 0.5 - 0.5)


def arc(x: Array, y: Array, *, thickness: float = 0.1) -> Array:
    """A piece of a circle's line, bent about a point above its middle."""
    return np.maximum(np.abs(np.hypot(x, y + 1.2) - 1.2) - thickness, np.abs(x) - 0.9)


def stripes(x: Array, y: Array, *, period: float) -> Array:  # [SIDE, SIDE] in pixels -> in [0, 1]
    """Bands along x, as wide as the gaps between them."""
    return np.clip(0.5 + np.sin(2 * math.pi / period * y) * period / (2 * math.pi), 0, 1)


def spots(x: Array, y: Array, *, period: float) -> Array:  # [SIDE, SIDE] in pixels -> in [0, 1]
    """Discs on a lattice of triangles."""
    rows = period * math.sqrt(0.75)
    row = np.round(y / rows)
    shift = (row % 2) * period / 2
    return np.clip(0.5 + 0.31 * period - np.hypot((x - shift + period / 2) % period - period / 2, y - row * rows), 0, 1)


def lab(lightness: float, chroma: float, hue: float) -> Array:  # [3]
    """A colour of OKLab by its hue in degrees: red 25, yellow 100, green 145, blue 260."""
    turn = math.radians(hue)
    return np.array([lightness, chroma * math.cos(turn), chroma * math.sin(turn)])


def rgb(colour: Array) -> Array:  # [..., 3] OKLab -> [..., 3] sRGB in [0, 1]
    """What a screen shows; what it cannot show is clipped."""
    linear = np.clip((colour @ CONES.T) ** 3 @ RGB.T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
