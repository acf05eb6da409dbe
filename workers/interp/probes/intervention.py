"""Intervention: what a network answers once something in it is changed, beside controls that say what that is worth."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from safetensors.torch import save

from workers.interp import datasets, edit_forms, effects, gate
from workers.interp.address import Subject, Unit
from workers.interp.datasets import Dataset
from workers.interp.edits import Edit, silence
from workers.interp.errors import BadAddress, BadParameters, InterpError
from workers.interp.experiment import TOGETHER, Design, Experiment
from workers.interp.lens import Lens
from workers.interp.parameters import Params, dataset, integer, numbers, objects, several
from workers.interp.plan import Plan
from workers.interp.probe import SAFETENSORS, Answers, Blob, Failure, Finding, Materials, Observe, Progress, probe
from workers.interp.ranking import rank
from workers.interp.streams import Stream
from workers.interp.tasks import TOPS, Classifier, task_of

USUAL = "post_relu"
METRICS = (*TOPS, "logits", "layers")


@dataclass(frozen=True)
class Knobs(Params):
    """What is changed, and how that is measured."""

    passes = {"pictures": "pictures", "arms": ["random_units", "doses"], "more": 4}

    edits: tuple[dict[str, Any], ...] = objects(
        title="Edits",
        description="What is changed, as JSON: a list of set, scale, weight, cut and splice, in this order. "
        "Without a layer the asked unit is meant; an empty list sets that to zero.",
        each=edit_forms.SCHEMA,
        most=edit_forms.MOST,
    )
    dataset: str = dataset(
        title="Pictures",
        description="On which the effect is measured. Without any: the eight fixed pictures, which have no labels.",
    )
    pictures: int = integer(
        1000,
        title="How many pictures",
        description="At most so many of them, the first in the order of their digests. Time grows in proportion.",
        least=1,
        most=100_000,
    )
    metrics: tuple[str, ...] = several(
        METRICS,
        title="Measures",
        description="Accuracies (top1, top5), which need labels; the classes whose logits change most (logits); which "
        "units of the layers behind change (layers).",
        among=METRICS,
    )
    random_units: int = integer(
        19,
        title="Random units",
        description="To so many other units of the same layer, which fire alike, the same is done. It takes 19 to say "
        "that an effect is larger than 95 % of them.",
        least=0,
        most=99,
    )
    doses: tuple[float, ...] = numbers(
        (0.25, 0.5, 1.0),
        title="Doses",
        description="In which parts the edits are carried out beside the whole: 0.5 is half of the way.",
        least=0,
        most=1,
        length=(0, 8),
    )
    seed: int = integer(
        0,
        title="Seed",
        description="For what is drawn: the random units, and from which picture values are resampled.",
        least=0,
        most=2**32 - 1,
    )


@probe(
    "intervention",
    version=1,
    summary="What the network answers once units are silenced, set, cut off or replaced, beside controls.",
    subjects=("unit", "layer", "checkpoint"),
    site=USUAL,
    seconds=30.0,
    params=Knobs,
    example={"edits": [], "pictures": 1, "metrics": ["logits"], "random_units": 1, "doses": []},
)
def intervention(
    lens: Lens,
    subjects: Sequence[Subject],
    params: Knobs,
    *,
    site: str | None,
    plan: Plan,
    observe: Observe,
    materials: Materials,
) -> Answers:
    """Edit a copy of a network and compare its answers with those of the network as it is, picture by picture.

    Edits are data. `set` replaces the values of `channels` of a `layer` by `value` (zero; mean: per channel over the
    dataset and all positions; resample: those of another picture; or a number), (1 − alpha)·x + alpha·value, in all
    positions or `where` a `box` [top, left, bottom, right] or a `mask` (safetensors, `mask` [H, W] in [0, 1]) says.
    `scale` multiplies by a `factor`. Both act at a `site`, after the ReLU unless asked otherwise; before it, what is
    set goes through it. `weight` replaces stored numbers of a `parameter` at `index`, null for all. `cut` computes
    `target` as if `source` were zero on all its paths to it, while all others see it. `splice` computes units by other
    `weights` (safetensors: `weight` [k, in, kh, kw] or [k, in], `bias` [k]), past any normalisation. Weights are edited
    first, then values; at one place in the order of the list.

    `intact` and `edited` have `top1` and `top5` as shares of labelled pictures with 95 % intervals (Wilson), the
    `change` as edited − intact with a paired interval (Tango 1998) and the pictures `gained` and `lost`; `own_logit` is
    the mean change of the label's logit, `divergence` the mean KL(intact ‖ edited) in nats, `flipped` the share of
    pictures that get another class. `classes` are those whose logits change most, with standard errors; `layers` say
    how many units behind differ in any bit, the `largest` |change| and that unit's `mean` change. A spliced network is
    also measured with the units silenced instead, `ablated`.

    `controls`: the `sham` carries the edits out in a dose of nothing and is `identical` in every bit; `random` does the
    same to other units, matched in mean `activation` and firing `rate`, and says which share of them the effect
    `exceeds` in size, and its `rank` (1 is the largest); `doses` are parts of the whole. The `gate` refuses
    (BaselineOff) where an accuracy that is registered for these pictures is missed by three standard errors.

    A layer as the subject is a sweep: each of its units is silenced in turn, exactly, and `strongest` are those without
    which answers differ most, each with the class that it moves most. There are no edits, and the layer's other units
    are the controls. `sweep` (safetensors) has every unit's `divergence`, `flipped`, `top1` and `own_logit`, the mean
    `delta` of every logit [unit, class], and on which share of pictures it is `lively`: elsewhere nothing can change.

    `effects` (safetensors) has, for every arm, the `first` class, the label's `rank` and the `divergence` of each
    picture and the mean logit `delta` of each class; `largest.<layer>` for each unit. A question fails alone, by name.
    """
    data = materials.datasets[params.dataset] if params.dataset else datasets.fixed(lens.checkpoint.input_spec)
    asked = [_planned(lens, subject, params, site=site, data=data, materials=materials) for subject in subjects]
    step = _steps(sum(one.steps for one in asked if not isinstance(one, Failure)), observe)
    for one in asked:
        if isinstance(one, Swept):
            yield _ranked(one, data=data, step=step, plan=plan)
        else:
            yield one if isinstance(one, Failure) else _answer(one, params, data=data, step=step, plan=plan)


def _steps(total: int, observe: Observe) -> Callable[[], None]:
    """What tells whoever watches that it is one step further."""
    done = count(1)
    return lambda: observe(Progress(next(done), total))


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that can be put: about whom, what is edited, and the experiment."""

    given: Subject
    named: str
    edits: tuple[Edit, ...]
    experiment: Experiment

    @property
    def steps(self) -> int:
        """How often it says that it is further."""
        return self.experiment.steps


