"""Ascent is what it says: step by step the textbook's, and the gradient is the slope of what is measured."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.interp import networks, oracles
from workers.interp import redirection, warp
from workers.interp.address import Subject
from workers.interp.ascent import Moment, Path, Trace, ascend, draws_for, milestones
from workers.interp.images import Spectrum
from workers.interp.lens import Lens
from workers.interp.objectives import Goal, Objective
from workers.interp.slope import slope
from workers.interp.streams import Stream

SIZE = 24
GOALS = {
    "channel": Goal(Subject.parse("line:3"), "positive", "post_relu"),
    "before the ReLU": Goal(Subject.parse("line:3"), "positive", "pre_relu"),
    "weighted sum": Goal(Subject.parse([["gabor:9", 0.7], ["line:2", -0.3]]), "positive", "post_relu"),
    "negative": Goal(Subject.parse("gabor:5"), "negative", "pre_relu"),
    "negative sum": Goal(Subject.parse([["line:1", 2.0], ["line:5", 0.5]]), "negative", "pre_relu"),
    "silent": Goal(Subject.parse("curve:3"), "positive", "post_relu"),
}


@pytest.fixture(scope="module")
def precise() -> Lens:
    """`curve-circuit` in float64."""
    return Lens(networks.checkpoint("curve-circuit"), dtype=torch.float64)


def streams(n: int) -> list[Stream]:
    """One for each sample."""
    return [Stream.of(checkpoint="c", subject=f"s{i}", objective="o", seed=i) for i in range(n)]


def directly(goal: Goal, image: Tensor, relu) -> Tensor:
    """The goal's value for one image, from the formulas of the organism."""
    tensors = networks.checkpoint("curve-circuit").tensors
    maps = oracles.curve_circuit(tensors, image, relu)
    total = torch.zeros((), dtype=image.dtype)
    for unit, weight in goal.subject.terms:
        one = maps[unit.layer][0, unit.channel]
        one = one if goal.site == "pre_relu" else relu(one[None])[0]
        total = total + weight * (relu(-one[None])[0] if goal.polarity == "negative" else one).mean()
    return total


