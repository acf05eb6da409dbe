"""What is counted of a unit at every position as it goes by: powers and bins, and no value is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

BINS = 64
WIDE = 256  # values of a row, at most: what is done row by row takes as long to begin as to do with short ones
TOGETHER = 2**17  # values at a time: they and their powers stay in a processor's cache
COUNTED = 4  # times as many, whose bins are counted at once: each count begins with an empty table
CONSTANT = 1e-6  # of its mean: a deviation below is rounding
TINY = 1e-30  # a narrower range has no bins in 32 bits
Array = np.ndarray[Any, Any]
FIXED, SUMMED = ("shift", "low", "high"), ("powers", "beyond", "bins")


def peaks(values: Tensor) -> tuple[Tensor, Tensor]:  # [N, C, H, W] -> [N, C], [N, C] int64
    """The spatial maximum of each unit and its position y·W + x, the first in row order where there are several.

    A pooling of the whole map finds both in one pass over memory; a reduction to maxima takes twice as long, and twenty
    times for channels that do not fill a multiple of 64.
    """
    highest, place = F.max_pool2d(values, values.shape[2:], return_indices=True)
    return highest.flatten(1), place.flatten(1)


def as_maps(values: Tensor) -> Tensor:  # [N, C] or [N, C, H, W] -> [N, C, H, W]
    """Values behind a flattening have a single position."""
    return values if values.ndim == 4 else values[:, :, None, None]


class Room:
    """Buffers that all tallies of a recording use in turn: new memory would cost more than the arithmetic."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, torch.dtype], Tensor] = {}

    def of(self, name: str, rows: int, like: Tensor) -> Tensor:  # [W] -> [rows, W]
        """So many rows like this one; in them is what somebody left there."""
        width = like.shape[0]
        held = self._held.get((name, like.dtype))
        if held is None or held.shape[0] < rows * width:
            held = self._held[name, like.dtype] = like.new_empty(rows * width)
        return held[: rows * width].view(rows, width)


@dataclass(frozen=True)
class _Row:
    """What a row of values is held against; all are [W], the same units as often as there are positions in a row."""

    shift: Tensor
    origin: Tensor
    scale: Tensor
    first: Tensor
    last: Tensor
    place: Tensor


