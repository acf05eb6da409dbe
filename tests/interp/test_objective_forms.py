"""What counts of a subject is what the formulas say, in float64 and against loops; and the declared ways to climb."""

import itertools

import numpy as np
import pytest
import torch

from tests.interp import networks, oracles
from workers.interp import forms, images, spectra
from workers.interp.address import Subject
from workers.interp.ascent import Moment
from workers.interp.checkpoint import Checkpoint
from workers.interp.errors import BadAddress, NoDirection, NoOpposite, NoSuchMaterial, UnreadableMaterial
from workers.interp.forms import PLAIN, Form
from workers.interp.framing import frame
from workers.interp.graph import Graph, Node
from workers.interp.lens import Lens
from workers.interp.objectives import Goal, Objective
from workers.interp.plan import Plan
from workers.interp.probe import Failure, Finding
from workers.interp.probes import PROBES
from workers.interp.stopping import WINDOW, Rest

PROBE = PROBES["feature-visualization"]
QUICK = {"size": 24, "steps": 6, "seeds": [0, 1], "polarity": "positive"}
DIRECTION = Subject.parse([["line:2", 0.8], ["line:5", -0.6]])


@pytest.fixture(scope="module")
def precise() -> Lens:
    """`curve-circuit` in float64."""
    return Lens(networks.checkpoint("curve-circuit"), dtype=torch.float64)


@pytest.fixture(scope="module")
def shown() -> torch.Tensor:
    """Three noisy pictures of 64 pixels."""
    return networks.images(64, n=3, dtype=torch.float64)


def maps_of(picture: torch.Tensor) -> dict[str, np.ndarray]:  # [3, 64, 64] -> {layer: [C, H, W]}
    """Every layer before its ReLU, by the organism's formulas."""
    found = oracles.curve_circuit(networks.checkpoint("curve-circuit").tensors, picture[None])
    return {name: values[0].numpy() for name, values in found.items()}


def test_a_neuron_is_the_middle_of_its_map(precise, shown):
    goals = [Goal(Subject.parse("line:3"), "positive", "pre_relu"), Goal(DIRECTION, "positive", "pre_relu")]
    found = Objective(precise, [*goals, goals[0]], Form(where="neuron"))(shown)
    one, two, three = (maps_of(picture)["line"][:, 16, 16] for picture in shown)
    assert found.tolist() == pytest.approx([one[3], 0.8 * two[2] - 0.6 * two[5], three[3]], rel=1e-9)


@pytest.mark.parametrize("power", [1.0, 2.5])
@pytest.mark.parametrize("polarity", ["positive", "negative"])
def test_a_direction_counts_by_its_cosine(precise, shown, power, polarity):
    """Position by position, as Lucid's `direction` has it; a negative one is the opposite direction, where it holds."""
    [found, *_] = Objective(precise, [Goal(DIRECTION, polarity, "pre_relu")] * 3, Form(cosine_power=power))(shown)
    layer = maps_of(shown[0])["line"]
    sign = -1 if polarity == "negative" else 1
    total = 0.0
    for row, column in itertools.product(range(32), repeat=2):
        here = layer[:, row, column]
        along = sign * (0.8 * here[2] - 0.6 * here[5])
        cosine = along / (np.linalg.norm(here) * 1.0 + 1e-4)
        one = along * max(0.1, cosine) ** power
        total += max(0.0, one) if polarity == "negative" else one
    assert float(found) == pytest.approx(total / 32**2, rel=1e-9)


def test_a_layer_is_its_mean_square(precise, shown):
    goal = Goal(Subject.parse("curve"), "positive", "post_relu")
    objective = Objective(precise, [goal] * 3)
    expected = [float((np.maximum(maps_of(picture)["curve"], 0) ** 2).mean()) for picture in shown]
    assert objective(shown).tolist() == pytest.approx(expected, rel=1e-9)
    [response, *_] = objective.responses(shown)
    energy = (np.maximum(maps_of(shown[0])["curve"], 0) ** 2).mean(0)
    assert (response.mean, response.maximum) == pytest.approx((energy.mean(), energy.max()), rel=1e-9)
    assert response.centre == pytest.approx(energy[16, 16], rel=1e-9)


