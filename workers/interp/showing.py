"""Showing stimuli to a layer and recording what its units answer; a series is shown once, whoever asked for it."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from workers.interp import encode
from workers.interp.address import Unit
from workers.interp.images import quantised
from workers.interp.lens import Lens
from workers.interp.plan import Plan
from workers.interp.probe import Blob
from workers.interp.sweep import Axis, Spot, Sweep, cropped, written
from workers.interp.tuning_knobs import CENTRE, Knobs
from workers.interp.turning import Turned

TOGETHER = {"cpu": 8}  # stimuli a pass
MANY = 64  # on other devices
EXAMPLES = 8  # stimuli that are shown along an axis, at most
Array = np.ndarray
Key = tuple[str, str, int | None]


@dataclass(frozen=True, slots=True)
class Question:
    """A unit and where it is read."""

    unit: Unit
    site: str


@dataclass(frozen=True)
class Recording:
    """What all units of a layer answered to a series: [stimuli, units], to the ground alone, and who stayed finite."""

    sweep: Sweep
    answers: Array
    ground: Array
    finite: Array

    @cached_property
    def examples(self) -> tuple[Blob, ...]:
        """Some of the stimuli along each axis, cut to what the position sees; of two axes, amid the other one."""
        return tuple(self._example(axis, place) for axis, it in enumerate(self.sweep.axes) for place in _some(it))

    def _example(self, axis: int, place: int) -> Blob:
        axes = self.sweep.axes
        chosen = [place if at == axis else 0 if it.period else len(it.values) // 2 for at, it in enumerate(axes)]
        values = {it.quantity.name: float(it.values[at]) for it, at in zip(axes, chosen, strict=True)}
        pixels = quantised(cropped(self.sweep.picture({**self.sweep.fixed, **values}), self.sweep.spot)[None])[0]
        data, (width, height) = encode.thumbnail(pixels)
        said = ", ".join(
            f"{it.quantity.title.lower()} {written(values[it.quantity.name], it.quantity.unit)}" for it in axes
        )
        facts = {
            "axis": axes[axis].quantity.name,
            "place": place,
            "value": values[axes[axis].quantity.name],
            "unit": axes[axis].quantity.unit,
            "alt": f"A stimulus of the family {self.sweep.params.family}: {said}.",
            "width": width,
            "height": height,
        }
        return Blob("stimulus", "image/webp", data, facts)


def _some(axis: Axis) -> list[int]:
    """Places along an axis, evenly: of a circle without its end, which is its beginning."""
    count = len(axis.values)
    if count <= EXAMPLES:
        return [*range(count)]
    if axis.period:
        return [place * count // EXAMPLES for place in range(EXAMPLES)]
    return [round(place * (count - 1) / (EXAMPLES - 1)) for place in range(EXAMPLES)]


class Session:
    """One series of stimuli for every layer asked about; of a picture, which is turned around a point of the unit's
    own, for every unit.
    """

    def __init__(self, lens: Lens, params: Knobs, plan: Plan, *, picture: Tensor | None) -> None:
        self.lens = lens
        self.params = params
        self.picture = picture
        self.together = TOGETHER.get(plan.device, MANY)
        self._known: dict[Key, Recording] = {}

    @property
    def passes(self) -> int:
        """How often the network runs for one series: its stimuli, and the ground alone."""
        count = 1
        for place in range(len(self.params.axes)):
            count *= self.params.steps_of(place)
        return -(-(count + 1) // self.together)

    def key(self, asked: Question) -> Key:
        """Equal for questions that one series answers."""
        return asked.unit.layer, asked.site, None if self.picture is None else asked.unit.channel

    def show(self, asked: Question) -> Iterator[None]:
        """Show a question's series, unless that has been done; a step for every pass."""
        if self.key(asked) in self._known:
            return
        sweep = self._sweep(asked)
        read = self.lens.truncated(asked.unit.layer, site=asked.site)
        series = [*sweep.values(), None]
        answers, finite = [], []
        for first in range(0, len(series), self.together):
            some = series[first : first + self.together]
            maps = read(torch.stack([sweep.ground() if it is None else sweep.picture(it) for it in some]))
            answers.append(_pooled(maps, sweep.spot, self.params.reading).double().cpu())
            finite.append(torch.isfinite(maps.flatten(2) if maps.ndim == 4 else maps[..., None]).all(-1).all(0).cpu())
            yield
        found = torch.cat(answers).numpy()
        self._known[self.key(asked)] = Recording(sweep, found[:-1], found[-1], torch.stack(finite).all(0).numpy())

    def recording(self, asked: Question) -> Recording:
        """What was recorded."""
        return self._known[self.key(asked)]

    def _sweep(self, asked: Question) -> Sweep:
        spot = Spot.of(self.lens.checkpoint, asked.unit.layer)
        if self.picture is None:
            return Sweep(self.params, spot)
        read = self.lens.truncated(asked.unit.layer, site=asked.site, channels=[asked.unit.channel])
        answer = read(self.picture[None])[0, 0].cpu()
        return Turned(self.params, spot, self.picture, self._strongest(asked.unit.layer, answer, spot))

    def _strongest(self, layer: str, answer: Tensor, spot: Spot) -> tuple[float, float]:  # [H, W] or []
        """The middle of what the position sees that answers most."""
        it = self.lens.layers[layer]
        if answer.ndim == 0 or it.stride is None:
            return spot.centre
        row, column = divmod(int(answer.argmax()), answer.shape[1])
        rows, columns = (
            Spot.middle(it.first[axis], it.stride[axis], it.receptive_field[axis], place)
            for axis, place in ((0, row), (1, column))
        )
        return rows, columns


def _pooled(maps: Tensor, spot: Spot, reading: str) -> Tensor:  # [N, C, H, W] or [N, C] -> [N, C]
    if maps.ndim == 2:
        return maps
    row, column = spot.position
    return maps[:, :, row, column] if reading == CENTRE else maps.amax((2, 3))
