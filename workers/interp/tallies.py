"""What is counted of a unit at every position as it goes by: powers and bins, and no value is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workers.interp.looking import BINS, TABLE, look

CONSTANT = 1e-6  # of its mean: a deviation below is rounding
TINY = 1e-30  # a narrower range has no bins in 32 bits
Array = np.ndarray[Any, Any]
FIXED, SUMMED = ("shift", "low", "high"), ("powers", "active", "bins")


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


class Lattice(NamedTuple):
    """Positions of a map that are counted: of every `step`-th row and column, from the first ones."""

    step: int = 1
    down: int = 0
    right: int = 0

    def of(self, maps: Tensor) -> Tensor:  # [N, C, H, W] -> [N, C, ⌈(H − down) / step⌉, ⌈(W − right) / step⌉]
        """Only their values."""
        return maps[:, :, self.down :: self.step, self.right :: self.step]


EVERY = Lattice()


@dataclass
class Tally:
    """Running counts of some units over positions of items.

    `powers` are the sums of d, d², d³ and d⁴ of the deviation d from `shift`, the mean over the first batch: near the
    mean nothing cancels. Some hundred positions are summed in the network's precision, but never in less than 32 bits,
    and added up in float64, so tallies of two parts of a dataset with one shift add up to that of the whole.

    `bins` [C, 66] counts what is not above `low`, what is in 64 equal bins up to `high`, each with its upper edge, and
    what is above `high`; the range is that of the first batch and half of it more on each side. If 0 is in it, it moves
    by half a bin at most, so that 0 is an edge: then as many are above 0 as the bins above it say. That many are
    `active`, wherever the range is.
    """

    shift: Array  # [C], as low and high
    low: Array
    high: Array
    powers: Array  # [4, C] float64
    active: Array  # [C] int64
    bins: Array  # [C, 66] int64
    positions: int = 0

    @classmethod
    def of(cls, values: Tensor) -> "Tally":  # [N, C, H, W]
        """An empty one, whose shift and range are those of a first batch."""
        rows = _by_position(_exact(values)).flatten(0, 1)
        shift, least, most = (torch.nan_to_num(it) for it in (rows.mean(0), rows.amin(0), rows.amax(0)))
        spread, large = most - least, torch.maximum(least.abs(), most.abs())
        room = torch.where(spread > CONSTANT * large, spread / 2, large.clamp(min=1))
        usable = torch.isfinite((most + room) - (least - room)) & (spread + room > TINY)
        low, high = torch.where(usable, least - room, 0), torch.where(usable, most + room, 1)
        size, holds = (high - low) / BINS, (low <= 0) & (high >= 0)
        edge = (low / size).round()
        low, high = torch.where(holds, edge * size, low), torch.where(holds, (edge + BINS) * size, high)
        units = values.shape[1]
        return cls(
            shift=shift.cpu().numpy(),
            low=low.cpu().numpy(),
            high=high.cpu().numpy(),
            powers=np.zeros((4, units)),
            active=np.zeros(units, np.int64),
            bins=np.zeros((units, TABLE), np.int64),
        )

    def see(  # [N, C, H, W] -> [N, C], [N, C] int32
        self, maps: Tensor, lattice: Lattice = EVERY, *, rectify: bool = False
    ) -> tuple[Array, Array]:
        """Count a batch at the positions of a lattice; answer each item's maxima over all of them, and where these are.

        A processor does it in one look, anything else by operations of torch, to the same but for the last digits of
        powers. What is no number is above all as a maximum, spoils the powers of its own unit, and falls in the first
        bin. With `rectify` the maps become those of a ReLU: what has been brought near is written back at once.
        """
        values = _exact(maps)
        rows = _by_position(values)
        counted = rows if lattice == EVERY else _by_position(lattice.of(values))
        on_processor = values.device.type == "cpu"
        in_place = rectify and on_processor and rows.data_ptr() == maps.data_ptr()
        if on_processor:
            found = self._look(rows, counted, rectify=in_place)
        else:
            self.add(counted)
            highest, places = peaks(values)
            found = highest.cpu().numpy(), places.int().cpu().numpy()
        if rectify and not in_place:
            maps.relu_()
        return found

    def add(self, rows: Tensor) -> None:  # [N, P, C]
        """Count what there is at all positions by operations of torch, wherever that is."""
        self.positions += rows.shape[0] * rows.shape[1]
        shift, origin, scale, first = torch.from_numpy(self._ruler).to(rows)
        deviations = power = rows - shift
        for exponent in range(4):
            self.powers[exponent] += power.sum(1).cpu().double().sum(0).numpy()
            power = power * deviations
        codes = ((rows - origin) * scale).ceil() - first
        codes = torch.where(codes > 0, codes, 0).clamp(max=TABLE - 1).long()
        codes += TABLE * torch.arange(len(first), device=rows.device)
        counts = torch.bincount(codes.flatten(), minlength=self.bins.size)
        self.bins += counts.cpu().numpy().reshape(self.bins.shape)
        self.active += (rows > 0).sum((0, 1)).cpu().numpy()

    def state(self) -> dict[str, Array]:
        """All of it as arrays."""
        return {**{name: getattr(self, name) for name in (*FIXED, *SUMMED)}, "positions": np.array(self.positions)}

    @classmethod
    def restored(cls, state: Mapping[str, Tensor]) -> "Tally":
        """The tally that was written down."""
        held = {name: state[name].numpy().copy() for name in (*FIXED, *SUMMED)}
        return cls(**held, positions=int(state["positions"]))

    @np.errstate(invalid="ignore", over="ignore")
    def moments(self) -> Array:  # -> [C, 4] float64
        """Mean, variance, third and fourth central moment, of the population; not finite where a value was not."""
        first, second, third, fourth = self.powers / self.positions
        variance = np.maximum(second - first**2, 0)
        skew = third - 3 * first * second + 2 * first**3
        tail = fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4
        return np.stack([self.shift + first, variance, skew, tail], axis=1)

    @cached_property
    def _ruler(self) -> Array:  # [4, C]
        """The shift, and how bins are found: the origin, bins to a unit of response, and the bin that comes first.

        Bins are counted from 0 where that is in the range, because a product keeps its sign and a difference may not.
        """
        origin = np.where((self.low > 0) | (self.high < 0), self.low, 0)
        scale = BINS / (self.high - self.low)
        return np.stack([self.shift, origin, scale, np.round((self.low - origin) * scale)]).astype(self.shift.dtype)

    def _look(self, rows: Tensor, counted: Tensor, *, rectify: bool) -> tuple[Array, Array]:
        self.positions += counted.shape[0] * counted.shape[1]
        sums, shape = (self._ruler, self.powers, self.active, self.bins), rows.shape[::2]
        highest, places = np.empty(shape, self._ruler.dtype), np.empty(shape, np.int32)
        apart = counted is not rows
        if apart:
            look(counted.numpy(), *sums, highest, places, count=True, rectify=False)
        look(rows.numpy(), *sums, highest, places, count=not apart, rectify=rectify)
        return highest, places


def standardised(mean: float, variance: float, third: float, fourth: float) -> tuple[float | None, float | None]:
    """Skewness and kurtosis (3 for a normal distribution); None for a unit that is constant but for rounding."""
    if variance <= (CONSTANT * abs(mean)) ** 2:
        return None, None
    return third / variance**1.5, fourth / variance**2


def _exact(values: Tensor) -> Tensor:
    """In the network's precision, but never in less than 32 bits."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def _by_position(values: Tensor) -> Tensor:  # [N, C, H, W] -> [N, H·W, C]
    return values.permute(0, 2, 3, 1).flatten(1, 2).contiguous()
