"""Feature visualization: a picture in which everything is there because it makes the unit fire."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from torch import Tensor

from workers.interp import encode
from workers.interp.address import Subject
from workers.interp.ascent import Path, Trace, ascend, milestones
from workers.interp.errors import InterpError, NonfiniteActivation
from workers.interp.framing import Frame, frame
from workers.interp.images import Spectrum, quantised
from workers.interp.lens import Lens
from workers.interp.objectives import SIGNS, USUAL, Goal, Objective, Response, site_for
from workers.interp.parameters import Params, choice, flag, integer, integers, number
from workers.interp.plan import Plan
from workers.interp.probe import Answers, Blob, Failure, Finding, Observe, Progress, Snapshot, probe
from workers.interp.streams import Stream

POLARITIES = {"both": ("positive", "negative"), "positive": ("positive",), "negative": ("negative",)}


@dataclass(frozen=True)
class Knobs(Params):
    """Lucid's defaults (`optvis/render.py`, `param.py`, `transform.py`)."""

    size: int = integer(
        128,
        title="Picture size",
        description="Width and height of the picture in pixels. Units behind a layer that takes only one input size "
        "are drawn at that size instead.",
        least=16,
        most=512,
    )
    steps: int = integer(
        512,
        title="Steps",
        description="How often the picture is improved. Time grows in proportion.",
        least=1,
        most=4096,
    )
    learning_rate: float = number(
        0.05,
        title="Step width",
        description="The learning rate of Adam: how far one step goes.",
        least=0.0001,
        most=1,
    )
    seeds: tuple[int, ...] = integers(
        (0, 1, 2),
        title="Seeds",
        description="One picture for each random start. Several show what they share and what is chance.",
        least=0,
        most=2**32 - 1,
        length=(1, 8),
    )
    polarity: str = choice(
        "both",
        title="Excite or inhibit",
        description="Whether the picture makes the unit fire (positive), falls as far below as possible (negative, "
        "read before the ReLU), or one of each.",
        among=tuple(POLARITIES),
    )
    decay: float = number(
        1.0,
        title="Smoothness",
        description="Favours coarse over fine patterns: spatial frequency f is scaled by 1/f to this power. "
        "1 is the spectrum of natural images, 0 is none.",
        least=0,
        most=3,
    )
    decorrelate: bool = flag(
        True,
        title="Natural colours",
        description="Optimise along the directions in which colours of natural images vary, instead of red, green "
        "and blue.",
    )
    transforms: str = choice(
        "standard",
        title="Robustness",
        description="Move, turn and scale the picture a little at random before each step (standard), so that only "
        "patterns that survive it remain; or do not (none).",
        among=("standard", "none"),
    )


@probe(
    "feature-visualization",
    version=1,
    summary="Pictures that make a unit, or a weighted sum of units, fire as strongly as possible.",
    subjects=("unit", "units"),
    site=USUAL,
    seconds=30.0,
    params=Knobs,
    example={"size": 32, "steps": 4, "seeds": [0], "polarity": "both"},
)
def feature_visualization(
    lens: Lens, subjects: Sequence[Subject], params: Knobs, *, site: str | None, plan: Plan, observe: Observe
) -> Answers:
    """Optimise pictures by gradient ascent, one for each polarity and seed, from noise (Olah et al. 2017; Lucid).

    The objective is the weighted sum over units of the mean over positions, read after the ReLU; for a negative
    picture of max(−x, 0), read before it. The picture is parameterised by its spectrum in decorrelated colours, moved
    about at random on grey before each step of Adam, and stored in 8 bits. Every picture has a random stream of its
    own, keyed by the checkpoint's digest, the subject, site, polarity and seed: it does not depend on what is computed
    beside it.

    A finding holds, for each picture, `image` (PNG, RGB, `size` × `size`, exactly what was measured) and `thumbnail`
    (WebP, at most 112 px). Its numbers, in the network's own units of activation: what the subject answers to the
    stored picture shown still and without a canvas (maximum, minimum and mean over positions, and the value at
    position (H // 2, W // 2)), the same for the noise it started from, and the trace of the objective on moved
    pictures. `dead` says that no step had a gradient; `silent` that nothing rises above zero where it should (nothing
    falls below, for negative pictures); `beats_noise` that it rises higher (falls lower) than for the noise.

    A unit that does not exist, or answers with values that are not finite, fails alone: NoSuchLayer, NoSuchUnit,
    NoSuchSite, NonfiniteActivation, FixedInput.
    """
    passes = _passes(lens, subjects, params, site=site, plan=plan)
    total = params.steps * sum(isinstance(one, Pass) for one in passes)
    done = 0
    for one in passes:
        if isinstance(one, Failure):
            yield one
            continue
        yield from one.run(observe, done=done, of=total)
        done += params.steps


