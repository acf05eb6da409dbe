"""All connections of a network at once: every norm between adjacent layers, and the kernels of the strongest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.interp.adjacency import Adjacency
from workers.interp.errors import NotLinear
from workers.interp.kernels import Kernel, Pair, spread
from workers.interp.lens import Lens
from workers.interp.pathways import PICTURE, Pathways


@dataclass(frozen=True, slots=True)
class Bundle:
    """The kernels of some pairs of units, all of one shape: `kernels[i]` leads from `pairs[i, 1]` to `pairs[i, 0]`."""

    pairs: Tensor  # [P, 2]: target, source
    kernels: Tensor  # [P, h, w]
    first: Pair
    stride: Pair


@dataclass(frozen=True, slots=True)
class Connectome:
    """Two adjacent layers: the norm of every connection, and for each unit the strongest in both directions."""

    target: str
    source: str
    norms: Tensor  # [T, S]
    listens: Tensor  # [T, k]: the sources of each target, the strongest first
    feeds: Tensor  # [k, S]: the targets of each source
    bundles: tuple[Bundle, ...]


def adjacent(lens: Lens) -> Iterator[tuple[str, str]]:
    """The pairs (target, source) of layers that are next to each other, in depth order, seen through bottlenecks."""
    adjacency = Adjacency(lens.checkpoint)
    found: dict[str, dict[str, None]] = {}
    for key, layer in lens.layers.items():
        sources = (it for channel in range(layer.channels) for it in adjacency.upstream(key, channel))
        found[key] = dict.fromkeys(sources)
    between = {key for key in found if not adjacency.is_step(key)}
    for target in found:
        if target in between:
            yield from ((target, source) for source in found[target])


def norms(lens: Lens) -> Mapping[tuple[str, str], Tensor]:
    """The norm of every connection between adjacent layers, by (target, source): [T, S] each.

    What has no linear form is left out.
    """
    found = {}
    for target, source in adjacent(lens):
        try:
            found[target, source] = _between(lens, target, source).norms()
        except NotLinear:
            continue
    return found


def connectome(lens: Lens, *, top: int = 20) -> Iterator[Connectome]:
    """Layer by layer, all norms and for each unit the `top` strongest connections in both directions, with kernels."""
    for target, source in adjacent(lens):
        try:
            yield _strongest(_between(lens, target, source), top=top)
        except NotLinear:
            continue


def _between(lens: Lens, target: str, source: str) -> Pathways:
    return Pathways(lens, target=target, source=None if source == PICTURE and source not in lens.layers else source)


def _strongest(ways: Pathways, *, top: int) -> Connectome:
    composed = list(ways.composed())
    matrix = torch.zeros(ways.target.channels, ways.width, dtype=ways.lens.dtype, device=ways.lens.device)
    for leaf, part, kernel in composed:
        matrix[leaf.start : leaf.stop, part.start : part.stop] = kernel.norms()
    listens = matrix.topk(min(top, matrix.shape[1]), dim=1).indices
    feeds = matrix.topk(min(top, matrix.shape[0]), dim=0).indices
    wanted = torch.zeros_like(matrix, dtype=torch.bool)
    wanted.scatter_(1, listens, True).scatter_(0, feeds, True)
    bundles = []
    for leaf, part, kernel in composed:
        places = wanted[leaf.start : leaf.stop, part.start : part.stop].nonzero()
        offset = torch.tensor([leaf.start, part.start], device=places.device)
        bundles.append(_gathered(kernel, places, offset))
    return Connectome(ways.target.key, ways.name, matrix, listens, feeds, tuple(bundles))


def _gathered(kernel: Kernel, places: Tensor, offset: Tensor) -> Bundle:  # [P, 2]
    """The kernels of chosen pairs; only these are spread out."""
    chosen = kernel.weights[places[:, 0], :, :, places[:, 1]]
    if kernel.blur is not None:
        chosen = spread(chosen[:, None], kernel.blur.window.to(chosen), kernel.blur.step)[:, 0]
    return Bundle(places + offset, chosen, kernel.first, kernel.stride)
