"""Tuning against truths: what the handwritten circuit was written for, what was published, what turning means."""

import hashlib
import io

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load, load_file

from benchmarks import real
from workers.interp import encode, selectivity, stimuli
from workers.interp.address import Subject, Unit
from workers.interp.errors import BadParameters, UnreadableMaterial
from workers.interp.lens import Lens
from workers.interp.probe import Failure
from workers.interp.probes import PROBES
from workers.interp.stimuli import FAMILIES
from workers.interp.sweep import Spot
from workers.interp.turning import turned

TUNING = PROBES["tuning"]
PUBLISHED = {
    "mixed3b.379": (243.0, 239.9, 0.916, 54.5, 0.012),
    "mixed3b.406": (268.5, 273.7, 0.947, 32.5, 0.000),
    "conv2d2.63": (181.0, 207.3, 0.313, 81.5, 0.884),
}
DERIVED = ("argmax", "circular_mean", "vector_strength", "width_at_half_max", "echo")


def ask(lens, unit, *, site=None, materials=(), **params):
    """The finding about one unit."""
    [answer] = TUNING.run(lens, [Subject.parse(unit)], params, site=site, materials=materials)
    assert not isinstance(answer, Failure), answer
    return answer


@pytest.fixture(scope="module")
def curves(circuit):
    """The tuning of all eight curve detectors, as asked without parameters."""
    asked = [Subject.parse(f"curve:{channel}") for channel in range(8)]
    return [answer.numbers for answer in TUNING.run(circuit, asked)]


def test_curve_detectors_prefer_what_they_were_written_for(curves):
    for channel, numbers in enumerate(curves):
        [axis] = numbers["axes"]
        assert selectivity.apart(axis["circular_mean"], 45 * channel, period=360) <= 1
        assert selectivity.apart(axis["argmax"], 45 * channel, period=360) <= 3
        assert axis["echo"] < 0.03
        assert axis["vector_strength"] > 0.9
        assert numbers["n"] == len(axis["values"]) == 180
        assert numbers["ground"] < 0 < numbers["maximum"]


def test_a_quarter_turn_of_the_unit_is_one_of_its_curve(curves):
    answers = np.array([numbers["responses"] for numbers in curves])
    for channel in range(8):
        assert np.abs(np.roll(answers[channel], 45) - answers[(channel + 2) % 8]).max() <= 1e-6


def test_lines_are_tuned_over_half_a_turn_and_have_no_echo(circuit):
    for channel in range(8):
        [axis] = ask(circuit, f"line:{channel}", family="line").numbers["axes"]
        assert axis["period"] == 180
        assert axis["echo"] is None
        # The network itself is 2.5° off between the axes and the diagonals.
        assert selectivity.apart(axis["circular_mean"], 22.5 * channel, period=180) <= (2.6 if channel % 2 else 0.01)


def test_joint_tuning_finds_both_and_is_what_either_finds_alone(circuit):
    found = ask(circuit, "curve:2", steps=24, second="radius", second_steps=6, second_low=6.0, second_high=21.0)
    orientation, radius = found.numbers["axes"]
    assert (orientation["argmax"], radius["values"]) == (90.0, [6, 9, 12, 15, 18, 21])
    assert radius["argmax"] >= 12
    assert np.shape(found.numbers["responses"]) == (24, 6)
    alone = ask(circuit, "curve:2", steps=24, radius=12.0)
    together = np.array(found.numbers["responses"])[:, 2]
    # Passes are filled otherwise, which changes last bits.
    assert np.abs(together - np.array(alone.numbers["responses"])).max() < 1e-6
    assert alone.numbers["fixed"]["radius"] == {"value": 12.0, "unit": "px"}
    assert {blob.facts["axis"] for blob in found.blobs if blob.role == "stimulus"} == {"orientation", "radius"}


@pytest.mark.parametrize("params", [{"steps": 30}, {"steps": 8, "second": "span", "second_steps": 3}], ids=["1", "2"])
def test_the_array_is_the_numbers_to_the_digit(circuit, params):
    found = ask(circuit, "curve:1", **params)
    [table] = [load(blob.data) for blob in found.blobs if blob.role == "responses"]
    assert table["responses"].tolist() == found.numbers["responses"]
    for axis in found.numbers["axes"]:
        assert table[axis["name"]].tolist() == axis["values"]
    assert found.numbers["maximum"] == table["responses"].max()


@pytest.mark.parametrize("family", [*FAMILIES])
def test_every_family_is_asked_along_each_of_its_quantities(circuit, family):
    for name in FAMILIES[family].quantities:
        found = ask(circuit, "line:3", family=family, axis=name, steps=3, reading="max")
        [axis] = found.numbers["axes"]
        assert axis["name"] == name
        assert len({*axis["values"]}) == 3
        assert {*found.numbers["fixed"]} == {*FAMILIES[family].quantities} - {name}
        assert len([blob for blob in found.blobs if blob.role == "stimulus"]) == 3