def _passes(
    lens: Lens, subjects: Sequence[Subject], params: Knobs, *, site: str | None, plan: Plan
) -> list["Pass | Failure"]:
    """The subjects in order: those that can share a pass together, those that cannot be asked about as failures."""
    found: list[Pass | Failure] = []
    asked = [_resolved(lens, subject, params, site=site) for subject in subjects]
    for _, group in groupby(asked, key=lambda one: id(one) if isinstance(one, Failure) else one.company):
        members = list(group)
        questions = [one for one in members if isinstance(one, Question)]
        found += [one for one in members if isinstance(one, Failure)]
        for first in range(0, len(questions), plan.units):
            found.append(Pass(lens, questions[first : first + plan.units], params, plan))
    return found


@dataclass(frozen=True, slots=True)
class Question:
    """A subject as it was asked for and under its canonical name, its goals' polarities, seeds, and its frame."""

    given: Subject
    subject: Subject
    sites: dict[str, str]
    frame: Frame

    @property
    def company(self) -> tuple[Any, ...]:
        """Equal for questions that one forward pass can answer."""
        return self.subject.layers, self.frame, tuple(self.sites.items())


def _resolved(lens: Lens, given: Subject, params: Knobs, *, site: str | None) -> "Question | Failure":
    try:
        subject = Subject(tuple((lens.resolve(unit), weight) for unit, weight in given.terms))
        read = site_for(lens, subject, polarity="positive", site=site)
        framed = frame(lens.checkpoint, subject.layers, site=read, size=params.size)
        sites = {one: site_for(lens, subject, polarity=one, site=site) for one in POLARITIES[params.polarity]}
    except InterpError as error:
        return Failure(given, error)
    return Question(given, subject, sites, framed)


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture to be: whose, of which polarity and seed."""

    question: Question
    goal: Goal
    seed: int

    def stream(self, checkpoint: str) -> Stream:
        """Its own random numbers."""
        objective = f"{self.goal.polarity} {self.goal.site}"
        return Stream.of(checkpoint=checkpoint, subject=str(self.goal.subject), objective=objective, seed=self.seed)

    def facts(self, *, width: int = 0, height: int = 0) -> dict[str, Any]:
        """What a blob of it shows; in full size unless said otherwise."""
        size = self.question.frame.size
        shown = {"polarity": self.goal.polarity, "seed": self.seed, "site": self.goal.site}
        return {**shown, "width": width or size, "height": height or size}


class Pass:
    """The samples that go through the network together: all of one frame, reading the same layers."""

    def __init__(self, lens: Lens, questions: Sequence[Question], params: Knobs, plan: Plan) -> None:
        self.lens = lens
        self.params = params
        self.plan = plan
        self.questions = questions
        self.frame = questions[0].frame
        # Filled up with the first question: the number of samples is part of the plan, because it changes bits.
        self.samples = [
            Sample(question, Goal(question.subject, polarity, site), seed)
            for question in [*questions, *[questions[0]] * (plan.units - len(questions))]
            for polarity, site in question.sites.items()
            for seed in params.seeds
        ]

    @property
    def each(self) -> int:
        """Samples of one question."""
        return len(self.samples) // self.plan.units

    def run(self, observe: Observe, *, done: int, of: int) -> Answers:
        """Climb, telling `observe` of every step, then measure; one answer for each question."""
        params = self.params
        spectrum = Spectrum(
            self.frame.size, params.decay, params.decorrelate, device=self.lens.device, dtype=self.lens.dtype
        )
        path = Path(params.steps, params.learning_rate, self.frame.canvas, moving=params.transforms == "standard")
        objective = Objective(self.lens, [sample.goal for sample in self.samples])
        streams = [sample.stream(self.lens.checkpoint.digest) for sample in self.samples]
        start = quantised(spectrum.decode(spectrum.start([stream.at(0) for stream in streams])))
        trace, shown, pixels = Trace(path.steps), milestones(path.steps), start
        for moment in ascend(objective, spectrum, streams, path):
            trace.add(moment)
            snapshots: tuple[Snapshot, ...] = ()
            if moment.step in shown or moment.step == path.steps:
                pixels = quantised(spectrum.decode(moment.spectra))
                snapshots = self._snapshots(moment.step, pixels) if moment.step in shown else ()
            observe(Progress(done + moment.step, of, snapshots))
        yield from self._answers(trace, pixels, before=self._measured(start), after=self._measured(pixels))

    def _measured(self, pixels: Tensor) -> list[Response]:  # [N, 3, S, S] uint8
        """What every sample's subject answers to its stored picture, still and without a canvas."""
        images = pixels.to(device=self.lens.device, dtype=self.lens.dtype) / 255
        return Objective(self.lens, [sample.goal for sample in self.samples]).responses(images)

    def _snapshots(self, step: int, pixels: Tensor) -> tuple[Snapshot, ...]:
        """The pictures on their way."""
        return tuple(
            Snapshot(sample.question.given, step, Blob("snapshot", "image/webp", encode.webp(one), sample.facts()))
            for sample, one in zip(self.samples[: len(self.questions) * self.each], pixels, strict=False)
        )

    def _answers(self, trace: Trace, pixels: Tensor, *, before: list[Response], after: list[Response]) -> Answers:
        for position, question in enumerate(self.questions):
            rows = range(position * self.each, (position + 1) * self.each)
            if not all(trace.finite(row) and before[row].finite and after[row].finite for row in rows):
                yield Failure(question.given, NonfiniteActivation(layer=", ".join(question.subject.layers)))
                continue
            pictures = [_numbers(self.samples[row], trace.of(row), before[row], after[row]) for row in rows]
            blobs = tuple(blob for row in rows for blob in _blobs(self.samples[row], pixels[row]))
            numbers = _summary(question, pictures, steps=self.params.steps)
            yield Finding(question.given, numbers, blobs, self.plan.filled(len(self.samples)))