def test_diversity_is_the_mean_cosine_of_gram_matrices_within_a_group(precise, shown):
    goals, groups = [Goal(Subject.parse("line:3"), "positive", "post_relu")] * 3, [7, 7, 8]
    plain = Objective(precise, goals)(shown)
    pushed = Objective(precise, goals, Form(diversity=100.0), groups=groups)(shown)
    grams = []
    for picture in shown:
        layer = maps_of(picture)["line"].reshape(8, -1)
        gram = layer @ layer.T
        grams.append(gram / (np.linalg.norm(gram) + 1e-4))
    alike = float((grams[0] * grams[1]).sum())
    assert ((plain - pushed) / 100).tolist() == pytest.approx([alike, alike, 0.0], rel=1e-9)


@pytest.mark.parametrize(
    ("form", "subject"),
    [
        (Form(where="neuron"), Subject.parse("line:3")),
        (Form(cosine_power=2.0), DIRECTION),
        (Form(diversity=10.0), Subject.parse("line:3")),
        (PLAIN, Subject.parse("line")),
    ],
    ids=["neuron", "direction", "diversity", "layer"],
)
def test_the_gradient_is_the_slope(precise, form, subject):
    goals = [Goal(subject, "positive", "pre_relu")] * 2
    objective, at = Objective(precise, goals, form), networks.images(40, dtype=torch.float64)
    leaf = at.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(leaf).sum(), leaf)
    direction, width = networks.images(40, seed=5, dtype=torch.float64) - 0.5, 1e-6
    slope = (objective(at + width * direction).sum() - objective(at - width * direction).sum()) / (2 * width)
    assert float(slope) == pytest.approx(float((gradient * direction).sum()), rel=1e-5)


def test_pictures_that_are_pushed_apart_are_less_alike(circuit):
    def alike(diversity: float) -> float:
        params = {**QUICK, "steps": 60, "diversity": diversity}
        [finding] = PROBE.run(circuit, [Subject.parse("line:0")], params)
        pictures = torch.stack([decoded(blob) for blob in finding.blobs if blob.role == "image"])
        whole = circuit.reading(["line"], site="pre_relu")(pictures)
        return float(forms.likeness(whole, forms.companies([0, 0]))[0])

    assert alike(100.0) < alike(0.0) - 0.01


def decoded(blob) -> torch.Tensor:  # -> [3, S, S] in [0, 1]
    """A stored picture."""
    import io

    from PIL import Image

    return torch.from_numpy(np.array(Image.open(io.BytesIO(blob.data)))).permute(2, 0, 1) / 255


@pytest.mark.parametrize(
    "params",
    [
        {"objective": "neuron"},
        {"cosine_power": 2},
        {"diversity": 100},
        {"parameterisation": "maco"},
        {"extent": "receptive-field", "size": 64},
        {"rest": 0.5, "steps": 100},
        {"schedule": "coarse-to-fine", "size": 32},
    ],
    ids=lambda params: next(iter(params)),
)
def test_in_every_form_a_unit_does_not_notice_its_mates(circuit, params):
    plan = Plan(units=2, device="cpu")
    subjects = [Subject.parse("line:1"), Subject.parse("line:6")]
    together = list(PROBE.run(circuit, subjects, {**QUICK, **params}, plan=plan))
    alone = list(PROBE.run(circuit, subjects[:1], {**QUICK, **params}, plan=plan))
    assert [blob.data for blob in alone[0].blobs] == [blob.data for blob in together[0].blobs]
    assert alone[0].numbers == together[0].numbers
    assert together[0].numbers != together[1].numbers


def test_what_makes_no_sense_is_refused_by_name(circuit):
    def refused(subject: Subject, **params) -> type:
        [answer] = PROBE.run(circuit, [subject], {**QUICK, **params})
        assert isinstance(answer, Failure)
        return type(answer.error)

    assert refused(Subject.parse([["line:0", 1.0], ["gabor:0", 1.0]]), cosine_power=1) is NoDirection
    assert refused(Subject.parse("line"), cosine_power=1) is NoDirection
    assert refused(Subject.parse("line"), polarity="negative") is NoOpposite
    branches = Lens(networks.checkpoint("branches"))
    [answer] = PROBE.run(branches, [Subject.parse("mixed_1x1")], QUICK)
    assert isinstance(answer.error, BadAddress)


def test_a_layer_dreams(circuit):
    [finding] = PROBE.run(circuit, [Subject.parse("line")], {**QUICK, "steps": 40, "polarity": "both"})
    assert isinstance(finding, Finding)
    assert (finding.numbers["subject"], finding.numbers["beats_noise"]) == ("line", True)
    assert [picture["polarity"] for picture in finding.numbers["pictures"]] == ["positive"] * 2