def test_a_unit_that_nothing_excites_says_so(circuit):
    found = ask(circuit, "curve:0", family="disc", axis="contrast", steps=3)
    assert found.numbers["silent"] is True
    assert [found.numbers["axes"][0][name] for name in ("argmax", "width_at_half_max")] == [None, None]
    around = ask(circuit, "curve:0", steps=4, contrast=0.0).numbers
    assert (around["silent"], *(around["axes"][0][name] for name in DERIVED)) == (True, *[None] * 5)
    assert around["responses"] == [around["ground"]] * 4


def test_what_is_read_may_lie_off_the_middle(circuit):
    middle, anywhere = (ask(circuit, "gabor:3", family="edge", steps=16, reading=it) for it in ("centre", "max"))
    assert all(a >= b for a, b in zip(anywhere.numbers["responses"], middle.numbers["responses"], strict=True))
    assert anywhere.numbers["maximum"] > 2 * middle.numbers["maximum"]


def test_stimuli_lie_around_the_middle_of_what_the_position_sees(circuit):
    spot = Spot.of(circuit.checkpoint, "curve")
    assert (spot.position, spot.centre, spot.field) == ((16, 16), (32.5, 32.5), 32.0)
    picture = torch.rand((8, 3, *spot.size), generator=torch.Generator().manual_seed(0), requires_grad=True)
    circuit.truncated("line", site="pre_relu")(picture)[:, :, 16, 16].sum().backward()
    rows, columns = (picture.grad.abs().sum((0, 1)).sum(1 - axis).nonzero().flatten() for axis in (0, 1))
    seen = Spot.of(circuit.checkpoint, "line")
    for axis, places in enumerate((rows, columns)):
        assert (int(places.min()) + int(places.max())) / 2 == seen.centre[axis]
    assert Spot.of(circuit.checkpoint, "readout").centre == (31.5, 31.5)


def stored(tmp_path, pixels):
    """A file of a picture [3, H, W] in [0, 1], and its SHA-256."""
    path = tmp_path / "picture.png"
    path.write_bytes(encode.png_of(encode.picture(pixels)))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(("channel", "towards", "turned_by"), [(1, 45.0, 0.0), (2, 90.0, 0.0)])
def test_a_picture_is_turned_around_what_the_unit_saw_in_it(circuit, tmp_path, channel, towards, turned_by):
    """A curve far from the middle, as a dataset example has it: turned by nothing it is what the unit likes."""
    values = {"orientation": towards, "radius": 12.0, "span": 90.0, "width": 2.0, "contrast": 1.0}
    pixels = stimuli.render(FAMILIES["curve"], values, size=(64, 64), centre=(20.5, 44.5))
    path, sha256 = stored(tmp_path, pixels)
    found = ask(circuit, f"curve:{channel}", materials=[path], family="picture", picture=sha256, steps=72)
    [axis] = found.numbers["axes"]
    assert selectivity.apart(axis["circular_mean"], turned_by, period=360) <= 1.5
    assert axis["echo"] < 0.03
    assert found.numbers["fixed"] == {"size": {"value": 32.0, "unit": "px"}}


def test_turning_moves_pixels_by_quarters_and_hides_what_lies_outside():
    picture = torch.rand(3, 64, 48, generator=torch.Generator().manual_seed(0))
    about, to = (20.0, 30.0), (32.0, 32.0)
    at = [
        turned(picture, about=about, to=to, size=(65, 65), degrees=degrees, diameter=20.0) for degrees in (0, 90, 360)
    ]
    assert torch.equal(at[0], at[2])
    assert float((torch.rot90(at[0], 1, (1, 2)) - at[1]).abs().max()) <= 1e-6
    assert float((at[0][:, 27:38, 27:38] - picture[:, 15:26, 25:36]).abs().max()) <= 1e-6
    assert float((at[0][:, :21] - 0.5).abs().max()) == 0


def test_what_is_no_picture_is_refused(circuit, tmp_path):
    path = tmp_path / "words"
    path.write_bytes(b"no picture")
    asked = {"family": "picture", "picture": hashlib.sha256(b"no picture").hexdigest()}
    with pytest.raises(UnreadableMaterial):
        list(TUNING.run(circuit, [Subject.parse("curve:0")], asked, materials=[path]))


@pytest.mark.parametrize(
    ("params", "pointers"),
    [
        ({"family": "line", "radius": 4.0}, ["/radius"]),
        ({"family": "disc", "axis": "orientation"}, ["/axis"]),
        ({"axis": "hue"}, ["/axis"]),
        ({"second": "orientation"}, ["/second"]),
        ({"axis": "radius", "second": "radius"}, ["/second"]),
        ({"steps": 181, "second": "radius"}, ["/steps"]),
        ({"low": 30.0, "high": 10.0}, ["/high"]),
        ({"axis": "radius", "low": 0.2, "high": 10.0}, ["/low"]),
        ({"axis": "contrast", "low": -1.0, "high": 1.5}, ["/high"]),
        ({"family": "gabor", "wavelength": 1.0}, ["/wavelength"]),
        ({"family": "picture"}, [""]),
        ({"family": "picture", "picture": "ab" * 32, "second": "size"}, ["/second"]),
        ({"picture": "ab" * 32}, ["/picture"]),
    ],
    ids=str,
)
def test_what_does_not_belong_together_is_refused_by_name(params, pointers):
    with pytest.raises(BadParameters) as refused:
        TUNING.validate(params)
    assert [error["pointer"] for error in refused.value.facts["errors"]] == pointers