def _numbers(sample: Sample, climbed: dict[str, Any], before: Response, after: Response) -> dict[str, Any]:
    """One picture in numbers."""
    sign = SIGNS[sample.goal.polarity]
    reached, before_reached = _extreme(after, sign), _extreme(before, sign)
    return {
        "polarity": sample.goal.polarity,
        "seed": sample.seed,
        "site": sample.goal.site,
        **asdict(after),
        "start": asdict(before),
        "silent": sign * reached <= 0,
        "beats_noise": sign * (reached - before_reached) > 0,
        **climbed,
    }


def _extreme(response: Response, sign: float) -> float:
    """How far a response goes in a direction; its mean, where positions have no common maps."""
    reached = response.maximum if sign > 0 else response.minimum
    return response.mean if reached is None else reached


def _summary(question: Question, pictures: list[dict[str, Any]], *, steps: int) -> dict[str, Any]:
    """A finding in numbers: each flag says what holds for every picture."""
    return {
        "subject": str(question.subject),
        "size": question.frame.size,
        "canvas": question.frame.canvas,
        "steps": steps,
        "dead": all(picture["dead"] for picture in pictures),
        "silent": all(picture["silent"] for picture in pictures),
        "beats_noise": all(picture["beats_noise"] for picture in pictures),
        "pictures": pictures,
    }


def _blobs(sample: Sample, pixels: Tensor) -> tuple[Blob, Blob]:  # [3, S, S] uint8
    """The picture itself, and small."""
    small, (width, height) = encode.thumbnail(pixels)
    return (
        Blob("image", "image/png", encode.png(pixels), sample.facts()),
        Blob("thumbnail", "image/webp", small, sample.facts(width=width, height=height)),
    )