# --- magnitudes that are held ----------------------------------------------------------------------------------------
def test_held_magnitudes_stay_and_only_phases_move(circuit, tmp_path):
    """The stored picture's spectrum, undone through sigmoid and colours, is the one that was given."""
    size = 24
    held = images.natural(size) * torch.tensor([1.0, 0.3, 0.1])[:, None, None]
    phases = images.Phases(size, held, dtype=torch.float64)
    numbers = phases.start([np.random.Generator(np.random.Philox(3))])
    flat = torch.logit(phases.decode(numbers))[0]
    waves = torch.fft.rfft2(torch.einsum("cr,rhw->chw", torch.linalg.inv(images.colours()), flat)).abs()
    inner = (slice(None), slice(1, size // 2), slice(1, size // 2))  # waves that are not their own mirror image
    ratio = waves[inner] / held[inner]
    assert float(ratio.std() / ratio.mean()) < 1e-6


def test_a_spectrum_is_measured_written_and_read(tmp_path):
    pictures = networks.images(32, n=4, dtype=torch.float64)
    found = spectra.measure(iter(pictures))
    slow = np.zeros((3, 32, 17))
    undo = np.linalg.inv(images.colours().numpy())
    for picture in pictures.numpy():
        centred = picture - picture.mean((1, 2), keepdims=True)
        slow += np.abs(np.fft.rfft2(np.einsum("cr,rhw->chw", undo, centred))) / 4
    assert found.numpy() == pytest.approx(slow, abs=1e-9)
    spectra.write(tmp_path / "spectrum", found)
    assert torch.allclose(spectra.read(tmp_path / "spectrum").double(), found, rtol=1e-6)


@pytest.mark.parametrize("size", [16, 24, 33, 48])
def test_a_spectrum_for_another_size_has_the_same_shape(size):
    """1/f is 1/f at any size, and the same size is the same spectrum."""
    held = images.natural(32)
    assert torch.equal(images.resampled(held, 32), held.double())
    found, down = images.resampled(held, size), np.fft.fftfreq(size)
    frequency = np.hypot(down[:, None], np.fft.rfftfreq(size)[None])
    middle = (frequency > 0.15) & (frequency < 0.4)
    level = found[0].numpy()[middle] * frequency[middle]
    assert level.std() / level.mean() < 0.03


def test_the_spectrum_of_a_dataset_makes_another_picture_and_is_asked_for_by_its_hash(circuit, tmp_path):
    path = tmp_path / "spectrum"
    spectra.write(path, images.natural(32, decay=0.2))
    import hashlib

    named = {**QUICK, "parameterisation": "maco", "spectrum": hashlib.sha256(path.read_bytes()).hexdigest()}
    [with_it] = PROBE.run(circuit, [Subject.parse("line:1")], named, materials=[path])
    [without] = PROBE.run(circuit, [Subject.parse("line:1")], {**named, "spectrum": ""})
    assert with_it.blobs[0].data != without.blobs[0].data
    with pytest.raises(NoSuchMaterial):
        PROBE.run(circuit, [Subject.parse("line:1")], named)


@pytest.mark.parametrize(
    "tensors", [None, {"other": torch.ones(3, 32, 17)}, {"magnitudes": torch.ones(3, 32, 32)},
                {"magnitudes": -torch.ones(3, 32, 17)}, {"magnitudes": torch.zeros(3, 32, 17)}], ids=range(5),
)  # fmt: skip
def test_what_is_no_spectrum_is_refused(tmp_path, tensors):
    from workers.interp import weights

    path = tmp_path / "spectrum"
    path.write_bytes(b"nothing") if tensors is None else weights.save(path, tensors)
    with pytest.raises(UnreadableMaterial):
        spectra.read(path)


# --- the declared ways to climb less ---------------------------------------------------------------------------------
def test_a_crop_sees_all_that_a_position_sees(circuit):
    [small] = PROBE.run(circuit, [Subject.parse("gabor:0")], {**QUICK, "size": 128, "extent": "receptive-field"})
    [whole] = PROBE.run(circuit, [Subject.parse("gabor:0")], {**QUICK, "size": 24})
    assert circuit.layers["gabor"].receptive_field == (8, 8)
    assert (small.numbers["size"], whole.numbers["size"]) == (16, 24)


def test_at_rest_is_said_by_one_sample_alone():
    """Levels by window: 10, 20, 21, 21 → with a share of 10 % the third window ends it; another sample climbs on."""
    rest, taken = Rest(2, share=0.1), []
    for window, level in enumerate((10.0, 20.0, 21.0, 21.0)):
        for step in range(WINDOW):
            values = torch.tensor([level, 10.0 * 2**window])
            number = window * WINDOW + step + 1
            rest.add(Moment(number, values, values, torch.full((2, 1), float(number)), images.Spectrum(8)))
            taken.append(list(rest.steps))
    assert taken[3 * WINDOW - 2] == [0, 0]
    assert taken[3 * WINDOW - 1] == [3 * WINDOW, 0]
    assert rest.kept(torch.tensor([[0.0], [-1.0]])).tolist() == [[3.0 * WINDOW], [-1.0]]
    assert not rest.all


def test_whoever_came_to_rest_took_fewer_steps_and_reached_no_less_than_it_had(circuit):
    params = {**QUICK, "steps": 400, "seeds": [0]}
    [rested] = PROBE.run(circuit, [Subject.parse("line:1")], {**params, "rest": 0.05})
    [whole] = PROBE.run(circuit, [Subject.parse("line:1")], params)
    [one], [other] = rested.numbers["pictures"], whole.numbers["pictures"]
    steps = rested.numbers["steps"]
    assert steps % WINDOW == 0
    assert 3 * WINDOW <= steps < 400
    assert one["trace"]["steps"][-1] == steps
    shared = len(one["trace"]["values"]) - 1
    assert one["trace"]["values"][:shared] == other["trace"]["values"][:shared]
    assert one["maximum"] > 0.8 * other["maximum"]


def test_what_was_found_small_is_repeated_at_its_scale():
    """The same pixels two by two, so that a network answers to them as it did."""
    whole = images.Spectrum(48, 0.7, dtype=torch.float64)
    numbers = whole.coarse.start([np.random.Generator(np.random.Philox(1))]) * 40
    small, tiled = whole.coarse.decode(numbers), whole.decode(whole.tiled(numbers))
    assert torch.allclose(tiled, small.repeat(1, 1, 2, 2), atol=1e-9)


def test_coarse_to_fine_goes_on_where_it_was(circuit):
    params = {**QUICK, "size": 64, "steps": 120, "seeds": [0]}
    seen: list = []
    [fine] = PROBE.run(
        circuit, [Subject.parse("line:1")], {**params, "schedule": "coarse-to-fine"}, observe=seen.append
    )
    [even] = PROBE.run(circuit, [Subject.parse("line:1")], params)
    assert [shot.blob.facts["width"] for one in seen for shot in one.snapshots] == [32, 32]
    assert fine.numbers["pictures"][0]["maximum"] > 0.7 * even.numbers["pictures"][0]["maximum"]
    values = fine.numbers["pictures"][0]["trace"]["values"]
    assert values[65] > 0.5 * values[58], "no step back where the size changes"
    [tiny] = PROBE.run(circuit, [Subject.parse("line:1")], {**QUICK, "schedule": "coarse-to-fine"})
    [same] = PROBE.run(circuit, [Subject.parse("line:1")], QUICK)
    assert tiny.blobs[0].data == same.blobs[0].data, "too small to begin smaller"


@pytest.mark.parametrize("name", ["lenet5", "residual", "inceptionv1"])
def test_the_size_that_is_asked_for_is_had_wherever_the_network_takes_it(name):
    lens = Lens(networks.checkpoint(name))
    layer = next(iter(lens.layers))
    found = frame(lens.checkpoint, [layer], site=lens.layers[layer].sites[-1], size=48)
    assert (found.size, found.canvas, found.halves) == (48, 56, True)


def test_what_cannot_be_shown_small_is_not_begun_small():
    """A 5 × 5 kernel without padding behind a stride of four: 32 pixels are enough for it, 16 are not."""
    nodes = [
        Node("input", "input"),
        networks.conv("stem", "input", stride=4),
        Node("stem_relu", "relu", ("stem",)),
        networks.conv("deep", "stem_relu"),
        Node("deep_relu", "relu", ("deep",)),
    ]
    shapes = networks.of_conv("stem", 4, 3, 4, 4) | networks.of_conv("deep", 4, 4, 6, 6)
    lens = Lens(Checkpoint("narrow", Graph(nodes, output="deep_relu"), networks.drawn(shapes), networks.spec(32)))
    params = {**QUICK, "size": 32, "schedule": "coarse-to-fine"}
    [finding] = PROBE.run(lens, [Subject.parse("deep:0")], params)
    [even] = PROBE.run(lens, [Subject.parse("deep:0")], {**params, "schedule": "even"})
    assert [blob.data for blob in finding.blobs] == [blob.data for blob in even.blobs]
