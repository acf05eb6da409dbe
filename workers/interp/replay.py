"""A step recorded once as a CUDA graph and played again: a GPU then waits for no Python between two kernels.

What is recorded is believed only after it gave what the plain step gives, on other numbers than it was recorded with; a
device that cannot record, or that plays something else, takes the plain step for good.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from workers.interp.images import Parameterisation
from workers.interp.slope import Climbed, slope

log = logging.getLogger(__name__)
Step = Callable[..., tuple[Tensor, Tensor]]  # (numbers, grid, redirect=) -> (values, gradient)
WARM_UP = 3  # plain steps before recording: libraries choose their kernels and allocate in them
RELATIVE, ABSOLUTE = 1e-3, 1e-5  # kernels may sum in another order


class Steps:
    """The step for some pictures; each of its ways, with redirected ReLUs and without, is recorded on first use."""

    def __init__(self, objective: Climbed, pictures: Parameterisation) -> None:
        self._plain = partial(slope, objective, pictures)
        self.recorded: dict[bool, Step] = {}

    def __call__(self, numbers: Tensor, grid: Tensor, *, redirect: bool) -> tuple[Tensor, Tensor]:
        """The values and the gradient."""
        if redirect not in self.recorded:
            self.recorded[redirect] = _recorded(self._plain, numbers, grid, redirect=redirect)
        return self.recorded[redirect](numbers, grid, redirect=redirect)


def _recorded(plain: Step, numbers: Tensor, grid: Tensor, *, redirect: bool) -> Step:
    if numbers.device.type != "cuda":
        return plain
    try:
        played = Recording(plain, numbers, grid, redirect=redirect)
    except RuntimeError as error:
        log.warning("this device records no step (%s)", str(error).splitlines()[0])
        return plain
    other = numbers * 1.5
    expected, found = plain(other, grid, redirect=redirect), played(other, grid, redirect=redirect)
    if all(torch.allclose(one, two, rtol=RELATIVE, atol=ABSOLUTE) for one, two in zip(expected, found, strict=True)):
        return played
    log.warning("the recorded step gives something else than the plain one, and is not used")
    return plain


class Recording:
    """The graph of a step, with the tensors that it reads and writes."""

    def __init__(self, plain: Step, numbers: Tensor, grid: Tensor, *, redirect: bool) -> None:
        self._numbers, self._grid = numbers.clone(), grid.clone()
        aside: Any = torch.cuda.Stream(numbers.device)  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream(numbers.device))
        with torch.cuda.stream(aside):
            for _ in range(WARM_UP):
                plain(self._numbers, self._grid, redirect=redirect)
        torch.cuda.current_stream(numbers.device).wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            self._values, self._gradient = plain(self._numbers, self._grid, redirect=redirect)

    def __call__(self, numbers: Tensor, grid: Tensor, *, redirect: bool) -> tuple[Tensor, Tensor]:
        """The step, played with these numbers."""
        self._numbers.copy_(numbers)
        self._grid.copy_(grid)
        self._graph.replay()
        return self._values.clone(), self._gradient.clone()
