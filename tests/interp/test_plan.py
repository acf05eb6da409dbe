"""In which company and precision a device computes: found by trying, and not felt in what is said of a picture."""

import pytest
import torch

from tests.interp import networks
from workers.interp import device, replay
from workers.interp.address import Subject
from workers.interp.images import Spectrum
from workers.interp.lens import Lens
from workers.interp.objectives import Goal, Objective
from workers.interp.plan import Plan
from workers.interp.probes import PROBES
from workers.interp.slope import slope
from workers.interp.streams import Stream
from workers.interp.warp import STILL, grids

PROBE = PROBES["feature-visualization"]
QUICK = {"size": 24, "steps": 12, "seeds": [0], "polarity": "positive"}


def test_a_cpu_computes_one_unit_at_a_time_in_its_own_precision(circuit):
    plan = Plan.for_(circuit)
    assert (plan.units, plan.device, plan.network, plan.replay) == (1, "cpu", torch.float32, False)
    assert plan.filled(6)["network"] == "float32"


def test_what_is_no_faster_is_not_chosen():
    assert device.quickest(torch.device("cpu")) in (torch.float32, torch.bfloat16)
    assert device.chosen(1.0, 0.7) == torch.float32
    assert device.chosen(1.0, 0.5) == torch.bfloat16


def test_sixteen_bits_climb_nearly_the_same_way_and_pictures_stay_in_thirty_two(circuit):
    goals = [
        Goal(Subject.parse("line:3"), "positive", "pre_relu"),
        Goal(Subject.parse("gabor:5"), "negative", "pre_relu"),
    ]
    spectrum = Spectrum(32)
    numbers = spectrum.start([Stream(key=1).at(0), Stream(key=2).at(0)]) * 30
    grid = grids([STILL] * 2, size=32, canvas=38).float()
    _, exact = slope(Objective(circuit, goals), spectrum, numbers, grid, redirect=False)
    half = circuit.in_dtype(torch.bfloat16)
    values, rough = slope(Objective(half, goals), spectrum, numbers, grid, redirect=False)
    assert (half.dtype, half.image_dtype, values.dtype, rough.dtype) == (torch.bfloat16, *[torch.float32] * 3)
    for one, other in zip(exact, rough, strict=True):
        assert float(torch.cosine_similarity(one.flatten(), other.flatten(), dim=0)) > 0.99


def test_what_was_climbed_in_sixteen_bits_is_measured_in_thirty_two(circuit):
    plan = Plan(units=1, device="cpu", network=torch.bfloat16)
    [finding] = PROBE.run(circuit, [Subject.parse("line:3")], QUICK, plan=plan)
    assert finding.plan["network"] == "bfloat16"
    [blob] = [blob for blob in finding.blobs if blob.role == "image"]
    from tests.interp.test_feature_visualization import shown, stored

    image = shown(stored(finding)[0], dtype=torch.float32)
    answer = Lens(circuit.checkpoint).truncated("line", site="post_relu", channels=[3])(image)
    [picture] = finding.numbers["pictures"]
    assert picture["maximum"] == pytest.approx(float(answer.max()), rel=1e-5)
    assert blob.facts["seed"] == 0


def test_a_device_that_records_nothing_takes_the_plain_step(circuit):
    """The same bytes, whether a plan asks for it or not."""
    recorded, plain = (
        list(PROBE.run(circuit, [Subject.parse("line:3")], QUICK, plan=Plan(1, "cpu", replay=asked)))
        for asked in (True, False)
    )
    assert [blob.data for blob in recorded[0].blobs] == [blob.data for blob in plain[0].blobs]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
@pytest.mark.parametrize("name", ["curve-circuit", "branches"])
def test_a_recorded_step_is_the_plain_one(name):
    """On a GPU: recorded for each way of the ReLUs, and played with numbers it has not seen."""
    lens = Lens(networks.checkpoint(name), device="cuda")
    layer = list(lens.layers)[1]
    goals = [Goal(Subject.parse(f"{layer}:0"), "positive", lens.layers[layer].sites[0])] * 4
    spectrum = Spectrum(32, device="cuda")
    numbers = spectrum.start([Stream(key=key).at(0) for key in range(4)]) * 30
    grid = grids([STILL] * 4, size=32, canvas=38).to(numbers)
    take = replay.Steps(Objective(lens, goals), spectrum)
    for redirect in (True, False):
        take(numbers, grid, redirect=redirect)
        found = take(numbers * 0.7, grid, redirect=redirect)
        expected = slope(Objective(lens, goals), spectrum, numbers * 0.7, grid, redirect=redirect)
        for one, other in zip(expected, found, strict=True):
            assert torch.allclose(one, other, rtol=1e-3, atol=1e-5)
    assert all(isinstance(step, replay.Recording) for step in take.recorded.values())
