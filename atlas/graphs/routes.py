"""The course of an edge: out of its source to the right, through its lanes, into its target from the left.

`static/circuit.js` follows the same rule, so that an edge keeps its course when a node is moved.
"""

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from atlas.graphs.layout import Point

LEAST = 40.0  # how far an edge that has to turn back goes on before it does
PIECES = 32  # straight ones that stand for a curve where there are only straight ones
Cubic = tuple[Point, Point, Point, Point]


@dataclass(frozen=True, slots=True)
class Route:
    """A chain of cubic curves, each horizontal at both ends."""

    curves: tuple[Cubic, ...]

    @property
    def path(self) -> str:
        """As the `d` of an SVG path."""
        first = self.curves[0][0]
        return f"M{_said(first)}" + "".join(f"C{' '.join(_said(at) for at in curve[1:])}" for curve in self.curves)

    def points(self) -> list[Point]:
        """Straight pieces that look like it."""
        found = [self.curves[0][0]]
        for curve in self.curves:
            found += [_at(curve, step / PIECES) for step in range(1, PIECES + 1)]
        return found

    def along(self, *parts: float) -> list[Point]:
        """The points after these parts of its length, 0 to 1."""
        points = self.points()
        passed = [0.0, *accumulate(math.dist(one, two) for one, two in pairwise(points))]
        return [_between(points, passed, part * passed[-1]) for part in parts]


def route(start: Point, way: Sequence[Point], end: Point) -> Route:
    """From one point to another; lanes that do not lie between them are passed by no more."""
    between = [at for at in way if start[0] < at[0] < end[0]]
    return Route(tuple(_curves([start, *between, end])))


def _curves(stops: Sequence[Point]) -> Iterator[Cubic]:
    for (x, y), (to_x, to_y) in pairwise(stops):
        reach = max((to_x - x) / 2, min(LEAST + abs(to_x - x) / 4, 3 * LEAST) if to_x - x < 2 * LEAST else 0)
        yield (x, y), (x + reach, y), (to_x - reach, to_y), (to_x, to_y)


def _between(points: Sequence[Point], passed: Sequence[float], length: float) -> Point:
    """The point after so much of a chain of straight pieces."""
    piece = min(max(bisect_left(passed, length), 1), len(points) - 1)
    whole = passed[piece] - passed[piece - 1]
    share = (length - passed[piece - 1]) / whole if whole else 0.0
    (x, y), (to_x, to_y) = points[piece - 1], points[piece]
    return (x + (to_x - x) * share, y + (to_y - y) * share)


def _at(curve: Cubic, t: float) -> Point:
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = curve
    a, b, c, d = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
    return (a * ax + b * bx + c * cx + d * dx, a * ay + b * by + c * cy + d * dy)


def _said(at: Point) -> str:
    return f"{number(at[0])},{number(at[1])}"


def number(value: float) -> str:
    """A coordinate with one decimal at most."""
    return f"{value:.1f}".removesuffix(".0").replace("-0", "-0" if abs(value) >= 0.05 else "0")
