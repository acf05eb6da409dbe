"""Gradient ascent on the input: pictures that climb their objectives, each on a path of its own."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from workers.interp import redirection, replay, warp
from workers.interp.images import Parameterisation
from workers.interp.slope import Climbed, slope
from workers.interp.streams import Stream

FIRST_MOMENT, SECOND_MOMENT, EPSILON = 0.9, 0.999, 1e-8  # Adam's usual ones (Kingma and Ba 2015)


@dataclass(frozen=True, slots=True)
class Path:
    """How pictures climb: steps, step width, the canvas they are shown on, and whether they are moved about."""

    steps: int
    learning_rate: float
    canvas: int
    moving: bool
    replay: bool = False  # a step is recorded once and played again, where the device can
    taken: int = 0  # steps of an earlier path that this one goes on from


@dataclass(frozen=True, slots=True)
class Moment:
    """After update `step` (from 1): the objectives [N] it started from, and whether it had a gradient to follow [N].

    `gradient` is the largest absolute entry of each sample's gradient: 0 where there was none, NaN where it was lost.
    """

    step: int
    values: Tensor
    gradient: Tensor
    numbers: Tensor
    pictures: Parameterisation


TRACED = 128  # points of a trace, at most


class Trace:
    """How the samples of an ascent fared: their objectives on the way, and whether there was anything to follow."""

    def __init__(self, steps: int) -> None:
        every = math.ceil(steps / TRACED)
        self.steps = [step for step in range(1, steps + 1) if step % every == 0 or step in (1, steps)]
        self._values: list[Tensor] = []
        self._gradients: list[Tensor] = []

    def add(self, moment: Moment) -> None:
        """Note one update."""
        self._values.append(moment.values)
        self._gradients.append(moment.gradient)

    def finite(self, row: int) -> bool:
        """Whether objective and gradient of a sample always were finite numbers."""
        return bool(torch.stack(self._values + self._gradients)[:, row].isfinite().all())

    def of(self, row: int, *, until: int) -> dict[str, Any]:
        """One sample's trace up to a step, rounded to six digits, and whether it was `dead`: never had a gradient."""
        values = torch.stack(self._values)[:until, row].tolist()
        steps = [step for step in self.steps if step < until] + [until]
        rounded = [float(f"{values[step - 1]:.6g}") for step in steps]
        dead = not bool(torch.stack(self._gradients)[:until, row].any())
        return {"dead": dead, "trace": {"steps": steps, "values": rounded}}


def ascend(
    objective: Climbed,
    pictures: Parameterisation,
    streams: Sequence[Stream],
    path: Path,
    *,
    start: Tensor | None = None,
) -> Iterator[Moment]:
    """Climb for `path.steps` updates of Adam, one sample for each stream; the numbers are updated in place.

    The sum of the values is climbed, never their mean: Adam's epsilon would feel the number of samples. Nothing is
    shared between samples, and between two moments no state of the library is changed. Gradients are redirected in the
    first steps (`redirection.STEPS`).
    """
    numbers = pictures.start([stream.at(0) for stream in streams]) if start is None else start  # [N, ...]
    take = replay.Steps(objective, pictures) if path.replay else partial(slope, objective, pictures)
    mean, square = torch.zeros_like(numbers), torch.zeros_like(numbers)
    for step in range(1, path.steps + 1):
        counted = path.taken + step
        draws = draws_for(streams, step=counted, size=pictures.size, moving=path.moving)
        grid = warp.grids(draws, size=pictures.size, canvas=path.canvas).to(numbers)
        values, gradient = take(numbers, grid, redirect=counted <= redirection.STEPS)
        mean.lerp_(gradient, 1 - FIRST_MOMENT)
        square.mul_(SECOND_MOMENT).addcmul_(gradient, gradient, value=1 - SECOND_MOMENT)
        width = path.learning_rate / (1 - FIRST_MOMENT**step)
        numbers.addcdiv_(mean, (square / (1 - SECOND_MOMENT**step)).sqrt_().add_(EPSILON), value=width)
        yield Moment(counted, values, gradient.abs().flatten(1).amax(1), numbers, pictures)


def draws_for(streams: Sequence[Stream], *, step: int, size: int, moving: bool) -> list[warp.Draw]:
    """Each sample's transform before update `step`."""
    return [warp.draw(stream.at(step), size=size) if moving else warp.STILL for stream in streams]


def milestones(steps: int) -> frozenset[int]:
    """After which updates a picture on its way is shown: 1, 32, 128, 256, 512, …; the last is the finding itself."""
    doublings = (2**power for power in range(7, math.ceil(math.log2(steps)) + 1))
    return frozenset(step for step in (1, 32, *doublings) if step < steps)
