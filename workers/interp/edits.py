"""What is changed in a network, as data: typed edits, read from JSON and judged against the network they are for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from workers.interp.address import Unit

Moves = Mapping[Unit, Unit]
ZERO, MEAN, RESAMPLE = "zero", "mean", "resample"
SET, SCALE, WEIGHT, CUT, SPLICE = "set", "scale", "weight", "cut", "splice"


def silence(layer: str, *channels: int) -> dict[str, Any]:
    """The edit that sets units to zero at every position, as data."""
    return {"op": SET, "layer": layer, "channels": list(channels), "value": ZERO}


@dataclass(frozen=True, slots=True)
class Region:
    """Where a layer is set: its weights [H, W] in [0, 1] over the layer's positions, and how it was written."""

    weights: Tensor = field(repr=False, compare=False)
    written: tuple[tuple[str, Any], ...]

    def to_json(self) -> dict[str, Any]:
        """As it was written."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in self.written}


@dataclass(frozen=True, slots=True)
class Set:
    """Values replaced: x becomes (1 − a) · x + a · value, with a = `alpha` times the weight of the position."""

    layer: str
    channels: tuple[int, ...]
    site: str
    value: float | str  # a number, mean or resample
    where: Region | None
    alpha: float

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units that are changed."""
        return tuple(Unit(self.layer, channel) for channel in self.channels)

    def dosed(self, dose: float) -> "Set":
        """A part of it: 0 is nothing, 1 the whole."""
        return replace(self, alpha=self.alpha * dose)

    def moved(self, to: Moves) -> "Set":
        """The same done to other units."""
        return replace(self, channels=tuple(to[unit].channel for unit in self.units))

    def to_json(self) -> dict[str, Any]:
        """As data, complete."""
        where = self.where.to_json() if self.where else None
        value = ZERO if self.value == 0.0 else self.value
        said = {"op": SET, "layer": self.layer, "channels": list(self.channels), "site": self.site}
        return {**said, "value": value, "where": where, "alpha": self.alpha}


@dataclass(frozen=True, slots=True)
class Scale:
    """Values times a factor."""

    layer: str
    channels: tuple[int, ...]
    site: str
    factor: float

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units that are changed."""
        return tuple(Unit(self.layer, channel) for channel in self.channels)

    def dosed(self, dose: float) -> "Scale":
        """A part of it: 0 is the factor 1."""
        return replace(self, factor=1 + (self.factor - 1) * dose)

    def moved(self, to: Moves) -> "Scale":
        """The same done to other units."""
        return replace(self, channels=tuple(to[unit].channel for unit in self.units))

    def to_json(self) -> dict[str, Any]:
        """As data, complete."""
        said = {"op": SCALE, "layer": self.layer, "channels": list(self.channels), "site": self.site}
        return {**said, "factor": self.factor}


@dataclass(frozen=True, slots=True)
class Weight:
    """Stored numbers of one parameter replaced by one number, in a copy."""

    parameter: str
    index: tuple[int | None, ...]  # None stands for all
    value: float
    unit: Unit | None  # whose weights they are, where they are one unit's
    first: int = 0  # the unit's channel where the index is 0
    dose: float = 1.0

    @property
    def units(self) -> tuple[Unit, ...]:
        """The unit whose weights are changed, where it is one."""
        return (self.unit,) if self.unit else ()

    @property
    def place(self) -> tuple[int | slice, ...]:
        """The index as tensors are indexed."""
        return tuple(slice(None) if one is None else one for one in self.index)

    def dosed(self, dose: float) -> "Weight":
        """A part of the way from the stored number to the new one."""
        return replace(self, dose=self.dose * dose)

    def moved(self, to: Moves) -> "Weight":
        """The same done to another unit's weights."""
        assert self.unit is not None
        unit = to[self.unit]
        return replace(self, unit=unit, index=(unit.channel - self.first, *self.index[1:]))

    def to_json(self) -> dict[str, Any]:
        """As data, complete."""
        return {"op": WEIGHT, "parameter": self.parameter, "index": list(self.index), "value": self.value}


