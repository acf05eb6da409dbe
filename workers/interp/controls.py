"""What an effect is held against: other units of the layer that fire alike, for which the same was done."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.interp.address import Unit
from workers.interp.checkpoint import Checkpoint
from workers.interp.edits import Edit, Moves, Splice, Weight, units_of
from workers.interp.makers import makers
from workers.interp.streams import Stream

NEAREST = 2  # times as many candidates as controls: near enough to match, enough to choose among


@dataclass
class Profile:
    """How much the units of a layer fire on pictures: mean activation, and the share of positions above zero."""

    total: Tensor  # [C]
    above: Tensor  # [C]
    count: int = 0

    @classmethod
    def empty(cls, channels: int) -> "Profile":
        """Of no pictures."""
        return cls(torch.zeros(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64))

    def add(self, values: Tensor) -> None:  # [N, C, H, W] or [N, C]
        """The next pictures."""
        flat = values.double().reshape(*values.shape[:2], -1)
        self.total += flat.sum((0, 2)).cpu()
        self.above += (flat > 0).double().sum((0, 2)).cpu()
        self.count += flat.shape[0] * flat.shape[2]

    @property
    def mean(self) -> Tensor:  # [C]
        """Mean activation."""
        return self.total / self.count

    @property
    def rate(self) -> Tensor:  # [C]
        """Firing rate."""
        return self.above / self.count


def candidates(checkpoint: Checkpoint, edits: Sequence[Edit]) -> dict[Unit, list[Unit]]:
    """For each unit that edits change the units to which the same could be done; none where it cannot be."""
    touched = set(units_of(edits))
    if any(not edit.units for edit in edits):
        return {}
    return {unit: [it for it in _like(checkpoint, edits, unit) if it not in touched] for unit in units_of(edits)}


def _like(checkpoint: Checkpoint, edits: Sequence[Edit], unit: Unit) -> Iterator[Unit]:
    """The units of the layer; where weights are changed, those that the same tensor computes."""
    span = range(checkpoint.layers[unit.layer].channels)
    for edit in edits:
        if isinstance(edit, Weight | Splice) and unit in edit.units:
            name = edit.parameter if isinstance(edit, Weight) else checkpoint.graph[edit.node].tensors["weight"]
            maker = makers(checkpoint.graph, checkpoint)[name]
            span = range(max(span.start, maker.first), min(span.stop, maker.first + maker.shape[0]))
    return (Unit(unit.layer, channel) for channel in span)


def most(found: Mapping[Unit, list[Unit]], wanted: int) -> int:
    """How many controls there can be: no two of them share a unit."""
    beside = Counter(unit.layer for unit in found)
    return min([wanted, *(len(others) // beside[unit.layer] for unit, others in found.items())]) if found else 0


def draw(
    found: Mapping[Unit, list[Unit]], profiles: Mapping[str, Profile], *, count: int, stream: Stream
) -> list[Moves]:
    """`count` ways to do the same to other units, matched one by one in mean activation and firing rate."""
    pools = {
        unit: _pool(unit, others, profiles[unit.layer], count=count * len(found), stream=stream, place=place)
        for place, (unit, others) in enumerate(found.items())
    }
    moves: list[Moves] = []
    used: set[Unit] = set()
    for _ in range(count):
        move = {}
        for unit, pool in pools.items():
            move[unit] = next(other for other in pool if other not in used)
            used.add(move[unit])
        moves.append(move)
    return moves


def _pool(
    unit: Unit, others: Sequence[Unit], profile: Profile, *, count: int, stream: Stream, place: int
) -> list[Unit]:
    """The units that fire most alike, in random order, behind them the rest.

    Alike is how far two are apart in mean activation, by its spread in the layer, and in firing rate.
    """
    mean, rate = profile.mean, profile.rate
    spread = float(mean.std(correction=0)) or 1.0
    apart = (mean - mean[unit.channel]).abs() / spread + (rate - rate[unit.channel]).abs()
    ordered = sorted(others, key=lambda other: (float(apart[other.channel]), other.channel))
    near, far = ordered[: NEAREST * count], ordered[NEAREST * count :]
    shuffled = stream.at(place).permutation(len(near))
    return [near[index] for index in shuffled] + far
