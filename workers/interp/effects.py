"""What an experiment found, as numbers: the effect, and beside it what its controls say of it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from workers.interp.experiment import ABLATED, EDITED, SHAM, Arm, Results
from workers.interp.tasks import Classifier

Numbers = dict[str, Any]
CLASSES = 10  # of which the change is listed
ROUNDING = 1e-4  # of an effect: float32 summed in another order


def numbers(found: Results, task: Classifier, *, named: Callable[[int], str], classes: bool) -> Numbers:
    """Intact, edited, and the controls; `named` gives a class its name."""
    edited = found.arms[EDITED]
    said: Numbers = {
        "n": edited.tally.n,
        "intact": task.baseline(edited.tally),
        "edited": edited.tally.numbers(),
        "controls": {
            "sham": {"identical": found.arms[SHAM].tally.same, **found.arms[SHAM].tally.numbers()},
            "random": _randoms(found, task.measures),
            "doses": [{"dose": dose, **_sizes(arm, task.measures)} for dose, arm in found.doses],
        },
    }
    if ABLATED in found.arms:
        said["ablated"] = found.arms[ABLATED].tally.numbers()
    if classes:
        said["classes"] = [{**it, "label": named(it["class"])} for it in edited.tally.classes(most=CLASSES)]
    if found.responding:
        said["layers"] = found.responding.numbers()
    return said


def tensors(found: Results) -> dict[str, Tensor]:
    """The same, picture by picture and control by control."""
    arms = {**found.arms, **{f"random.{place:02d}": arm for place, arm in enumerate(found.randoms)}}
    kept = {f"{name}.{word}": it for name, arm in arms.items() for word, it in arm.tally.tensors().items()}
    return {**kept, **(found.responding.tensors() if found.responding else {})}


def _randoms(found: Results, measures: Sequence[str]) -> Numbers:
    """The controls, and how many of them the effect exceeds by each measure, whichever way it goes."""
    effect = _sizes(found.arms[EDITED], measures)
    listed = [{**_whom(arm, found), **_sizes(arm, measures)} for arm in found.randoms]
    said: Numbers = {"n": len(listed), "units": listed}
    if listed:
        beaten = {name: sum(_is_less(one[name], size) for one in listed) for name, size in effect.items()}
        said["exceeds"] = {name: count / len(listed) for name, count in beaten.items()}
        said["rank"] = {name: len(listed) - count + 1 for name, count in beaten.items()}
    return said


def _is_less(one: float, other: float) -> bool:
    """Whether an effect is smaller in size, and not by rounding alone."""
    return abs(one) * (1 + ROUNDING) < abs(other)


def _whom(arm: Arm, found: Results) -> Numbers:
    """Which units a control is about, and how alike they fire: means of those that were moved."""
    units = list(arm.moves.values())
    return {"instead": [str(unit) for unit in units], **_firing(units, found)}


def _firing(units: Sequence[Any], found: Results) -> Numbers:
    profiles = [(found.profiles[unit.layer], unit.channel) for unit in units]
    means = [float(profile.mean[channel]) for profile, channel in profiles]
    rates = [float(profile.rate[channel]) for profile, channel in profiles]
    return {"activation": sum(means) / len(means), "rate": sum(rates) / len(rates)}


def firing(found: Results) -> Numbers:
    """How much the edited units fire themselves; nothing where no control was matched to them."""
    units = list(found.randoms[0].moves) if found.randoms else []
    return _firing(units, found) if units else {}


def _sizes(arm: Arm, measures: Sequence[str]) -> Numbers:
    """An arm's effect by each measure that could be taken."""
    return dict(_measured(arm, measures))


def _measured(arm: Arm, measures: Sequence[str]) -> Iterator[tuple[str, float]]:
    for name in measures:
        size = arm.tally.size(name)
        if size is not None:
            yield name, size


def sentences(found: Results, said: Mapping[str, Any], *, asked: int) -> list[str]:
    """What a reader must know of the controls to weigh the effect."""
    listed = []
    if not found.arms[SHAM].tally.same:
        listed.append("The sham differs from the network as it is: this machine's numbers cannot be trusted.")
    there = said["controls"]["random"]["n"]
    if there < asked:
        listed.append(f"Only {there} of {asked} random units could be matched: the layer has no more that are alike.")
    return listed
