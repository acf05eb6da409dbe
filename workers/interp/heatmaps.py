"""Signed numbers as pictures: red where they excite, blue where they inhibit, white where there is nothing."""

import torch
from torch import Tensor

from workers.interp import encode

SIDE = 72  # pixels that a small kernel fills
# The ends of ColorBrewer's RdBu (Brewer 2003), which the colour-blind tell apart too.
EXCITES, INHIBITS = (178.0, 24.0, 43.0), (33.0, 102.0, 172.0)


def heatmap(values: Tensor, *, scale: float) -> Tensor:  # [h, w] -> [3, H, W] uint8
    """Colours from white towards red or blue, full at ±`scale`; each number a square of whole pixels."""
    cell = max(1, SIDE // max(values.shape))
    return colours(values, scale=scale).repeat_interleave(cell, 1).repeat_interleave(cell, 2)


def colours(values: Tensor, *, scale: float) -> Tensor:  # [h, w] -> [3, h, w] uint8
    """The same with one pixel a number."""
    share = (values.double() / scale).clamp(-1, 1) if scale else torch.zeros_like(values, dtype=torch.float64)
    ends = torch.where(share[None] < 0, _colour(INHIBITS), _colour(EXCITES))  # [3, h, w]
    return (255 + (ends - 255) * share.abs()).round().to(torch.uint8)


def png(values: Tensor, *, scale: float) -> tuple[bytes, tuple[int, int]]:  # [h, w]
    """The picture as PNG, with its width and height."""
    pixels = heatmap(values.cpu(), scale=scale)
    return encode.png(pixels), (pixels.shape[2], pixels.shape[1])


def _colour(rgb: tuple[float, float, float]) -> Tensor:
    return torch.tensor(rgb, dtype=torch.float64)[:, None, None]
