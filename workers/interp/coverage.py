"""How much of a square pixel a shape covers, by formula: what keeps drawn lines equally heavy in every orientation."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Plane:
    """Where pixels lie from a middle, in pixels; [H, W] each.

    `x` is how far along the direction `axis` (degrees counter-clockwise from the right), `y` how far to the left of it.
    """

    x: Tensor
    y: Tensor
    axis: float = 0.0

    @classmethod
    def of(cls, size: Size, centre: tuple[float, float]) -> "Plane":
        """The pixels of a picture of `size` (height, width), along its rows and upwards; `centre` is row and column."""
        rows, columns = (torch.arange(length, dtype=torch.float64) for length in size)
        y, x = torch.meshgrid(centre[0] - rows, columns - centre[1], indexing="ij")
        return cls(x, y)

    def turned(self, degrees: float) -> "Plane":
        """The same pixels along another direction, so many degrees further."""
        cos, sin = cosine(degrees), cosine(degrees - 90)
        return Plane(self.x * cos + self.y * sin, self.y * cos - self.x * sin, self.axis + degrees)

    def moved(self, x: float, y: float) -> "Plane":
        """The same pixels seen from another middle."""
        return Plane(self.x - x, self.y - y, self.axis)

    @property
    def distance(self) -> Tensor:  # [H, W]
        """From the middle."""
        return torch.hypot(self.x, self.y)


@dataclass(frozen=True, slots=True)
class Outline:
    """How far every pixel's middle lies beyond an outline, and which way the outline faces there: cosine and sine."""

    beyond: Tensor  # [H, W]
    cos: Tensor
    sin: Tensor

    @property
    def inside(self) -> Tensor:  # -> [H, W] in [0, 1]
        """The share of each pixel that lies before the outline; exact where that is straight within the pixel."""
        return self._share(-self.beyond)

    def strip(self, width: float) -> Tensor:  # -> [H, W] in [0, 1]
        """The share of each pixel within half a width of the outline, on both sides."""
        return self._share(width / 2 - self.beyond) - self._share(-width / 2 - self.beyond)

    def _share(self, depth: Tensor) -> Tensor:
        """How much of a unit square lies below a straight line that is `depth` above its middle.

        Seen along the line's normal a square is as wide as two boxes convolved, of widths |cos| and |sin|.
        """
        wide, narrow = torch.maximum(self.cos.abs(), self.sin.abs()), torch.minimum(self.cos.abs(), self.sin.abs())
        straight = 0.5 + depth / wide
        corner = ((wide + narrow) / 2 - depth.abs()).clamp(min=0).square() / (2 * wide * narrow).clamp(min=1e-12)
        cut = torch.where(depth > 0, 1 - corner, corner)
        return torch.where(depth.abs() <= (wide - narrow) / 2, straight, cut)


def facing(plane: Plane, degrees: float = 0.0) -> Outline:
    """A straight outline through the middle that faces along a plane's axis, or so many degrees further."""
    turned = plane.turned(degrees)
    return Outline(turned.x, *(torch.full_like(turned.x, cosine(turned.axis - less)) for less in (0, 90)))


def circle(plane: Plane, radius: float) -> Outline:
    """A circle around the middle, facing outwards."""
    distance = plane.distance
    cos, sin = cosine(plane.axis), cosine(plane.axis - 90)
    near = distance.clamp(min=1e-12)
    across, up = (plane.x * cos - plane.y * sin) / near, (plane.x * sin + plane.y * cos) / near
    return Outline(distance - radius, torch.where(distance > 0, across, torch.ones_like(across)), up)


def either(choose: Tensor, first: Outline, second: Outline) -> Outline:  # [H, W] of truth
    """The first outline where it is chosen, the second elsewhere."""
    pairs = ((first.beyond, second.beyond), (first.cos, second.cos), (first.sin, second.sin))
    return Outline(*(torch.where(choose, one, other) for one, other in pairs))


def cosine(degrees: float) -> float:
    """Exact for whole quarters of a turn, so that turning by one is exact, too."""
    quarter, rest = divmod(degrees % 360, 90)
    cos, sin = math.cos(math.radians(rest)), math.sin(math.radians(rest))
    return (cos, -sin, -cos, sin)[int(quarter)]
