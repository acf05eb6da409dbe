"""Tuning: how a unit's response changes along one or two quantities of a stimulus, and what it prefers."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError
from safetensors.numpy import save
from torch import Tensor

from workers.interp import charts, selectivity
from workers.interp.address import Subject
from workers.interp.errors import BadAddress, InterpError, NonfiniteActivation, UnreadableMaterial
from workers.interp.lens import Lens
from workers.interp.plan import Plan
from workers.interp.probe import SAFETENSORS, Answers, Blob, Failure, Finding, Materials, Observe, Progress, probe
from workers.interp.showing import Question, Recording, Session
from workers.interp.sweep import Axis, Sweep, written
from workers.interp.tuning_knobs import PICTURE, Knobs

USUAL = "pre_relu"  # of layers that have it
LARGEST = 4096  # pixels a side of a picture to be turned
Array = np.ndarray


@probe(
    "tuning",
    version=2,
    summary="How strongly a unit answers to drawn stimuli along one or two quantities: orientation, radius, hue …",
    subjects=("unit",),
    site=USUAL,
    seconds=2.0,
    params=Knobs,
    example={"family": "line", "steps": 2},
)
def tuning(
    lens: Lens,
    subjects: Sequence[Subject],
    params: Knobs,
    *,
    site: str | None,
    plan: Plan,
    observe: Observe,
    materials: Materials,
) -> Answers:
    """Show a family of drawn stimuli and record the response to each (Cammarata et al. 2020, Curve Detectors).

    Stimuli are drawn at the network's input size on grey, around the middle of what the position (H // 2, W // 2) sees.
    Angles turn counter-clockwise as seen, 0° points right: a curve at 90° opens upwards, its centre of curvature above
    it. A length that is not given fits what a position sees. `reading` max takes the largest response over positions,
    centre that of the middle position. With the family `picture` a picture is turned around the point where the unit
    answers most to it, behind a round window.

    A finding holds the `responses` (safetensors, float64: `responses` [n] or [n, m] and the values of each axis), a
    `curve` (PNG: a plot, for two axes a map), and `stimulus` pictures along each axis, cut to what the position sees.
    Its numbers, in the network's own units of activation: `responses`, the same; their `maximum` and `minimum`, and
    `ground`, the response to grey alone; what is `fixed`. Of each of the `axes`, along the line through the largest
    response, rectified at 0: `argmax`; `width_at_half_max`, the extent of all that lies above half the maximum; around
    a circle of P degrees (360, or 180 where half a turn shows the same) `circular_mean`, the direction of Σ r e^{imθ}
    with m = 360/P, divided by m, `vector_strength` R = |Σ r e^{imθ}| / Σ r, and over 360° `echo`, the largest response
    within 20° of the opposite of `argmax`, over the maximum. `silent` says that nothing rises above 0: then they are
    null.

    A question that cannot be answered fails alone: NoSuchLayer, NoSuchUnit, NoSuchSite, NonfiniteActivation.
    UnreadableMaterial is for all.
    """
    session = Session(lens, params, plan, picture=_picture(lens, params, materials))
    asked = [_resolved(lens, subject, site=site) for subject in subjects]
    questions = [one for one in asked if isinstance(one, Question)]
    total = len({session.key(one) for one in questions}) * session.passes + len(questions)
    done = 0
    for subject, one in zip(subjects, asked, strict=True):
        if isinstance(one, Failure):
            yield one
            continue
        for _ in session.show(one):
            done += 1
            observe(Progress(done, total))
        answer = _answer(session.recording(one), subject, one, plan=plan.filled(session.together))
        done += 1
        observe(Progress(done, total))
        yield answer


def _resolved(lens: Lens, given: Subject, *, site: str | None) -> Question | Failure:
    try:
        if given.kind != "unit":
            raise BadAddress(text=str(given))
        unit = lens.resolve(given.units[0])
        layer = lens.layers[unit.layer]
        read = site or (USUAL if USUAL in layer.sites else layer.sites[-1])
        layer.require(read)
        return Question(unit, read)
    except InterpError as error:
        return Failure(given, error)


def _picture(lens: Lens, params: Knobs, materials: Materials) -> Tensor | None:  # -> [3, H, W] in [0, 1]
    """The picture that is to be turned, as the network is shown it."""
    if params.family != PICTURE:
        return None
    return _opened(lens, materials.files[params.picture], params.picture)


def _opened(lens: Lens, path: Path, sha256: str) -> Tensor:
    try:
        with Image.open(path) as image:
            if max(image.size) > LARGEST:
                raise ValueError(f"it has {image.width} × {image.height} pixels, more than {LARGEST} a side")
            return lens.checkpoint.input_spec.crop(image)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UnreadableMaterial(sha256=sha256, wanted="a picture", reason=str(error)[:200]) from None


def _answer(found: Recording, given: Subject, asked: Question, *, plan: dict[str, Any]) -> Finding | Failure:
    if not found.finite[asked.unit.channel]:
        return Failure(given, NonfiniteActivation(layer=asked.unit.layer))
    sweep = found.sweep
    responses = np.array([_rounded(it) for it in found.answers[:, asked.unit.channel]]).reshape(sweep.shape)
    lines = [_line(responses, place) for place in range(len(sweep.axes))]
    numbers = {
        "subject": str(asked.unit),
        "site": asked.site,
        "family": sweep.params.family,
        "reading": sweep.params.reading,
        "position": list(sweep.spot.position),
        "centre": list(sweep.spot.centre),
        "field": sweep.spot.field,
        "size": list(sweep.spot.size),
        "n": int(responses.size),
        "fixed": sweep.facts(),
        "ground": _rounded(found.ground[asked.unit.channel]),
        "maximum": float(responses.max()),
        "minimum": float(responses.min()),
        "silent": not responses.max() > 0,
        "axes": [{**axis.facts(), **_preferred(axis, line)} for axis, line in zip(sweep.axes, lines, strict=True)],
        "responses": responses.tolist(),
    }
    return Finding(given, numbers, (*_tables(responses, sweep, numbers), *found.examples), plan)


def _rounded(value: float) -> float:
    """Nine digits hold a float32."""
    return float(f"{value:.9g}")


def _line(responses: Array, place: int) -> Array:  # [n] or [n, m] -> [n] or [m]
    """The responses along one axis through the largest."""
    best = list(np.unravel_index(int(responses.argmax()), responses.shape))
    return np.asarray(responses[tuple(slice(None) if axis == place else it for axis, it in enumerate(best))])


def _preferred(axis: Axis, line: Array) -> dict[str, Any]:
    if axis.period:
        return selectivity.of_angles(line, period=axis.period)
    return selectivity.of_values(line, axis.values)


def _tables(responses: Array, sweep: Sweep, numbers: dict[str, Any]) -> Iterator[Blob]:
    values = {axis.quantity.name: axis.values for axis in sweep.axes}
    facts = {"axes": [*values], "shape": [*responses.shape]}
    yield Blob("responses", SAFETENSORS, save({"responses": responses, **values}), facts)
    title = f"{numbers['subject']}, {sweep.params.family}, n = {numbers['n']}"
    two = len(sweep.axes) == 2
    drawn = (
        charts.grid(sweep.axes, responses, title=title) if two else charts.curve(sweep.axes[0], responses, title=title)
    )
    data, (width, height) = drawn
    yield Blob("curve", "image/png", data, {"width": width, "height": height, "alt": _alt(numbers)})


def _alt(numbers: dict[str, Any]) -> str:
    axes = numbers["axes"]
    names = " and ".join(axis["title"].lower() for axis in axes)
    shown = f"Responses of {numbers['subject']} to {numbers['n']} stimuli of the family {numbers['family']} by {names}"
    if numbers["silent"]:
        return f"{shown}: none above 0."
    best = " and ".join(written(axis["argmax"], axis["unit"]) for axis in axes)
    return f"{shown}: the largest, {numbers['maximum']:.3g}, at {best}."
