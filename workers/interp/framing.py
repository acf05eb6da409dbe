"""How large a picture and its canvas are: as asked for, unless something before the unit takes one size only."""

from collections.abc import Iterable
from dataclasses import dataclass

from workers.interp import geometry, warp
from workers.interp.checkpoint import Checkpoint
from workers.interp.errors import BadGraph, FixedInput


@dataclass(frozen=True, slots=True)
class Frame:
    """Pixels a side: of the picture, and of the canvas it is moved about on."""

    size: int
    canvas: int


def frame(checkpoint: Checkpoint, layers: Iterable[str], *, site: str, size: int) -> Frame:
    """The frame for pictures of `size` pixels whose units are in `layers`.

    A linear map behind a flattening, among the ancestors of a layer, takes one input size: then picture and canvas
    both have the native size. Raises FixedInput where that is not square, NoSuchSite.
    """
    wanted = Frame(size, warp.canvas_for(size))
    nodes = [part.node for layer in layers for part in checkpoint.layers[layer].require(site)]
    if _accepts(checkpoint, nodes, side=wanted.canvas) and _accepts(checkpoint, nodes, side=size):
        return wanted
    height, width = checkpoint.input_spec.size
    if height != width:
        raise FixedInput(height=height, width=width)
    return Frame(height, height)


def _accepts(checkpoint: Checkpoint, nodes: list[str], *, side: int) -> bool:
    """Whether the values of these nodes can be computed for an input of this side."""
    try:
        geometry.shapes(checkpoint.graph, checkpoint.shapes, given=(3, side, side), targets=nodes)
    except BadGraph:
        return False
    return True