def test_the_plot_has_its_size_and_says_what_it_shows(circuit):
    found = ask(circuit, "curve:3", steps=36)
    [plot] = [blob for blob in found.blobs if blob.role == "curve"]
    assert plot.facts["alt"] == (
        f"Responses of curve:3 to 36 stimuli of the family curve by orientation: the largest, "
        f"{found.numbers['maximum']:.3g}, at {found.numbers['axes'][0]['argmax']:g}°."
    )
    with Image.open(io.BytesIO(plot.data)) as image:
        ink = np.asarray(image.convert("L")) < 100
    assert ink.mean() < 0.05
    assert ink[252].sum() > 400  # the axis
    two = ask(circuit, "curve:3", steps=8, second="radius", second_steps=3)
    assert "by orientation and radius" in next(blob.facts["alt"] for blob in two.blobs if blob.role == "curve")


def test_a_lens_in_double_precision_answers_the_same(circuit):
    double = Lens(circuit.checkpoint, dtype=torch.float64)
    wide, here = (ask(it, "curve:0", steps=4).numbers["responses"] for it in (double, circuit))
    assert wide == pytest.approx(here, abs=1e-5)


@pytest.mark.parametrize("unit", PUBLISHED)
@pytest.mark.real_data
def test_published_curves_have_the_published_numbers(real_data, unit):
    curves = load_file(real_data / "groundtruth" / "tuning_curves_and_weights.safetensors")
    found = selectivity.of_angles(curves[unit], period=360)
    digits = (1, 1, 3, 1, 3)
    assert tuple(round(found[name], digit) for name, digit in zip(DERIVED, digits, strict=True)) == PUBLISHED[unit]


@pytest.mark.parametrize("name", ["googlenet-caffe", "squeezenet1_1-caffe", "resnet20-cifar10"])
@pytest.mark.real_data
def test_first_layers_of_trained_networks_prefer_orientations(real_data, name):
    """One unit at least answers mostly to one edge; further on, five at least to some curve."""
    lens = real.opened(real_data, name)
    layers = list(lens.layers.values())
    edges, curves = (
        list(
            TUNING.run(
                lens, [Subject.of(Unit(layer.key, channel)) for channel in range(min(layer.channels, 64))], asked
            )
        )
        for layer, asked in (
            (layers[0], {"family": "edge", "steps": 24}),
            (layers[len(layers) // 3], {"steps": 24}),
        )
    )
    strengths = [it.numbers["axes"][0]["vector_strength"] or 0 for it in edges]
    assert max(strengths) > 0.8
    assert sum(not it.numbers["silent"] for it in curves) >= 5


def test_numbers_of_a_curve_by_hand():
    """Twelve directions; two neighbours answer, and a little the opposite of the stronger one."""
    responses = np.zeros(12)
    responses[[2, 3, 9]] = 2.0, 1.5, 0.2
    found = selectivity.of_angles(responses - [0, 5, *[0] * 10], period=360)
    sum_x = (2 * 0.5 + 0) / 3.7
    sum_y = (2 * np.sqrt(3) / 2 + 1.5 - 0.2) / 3.7
    assert found["argmax"] == 60
    assert found["circular_mean"] == pytest.approx(np.degrees(np.arctan2(sum_y, sum_x)))
    assert found["vector_strength"] == pytest.approx(np.hypot(sum_x, sum_y))
    assert (found["width_at_half_max"], found["echo"]) == (60, 0)
    responses[8] = 0.6
    assert selectivity.of_angles(responses, period=360)["echo"] == pytest.approx(0.3)
    half = selectivity.of_angles(responses, period=180)
    assert (half["argmax"], half["width_at_half_max"], half["echo"]) == (30, 30, None)
    assert selectivity.of_angles(np.array([1.0, 0, 0]), period=360)["echo"] is None
    assert selectivity.of_angles(np.ones(8), period=360)["circular_mean"] is None
    assert selectivity.of_values(np.array([0.0, 1, 3, 2, 1]), np.linspace(4, 8, 5)) == {
        "argmax": 6.0,
        "width_at_half_max": 2.0,
    }


def test_what_has_one_position_only_is_read_there(circuit):
    found = ask(circuit, "readout:0", steps=4).numbers
    assert (found["position"], found["centre"], found["field"]) == ([0, 0], [31.5, 31.5], 64.0)
