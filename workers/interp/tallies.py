"""What is counted of a unit at every position as it goes by: powers, signs and bins, and no value is kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import torch
from torch import Tensor

BINS = 64
TOGETHER = 2**19  # values at a time: they and their powers stay in a processor's cache
CONSTANT = 1e-6  # of its mean: a deviation below is rounding
TINY = 1e-30  # a narrower range has no bins in 32 bits
FIXED, COUNTED = ("shift", "low", "high"), ("powers", "active", "bins")


def peaks(values: Tensor) -> tuple[Tensor, Tensor]:  # [N, C, H, W] -> [N, C], [N, C] int64
    """The spatial maximum of each unit and its position y·W + x, the first in row order where there are several.

    The maxima of rows first, then only the row that wins is searched: a search of everything takes three times as long.
    """
    by_place = values.permute(0, 2, 3, 1)
    count, _, width, channels = by_place.shape
    highest, row = by_place.amax(2).max(1)
    chosen = by_place.gather(1, row[:, None, None, :].expand(count, 1, width, channels))[:, 0]
    return highest, row * width + chosen.max(1).indices


def as_maps(values: Tensor) -> Tensor:  # [N, C] or [N, C, H, W] -> [N, C, H, W]
    """Values behind a flattening have a single position."""
    return values if values.ndim == 4 else values[:, :, None, None]


@dataclass
class Tally:
    """Running counts of some units over all positions of all items.

    `powers` are the sums of d, d², d³ and d⁴ of the deviation d from `shift`, the mean over the first batch: near the
    mean nothing cancels. Batches are summed in the network's precision and added up in float64, so tallies of two parts
    of a dataset with one shift add up to that of the whole. `bins` [C, 66] counts what is below `low`, in 64 equal bins
    up to `high`, and what is not below `high`; the range is that of the first batch and half of it more on each side.
    """

    shift: Tensor  # [C], as low and high
    low: Tensor
    high: Tensor
    powers: Tensor  # [4, C]
    active: Tensor  # [C], how often above 0
    bins: Tensor  # [C, 66]
    positions: int = 0
    _buffers: tuple[Tensor, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, values: Tensor) -> "Tally":  # [N, C, H, W]
        """An empty one, whose shift and range are those of a first batch."""
        rows = _rows(values)
        shift, least, most = (torch.nan_to_num(it) for it in (rows.mean(0), rows.amin(0), rows.amax(0)))
        spread, large = most - least, torch.maximum(least.abs(), most.abs())
        room = torch.where(spread > CONSTANT * large, spread / 2, large.clamp(min=1))
        usable = torch.isfinite(spread + 2 * room) & (spread + room > TINY)
        low, high = torch.where(usable, least - room, 0), torch.where(usable, most + room, 1)
        width = values.shape[1]
        active, bins = (torch.zeros(shape, dtype=torch.int64) for shape in ((width,), (width, BINS + 2)))
        return cls(shift, low, high, torch.zeros(4, width, dtype=torch.float64), active, bins)

    def add(self, values: Tensor, *, sound: bool = True) -> None:  # [N, C, H, W]
        """Count a batch. Unless it is `sound`, there are values in it that are no numbers, which count as 0."""
        rows = _rows(values)
        if not sound:
            rows = torch.nan_to_num(rows)
        width, bins, sums = rows.shape[1], [], []
        start, scale, offsets = self._scale
        for some in torch.split(rows, max(1, TOGETHER // width)):
            first, second, whole = self._room(some)
            sums.append(torch.gt(some, 0, out=first).sum(0))
            torch.sub(some, start, out=first).mul_(scale).clamp_(0, BINS + 1)
            whole.copy_(first).add_(offsets)  # what is cut to a whole number below is 0
            bins.append(torch.bincount(whole.view(-1), minlength=width * (BINS + 2)))
            sums += self._powers(some, first, second)
        active, *powers = torch.stack(sums).view(-1, 5, width).double().sum(0).cpu()
        self.active += active.long()
        self.powers += torch.stack(powers)
        self.bins += torch.stack(bins).sum(0).view(width, -1).cpu()
        self.positions += rows.shape[0]

    def state(self) -> dict[str, Tensor]:
        """All of it as tensors."""
        held = {name: getattr(self, name).cpu() for name in (*FIXED, *COUNTED)}
        return {**held, "positions": torch.tensor(self.positions)}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor], *, device: torch.device) -> "Tally":
        """The tally that was written down, on the device of the network."""
        shift, low, high = (state[name].to(device) for name in FIXED)
        powers, active, bins = (state[name] for name in COUNTED)
        return cls(shift, low, high, powers, active, bins, int(state["positions"]))

    def moments(self) -> Tensor:  # -> [C, 4] float64
        """Mean, variance, third and fourth central moment, of the population."""
        first, second, third, fourth = self.powers / self.positions
        variance = (second - first**2).clamp(min=0)
        skew = third - 3 * first * second + 2 * first**3
        tail = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
        return torch.stack([self.shift.cpu().double() + first, variance, skew, tail], dim=1)

    def _powers(self, some: Tensor, first: Tensor, second: Tensor) -> list[Tensor]:
        torch.sub(some, self.shift, out=first)
        torch.mul(first, first, out=second)
        return [first.sum(0), second.sum(0), torch.mul(first, second, out=first).sum(0), second.square_().sum(0)]

    @cached_property
    def _scale(self) -> tuple[Tensor, Tensor, Tensor]:
        """A value less the first, times the second, is 0 to 1 below the range and 1 to 65 in it; then come places."""
        scale = BINS / (self.high - self.low)
        offsets = torch.arange(0, len(scale) * (BINS + 2), BINS + 2, dtype=torch.int32, device=scale.device)
        return self.low - 1 / scale, scale, offsets

    def _room(self, some: Tensor) -> Iterator[Tensor]:
        """Two buffers like these values and one of whole numbers: new memory would cost more than the arithmetic."""
        if not self._buffers or self._buffers[0].shape[0] < some.shape[0]:
            self._buffers = (*(torch.empty_like(some) for _ in range(2)), torch.empty_like(some, dtype=torch.int32))
        return (buffer[: some.shape[0]] for buffer in self._buffers)


def standardised(mean: float, variance: float, third: float, fourth: float) -> tuple[float | None, float | None]:
    """Skewness and kurtosis (3 for a normal distribution); None for a unit that is constant but for rounding."""
    if variance <= (CONSTANT * abs(mean)) ** 2:
        return None, None
    return third / variance**1.5, fourth / variance**2


def _rows(values: Tensor) -> Tensor:  # [N, C, H, W] -> [N·H·W, C]
    return values.permute(0, 2, 3, 1).reshape(-1, values.shape[1])
