"""Feature visualization: a picture in which everything is there because it makes the unit fire."""

from collections.abc import Sequence
from itertools import groupby

from torch import Tensor

from workers.interp import spectra
from workers.interp.address import Subject
from workers.interp.errors import BadAddress, InterpError, NoDirection, NoOpposite
from workers.interp.framing import cropped, frame
from workers.interp.knobs import POLARITIES, Knobs
from workers.interp.lens import Lens
from workers.interp.objectives import USUAL, site_for
from workers.interp.passes import Pass, Question
from workers.interp.plan import Plan
from workers.interp.probe import Answers, Failure, Materials, Observe, probe


@probe(
    "feature-visualization",
    version=2,
    summary="Pictures that make a unit, a weighted sum of units or a whole layer fire as strongly as possible.",
    subjects=("unit", "units", "layer"),
    site=USUAL,
    seconds=30.0,
    params=Knobs,
    example={"size": 32, "steps": 4, "seeds": [0], "polarity": "both"},
)
def feature_visualization(
    lens: Lens,
    subjects: Sequence[Subject],
    params: Knobs,
    *,
    site: str | None,
    plan: Plan,
    observe: Observe,
    materials: Materials,
) -> Answers:
    """Optimise pictures by gradient ascent, one for each polarity and seed, from noise (Olah et al. 2017; Lucid).

    The objective is the weighted sum over units of the mean over positions (or of the value at position (H // 2,
    W // 2)), read after the ReLU; for a negative picture of max(−x, 0), read before it; for a direction v with power p
    the mean of (T·v) · max(0.1, cos(T, v))^p over positions, T being all units of the layer; for a whole layer the mean
    of its squared activations (DeepDream). With `diversity` d, minus d times the mean cosine between a picture's Gram
    matrix, before the ReLU, and those of the same polarity's other seeds. The picture is parameterised by its spectrum
    in decorrelated colours, or by the phases of fixed magnitudes (MACO, Fel et al. 2023), moved about at random on grey
    before each step of Adam, and stored in 8 bits. Every picture has a random stream of its own, keyed by the
    checkpoint's digest, the subject, site, polarity, seed and form: it does not depend on what is computed beside it.

    A finding holds, for each picture, `image` (PNG, RGB, `size` × `size`, exactly what was measured) and `thumbnail`
    (WebP, at most 112 px). Its numbers, in the network's own units of activation: what the subject answers to the
    stored picture shown still and without a canvas (maximum, minimum and mean over positions, and the value at
    position (H // 2, W // 2)), the same for the noise it started from, and the trace of the objective on moved
    pictures. `dead` says that no step had a gradient; `silent` that nothing rises above zero where it should (nothing
    falls below, for negative pictures); `beats_noise` that it rises higher (falls lower) than for the noise; `steps`
    how many were taken.

    A unit that does not exist, or answers with values that are not finite, fails alone: NoSuchLayer, NoSuchUnit,
    NoSuchSite, NonfiniteActivation, FixedInput, NoDirection, NoOpposite. UnreadableMaterial is for all.
    """
    magnitudes = spectra.read(materials.files[params.spectrum]) if params.spectrum else None
    passes = _passes(lens, subjects, params, site=site, plan=plan, magnitudes=magnitudes)
    total = params.steps * sum(isinstance(one, Pass) for one in passes)
    done = 0
    for one in passes:
        if isinstance(one, Failure):
            yield one
            continue
        yield from one.run(observe, done=done, of=total)
        done += params.steps


def _passes(
    lens: Lens,
    subjects: Sequence[Subject],
    params: Knobs,
    *,
    site: str | None,
    plan: Plan,
    magnitudes: Tensor | None,
) -> list[Pass | Failure]:
    """The subjects in order: those that can share a pass together, those that cannot be asked about as failures."""
    found: list[Pass | Failure] = []
    asked = [_resolved(lens, subject, params, site=site) for subject in subjects]
    for _, group in groupby(asked, key=lambda one: id(one) if isinstance(one, Failure) else one.company):
        members = list(group)
        questions = [one for one in members if isinstance(one, Question)]
        found += [one for one in members if isinstance(one, Failure)]
        for first in range(0, len(questions), plan.units):
            found.append(Pass(lens, questions[first : first + plan.units], params, plan, magnitudes))
    return found


def _resolved(lens: Lens, given: Subject, params: Knobs, *, site: str | None) -> Question | Failure:
    try:
        subject = lens.named(given)
        _require_sense(subject, params)
        read = site_for(lens, subject, polarity="positive", site=site)
        polarities = ("positive",) if subject.kind == "layer" else POLARITIES[params.polarity]
        size = cropped(lens.checkpoint, subject.layers, size=params.size) if params.extent != "full" else params.size
        framed = frame(lens.checkpoint, subject.layers, site=read, size=size)
        sites = {one: site_for(lens, subject, polarity=one, site=site) for one in polarities}
    except InterpError as error:
        return Failure(given, error)
    return Question(given, subject, sites, framed)


def _require_sense(subject: Subject, params: Knobs) -> None:
    if subject.kind == "checkpoint":
        raise BadAddress(text=str(subject))
    if params.cosine_power and (subject.kind == "layer" or len(subject.layers) > 1):
        raise NoDirection(subject=str(subject))
    if subject.kind == "layer" and params.polarity == "negative":
        raise NoOpposite(subject=str(subject))
