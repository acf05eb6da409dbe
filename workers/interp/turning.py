"""Turning a picture around one of its points, behind a round window: what a unit saw, in every orientation."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from workers.interp.coverage import Plane, Size
from workers.interp.stimuli import GREY, window
from workers.interp.sweep import Sweep

Point = tuple[float, float]  # row and column


def turned(
    picture: Tensor, *, about: Point, to: Point, size: Size, degrees: float, diameter: float
) -> Tensor:  # [3, H, W] in [0, 1] -> [3, *size] float32
    """A picture turned counter-clockwise around the point `about`, which comes to lie at `to` on grey.

    Only what lies in a round window of this diameter is shown; it fades to grey over the outer quarter of its radius,
    and so does everything beyond the picture's own edge. Bilinear; at quarters of a turn, and where the two points lie
    on pixels alike, pixels are moved and not mixed.
    """
    plane = Plane.of(size, to)
    source = plane.turned(degrees)
    height, width = picture.shape[1:]
    columns = 2 * (about[1] + source.x) / max(width - 1, 1) - 1
    rows = 2 * (about[0] - source.y) / max(height - 1, 1) - 1
    grid = torch.stack([columns, rows], dim=-1)[None]
    seen = functional.grid_sample(picture.double()[None] - GREY, grid, align_corners=True)[0]
    return (GREY + seen * window(plane, size=diameter)).to(torch.float32)


@dataclass(frozen=True)
class Turned(Sweep):
    """A picture [3, H, W] in every orientation, turned around `about`, in the place of drawn stimuli."""

    shown: Tensor
    about: Point

    def picture(self, values: Mapping[str, float]) -> Tensor:  # -> [3, H, W] in [0, 1]
        """The picture in one orientation."""
        return turned(
            self.shown,
            about=self.about,
            to=self.spot.centre,
            size=self.spot.size,
            degrees=values["orientation"],
            diameter=values["size"],
        )
