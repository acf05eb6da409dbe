"""Small random shifts, turns and scalings in one resampling: what survives them all is not adversarial noise.

Lucid's standard transforms (`optvis/transform.py`) are pad, jitter, scale, rotate, jitter, each its own resampling.
Their composition is one affine map of the plane, so here a picture is sampled once (sharper, and several times
faster). The grey of the padding lies all around, without an edge of the padding itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

REFERENCE = 128  # the picture size for which Lucid's distances are meant
PADDING, JITTER, SECOND_JITTER = 12, 8, 4  # pixels at that size
SCALES = tuple(1 + step / 50 for step in range(-5, 6))  # 0.90, 0.92, … 1.10
ANGLES = (*range(-10, 11), 0, 0, 0, 0, 0)  # degrees; no turn is the likeliest
GREY = 0.5


@dataclass(frozen=True, slots=True)
class Draw:
    """One sample's transform; shifts (right, down) are in pixels, the angle in degrees."""

    first: tuple[float, float]
    scale: float
    angle: float
    second: tuple[float, float]

    def matrix(self) -> list[list[float]]:  # [2, 3]
        """From centred canvas pixels back to centred picture pixels (x right, y down).

        Undone in reverse: the second shift, the turn, the scaling, the first shift.
        """
        cosine, sine = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        a, b = cosine / self.scale, sine / self.scale
        right, down = self.second
        return [
            [a, b, a * right + b * down + self.first[0]],
            [-b, a, -b * right + a * down + self.first[1]],
        ]


STILL = Draw(first=(0.0, 0.0), scale=1.0, angle=0.0, second=(0.0, 0.0))


def draw(generator: np.random.Generator, *, size: int) -> Draw:
    """A random transform for pictures of `size` pixels."""
    return Draw(
        first=_shift(generator, scaled(JITTER, size)),
        scale=SCALES[generator.integers(len(SCALES))],
        angle=float(ANGLES[generator.integers(len(ANGLES))]),
        second=_shift(generator, scaled(SECOND_JITTER, size)),
    )


def scaled(distance: int, size: int) -> int:
    """A distance meant for 128 px, for pictures of `size` pixels."""
    return round(distance * size / REFERENCE)


def canvas_for(size: int) -> int:
    """The side of the canvas on which a padded picture is shown: 152 for 128."""
    return size + 2 * scaled(PADDING, size)


def warp(
    pictures: Tensor, draws: Sequence[Draw], *, canvas: int
) -> Tensor:  # [N, 3, size, size] -> [N, 3, canvas, canvas]
    """Every picture by its own transform, centred on a grey canvas; bilinear."""
    return sampled(pictures, grids(draws, size=pictures.shape[-1], canvas=canvas).to(pictures))


def sampled(pictures: Tensor, grid: Tensor) -> Tensor:  # [N, 3, size, size], [N, canvas, canvas, 2]
    """Every picture as its grid looks at it, on grey."""
    # Outside of the picture is grey, and zero is what the sampler puts there.
    return F.grid_sample(pictures - GREY, grid, mode="bilinear", padding_mode="zeros", align_corners=False) + GREY


def grids(draws: Sequence[Draw], *, size: int, canvas: int) -> Tensor:  # -> [N, canvas, canvas, 2], float64
    """Where each canvas pixel looks in the picture, in the sampler's coordinates: ±1 are the picture's edges."""
    matrices = torch.tensor([draw.matrix() for draw in draws], dtype=torch.float64)
    centred = torch.arange(canvas, dtype=torch.float64) - (canvas - 1) / 2
    across = centred[None, None, :, None] * matrices[:, None, None, :, 0]  # [N, 1, canvas, 2]
    down = centred[None, :, None, None] * matrices[:, None, None, :, 1]  # [N, canvas, 1, 2]
    return (across + down + matrices[:, None, None, :, 2]) * (2 / size)


def _shift(generator: np.random.Generator, most: int) -> tuple[float, float]:
    """A random crop by `most` pixels moves the picture's centre by up to half of that, in whole steps."""
    right, down = generator.integers(0, most + 1, size=2)
    return float(right - most / 2), float(down - most / 2)
