"""How large a picture and its canvas are: as asked for, unless something before the unit takes one size only."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from workers.interp import warp
from workers.interp.checkpoint import Checkpoint
from workers.interp.errors import FixedInput

MARGIN, GRAIN, LEAST = 1.5, 8, 16  # of a receptive field; pixels


@dataclass(frozen=True, slots=True)
class Frame:
    """Pixels a side: of the picture, and of the canvas it is moved about on."""

    size: int
    canvas: int
    halves: bool = False  # whether a picture of half the size can be shown, too


def frame(checkpoint: Checkpoint, layers: Iterable[str], *, site: str, size: int) -> Frame:
    """The frame for pictures of `size` pixels whose units are in `layers`.

    A linear map behind a flattening, among the ancestors of a layer, takes one input size: then picture and canvas
    both have the native size. Raises FixedInput where that is not square, NoSuchSite.
    """
    wanted = Frame(size, warp.canvas_for(size))
    nodes = [part.node for layer in layers for part in checkpoint.layers[layer].require(site)]
    if checkpoint.accepts(nodes, side=wanted.canvas) and checkpoint.accepts(nodes, side=size):
        half = size // 2
        halves = all(checkpoint.accepts(nodes, side=side) for side in (half, warp.canvas_for(half)))
        return Frame(size, wanted.canvas, halves)
    height, width = checkpoint.input_spec.size
    if height != width:
        raise FixedInput(height=height, width=width)
    return Frame(height, height)


def cropped(checkpoint: Checkpoint, layers: Iterable[str], *, size: int) -> int:
    """Pixels a side that are enough to show what a position sees, moved about as it is; at most `size`.

    A picture that is shrunk to 0.9, turned by 10° and shifted still covers the receptive field when it is half as large
    again. A layer that sees everything gets all of it.
    """
    seen = [checkpoint.layers[layer].receptive_field for layer in layers]
    if any(one is None for one in seen):
        return size
    side = max(max(one) for one in seen if one is not None)
    return min(size, max(LEAST, math.ceil(MARGIN * side / GRAIN) * GRAIN))
