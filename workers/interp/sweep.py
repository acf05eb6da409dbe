"""A family of stimuli for one place of a network: what is varied and what is fixed, as numbers, and the pictures."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.interp import stimuli
from workers.interp.checkpoint import Checkpoint
from workers.interp.coverage import Size
from workers.interp.quantities import PIXELS, QUANTITIES, Quantity
from workers.interp.stimuli import FAMILIES, GREY
from workers.interp.tuning_knobs import PICTURE, TAKES, Knobs

Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Spot:
    """Where stimuli lie: around the middle of what one position sees, in pixels of the input.

    `position` is (H // 2, W // 2) of the map, `centre` the row and column of the middle of its receptive field, `field`
    how many pixels that has along its longer side, within the picture. Behind a flattening the one position sees all.
    """

    position: tuple[int, int]
    centre: tuple[float, float]
    field: float
    size: Size

    @classmethod
    def of(cls, checkpoint: Checkpoint, layer: str) -> "Spot":
        """The spot of a layer at the network's input size."""
        it, size = checkpoint.layers[layer], checkpoint.input_spec.size
        field = float(min(max(it.receptive_field), max(size)))
        middle = (size[0] - 1) / 2, (size[1] - 1) / 2
        if it.stride is None:
            return cls((0, 0), middle, field, size)
        position = it.positions[0] // 2, it.positions[1] // 2
        rows, columns = (cls.middle(it.first[axis], it.stride[axis], it.receptive_field[axis], position[axis])
                         for axis in (0, 1))  # fmt: skip
        return cls(position, (rows, columns), field, size)

    @staticmethod
    def middle(first: int, stride: int, size: int, position: int) -> float:
        """The middle of what a position sees, along one axis."""
        return first + position * stride + (size - 1) / 2


@dataclass(frozen=True, slots=True)
class Axis:
    """What is varied: its values, and after how many degrees it comes round, where it does."""

    quantity: Quantity
    values: Array
    period: float | None

    def facts(self) -> dict[str, Any]:
        """As a finding names it."""
        it = self.quantity
        return {
            "name": it.name,
            "title": it.title,
            "unit": it.unit,
            "period": self.period,
            "values": self.values.tolist(),
        }


@dataclass(frozen=True)
class Sweep:
    """All stimuli of a question at one spot, in the order of the first axis, then of the second."""

    params: Knobs
    spot: Spot

    @cached_property
    def fixed(self) -> Mapping[str, float]:
        """What is not varied, lengths in pixels."""
        names = [name for name in TAKES[self.params.family] if name not in self.params.axes]
        return {name: QUANTITIES[name].filled(getattr(self.params, name), field=self.spot.field) for name in names}

    @cached_property
    def axes(self) -> tuple[Axis, ...]:
        """What is varied."""
        return tuple(self._axis(place, QUANTITIES[name]) for place, name in enumerate(self.params.axes))

    @property
    def shape(self) -> tuple[int, ...]:
        """How many values each axis has."""
        return tuple(len(axis.values) for axis in self.axes)

    def values(self) -> Iterator[dict[str, float]]:
        """What describes each stimulus."""
        names = self.params.axes
        for chosen in product(*(axis.values.tolist() for axis in self.axes)):
            yield {**self.fixed, **dict(zip(names, chosen, strict=True))}

    def picture(self, values: Mapping[str, float]) -> Tensor:  # -> [3, H, W] in [0, 1]
        """One drawn stimulus."""
        family = FAMILIES[self.params.family]
        return stimuli.render(family, values, size=self.spot.size, centre=self.spot.centre)

    def ground(self) -> Tensor:  # -> [3, H, W]
        """What stimuli lie on, alone."""
        return torch.full((3, *self.spot.size), GREY)

    def facts(self) -> dict[str, Any]:
        """What is fixed, with its unit."""
        return {name: {"value": value, "unit": QUANTITIES[name].unit} for name, value in self.fixed.items()}

    def _axis(self, place: int, quantity: Quantity) -> Axis:
        steps, ends = self.params.steps_of(place), self.params.ends_of(place)
        period = self._period(quantity)
        if period and ends[0] == ends[1]:
            return Axis(quantity, np.arange(steps) * (period / steps), period)
        low, high = quantity.range(*ends, field=self.spot.field)
        return Axis(quantity, np.linspace(low, high, steps), None)

    def _period(self, quantity: Quantity) -> float | None:
        if self.params.family == PICTURE:
            return quantity.period
        # A phase that is varied is not always 0.
        phase = {"phase": 90.0} if "phase" in self.params.axes else {}
        return FAMILIES[self.params.family].period(quantity, {**self.fixed, **phase})


def cropped(picture: Tensor, spot: Spot) -> Tensor:  # [3, H, W] -> [3, h, w]
    """What the position sees of a picture, for a small view of it."""
    half = spot.field / 2
    rows, columns = (
        slice(max(0, round(middle - half + 0.5)), max(1, round(middle + half + 0.5))) for middle in spot.centre
    )
    return picture[:, rows, columns]


def written(value: float, unit: str) -> str:
    """A number with its unit, as captions have it."""
    text = f"{value:.3g}".replace("-", "−")
    return f"{text} {unit}" if unit == PIXELS else f"{text}{unit}"
