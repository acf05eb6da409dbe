"""Expected weights: what a unit listens to on average over pictures, with the gates as these really set them."""

import math
from collections.abc import Iterator, Sequence
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from workers.interp.errors import NotLinear
from workers.interp.kernels import Kernel, Pair
from workers.interp.layers import Part
from workers.interp.lens import Lens
from workers.interp.pathways import Path, Pathways
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
    return Expected(lens, images, target=target, source=source).kernel(channel)


class Expected(Pathways):
    """What the units of a layer listen to on average over pictures, by the function above.

    `norms` are still those of the best case, which bound the expected ones wherever slopes lie between 0 and 1. What a
    picture's values are at the source is computed once, and what lies behind it once for all units of a leaf.
    """

    def __init__(self, lens: Lens, images: Tensor, *, target: str, source: str | None) -> None:
        super().__init__(lens, target=target, source=source, kind="best-case")
        self.images = images.to(lens.device, lens.dtype)  # [N, 3, H, W] in [0, 1]
        self._kernels: dict[int, Kernel] = {}

    def kernel(self, channel: int) -> Kernel:  # [1, h, w, S]
        """The expected weights of one unit; where nothing leads to it, a single zero."""
        self.average([channel])
        return self._kernels[channel]

    def paths(self, channel: int) -> tuple[Path, ...] | None:
        """The only way by which the source reaches a unit; None where gates decide which of several carries most."""
        found = super().paths(channel)
        return found if found is not None and len(found) == 1 else None

    def average(self, channels: Sequence[int]) -> None:
        """Work out the kernels of these units, those that share a leaf together."""
        wanted = [channel for channel in dict.fromkeys(channels) if channel not in self._kernels]
        for leaf in self.leaves:
            of_leaf = [channel for channel in wanted if leaf.start <= channel < leaf.stop]
            if of_leaf and not self.reaches(leaf):
                self._kernels |= {channel: super(Expected, self).kernel(channel) for channel in of_leaf}
            elif of_leaf:
                self._average(leaf, of_leaf)

    def _average(self, leaf: Part, channels: Sequence[int]) -> None:
        if odd := sorted(self.left_out(leaf)):
            raise NotLinear(source=self.name, target=self.target.key, operation=odd[0])
        shapes = {channel: super(Expected, self).kernel(channel) for channel in channels}
        totals = {it: torch.zeros(*shape.size, self.width, dtype=torch.float64) for it, shape in shapes.items()}
        counted = {it: torch.zeros(shape.size, dtype=torch.float64) for it, shape in shapes.items()}
        for batch in torch.split(self.images, TOGETHER):
            maps, values = self._run(leaf, batch)
            for channel, shape in shapes.items():
                summed, count = _summed(maps[:, channel - leaf.start], values, shape)
                totals[channel] += summed
                counted[channel] += count
        for channel, shape in shapes.items():
            weights = totals[channel] / counted[channel].clamp(min=1)[..., None]
            whole = weights[None].to(self.lens.device, self.lens.dtype)
            self._kernels[channel] = Kernel(whole, shape.first, shape.stride)

    def _run(self, leaf: Part, batch: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The maps of a leaf, [N, T, H, W] or [N, T], and the source's values, from which they can be derived."""
        holders = [part.node for part in self.sources]
        start, tensors = self.lens.graph.input, self.lens.tensors
        known = {start: self.lens.prepare(batch)}
        with torch.no_grad():
            values = Program(self.lens.graph, tensors, targets=holders, given=[start])(known)
        leaves = [values[name].detach().clone().requires_grad_() for name in holders]
        program = Program(self.lens.graph, tensors, targets=[leaf.node], given=[start, *holders])
        with torch.enable_grad():
            maps = program({**known, **dict(zip(holders, leaves, strict=True))})[leaf.node]
        return maps, leaves


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