@dataclass
class Tally:
    """Running counts of some units over all positions of all items.

    `powers` are the sums of d, d², d³ and d⁴ of the deviation d from `shift`, the mean over the first batch: near the
    mean nothing cancels. Batches are summed in the network's precision, but never in less than 32 bits, and added up in
    float64, so tallies of two parts of a dataset with one shift add up to that of the whole.

    `bins` [C, 66] counts what is not above `low`, what is in 64 equal bins up to `high`, each with its upper edge, and
    what is above `high`; the range is that of the first batch and half of it more on each side. If 0 is in it, it moves
    by half a bin at most, so that 0 is an edge and bins say how many values are above 0. If not, `beyond` counts the
    values on the other side of 0.
    """

    shift: Tensor  # [C], as low and high
    low: Tensor
    high: Tensor
    powers: Tensor  # [4, C]
    beyond: Tensor  # [C]
    bins: Tensor  # [C, 66]
    positions: int = 0
    _rows: dict[int, _Row] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, values: Tensor) -> "Tally":  # [N, C, H, W]
        """An empty one, whose shift and range are those of a first batch."""
        rows = _by_position(values).to(torch.promote_types(values.dtype, torch.float32))
        shift, least, most = (torch.nan_to_num(it) for it in (rows.mean(0), rows.amin(0), rows.amax(0)))
        spread, large = most - least, torch.maximum(least.abs(), most.abs())
        room = torch.where(spread > CONSTANT * large, spread / 2, large.clamp(min=1))
        usable = torch.isfinite(spread + 2 * room) & (spread + room > TINY)
        low, high = torch.where(usable, least - room, 0), torch.where(usable, most + room, 1)
        size, holds = (high - low) / BINS, (low <= 0) & (high >= 0)
        edge = (low / size).round()
        low, high = torch.where(holds, edge * size, low), torch.where(holds, (edge + BINS) * size, high)
        width = values.shape[1]
        beyond, bins = (torch.zeros(shape, dtype=torch.int64) for shape in ((width,), (width, BINS + 2)))
        return cls(shift, low, high, torch.zeros(4, width, dtype=torch.float64), beyond, bins)

    def add(self, values: Tensor, *, sound: bool = True, room: Room | None = None) -> None:  # [N, C, H, W]
        """Count a batch. Unless it is `sound`, there are values in it that are no numbers, which count as 0."""
        positions = _by_position(values)
        if not sound:
            positions = torch.nan_to_num(positions)
        room, row = room or Room(), self._row(positions.shape[0])
        rows = positions.view(-1, row.scale.shape[0])  # [R, W]
        each = max(1, TOGETHER // rows.shape[1])
        first, second = (room.of(name, each, row.scale) for name in ("first", "second"))
        ones, whole = row.scale.new_ones(1, each), room.of("codes", COUNTED * each, row.place)
        sums, counted = [], []
        for many in torch.split(rows, COUNTED * each):
            codes = whole[: many.shape[0]]
            for some, code in zip(torch.split(many, each), torch.split(codes, each), strict=True):
                if some.shape[0] < each:  # the last ones
                    first, second, ones = first[: some.shape[0]], second[: some.shape[0]], ones[:, : some.shape[0]]
                self._code(some, row, first, out=code)
                sums += _powers(some, row, first, second, ones)
            counted.append(torch.bincount(codes.view(-1), minlength=self.bins.numel()))
        self._take(positions, torch.cat(sums), counted)

    @property
    def active(self) -> Tensor:  # [C]
        """How many values are above 0."""
        low, high = self.low.cpu(), self.high.cpu()
        zero = (-low * BINS / (high - low)).round()
        above = torch.where(torch.arange(BINS + 2) > zero[:, None], self.bins, 0).sum(1)
        return torch.where(low > 0, self.positions - self.beyond, torch.where(high < 0, self.beyond, above))

    def state(self) -> dict[str, Tensor]:
        """All of it as tensors."""
        held = {name: getattr(self, name).cpu() for name in (*FIXED, *SUMMED)}
        return {**held, "positions": torch.tensor(self.positions)}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor], *, device: torch.device) -> "Tally":
        """The tally that was written down, on the device of the network."""
        shift, low, high = (state[name].to(device) for name in FIXED)
        powers, beyond, bins = (state[name] for name in SUMMED)
        return cls(shift, low, high, powers, beyond, bins, int(state["positions"]))

    def moments(self) -> Tensor:  # -> [C, 4] float64
        """Mean, variance, third and fourth central moment, of the population."""
        first, second, third, fourth = self.powers / self.positions
        variance = (second - first**2).clamp(min=0)
        skew = third - 3 * first * second + 2 * first**3
        tail = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
        return torch.stack([self.shift.cpu().double() + first, variance, skew, tail], dim=1)

    def _code(self, some: Tensor, row: _Row, buffer: Tensor, *, out: Tensor) -> None:
        """The places of values in the table of bins. A product keeps its sign: 0 is an edge to the last digit."""
        if len(self._apart[0]):
            torch.sub(some, row.origin, out=buffer).mul_(row.scale)
        else:
            torch.mul(some, row.scale, out=buffer)
        out.copy_(buffer.clamp_(row.first, row.last).ceil_()).add_(row.place)

    def _take(self, positions: Tensor, sums: Tensor, counted: Sequence[Tensor]) -> None:
        """Add up what was summed and counted of a batch, by numpy: over so few numbers it makes less ado than torch."""
        units = self.bins.shape[0]
        powers = sums.cpu().numpy().reshape(-1, 4, sums.shape[1] // units, units).sum((0, 2), dtype=np.float64)
        bins = np.add.reduce([it.cpu().numpy() for it in counted]).reshape(self.bins.shape)
        self.powers += torch.from_numpy(powers)
        self.bins += torch.from_numpy(bins)
        self.positions += positions.shape[0]
        apart, ends = self._apart
        beyond = torch.from_numpy(apart[bins[apart, ends] > 0])
        if len(beyond):  # what is out of the range there may be on the other side of 0
            there, above = positions[:, beyond.to(positions.device)].cpu(), self.low.cpu()[beyond] > 0
            self.beyond[beyond] += torch.where(above, there <= 0, there > 0).sum(0)

    @cached_property
    def _apart(self) -> tuple[Array, Array]:
        """The units whose range does not hold 0, and their bins on 0's side of it."""
        low, high = self.low.cpu().numpy(), self.high.cpu().numpy()
        units = np.flatnonzero((low > 0) | (high < 0))
        return units, np.where(low[units] > 0, 0, BINS + 1)

    def _row(self, positions: int) -> _Row:
        """What values are held against, for rows of as many of these positions as divide them."""
        if positions not in self._rows:
            units = len(self.shift)
            times = max(it for it in range(1, max(1, WIDE // units) + 1) if positions % it == 0)
            origin = torch.where((self.low > 0) | (self.high < 0), self.low, 0)
            scale = BINS / (self.high - self.low)
            first = ((self.low - origin) * scale).round()
            place = torch.arange(units, device=first.device) * (BINS + 2) - first.long()
            place = place.to(torch.int16 if units * (BINS + 2) < 2**15 else torch.int32)
            held = (self.shift, origin, scale, first, first + BINS + 1, place)
            self._rows[positions] = _Row(*(it.repeat(times) for it in held))
        return self._rows[positions]


def standardised(mean: float, variance: float, third: float, fourth: float) -> tuple[float | None, float | None]:
    """Skewness and kurtosis (3 for a normal distribution); None for a unit that is constant but for rounding."""
    if variance <= (CONSTANT * abs(mean)) ** 2:
        return None, None
    return third / variance**1.5, fourth / variance**2


def _powers(
    some: Tensor, row: _Row, first: Tensor, second: Tensor, ones: Tensor
) -> list[Tensor]:  # [R, W] -> 4 × [1, W]
    """Sums of the first four powers of deviations, as products with a row of ones: nothing sums columns quicker."""
    return [
        torch.mm(ones, torch.sub(some, row.shift, out=first)),
        torch.mm(ones, torch.mul(first, first, out=second)),
        torch.mm(ones, first.mul_(second)),
        torch.mm(ones, second.mul_(second)),
    ]


def _by_position(values: Tensor) -> Tensor:  # [N, C, H, W] -> [N·H·W, C]
    return values.permute(0, 2, 3, 1).reshape(-1, values.shape[1]).contiguous()
