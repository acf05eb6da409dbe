"""Weights between two values of a network, composed step by step: what one position listens to, and how far it lies."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Blur:
    """A window that every channel goes through alike, every `step` positions: a pooling that waits to be spread out.

    Poolings and strides act on space and mappings over channels on channels, so that a 1 × 1 convolution can be
    composed before the pooling behind it, on as many times fewer numbers as the window is large.
    """

    window: Tensor  # [h, w]
    step: Pair

    def then(self, window: Tensor, step: Pair) -> "Blur":  # [h, w]
        """This one, and one more towards the source."""
        return Blur(
            spread(self.window[None, None], window, step)[0, 0], (self.step[0] * step[0], self.step[1] * step[1])
        )


@dataclass(frozen=True, slots=True)
class Kernel:
    """How T units at position p depend on C channels: `weights[t, y, x, c]` belongs to channel c at position
    p · `stride` + `first` + (y, x), once the `blur` that is still to be applied has spread them out.
    """

    weights: Tensor  # [T, h, w, C]
    first: Pair = (0, 0)
    stride: Pair = (1, 1)
    blur: Blur | None = None

    def whole(self) -> "Kernel":
        """The same with nothing left to be spread out."""
        if self.blur is None:
            return self
        spreads = spread(self.weights.permute(0, 3, 1, 2), self.blur.window.to(self.weights), self.blur.step)
        return replace(self, weights=spreads.permute(0, 2, 3, 1), blur=None)

    def behind(self, weight: Tensor, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> "Kernel":
        """Composed with a convolution [M, C / groups, k, k]: k₁ + s₁(k₂ − 1) wide, the full convolution of both."""
        size = (weight.shape[2], weight.shape[3])
        if size == (1, 1):
            mixed = replace(self, weights=mixing(self.weights, weight[:, :, 0, 0], groups=groups))
            return mixed if stride == (1, 1) and padding == (0, 0) else mixed.pooled(1.0, (1, 1), stride, padding)
        here = self.whole()
        height, width = here.weights.shape[1:3]
        reach = [(n - 1) * s for n, s in zip((height, width), stride, strict=True)]
        span = [far + d * (k - 1) + 1 for far, d, k in zip(reach, dilation, size, strict=True)]
        composed = here.weights.new_zeros(len(here.weights), *span, weight.shape[1] * groups)
        for y, x in product(range(size[0]), range(size[1])):
            top, left = y * dilation[0], x * dilation[1]
            rows = slice(top, top + reach[0] + 1, stride[0])
            composed[:, rows, left : left + reach[1] + 1 : stride[1]] += mixing(
                here.weights, weight[:, :, y, x], groups=groups
            )
        return here.moved(composed, stride, padding)

    def pooled(self, value: float, size: Pair, stride: Pair, padding: Pair, dilation: Pair = (1, 1)) -> "Kernel":
        """Composed with a pooling that gives each position of its window the weight `value`."""
        window = torch.zeros([d * (k - 1) + 1 for k, d in zip(size, dilation, strict=True)], dtype=torch.float64)
        window[:: dilation[0], :: dilation[1]] = value
        blur = self.blur.then(window, stride) if self.blur else Blur(window, stride)
        return replace(self.moved(self.weights, stride, padding), blur=blur)

    def moved(self, weights: Tensor, stride: Pair, padding: Pair) -> "Kernel":  # [T, h, w, C]
        """Other weights, on the grid behind an operation of this stride and padding."""
        first = (self.first[0] * stride[0] - padding[0], self.first[1] * stride[1] - padding[1])
        return Kernel(weights, first, (self.stride[0] * stride[0], self.stride[1] * stride[1]), self.blur)

    def scaled(self, scale: Tensor | float) -> "Kernel":  # [C] or a number
        """Every channel times its own factor."""
        return replace(self, weights=self.weights * scale)

    def part(self, start: int, stop: int) -> "Kernel":
        """What concerns the channels [start, stop) alone."""
        return replace(self, weights=self.weights[..., start:stop])

    def beside(self, other: "Kernel") -> "Kernel":
        """The sum of two: what reaches the same channels by another path."""
        one, two = self.whole(), other.whole()
        first = tuple(map(min, one.first, two.first))
        last = [max(a + n, b + m) for a, n, b, m in zip(one.first, one.size, two.first, two.size, strict=True)]
        span = [end - start for start, end in zip(first, last, strict=True)]
        total = one.weights.new_zeros(len(one.weights), *span, one.weights.shape[3])
        for it in (one, two):
            top, left = it.first[0] - first[0], it.first[1] - first[1]
            total[:, top : top + it.size[0], left : left + it.size[1]] += it.weights
        return replace(one, weights=total, first=(first[0], first[1]))

    @property
    def size(self) -> Pair:
        """Height and width of the weights as they lie here."""
        return self.weights.shape[1], self.weights.shape[2]

    def norms(self) -> Tensor:  # [T, C]
        """The L2 norm over space, without spreading anything out.

        A blur is a linear map of the h·w numbers of a kernel; with the Cholesky factor L of its Gram matrix
        |blur(k)| = |Lᵀk|.
        """
        flat = self.weights.flatten(1, 2)  # [T, h·w, C]
        if self.blur is not None:
            flat = torch.matmul(factor(self.blur, self.size).T.to(flat), flat)
        # Torch's own norm over an inner dimension is fifty times slower on a CPU.
        return flat[:, 0].abs() if flat.shape[1] == 1 else flat.square().sum(1).sqrt_()


def mixing(weights: Tensor, weight: Tensor, *, groups: int) -> Tensor:  # [T, h, w, M], [M, C / groups] -> [T, h, w, C]
    """A mapping over channels, composed at every offset."""
    if groups == 1:
        return weights @ weight
    apart = weights.reshape(*weights.shape[:3], groups, -1)
    return torch.einsum("thwgm,gmc->thwgc", apart, weight.reshape(groups, -1, weight.shape[1])).flatten(3)


def spread(weights: Tensor, window: Tensor, step: Pair) -> Tensor:  # [T, C, h, w], [a, b] -> [T, C, H, W]
    """Each weight spread over a window, neighbours `step` apart: the full convolution with a pooling's window."""
    flat = weights.reshape(-1, 1, *weights.shape[2:])
    spreads = F.conv_transpose2d(flat, window[None, None].to(flat), stride=step)
    return spreads.reshape(*weights.shape[:2], *spreads.shape[2:])


def factor(blur: Blur, size: Pair) -> Tensor:  # [h·w, h·w]
    """L with L Lᵀ = B Bᵀ, where row a of B is what the blur makes of a lone 1 at offset a."""
    alone = torch.eye(size[0] * size[1], dtype=torch.float64).reshape(-1, 1, *size)
    blurred = spread(alone, blur.window, blur.step).flatten(1)
    # Windows at different places are linearly independent, so that the Gram matrix is positive definite.
    found: Tensor = torch.linalg.cholesky(blurred @ blurred.T)
    return found


def of_convolution(weight: Tensor, rows: Sequence[int] | slice, *, groups: int) -> Tensor:  # -> [T, k, k, C]
    """The kernels of some of a convolution's units, over all channels of its input."""
    chosen = weight[rows].permute(0, 2, 3, 1)
    if groups == 1:
        return chosen
    each, total = len(weight) // groups, weight.shape[1] * groups
    of = torch.arange(len(weight))[rows] // each
    dense = chosen.new_zeros(*chosen.shape[:3], total)
    for place, group in enumerate(of.tolist()):
        dense[place, :, :, group * weight.shape[1] : (group + 1) * weight.shape[1]] = chosen[place]
    return dense