@dataclass(frozen=True, slots=True)
class Swept:
    """A question about all units of a layer."""

    given: Subject
    lens: Lens
    layer: str
    site: str | None
    shown: Dataset
    task: Classifier

    @property
    def steps(self) -> int:
        """One for each batch of pictures."""
        return -(-len(self.shown) // TOGETHER)


def _planned(
    lens: Lens, given: Subject, params: Knobs, *, site: str | None, data: Dataset, materials: Materials
) -> Asked | Swept | Failure:
    try:
        if given.kind == "layer":
            return _sweep(lens, given, params, site=site, data=data)
        unit = _unit(lens, given, site)
        said = list(params.edits)
        if not said:
            if unit is None:
                detail = "A whole checkpoint takes at least one edit."
                raise BadParameters(errors=[{"pointer": "/edits", "code": "required", "detail": detail}])
            said = [silence(unit.layer, unit.channel)]
        edits = edit_forms.read(lens.checkpoint, said, site=site or USUAL, subject=unit, files=materials.files)
        subject = str(unit) if unit else str(given)
        design = Design(
            data=data,
            items=params.pictures,
            random_units=params.random_units,
            doses=params.doses,
            layers="layers" in params.metrics,
            stream=lambda what: Stream.of(
                checkpoint=lens.checkpoint.digest, subject=subject, objective=f"intervention: {what}", seed=params.seed
            ),
        )
        return Asked(given, subject, edits, Experiment(lens, edits, design, task_of(lens)))
    except InterpError as error:
        return Failure(given, error)


def _sweep(lens: Lens, given: Subject, params: Knobs, *, site: str | None, data: Dataset) -> Swept:
    if params.edits:
        detail = "All units of a layer are set to zero, each in turn: there is nothing else to edit."
        raise BadParameters(errors=[{"pointer": "/edits", "code": "not-taken", "detail": detail}])
    layer = lens.named(given).layer
    assert layer is not None
    if site is not None:
        lens.layers[layer].require(site)
    shown = Dataset(data.items[: params.pictures], data.labels)
    return Swept(given, lens, layer, site, shown, task_of(lens))


def _ranked(asked: Swept, *, data: Dataset, step: Callable[[], None], plan: Plan) -> Finding | Failure:
    checkpoint = asked.lens.checkpoint
    try:
        found = rank(asked.lens, asked.layer, asked.shown, asked.task, site=asked.site, step=step)
        baseline = asked.task.baseline(found.tally)
        verdict = gate.check(checkpoint, data, baseline, shown=found.n)
    except InterpError as error:
        return Failure(asked.given, error)
    units = len(found.lively)
    said = {
        "subject": asked.layer,
        "task": checkpoint.task,
        "dataset": data.digest,
        "of": len(data),
        "n": found.n,
        "units": units,
        "site": asked.site or asked.lens.layers[asked.layer].sites[-1],
        "lively": float(found.lively.sum()) / (units * found.n),
        "intact": baseline,
        "strongest": found.numbers(asked.layer, named=_names(checkpoint.labels or data.labels)),
        "gate": verdict.to_json(),
        "warnings": gate.warnings(checkpoint, asked.shown, baseline),
    }
    blob = Blob("sweep", SAFETENSORS, save(found.tensors()), {"of": asked.layer, "units": units})
    return Finding(asked.given, said, (blob,), plan.filled(min(found.n, TOGETHER)))


def _unit(lens: Lens, given: Subject, site: str | None) -> Unit | None:
    """The unit that is asked about; None for the whole checkpoint."""
    if given.kind == "checkpoint":
        return None
    if given.kind != "unit":
        raise BadAddress(text=str(given))
    unit = lens.resolve(given.units[0])
    if site not in (None, USUAL):
        lens.layers[unit.layer].require(site)
    return unit


def _answer(asked: Asked, params: Knobs, *, data: Dataset, step: Callable[[], None], plan: Plan) -> Finding | Failure:
    experiment = asked.experiment
    checkpoint, task = experiment.lens.checkpoint, experiment.task
    try:
        found = experiment.run(step)
        said = effects.numbers(
            found, task, named=_names(checkpoint.labels or data.labels), classes="logits" in params.metrics
        )
        verdict = gate.check(checkpoint, data, said["intact"], shown=said["n"])
    except InterpError as error:
        return Failure(asked.given, error)
    said = {
        "subject": asked.named,
        "task": checkpoint.task,
        "edits": [edit.to_json() for edit in asked.edits],
        "dataset": data.digest,
        "of": len(data),
        **_measured(said, params.metrics),
        "firing": effects.firing(found),
        "gate": verdict.to_json(),
        "warnings": [
            *gate.warnings(checkpoint, found.shown, said["intact"]),
            *effects.sentences(found, said, asked=params.random_units),
        ],
    }
    blob = Blob("effects", SAFETENSORS, save(effects.tensors(found)), {"n": said["n"], "of": checkpoint.task})
    return Finding(asked.given, said, (blob,), plan.filled(min(len(found.shown), TOGETHER)))


def _measured(said: dict[str, Any], metrics: Sequence[str]) -> dict[str, Any]:
    """Without the accuracies that were not asked for."""
    left_out = set(TOPS) - set(metrics)
    if not left_out:
        return said
    return {
        name: {key: value for key, value in one.items() if key not in left_out}
        if name in ("intact", "edited", "ablated")
        else one
        for name, one in said.items()
    }


def _names(labels: Sequence[str]) -> Callable[[int], str]:
    return lambda index: labels[index] if index < len(labels) else ""
