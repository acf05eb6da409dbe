"""Predictions put to the test: what each asks, which job of its claim has asked that, and what the finding says of it.

A trial names a claim and a job and nothing else; which prediction a job tests follows from what was asked. So a bound
that is changed is held against the number that is known, and a claim tested by a newer version of a probe keeps what
the older one found until the newer one has answered.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from atlas import canonical, validation
from atlas.models import Foothold, Job, Trial

Prediction = Mapping[str, Any]
PLACE = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)  # RFC 6901: no leading zeros
NAMED = re.compile(r"([^=]+)=(.+)", re.DOTALL)  # ours: the item of a list whose member is this text
OVER = (Job.State.FAILED, Job.State.QUARANTINED)


class Outcome(StrEnum):
    """What became of a prediction."""

    HELD = "held"
    FALSIFIED = "falsified"
    FAILED = "failed"  # its job failed, or found no such number
    WAITING = "waiting"
    UNTESTED = "not-yet-run"


@dataclass(frozen=True, slots=True)
class Unlisted:
    """The place of an item that a list does not name: past its end, and no more is known."""

    past: int


@dataclass(frozen=True, slots=True)
class Tested:
    """What became of a prediction: the number that was found, by which job; where there is none, why."""

    outcome: Outcome
    job: Job | None = None
    found: float | None = None
    why: str = ""

    @property
    def decided(self) -> bool:
        """Whether what was found decides."""
        return self.outcome in (Outcome.HELD, Outcome.FALSIFIED)


def subject_of(content: Mapping[str, Any], prediction: Prediction) -> str:
    """The unit that a prediction is about: the described neuron; of a link's ends the target unless it says `of`."""
    unit: str = content["neuron"] if "neuron" in content else content[prediction.get("of", "target")]
    return unit


def of(foothold: Foothold, content: Mapping[str, Any]) -> list[Tested]:
    """What became of each prediction of a content, in their order, in one query; none where nothing is predicted."""
    predictions: Sequence[Prediction] = content.get("predictions", ())
    if not predictions:
        return []
    rows = Trial.objects.filter(foothold=foothold).select_related("job__probe", "job__finding").order_by("-id")
    tried = [row.job for row in rows if row.job.state != Job.State.CANCELLED]
    return [_best([tested(it, job) for job in tried if _asks(it, content, job)]) for it in predictions]


def tested(prediction: Prediction, job: Job) -> Tested:
    """What a job says of a prediction that it was asked for."""
    if job.state in OVER:
        return Tested(Outcome.FAILED, job, why=(job.error or {}).get("detail", ""))
    if job.state != Job.State.DONE:
        return Tested(Outcome.WAITING, job)
    found = number_at(prediction["number"], job.finding.numbers)
    if isinstance(found, Unlisted):
        return Tested(_unlisted(prediction, found), job, why=f"It is not among the {found.past} that are listed.")
    if found is None:
        return Tested(Outcome.FAILED, job, why=f"The finding has no number at {prediction['number']}.")
    return Tested(Outcome.HELD if holds(prediction, found) else Outcome.FALSIFIED, job, found)


def holds(prediction: Prediction, found: float) -> bool:
    """Whether a number lies within a prediction's bounds; around a circle, on the way from the least up to the most."""
    least, most = prediction.get("least", found), prediction.get("most", found)
    if "period" in prediction:
        return bool((found - least) % prediction["period"] <= (most - least) % prediction["period"])
    return bool(least <= found <= most)


def _unlisted(prediction: Prediction, found: Unlisted) -> Outcome:
    """What it means for a place that it lies past the end of a list."""
    if "period" in prediction or prediction.get("least", 1) > found.past + 1:
        return Outcome.FAILED
    if "most" not in prediction:
        return Outcome.HELD
    return Outcome.FALSIFIED if prediction["most"] <= found.past else Outcome.FAILED


def number_at(pointer: str, numbers: Any) -> float | Unlisted | None:
    """The number a JSON pointer (RFC 6901) leads to, None where it leads to none; truth values are no numbers.

    In a list `source=line:5` is the first item with that member; where the pointer ends, its place, from 1.
    """
    found, place = numbers, None
    for part in parts(pointer):
        place = None
        if isinstance(found, dict) and part in found:
            found = found[part]
        elif isinstance(found, list) and PLACE.fullmatch(part) and int(part) < len(found):
            found = found[int(part)]
        elif isinstance(found, list) and (named := NAMED.fullmatch(part)):
            place = _place(found, *named.groups())
            found = found[place - 1] if isinstance(place, int) else None
        else:
            return None
    if place is not None:
        return place
    return found if isinstance(found, int | float) and not isinstance(found, bool) else None


def parts(pointer: str) -> list[str]:
    """What a JSON pointer leads through."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _place(listed: list[Any], member: str, text: str) -> int | Unlisted:
    for place, item in enumerate(listed, 1):
        if isinstance(item, dict) and item.get(member) == text:
            return place
    return Unlisted(len(listed))


def _asks(prediction: Prediction, content: Mapping[str, Any], job: Job) -> bool:
    """Whether a job asked what a prediction is about."""
    if job.probe.name != prediction["probe"] or job.subject_text != subject_of(content, prediction):
        return False
    filled = validation.completed(dict(prediction.get("params", {})), job.probe.schema)
    return bool(canonical.normalise(filled) == job.params)


def _best(tests: Sequence[Tested]) -> Tested:
    """Of several trials, newest first: one that decided, else one that failed, else one that is on its way."""
    for outcomes in ((Outcome.HELD, Outcome.FALSIFIED), (Outcome.FAILED,), (Outcome.WAITING,)):
        for one in tests:
            if one.outcome in outcomes:
                return one
    return Tested(Outcome.UNTESTED)
