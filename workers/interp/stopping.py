"""When a picture has come to rest: a declared rule, applied to each sample by its own objective alone."""

import torch
from torch import Tensor

from workers.interp.ascent import Moment

WINDOW = 32  # steps: long enough to average over the random transforms
EARLIEST = 3  # windows: the first ones climb out of noise


class Rest:
    """Keeps the numbers of samples whose objective, over the last WINDOW steps, grew by less than `share` of itself.

    What a sample is worth is compared with itself only, so that it stops where it would have stopped alone. 0 never
    stops; nor does a sample that has not risen at all, because it may still come alive.
    """

    def __init__(self, samples: int, *, share: float) -> None:
        self.share = share
        self.steps = [0] * samples  # after which each came to rest; 0 while it climbs
        self._numbers: list[Tensor | None] = [None] * samples
        self._window: list[Tensor] = []
        self._before: Tensor | None = None
        self._windows = 0

    @property
    def all(self) -> bool:
        """Whether nobody climbs any more."""
        return all(self.steps)

    def add(self, moment: Moment) -> None:
        """Note one update."""
        if not self.share:
            return
        self._window.append(moment.values)
        if len(self._window) < WINDOW:
            return
        level, before = torch.stack(self._window).mean(0), self._before
        self._window, self._before, self._windows = [], level, self._windows + 1
        if before is None or self._windows < EARLIEST:
            return
        resting = (level - before < self.share * before.abs()).tolist()
        for row, rests in enumerate(resting):
            if rests and not self.steps[row]:
                self.steps[row], self._numbers[row] = moment.step, moment.numbers[row].clone()

    def kept(self, numbers: Tensor) -> Tensor:  # [N, ...] -> [N, ...]
        """The numbers of every sample as it came to rest; those given, where it still climbs."""
        rows = [held if held is not None else numbers[row] for row, held in enumerate(self._numbers)]
        return torch.stack(rows)
