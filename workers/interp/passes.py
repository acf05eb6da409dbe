"""Pictures that go through the network together: climbed, measured as they are stored, each answered for alone."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from workers.interp import encode
from workers.interp.address import Subject
from workers.interp.ascent import Path, Trace, milestones
from workers.interp.errors import NonfiniteActivation
from workers.interp.framing import Frame
from workers.interp.images import Parameterisation, Phases, Spectrum, natural, quantised, resampled
from workers.interp.knobs import Knobs
from workers.interp.lens import Lens
from workers.interp.objectives import SIGNS, Goal, Objective, Response
from workers.interp.plan import Plan
from workers.interp.probe import Answers, Blob, Failure, Finding, Observe, Progress, Snapshot
from workers.interp.schedule import climb
from workers.interp.stopping import Rest
from workers.interp.streams import Stream


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
        return self.subject.layers, self.subject.kind == "layer", self.frame, tuple(self.sites.items())


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture to be: whose, of which polarity and seed."""

    question: Question
    goal: Goal
    seed: int
    group: int  # samples that may be pushed apart

    def stream(self, checkpoint: str, *, form: str) -> Stream:
        """Its own random numbers."""
        objective = f"{self.goal.polarity} {self.goal.site}{form}"
        return Stream.of(checkpoint=checkpoint, subject=str(self.goal.subject), objective=objective, seed=self.seed)

    def facts(self, size: tuple[int, int]) -> dict[str, Any]:
        """What a blob of it shows, of this width and height."""
        shown = {"polarity": self.goal.polarity, "seed": self.seed, "site": self.goal.site}
        return {**shown, "width": size[0], "height": size[1]}


class Pass:
    """The samples that go through the network together: all of one frame, reading the same layers."""

    def __init__(
        self, lens: Lens, questions: Sequence[Question], params: Knobs, plan: Plan, magnitudes: Tensor | None
    ) -> None:
        self.lens = lens
        self.params = params
        self.plan = plan
        self.questions = questions
        self.frame = questions[0].frame
        self.pictures = _parameterisation(lens, params, self.frame.size, magnitudes)
        # Filled up with the first question: the number of samples is part of the plan, because it changes bits.
        self.samples = [
            Sample(question, Goal(question.subject, polarity, site), seed, group=2 * place + turn)
            for place, question in enumerate([*questions, *[questions[0]] * (plan.units - len(questions))])
            for turn, (polarity, site) in enumerate(question.sites.items())
            for seed in params.seeds
        ]

    @property
    def each(self) -> int:
        """Samples of one question."""
        return len(self.samples) // self.plan.units

    def run(self, observe: Observe, *, done: int, of: int) -> Answers:
        """Climb, telling `observe` of every step, then measure; one answer for each question."""
        params, decode = self.params, self.pictures.decode
        moving, replay = params.transforms == "standard", self.plan.replay
        path = Path(params.steps, params.learning_rate, self.frame.canvas, moving=moving, replay=replay)
        goals, groups = [sample.goal for sample in self.samples], [sample.group for sample in self.samples]
        objective = Objective(self.lens.in_dtype(self.plan.network), goals, params.form, groups=groups)
        streams = [sample.stream(self.lens.checkpoint.digest, form=params.form.word) for sample in self.samples]
        start = quantised(decode(self.pictures.start([stream.at(0) for stream in streams])))
        rest, trace, shown = Rest(len(streams), share=params.rest), Trace(path.steps), milestones(path.steps)
        coarse = params.schedule != "even" and self.frame.halves
        for moment in climb(objective, self.pictures, streams, path, coarse=coarse):
            trace.add(moment)
            if moment.pictures is self.pictures:  # what is half as large is not compared with what is whole
                rest.add(moment)
            snapshots: tuple[Snapshot, ...] = ()
            if moment.step in shown:
                snapshots = self._snapshots(moment.step, quantised(moment.pictures.decode(rest.kept(moment.numbers))))
            observe(Progress(done + moment.step, of, snapshots))
            if rest.all or moment.step == path.steps:
                pixels, last = quantised(decode(rest.kept(moment.numbers))), moment.step
                break
        taken = [step or last for step in rest.steps]
        yield from self._answers(trace, taken, pixels, before=self._measured(start), after=self._measured(pixels))

    def _measured(self, pixels: Tensor) -> list[Response]:  # [N, 3, S, S] uint8
        """What every sample's subject answers to its stored picture, still and without a canvas."""
        images = pixels.to(device=self.lens.device, dtype=self.lens.dtype) / 255
        return Objective(self.lens, [sample.goal for sample in self.samples]).responses(images)

    def _snapshots(self, step: int, pixels: Tensor) -> tuple[Snapshot, ...]:
        """The pictures on their way."""
        return tuple(
            Snapshot(
                sample.question.given, step, Blob("snapshot", "image/webp", encode.webp(one), sample.facts(_size(one)))
            )
            for sample, one in zip(self.samples[: len(self.questions) * self.each], pixels, strict=False)
        )

    def _answers(
        self, trace: Trace, taken: list[int], pixels: Tensor, *, before: list[Response], after: list[Response]
    ) -> Answers:
        for position, question in enumerate(self.questions):
            rows = range(position * self.each, (position + 1) * self.each)
            if not all(trace.finite(row) and before[row].finite and after[row].finite for row in rows):
                yield Failure(question.given, NonfiniteActivation(layer=", ".join(question.subject.layers)))
                continue
            climbed = [trace.of(row, until=taken[row]) for row in rows]
            pictures = [
                _numbers(self.samples[row], one, before[row], after[row])
                for row, one in zip(rows, climbed, strict=True)
            ]
            blobs = tuple(blob for row in rows for blob in _blobs(self.samples[row], pixels[row]))
            numbers = _summary(question, pictures, steps=max(taken[row] for row in rows))
            yield Finding(question.given, numbers, blobs, self.plan.filled(len(self.samples)))


def _parameterisation(lens: Lens, params: Knobs, size: int, magnitudes: Tensor | None) -> Parameterisation:
    if params.parameterisation == "fourier":
        return Spectrum(size, params.decay, params.decorrelate, device=lens.device, dtype=lens.image_dtype)
    held = natural(size, decay=params.decay) if magnitudes is None else resampled(magnitudes, size)
    return Phases(size, held, device=lens.device, dtype=lens.image_dtype)


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
    small, size = encode.thumbnail(pixels)
    return (
        Blob("image", "image/png", encode.png(pixels), sample.facts(_size(pixels))),
        Blob("thumbnail", "image/webp", small, sample.facts(size)),
    )


def _size(pixels: Tensor) -> tuple[int, int]:  # [3, H, W] -> (W, H)
    return pixels.shape[2], pixels.shape[1]
