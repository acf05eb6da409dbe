"""Expected weights: what a unit listens to on average over pictures, with the gates as these really set them."""

import math
from collections.abc import Iterator
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from workers.interp.errors import NotLinear
from workers.interp.kernels import Kernel, Pair
from workers.interp.lens import Lens
from workers.interp.pathways import Pathways
from workers.interp.program import Program

TOGETHER = 8  # pictures a pass


def expected(
    lens: Lens,
    images: Tensor,  # [N, 3, H, W] in [0, 1]
    *,
    target: str,
    channel: int,
    source: str | None,
) -> Kernel:  # [1, h, w, S]
    """∂ a unit's pre-activation at every position / ∂ source activation at equal offset, the mean over all of them.

    The mean goes over the pictures and over the positions at which the offset lies within the source's map. Without a
    source it is the picture as the network takes it. With every gate open and average-pooling these are the expanded
    weights; where units fire equally and independently they are so up to a constant (Voss et al. 2021). Raises what
    Pathways raises.
    """
    ways = Pathways(lens, target=target, source=source)
    shape = ways.kernel(channel)
    leaf = next(it for it in ways.leaves if it.start <= channel < it.stop)
    if odd := sorted(ways.left_out(leaf)):
        raise NotLinear(source=ways.name, target=target, operation=odd[0])
    holders = [part.node for part in ways.sources]
    program = Program(lens.graph, lens.tensors, targets=[leaf.node], given=[lens.graph.input, *holders])
    before = Program(lens.graph, lens.tensors, targets=holders, given=[lens.graph.input])
    total = torch.zeros(*shape.size, ways.width, dtype=torch.float64)
    counted = torch.zeros(shape.size, dtype=torch.float64)
    for batch in torch.split(images, TOGETHER):
        known = {lens.graph.input: lens.prepare(batch)}
        with torch.no_grad():
            values = before(known)
        leaves = [values[name].detach().clone().requires_grad_() for name in holders]
        with torch.enable_grad():
            maps = program({**known, **dict(zip(holders, leaves, strict=True))})[leaf.node][:, channel - leaf.start]
        summed, count = _summed(maps, leaves, shape)
        total += summed
        counted += count
    weights = total / counted.clamp(min=1)[..., None]
    return Kernel(weights[None].to(lens.dtype), shape.first, shape.stride)


def _summed(maps: Tensor, leaves: list[Tensor], shape: Kernel) -> tuple[Tensor, Tensor]:  # [N, H, W] or [N]
    """The sum of all gradients by offset [h, w, S], and how many there are [h, w]."""
    grid = maps if maps.ndim == 3 else maps[:, None, None]
    height, width = leaves[0].shape[2:] if leaves[0].ndim == 4 else (1, 1)
    # Positions so far apart that no two of them listen to the same place are differentiated at once.
    apart = tuple(max(1, math.ceil(size / stride)) for size, stride in zip(shape.size, shape.stride, strict=True))
    total = torch.zeros(*shape.size, sum(leaf.shape[1] for leaf in leaves), dtype=torch.float64)
    counts = [
        _count(positions, length, size=size, first=first, stride=stride)
        for positions, length, size, first, stride in zip(
            grid.shape[1:], (height, width), shape.size, shape.first, shape.stride, strict=True
        )
    ]
    for phase in product(*(range(min(far, length)) for far, length in zip(apart, grid.shape[1:], strict=True))):
        chosen = grid[:, phase[0] :: apart[0], phase[1] :: apart[1]]
        found = torch.autograd.grad(chosen.sum(), leaves, retain_graph=True, allow_unused=True)
        gradients = [torch.zeros_like(leaf) if it is None else it for it, leaf in zip(found, leaves, strict=True)]
        joined = torch.cat([it if it.ndim == 4 else it[:, :, None, None] for it in gradients], 1).double()
        for (y, x), part in _windows(joined, shape, phase=(phase[0], phase[1]), apart=apart, seen=chosen.shape[1:]):
            total[y, x] += part.cpu()
    return total, len(maps) * counts[0][:, None] * counts[1][None]


def _windows(
    gradient: Tensor, shape: Kernel, *, phase: Pair, apart: tuple[int, ...], seen: torch.Size
) -> Iterator[tuple[Pair, Tensor]]:
    """For each offset what lies at it, summed over positions and pictures: [S]."""
    pads = [
        (max(0, -first), max(0, (p + (n - 1) * far) * stride + first + size - length))
        for p, n, far, stride, first, size, length in zip(
            phase, seen, apart, shape.stride, shape.first, shape.size, gradient.shape[2:], strict=True
        )
    ]
    padded = F.pad(gradient, (*pads[1], *pads[0]))
    starts = [p * s + f + pad[0] for p, s, f, pad in zip(phase, shape.stride, shape.first, pads, strict=True)]
    steps = [far * stride for far, stride in zip(apart, shape.stride, strict=True)]
    for y, x in product(range(shape.size[0]), range(shape.size[1])):
        rows = slice(starts[0] + y, starts[0] + y + (seen[0] - 1) * steps[0] + 1, steps[0])
        columns = slice(starts[1] + x, starts[1] + x + (seen[1] - 1) * steps[1] + 1, steps[1])
        yield (y, x), padded[:, :, rows, columns].sum((0, 2, 3))


def _count(positions: int, length: int, *, size: int, first: int, stride: int) -> Tensor:  # [size]
    """At how many positions each offset along an axis lies within the map."""
    at = torch.arange(positions)[:, None] * stride + first + torch.arange(size)
    return ((at >= 0) & (at < length)).sum(0).double()
