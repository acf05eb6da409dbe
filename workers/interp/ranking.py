"""All units of a layer by what is lost without them: the answer to an intervention on a whole layer."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from workers.interp.datasets import Dataset
from workers.interp.errors import NonfiniteActivation
from workers.interp.experiment import TOGETHER
from workers.interp.lens import Lens
from workers.interp.sweeps import Silenced, Sweep
from workers.interp.tasks import NOBODY, Classifier, Votes

STRONGEST = 20  # units that are listed
MEASURES = ("divergence", "flipped", "top1", "own_logit")


@dataclass
class Ranking:
    """What becomes of answers to pictures without each unit, summed up over them."""

    sums: dict[str, Tensor]  # [C] each
    shift: Tensor  # [C, classes]
    tally: Votes
    n: int = 0
    labelled: int = 0
    lively: Tensor = field(default_factory=lambda: torch.zeros(0))  # [C], on how many pictures

    @classmethod
    def empty(cls, channels: int, task: Classifier) -> "Ranking":
        """Of no pictures."""
        sums = {name: torch.zeros(channels, dtype=torch.float64) for name in MEASURES}
        shift = torch.zeros(channels, task.classes, dtype=torch.float64)
        return cls(sums, shift, task.tally(), lively=torch.zeros(channels, dtype=torch.float64))

    def see(self, intact: Tensor, labels: Tensor) -> None:  # [N, classes], [N]
        """The next pictures, and what the whole network answers."""
        self.tally.add(intact, intact, labels)
        self.n += len(labels)
        self.labelled += int((labels != NOBODY).sum())

    def add(self, one: Silenced, intact: Tensor, labels: Tensor) -> None:
        """Some of these pictures without some units; raises NonfiniteActivation."""
        channels, rows = one.channels.cpu(), one.rows.cpu()
        before, after = intact.cpu()[rows], one.answers.cpu()
        if not torch.isfinite(after).all():
            raise NonfiniteActivation(layer=self.tally.output)
        change = after.double() - before.double()
        known = labels[rows] != NOBODY
        at = labels[rows].clamp(min=0)[:, None]
        first, was = after.argmax(1), before.argmax(1)
        right = (first == at[:, 0]).double() - (was == at[:, 0]).double()
        found = {
            "divergence": self.tally.divergence(before, after),
            "flipped": (first != was).double(),
            "top1": right * known,
            "own_logit": change.gather(1, at)[:, 0] * known,
        }
        for name, values in found.items():
            self.sums[name].index_add_(0, channels, values)
        self.shift.index_add_(0, channels, change)
        self.lively.index_add_(0, channels, torch.ones(len(rows), dtype=torch.float64))

    def means(self) -> dict[str, Tensor]:  # [C]
        """Each measure as a mean over pictures; those that need labels over labelled ones, or not at all."""
        kept = {name: self.sums[name] / self.n for name in ("divergence", "flipped")}
        of_labels = {name: self.sums[name] / self.labelled for name in ("top1", "own_logit") if self.labelled}
        return {**kept, **of_labels}

    def numbers(self, layer: str, *, named: Callable[[int], str]) -> list[dict[str, Any]]:
        """The units without which answers differ most, with the class that each moves most."""
        means, listed = self.means(), []
        order = torch.sort(means["divergence"], descending=True, stable=True).indices[:STRONGEST]
        for channel in (int(it) for it in order if means["divergence"][it] > 0):
            most = int(self.shift[channel].abs().argmax())
            moved = {"class": most, "label": named(most), "delta": float(self.shift[channel, most] / self.n)}
            sizes = {name: float(values[channel]) for name, values in means.items()}
            listed.append({"unit": f"{layer}:{channel}", **sizes, **moved})
        return listed

    def tensors(self) -> dict[str, Tensor]:
        """Every unit's measures, and the mean change of every logit without it."""
        return {**self.means(), "delta": self.shift / self.n, "lively": self.lively / self.n}


def rank(
    lens: Lens, layer: str, data: Dataset, task: Classifier, *, site: str | None, step: Callable[[], None]
) -> Ranking:
    """Silence every unit of a layer on all pictures; `step` is called after each batch of them."""
    sweep = Sweep(lens, layer, site=site)
    found = Ranking.empty(sweep.layer.channels, task)
    for items, images in data.batches(lens.checkpoint.input_spec, size=TOGETHER):
        labels = task.labels([item.label for item in items])
        intact, passes = sweep.silenced(images)
        found.see(intact, labels)
        for one in passes:
            found.add(one, intact, labels)
        step()
    return found
