"""Before an effect is believed: whether the network, as it is, answers to these pictures as it is known to."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.interp.checkpoint import Checkpoint
from workers.interp.datasets import Dataset
from workers.interp.errors import BaselineOff

METRICS = {"top1": "top-1 accuracy", "top5": "top-5 accuracy"}  # as cards call them
ERRORS = 3  # binomial standard errors
ENOUGH = 20  # labelled pictures to say that a network is no better than chance


@dataclass(frozen=True, slots=True)
class Verdict:
    """`passed` where a registered figure was met; `unregistered`, `partial` or `unlabelled` where none could be."""

    state: str
    says: str
    checked: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As the finding has it."""
        return {"state": self.state, "says": self.says, "checked": list(self.checked)}


def check(checkpoint: Checkpoint, data: Dataset, baseline: Mapping[str, Any], *, shown: int) -> Verdict:
    """What the figures registered for these pictures say of the baseline that was found.

    Raises BaselineOff where it is off by more than three binomial standard errors of the registered share, and half a
    picture, by which a rounded figure may be off.
    """
    if not baseline:
        return Verdict("unlabelled", "The pictures have no labels, so that no accuracy could be checked.")
    known = [it for it in checkpoint.figures if it.dataset == data.digest and it.metric in METRICS.values()]
    if not known:
        says = "No accuracy is registered for these pictures, so that the baseline was checked against none."
        return Verdict("unregistered", says)
    if shown < len(data):
        says = f"Only {shown} of {len(data)} pictures were shown, and the registered accuracy is of all of them."
        return Verdict("partial", says)
    checked = []
    for name, metric in METRICS.items():
        for figure in known:
            if figure.metric == metric and figure.n == baseline[name]["n"]:
                _require_near(metric, baseline[name], figure.value)
                checked.append({"metric": name, "found": baseline[name]["share"], "registered": figure.value})
    if not checked:
        says = "The registered accuracy is of another number of labelled pictures than were shown."
        return Verdict("partial", says)
    return Verdict("passed", "Unedited, the network is as accurate on these pictures as is registered.", tuple(checked))


def warnings(checkpoint: Checkpoint, data: Dataset, baseline: Mapping[str, Any]) -> list[str]:
    """What casts doubt on labels: other names at the same index, or an accuracy of mere chance."""
    found = [*_of_names(checkpoint.labels, data.labels)]
    if baseline:
        classes = checkpoint.sizes[checkpoint.graph.output][1]
        if baseline["top1"]["n"] >= ENOUGH and baseline["top1"]["low"] <= 1 / classes:
            found.append("Unedited, the network is hardly more often right than by chance: labels may be off.")
    unknown = sum(item.label is not None for item in data.items) - (baseline["top1"]["n"] if baseline else 0)
    if unknown > 0:
        found.append(f"{unknown} labels name no class of the network and were left out.")
    return found


def _of_names(ours: Sequence[str], theirs: Sequence[str]) -> list[str]:
    if not ours or not theirs:
        return []
    pairs = enumerate(zip(ours, theirs, strict=False))
    # A label without a name is called by its index.
    odd = [index for index, (one, other) in pairs if other != str(index) and _plain(one) != _plain(other)]
    if odd:
        first = odd[0]
        return [
            f"{len(odd)} of {min(len(ours), len(theirs))} labels have another name in the dataset than in the "
            f"checkpoint; label {first} is “{theirs[first][:60]}” there and “{ours[first][:60]}” here."
        ]
    if len(theirs) > len(ours):
        return [f"The dataset has {len(theirs)} labels, the checkpoint {len(ours)}."]
    return []


def _plain(name: str) -> str:
    """A label's first name: lists of synonyms differ in length."""
    return name.split(",")[0].strip().casefold()


def _require_near(metric: str, found: Mapping[str, Any], registered: float) -> None:
    n = found["n"]
    allowed = ERRORS * math.sqrt(registered * (1 - registered) / n) + 0.5 / n
    if abs(found["share"] - registered) > allowed:
        raise BaselineOff(metric=metric, found=round(found["share"], 4), n=n, registered=registered)
