"""What two answers of a network are compared by: one entry for each task that checkpoints have.

A generator will be compared by where its pictures differ, a policy by its actions and its value; a task says here how,
and an intervention needs to know no more of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from workers.interp.errors import NonfiniteActivation, NotCompared
from workers.interp.intervals import paired, wilson
from workers.interp.lens import Lens

NOBODY = -1  # the label of a picture that has none
Numbers = dict[str, Any]


class Tally(Protocol):
    """What answers to many pictures are, kept picture by picture and never as a whole."""

    def add(self, before: Tensor, after: Tensor, labels: Tensor) -> None:
        """The next pictures: what the network answered as it is, what it answers now; raises NonfiniteActivation."""

    def numbers(self) -> Numbers:
        """What became of the answers, against those before."""

    def size(self, name: str) -> float | None:
        """How large an effect is by one of the task's measures, signed; None where it needs labels."""

    def tensors(self) -> dict[str, Tensor]:
        """The same picture by picture, for the artifact."""


class Task(Protocol):
    """A kind of network."""

    measures: tuple[str, ...]

    def tally(self) -> Tally:
        """An empty one."""

    def baseline(self, tally: Any) -> Numbers:
        """What the network as it is answers."""


@dataclass
class Votes:
    """What a classifier answers to pictures, beside what it answered before.

    `right` maps top1 and top5 to whether the label is among so many first (of labelled pictures only).
    """

    output: str  # its name, for errors
    is_share: bool  # whether answers are probabilities already
    first: list[Tensor] = field(default_factory=list)  # [n] each
    ranks: dict[str, list[Tensor]] = field(default_factory=lambda: {"before": [], "after": []})  # [n], −1 without label
    divergences: list[Tensor] = field(default_factory=list)  # [n]
    flips: list[Tensor] = field(default_factory=list)  # [n]
    own: list[Tensor] = field(default_factory=list)  # [labelled]: the change of the label's own logit
    shift: Tensor | None = None  # [classes], the sum over pictures
    square: Tensor | None = None
    same: bool = True  # in every bit

    def add(self, before: Tensor, after: Tensor, labels: Tensor) -> None:  # [n, classes], [n]
        """The next pictures; raises NonfiniteActivation."""
        before, after = before.cpu(), after.cpu()
        if not (torch.isfinite(before).all() and torch.isfinite(after).all()):
            raise NonfiniteActivation(layer=self.output)
        self.same = self.same and torch.equal(before, after)
        change = after.double() - before.double()
        self.first.append(after.argmax(1))
        self.flips.append(after.argmax(1) != before.argmax(1))
        for name, values in (("before", before), ("after", after)):
            self.ranks[name].append(_ranks(values, labels))
        self.divergences.append(self.divergence(before, after))
        known = labels != NOBODY
        self.own.append(change[known, labels[known]])
        self.shift = change.sum(0) + (0 if self.shift is None else self.shift)
        self.square = change.square().sum(0) + (0 if self.square is None else self.square)

    @property
    def n(self) -> int:
        """How many pictures."""
        return sum(map(len, self.first))

    def right(self, name: str, when: str) -> Tensor:  # [labelled]
        """Whether each label is among the first one, or five, before or after."""
        ranks = torch.cat(self.ranks[when])
        return ranks[ranks >= 0] < TOPS[name]

    def size(self, name: str) -> float | None:
        """The change of accuracy, of the label's own logit, the divergence or the share of flips."""
        if name == "divergence":
            return float(torch.cat(self.divergences).mean())
        if name == "flipped":
            return float(torch.cat(self.flips).double().mean())
        known = len(self.right("top1", "after"))
        if not known:
            return None
        if name == "own_logit":
            return float(torch.cat(self.own).mean())
        return float(int(self.right(name, "after").sum()) - int(self.right(name, "before").sum())) / known

    def numbers(self) -> Numbers:
        """Accuracies, changes with their intervals, divergence and flips."""
        labelled = len(self.right("top1", "after"))
        found: Numbers = {name: self.size(name) for name in ("divergence", "flipped", "own_logit")}
        if labelled:
            for name in TOPS:
                before, after = self.right(name, "before"), self.right(name, "after")
                gained, lost = int((after & ~before).sum()), int((before & ~after).sum())
                span = paired(gained, lost, labelled)
                change = {"delta": (gained - lost) / labelled, "low": span.low, "high": span.high}
                found[name] = {**_share(after), "change": {**change, "gained": gained, "lost": lost}}
        return found

    def classes(self, *, most: int) -> list[Numbers]:
        """The classes whose logits change most on average, with the standard error of that."""
        assert self.shift is not None
        assert self.square is not None
        mean, n = self.shift / self.n, self.n
        error = ((self.square / n - mean.square()).clamp(min=0) / max(1, n - 1)).sqrt()
        order = torch.sort(mean.abs(), descending=True, stable=True).indices[:most]
        return [{"class": int(it), "delta": float(mean[it]), "error": float(error[it])} for it in order if mean[it]]

    def tensors(self) -> dict[str, Tensor]:
        """Picture by picture the first class, the label's rank and the divergence; by class the mean change."""
        assert self.shift is not None
        return {
            "first": torch.cat(self.first),
            "rank": torch.cat(self.ranks["after"]),
            "divergence": torch.cat(self.divergences),
            "delta": self.shift / self.n,
        }

    def divergence(self, before: Tensor, after: Tensor) -> Tensor:  # [n]
        """KL(before ‖ after) in nats."""
        old, new = self._logs(before), self._logs(after)
        return (old.exp() * (old - new)).sum(1).clamp(min=0)

    def _logs(self, answers: Tensor) -> Tensor:
        wide = answers.double()
        return wide.clamp(min=1e-45).log() if self.is_share else wide.log_softmax(1)


