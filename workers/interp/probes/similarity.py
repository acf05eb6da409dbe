"""Similarity: which units answer, weigh or are tuned most like a unit, in its own or in another checkpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from workers.interp import datasets
from workers.interp.address import Subject
from workers.interp.errors import BadAddress, InterpError, NonfiniteActivation
from workers.interp.lens import Lens
from workers.interp.likeness import ByActivation, ByTuning, ByWeights, Measure, correlation, cosine, site_of, turned
from workers.interp.parameters import Params, checkpoint, choice, dataset, integer, words
from workers.interp.plan import Plan
from workers.interp.probe import SAFETENSORS, Answers, Blob, Failure, Finding, Materials, Observe, Progress, probe
from workers.interp.showing import Question
from workers.interp.stimuli import FAMILIES
from workers.interp.tuning_knobs import MAXIMUM
from workers.interp.tuning_knobs import Knobs as Tuned

ACTIVATION, WEIGHTS, TUNING = "activation", "weights", "tuning"
USUAL = "pre_relu"
AROUND = tuple(name for name, it in FAMILIES.items() if it.quantities[0] in ("orientation", "hue"))


@dataclass(frozen=True)
class Knobs(Params):
    """By what units are compared, with whom, and how many are listed."""

    by: str = choice(
        ACTIVATION,
        title="Compared by",
        description="Activation: the largest response to each picture of a dataset. Weights: the expanded weights on "
        "the picture, between layers that see as far. Tuning: the response around a circle of stimuli.",
        among=(ACTIVATION, WEIGHTS, TUNING),
    )
    other: str = checkpoint(
        title="In which checkpoint", description="The digest of another checkpoint; empty for the unit's own."
    )
    layer: str = words(
        "",
        title="In which layer",
        description="Only units of this layer there. Empty: of all layers by activation, of those that see as far by "
        "weights, of the one of the same name, or else the first, by tuning.",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_.]{0,119})?$",
        longest=120,
    )
    dataset: str = dataset(
        title="Pictures", description="For activation, a dataset by its digest. Empty: the eight fixed pictures."
    )
    family: str = choice(
        "edge", title="Stimuli", description="For tuning, a family of stimuli that goes round.", among=AROUND
    )
    steps: int = integer(
        36, title="Steps", description="For tuning, so many values around the circle.", least=3, most=360
    )
    top: int = integer(10, title="How many", description="So many of the most similar units.", least=1, most=100)


@probe(
    "similarity",
    version=1,
    summary="The units most like a unit, in its own or another checkpoint, by activation, weights or tuning.",
    subjects=("unit",),
    site=USUAL,
    seconds=3.0,
    params=Knobs,
    example={"by": "tuning", "family": "line", "steps": 3, "top": 3},
)
def similarity(
    lens: Lens,
    subjects: Sequence[Subject],
    params: Knobs,
    *,
    site: str | None,
    plan: Plan,
    observe: Observe,
    materials: Materials,
) -> Answers:
    """Compare a unit with the units of layers, of its own checkpoint or another, and rank them. A suggestion only.

    By `activation`: Pearson's r over pictures between the largest responses of two units (over positions, before the
    activation). By `weights`: the cosine between their expanded weights on the picture (`connections`), scaled to
    colours from 0 to 1, for kernels of one size and stride. By `tuning`: Pearson's r between the largest responses to
    stimuli around a circle (`tuning`, reading max), and `aligned`, the largest r when the other curve is turned back by
    `shift` degrees, which says how alike their shapes are, wherever they point.

    A finding lists `counterparts` by `value`, then by depth and channel, with their `rank`, out of `of` units of
    `layers`; `undefined` says with how many there is nothing to compare (a unit that does not vary, a kernel of another
    size). `n` is how many numbers of each were compared: pictures, weights or stimuli. `similarities` (safetensors)
    holds the values of all units by layer, NaN where undefined.

    A question that cannot be answered fails alone: NoSuchLayer, NoSuchUnit, NoSuchSite, NonfiniteActivation, by weights
    NothingComparable, NotLinear, NoPath and TooFarApart.
    """
    other = materials.checkpoints[params.other] if params.other else lens
    other = lens if other.checkpoint.digest == lens.checkpoint.digest else other
    asked = [_resolved(lens, other, params, subject, site=site) for subject in subjects]
    questions = [one for one in asked if isinstance(one, Question)]
    measure = _measure(lens, other, params, plan, materials) if questions else None
    total = (measure.passes(questions) if measure else 0) + len(questions)
    done = 0
    for subject, one in zip(subjects, asked, strict=True):
        if isinstance(one, Failure):
            yield one
            continue
        assert measure is not None
        for _ in measure.show(one):
            done += 1
            observe(Progress(done, total))
        answer = _answer(measure, lens, other, params, subject, one, plan=plan)
        done += 1
        observe(Progress(done, total))
        yield answer


def _resolved(lens: Lens, other: Lens, params: Knobs, given: Subject, *, site: str | None) -> Question | Failure:
    try:
        if given.kind != "unit":
            raise BadAddress(text=str(given))
        unit = lens.resolve(given.units[0])
        if params.layer:
            other.checkpoint.place(params.layer)
        lens.layers[unit.layer].require(site or site_of(lens, unit.layer))
        return Question(unit, site or site_of(lens, unit.layer))
    except InterpError as error:
        return Failure(given, error)


def _measure(lens: Lens, other: Lens, params: Knobs, plan: Plan, materials: Materials) -> Measure:
    layers = [other.checkpoint.place(params.layer).layer] if params.layer else []
    if params.by == WEIGHTS:
        return ByWeights(lens, other, layers)
    if params.by == TUNING:
        knobs = Tuned(family=params.family, steps=params.steps, reading=MAXIMUM)
        return ByTuning(lens, other, layers, knobs, plan=plan)
    shown = materials.datasets[params.dataset] if params.dataset else datasets.fixed(lens.checkpoint.input_spec)
    return ByActivation(lens, other, layers, shown, plan=plan)


def _answer(
    measure: Measure, lens: Lens, other: Lens, params: Knobs, given: Subject, asked: Question, *, plan: Plan
) -> Finding | Failure:
    try:
        own, many = measure.profile(asked), measure.others(asked)
    except InterpError as error:
        return Failure(given, error)
    if not torch.isfinite(own).all():
        return Failure(given, NonfiniteActivation(layer=asked.unit.layer))
    values = {layer: (cosine if params.by == WEIGHTS else correlation)(own, them) for layer, them in many.items()}
    if other is lens and asked.unit.layer in values:
        values[asked.unit.layer][asked.unit.channel] = torch.nan  # no unit is its own counterpart
    ranked = _ranked(other, values, top=params.top)
    listed = [
        {"rank": rank, "unit": f"{layer}:{channel}", "value": value, **_aligned(params, own, many[layer][channel])}
        for rank, (value, layer, channel) in enumerate(ranked, start=1)
    ]
    flat = torch.cat([*values.values()])
    numbers = {
        "subject": str(asked.unit),
        "by": params.by,
        "measure": "cosine" if params.by == WEIGHTS else "correlation",
        "n": int(own.shape[0]),
        "checkpoint": other.checkpoint.digest,
        "layers": [*values],
        "of": int(flat.isfinite().sum()),
        "undefined": int((~flat.isfinite()).sum()) - (1 if other is lens and asked.unit.layer in values else 0),
        "counterparts": listed,
    }
    table = Blob("similarities", SAFETENSORS, save(values), {"layers": [*values]})
    return Finding(given, numbers, (table,), plan.filled(1))


def _ranked(other: Lens, values: Mapping[str, Tensor], *, top: int) -> list[tuple[float, str, int]]:
    """The most similar, ties by depth and channel; of a layer no more than can be listed are looked at."""
    found = []
    for layer, some in values.items():
        ordered, channels = torch.sort(some.nan_to_num(nan=-2.0), descending=True, stable=True)
        for value, channel in zip(ordered[:top].tolist(), channels[:top].tolist(), strict=True):
            if value >= -1.5:
                found.append((-float(f"{value:.9g}"), other.layers[layer].index, channel, layer))
    return [(-value, layer, channel) for value, _, channel, layer in sorted(found)[:top]]


def _aligned(params: Knobs, own: Tensor, other: Tensor) -> dict[str, Any]:
    """How alike two tuning curves are at the best turn, and by how many degrees the other is turned back for it."""
    if params.by != TUNING:
        return {}
    best, places = turned(own, other[None])
    period = 180.0 if FAMILIES[params.family].half_turn else 360.0
    return {"aligned": float(f"{float(best[0]):.9g}"), "shift": int(places[0]) * period / params.steps}