@dataclass(frozen=True, slots=True)
class Cut:
    """A target computed as if a source were zero, while everybody else sees the source as it is."""

    source: Unit
    target: Unit
    dose: float = 1.0

    @property
    def units(self) -> tuple[Unit, ...]:
        """The unit that is not listened to."""
        return (self.source,)

    def dosed(self, dose: float) -> "Cut":
        """A part of the way from the whole target to the one that does not listen."""
        return replace(self, dose=self.dose * dose)

    def moved(self, to: Moves) -> "Cut":
        """The same target, deaf to another source."""
        return replace(self, source=to[self.source])

    def to_json(self) -> dict[str, Any]:
        """As data."""
        return {"op": CUT, "source": str(self.source), "target": str(self.target)}


@dataclass(frozen=True, slots=True)
class Splice:
    """Units computed by other weights: their pre-activation is `weight` ∗ input + `bias`, whatever normalisation is
    behind the layer's own.
    """

    layer: str
    channels: tuple[int, ...]
    site: str  # where they are what others read
    node: str  # the convolution or linear map that computes them
    first: int  # the channel of the node's first unit
    weights: str  # SHA-256 of the file
    weight: Tensor = field(repr=False, compare=False)  # [k, in, kh, kw] or [k, in]
    bias: Tensor = field(repr=False, compare=False)  # [k]
    dose: float = 1.0

    @property
    def units(self) -> tuple[Unit, ...]:
        """The units that are replaced."""
        return tuple(Unit(self.layer, channel) for channel in self.channels)

    def dosed(self, dose: float) -> "Splice":
        """A blend of old weights and new, normalisation folded in."""
        return replace(self, dose=self.dose * dose)

    def moved(self, to: Moves) -> "Splice":
        """The same weights in the place of other units."""
        return replace(self, channels=tuple(to[unit].channel for unit in self.units))

    def to_json(self) -> dict[str, Any]:
        """As data."""
        said = {"op": SPLICE, "layer": self.layer, "channels": list(self.channels)}
        return {**said, "weights": self.weights}


Edit = Set | Scale | Weight | Cut | Splice


def dosed(edits: Sequence[Edit], dose: float) -> tuple[Edit, ...]:
    """A part of every edit."""
    return tuple(edit.dosed(dose) for edit in edits)


def moved(edits: Sequence[Edit], to: Moves) -> tuple[Edit, ...]:
    """Every edit done to other units."""
    return tuple(edit.moved(to) for edit in edits)


def ablated(edits: Sequence[Edit]) -> tuple[Edit, ...]:
    """The edits with every splice replaced by silence: what the spliced weights have to make up for."""
    return tuple(Set(it.layer, it.channels, it.site, 0.0, None, 1.0) if isinstance(it, Splice) else it for it in edits)


def needs(edits: Sequence[Edit], value: str) -> tuple[Set, ...]:
    """The edits that set units to `mean`, or `resample` them."""
    return tuple(edit for edit in edits if isinstance(edit, Set) and edit.value == value)


def units_of(edits: Sequence[Edit]) -> tuple[Unit, ...]:
    """All units that edits change, each once, in order."""
    return tuple(dict.fromkeys(unit for edit in edits for unit in edit.units))


def blended(old: Tensor, new: Tensor | float, share: Tensor | float) -> Tensor:
    """(1 − share) · old + share · new, exactly the one or the other where the share is 0 or 1."""
    wanted = torch.as_tensor(new, dtype=old.dtype, device=old.device).expand_as(old)
    weight = torch.as_tensor(share, dtype=old.dtype, device=old.device)
    mixed = old * (1 - weight) + wanted * weight
    # Where nothing is changed not even an infinity or the sign of a zero may be.
    return torch.where(weight == 0, old, torch.where(weight == 1, wanted, mixed))