TOPS = {"top1": 1, "top5": 5}


class Classifier:
    """A network that answers with a number for each class."""

    measures = ("top1", "top5", "own_logit", "divergence", "flipped")

    def __init__(self, lens: Lens) -> None:
        shape = lens.checkpoint.sizes[lens.checkpoint.graph.output]
        if len(shape) != 2:
            raise NotCompared(task="network whose output is a map", supported=", ".join(TASKS))
        self.classes = shape[1]
        self._output = lens.checkpoint.graph.output
        self._is_share = lens.checkpoint.graph[self._output].op == "softmax"

    def tally(self) -> Votes:
        """An empty one."""
        return Votes(self._output, self._is_share)

    def baseline(self, tally: Votes) -> Numbers:
        """The accuracies of the network as it is."""
        before = {name: tally.right(name, "before") for name in TOPS}
        return {name: _share(right) for name, right in before.items()} if len(before["top1"]) else {}

    def labels(self, labels: Sequence[int | None]) -> Tensor:  # [n]
        """Labels as the tally takes them; one that names no class is none."""
        known = [NOBODY if it is None or not 0 <= it < self.classes else it for it in labels]
        return torch.tensor(known, dtype=torch.long)


TASKS: Mapping[str, type[Classifier]] = {"classifier": Classifier}


def task_of(lens: Lens) -> Classifier:
    """How what a lens answers is compared; raises NotCompared."""
    kind = TASKS.get(lens.checkpoint.task)
    if kind is None:
        raise NotCompared(task=lens.checkpoint.task, supported=", ".join(TASKS))
    return kind(lens)


def _share(right: Tensor) -> Numbers:
    count, n = int(right.sum()), len(right)
    span = wilson(count, n)
    return {"share": count / n, "right": count, "n": n, "low": span.low, "high": span.high}


def _ranks(values: Tensor, labels: Tensor) -> Tensor:  # [n, classes], [n] -> [n]
    """How many classes come before the label, ties by index; −1 without a label."""
    at = labels.clamp(min=0)
    own = values.gather(1, at[:, None])
    index = torch.arange(values.shape[1])[None]
    before = (values > own) | ((values == own) & (index < at[:, None]))
    return torch.where(labels == NOBODY, NOBODY, before.sum(1))