@pytest.mark.parametrize("moving", [True, False], ids=["moving", "still"])
@pytest.mark.parametrize(("decay", "decorrelate"), [(1.0, True), (0.5, False)], ids=["natural", "plain"])
def test_ascent_is_the_ten_line_loop(precise, monkeypatch, moving, decay, decorrelate):
    """All goals in one pass against each goal alone: values and gradients of every step, and the picture's spectrum."""
    monkeypatch.setattr(redirection, "STEPS", 3)  # so that a few steps see it switched on and off
    goals, drawn = list(GOALS.values()), streams(len(GOALS))
    spectrum = Spectrum(SIZE, decay, decorrelate, dtype=torch.float64)
    path = Path(steps=6, learning_rate=0.05, canvas=30, moving=moving)
    moments = list(copied(ascend(Objective(precise, goals), spectrum, drawn, path)))
    gradients = list(gradients_of(precise, goals, spectrum, drawn, path, moments))
    for row, (goal, stream) in enumerate(zip(goals, drawn, strict=True)):
        slow = oracles.ascent(
            lambda image, relu, goal=goal: directly(goal, image, relu),
            torch.from_numpy(stream.at(0).normal(scale=0.01, size=(1, 3, SIZE, SIZE // 2 + 1, 2))),
            size=SIZE,
            decay=decay,
            decorrelate=decorrelate,
            draws=[draws_for([stream], step=step, size=SIZE, moving=moving)[0] for step in range(1, 7)],
            canvas=30,
            rate=0.05,
            redirected=3,
        )
        for (value, gradient), moment, ours in zip(islice(slow, 6), moments, gradients, strict=True):
            assert float(moment.values[row]) == pytest.approx(float(value), rel=1e-9, abs=1e-12)
            assert float((ours[row] - gradient[0]).abs().max()) <= 1e-9 * float(gradient.abs().max())
            assert float(moment.gradient[row]) == pytest.approx(float(gradient.abs().max()), rel=1e-9)
        _, spectra = next(slow)
        assert float((moments[-1].numbers[row] - spectra[0]).abs().max()) <= 1e-9


def climbing(objective, pictures, numbers, draws, *, canvas, redirect):
    """One step's values and gradient, for given moves."""
    grid = warp.grids(draws, size=pictures.size, canvas=canvas).to(numbers)
    return slope(objective, pictures, numbers, grid, redirect=redirect)


def copied(moments):
    """The moments, with the spectra as they were: they are updated in place."""
    for moment in moments:
        yield replace(moment, numbers=moment.numbers.clone())


def gradients_of(lens, goals, spectrum, drawn, path, moments):
    """The gradient of every step, from the spectra before it."""
    before = [spectrum.start([stream.at(0) for stream in drawn]), *(moment.numbers for moment in moments[:-1])]
    for step, spectra in enumerate(before, 1):
        moves = draws_for(drawn, step=step, size=spectrum.size, moving=path.moving)
        redirect = step <= redirection.STEPS
        yield climbing(Objective(lens, goals), spectrum, spectra, moves, canvas=path.canvas, redirect=redirect)[1]


def test_the_gradient_is_the_slope(precise):
    """Central differences in float64, along random directions, through warp, colours, network and objective."""
    goals, drawn = list(GOALS.values())[:5], streams(5)
    spectrum = Spectrum(SIZE, dtype=torch.float64)
    # Louder than at the start, so that units are far from their thresholds.
    spectra = spectrum.start([stream.at(0) for stream in drawn]) * 30
    moves = draws_for(drawn, step=1, size=SIZE, moving=True)

    def at(point):
        return climbing(Objective(precise, goals), spectrum, point, moves, canvas=30, redirect=False)

    _, gradient = at(spectra)
    random = np.random.Generator(np.random.Philox(0))
    for _ in range(4):
        direction, width = torch.from_numpy(random.normal(size=spectra.shape)), 1e-6
        slope = (at(spectra + width * direction)[0] - at(spectra - width * direction)[0]) / (2 * width)
        assert slope.tolist() == pytest.approx((gradient * direction).flatten(1).sum(1).tolist(), rel=1e-4, abs=1e-9)


def test_samples_are_summed_and_share_nothing(precise):
    """A sample beside others climbs exactly as it does alone, in float64 to the last digits."""
    spectrum, path = Spectrum(SIZE, dtype=torch.float64), Path(5, 0.05, 30, moving=True)
    goals, drawn = list(GOALS.values()), streams(len(GOALS))
    together = [moment.values for moment in ascend(Objective(precise, goals), spectrum, drawn, path)]
    for row, (goal, stream) in enumerate(zip(goals, drawn, strict=True)):
        alone = [moment.values[0] for moment in ascend(Objective(precise, [goal]), spectrum, [stream], path)]
        assert [float(values[row]) for values in together] == pytest.approx([float(one) for one in alone], rel=1e-9)


def test_redirection_wakes_a_silent_unit_and_only_while_it_is_asked_to(circuit):
    goal = GOALS["silent"]
    spectrum, (stream,) = Spectrum(32), streams(1)
    start = spectrum.start([stream.at(0)])
    objective = Objective(circuit, [goal])
    values, gradient = climbing(objective, spectrum, start, [warp.STILL], canvas=32, redirect=True)
    assert (float(values), float(gradient.abs().max()) > 0) == (0.0, True)
    _, gradient = climbing(objective, spectrum, start, [warp.STILL], canvas=32, redirect=False)
    assert float(gradient.abs().max()) == 0


def test_redirection_is_decided_sample_by_sample():
    """A sample with a gradient keeps it; one without gets what lifts its inputs; nothing is pushed further down."""
    x = torch.tensor([[1.0, -1.0], [-1.0, -2.0], [-3.0, -1.0]], requires_grad=True)
    y = redirection.relu(x)
    y.backward(torch.tensor([[2.0, 5.0], [3.0, -4.0], [-1.0, -1.0]]))
    assert y.tolist() == [[1, 0], [0, 0], [0, 0]]
    assert x.grad.tolist() == [[2, 0], [3, 0], [0, 0]]


def test_a_trace_ends_with_its_last_step_and_is_short():
    for steps in (1, 2, 127, 128, 129, 512, 513, 4096):
        trace = Trace(steps)
        assert trace.steps == sorted(set(trace.steps))
        assert (trace.steps[0], trace.steps[-1]) == (1, steps)
        assert len(trace.steps) <= 130


def test_a_trace_tells_dead_from_silent_and_lost():
    trace = Trace(2)
    nan = float("nan")
    for step, gradient in ((1, [0.0, 0.0, 1.0, 1.0]), (2, [0.0, 1.0, nan, 1.0])):
        trace.add(
            Moment(
                step, torch.tensor([0.0, 0.0, 1.0, float("inf")]), torch.tensor(gradient), torch.empty(0), Spectrum(8)
            )
        )
    assert [trace.of(row, until=2)["dead"] for row in (0, 1)] == [True, False]
    assert [trace.finite(row) for row in range(4)] == [True, True, False, False]


def test_milestones_double_and_leave_the_last_to_the_finding():
    assert sorted(milestones(512)) == [1, 32, 128, 256]
    assert sorted(milestones(600)) == [1, 32, 128, 256, 512]
    assert sorted(milestones(32)) == [1]
    assert sorted(milestones(1)) == []
