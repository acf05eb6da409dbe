"""The pictures are right where the truth is known, and a finding says exactly what its stored picture does."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from tests.interp import networks, oracles
from workers.interp.address import Subject
from workers.interp.errors import NonfiniteActivation
from workers.interp.lens import Lens
from workers.interp.probe import Failure, Finding
from workers.interp.probes import PROBES

PROBE = PROBES["feature-visualization"]
QUICK = {"size": 32, "steps": 6, "seeds": [0, 1], "polarity": "both"}


def stored(finding: Finding, role: str = "image") -> list[np.ndarray]:  # of [H, W, 3]
    """The pictures of a finding, decoded."""
    return [np.asarray(Image.open(io.BytesIO(blob.data))) for blob in finding.blobs if blob.role == role]


def shown(pixels: np.ndarray, *, dtype: torch.dtype) -> torch.Tensor:  # -> [1, 3, H, W] in [0, 1]
    """A stored picture as the network is shown it."""
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].to(dtype) / 255


@pytest.mark.parametrize("index", range(16))
def test_a_gabor_units_picture_has_its_orientation(circuit, index):
    """Light line and dark line, exciting and inhibiting, every seed: within 5° of the orientation in the formula."""
    params = {"size": 64, "steps": 96, "seeds": [0, 1], "polarity": "both"}
    (finding,) = PROBE.run(circuit, [Subject.parse(f"gabor:{index}")], params)
    for picture in stored(finding):
        found = oracles.orientation(picture.mean(2))
        assert oracles.difference(found, 22.5 * (index % 8)) <= 5


def test_a_gabor_units_picture_has_its_orientation_with_the_defaults(circuit):
    (finding,) = PROBE.run(circuit, [Subject.parse("gabor:3")], {"seeds": [4], "polarity": "positive"})
    (picture,) = stored(finding)
    assert picture.shape == (128, 128, 3)
    assert oracles.difference(oracles.orientation(picture.mean(2)), 67.5) <= 5


@pytest.mark.parametrize("unit", ["line:2", "curve:3"])
def test_deeper_units_come_alive(circuit, unit):
    """A curve unit is silent on noise, and its picture holds what it detects: more than the ideal curve, once."""
    (finding,) = PROBE.run(circuit, [Subject.parse(unit)], {"size": 64, "steps": 128, "polarity": "positive"})
    assert not finding.numbers["dead"]
    assert not finding.numbers["silent"]
    assert finding.numbers["beats_noise"]


SUBJECTS = {
    "unit": "line:3",
    "sum": [["gabor:9", 0.7], ["gabor:2", -0.3]],
    "over layers": [["gabor:9", 0.7], ["curve:2", 2]],
    "output": "readout:5",
}


@pytest.mark.parametrize("written", SUBJECTS.values(), ids=list(SUBJECTS))
def test_the_stored_picture_is_what_was_measured(circuit, written):
    """From the PNG's pixels, by the organism's formulas alone, come the numbers of the finding."""
    subject = Subject.parse(written)
    (finding,) = PROBE.run(circuit, [subject], QUICK)
    pictures = stored(finding)
    assert len(pictures) == len(finding.numbers["pictures"]) == 4
    for pixels, numbers in zip(pictures, finding.numbers["pictures"], strict=True):
        assert pixels.shape == (finding.numbers["size"],) * 2 + (3,)
        tensors = networks.checkpoint("curve-circuit").tensors
        maps = oracles.curve_circuit(tensors, shown(pixels, dtype=torch.float64))
        read = [maps[unit.layer][0, unit.channel] for unit in subject.units]
        if numbers["site"] == "post_relu":
            read = [one.relu() for one in read]
        weighted = [weight * one for one, (_, weight) in zip(read, subject.terms, strict=True)]
        assert numbers["mean"] == pytest.approx(sum(float(one.mean()) for one in weighted), rel=1e-4, abs=1e-6)
        whole = sum(weighted)
        assert numbers["maximum"] == pytest.approx(float(whole.max()), rel=1e-4, abs=1e-6)
        assert numbers["minimum"] == pytest.approx(float(whole.min()), rel=1e-4, abs=1e-6)
        middle = whole[whole.shape[0] // 2, whole.shape[1] // 2] if whole.ndim else whole
        assert numbers["centre"] == pytest.approx(float(middle), rel=1e-4, abs=1e-6)


def test_sums_over_maps_of_different_sizes_have_no_extreme():
    lens = Lens(networks.checkpoint("branches"))
    (finding,) = PROBE.run(lens, [Subject.parse([["stem:0", 1], ["top:1", 1]])], QUICK)
    picture = finding.numbers["pictures"][0]
    assert (picture["maximum"], picture["minimum"]) == (None, None)
    assert picture["mean"] > 0


def test_the_pictures_climb(circuit):
    for index in (0, 5, 9):
        (finding,) = PROBE.run(circuit, [Subject.parse(f"gabor:{index}")], {**QUICK, "steps": 40})
        assert finding.numbers["beats_noise"]
        for picture in finding.numbers["pictures"]:
            values = picture["trace"]["values"]
            assert np.mean(values[-5:]) > 3 * np.mean(values[:5])


def test_a_negative_picture_is_read_before_the_relu_and_falls(circuit):
    (finding,) = PROBE.run(circuit, [Subject.parse("line:0")], {**QUICK, "steps": 40, "polarity": "negative"})
    for picture in finding.numbers["pictures"]:
        assert (picture["polarity"], picture["site"]) == ("negative", "pre_relu")
        assert picture["minimum"] < picture["start"]["minimum"] < 0


@pytest.mark.parametrize("order", [1, -1])
def test_layers_are_read_where_all_of_them_can_be(circuit, order):
    """The read-out has no ReLU: a sum with it is read before, whichever comes first."""
    written = [["curve:0", 0.7], ["readout:0", 0.3]][::order]
    (finding,) = PROBE.run(circuit, [Subject.parse(written)], QUICK)
    assert {picture["site"] for picture in finding.numbers["pictures"]} == {"pre_relu"}


def test_seeds_and_polarities_are_in_order_and_differ(circuit):
    (finding,) = PROBE.run(circuit, [Subject.parse("gabor:1")], {**QUICK, "seeds": [7, 3]})
    asked = [("positive", 7), ("positive", 3), ("negative", 7), ("negative", 3)]
    assert [(one["polarity"], one["seed"]) for one in finding.numbers["pictures"]] == asked
    assert [(b.facts["polarity"], b.facts["seed"]) for b in finding.blobs if b.role == "image"] == asked
    assert len({picture.tobytes() for picture in stored(finding)}) == 4


def test_another_seed_beside_it_changes_no_picture(circuit):
    """A picture's path does not depend on what is asked beside it, to the last bits of a pixel."""
    unit = Subject.parse("gabor:1")
    (both,) = PROBE.run(circuit, [unit], {**QUICK, "seeds": [0, 1]})
    (one,) = PROBE.run(circuit, [unit], {**QUICK, "seeds": [1], "polarity": "positive"})
    beside, alone = stored(both)[1].astype(int), stored(one)[0].astype(int)
    assert np.abs(beside - alone).max() <= 1


def test_a_fixed_input_decides_the_size():
    lens = Lens(networks.checkpoint("fixed"))
    (finding,) = PROBE.run(lens, [Subject.parse("hidden:0")], {**QUICK, "size": 64})
    assert (finding.numbers["size"], finding.numbers["canvas"]) == (24, 24)
    (finding,) = PROBE.run(lens, [Subject.parse("features:0")], {**QUICK, "size": 64})
    assert (finding.numbers["size"], finding.numbers["canvas"]) == (64, 76)


def test_a_fixed_input_that_is_not_square_is_refused_by_name():
    square = networks.checkpoint("fixed")
    weight = torch.zeros(9, 6 * 3 * 6)
    wide = replace(
        square,
        tensors={**square.tensors, "hidden.weight": weight},
        input_spec=networks.spec(48, size=[24, 48]),
    )
    (answer,) = PROBE.run(Lens(wide), [Subject.parse("hidden:0")], QUICK)
    assert isinstance(answer, Failure)
    assert (answer.error.slug, answer.error.facts) == ("fixed-input", {"height": 24, "width": 48})


def test_an_answer_that_is_infinite_at_its_other_end_is_no_finding():
    """Inhibiting pictures climb max(−x, 0), which is 0 where x is infinite: the measured map tells."""
    sound = networks.checkpoint("branches")
    weight = sound.tensors["stem.weight"].clone()
    weight[2] = 3e38
    lens = Lens(replace(sound, tensors={**sound.tensors, "stem.weight": weight}))
    (answer,) = PROBE.run(lens, [Subject.parse("stem:2")], {**QUICK, "polarity": "negative"})
    assert isinstance(answer, Failure)
    assert isinstance(answer.error, NonfiniteActivation)


def test_thumbnails_are_small_and_say_so(circuit):
    (finding,) = PROBE.run(circuit, [Subject.parse("gabor:1")], {**QUICK, "size": 200, "steps": 1})
    (thumbnail, *_) = [blob for blob in finding.blobs if blob.role == "thumbnail"]
    assert (thumbnail.facts["width"], thumbnail.facts["height"]) == (112, 112)
    assert [picture.shape for picture in stored(finding, "thumbnail")] == [(112, 112, 3)] * 4
    assert [picture.shape for picture in stored(finding)] == [(200, 200, 3)] * 4


def test_snapshots_come_at_the_milestones(circuit):
    steps = []
    params = {**QUICK, "steps": 34}
    list(
        PROBE.run(
            circuit,
            [Subject.parse("gabor:1")],
            params,
            observe=lambda progress: steps.extend(snapshot.step for snapshot in progress.snapshots),
        )
    )
    assert steps == [1] * 4 + [32] * 4


def test_the_identity_of_a_picture_is_its_checkpoint_too():
    """Another checkpoint, even of the same weights, draws other starts."""
    one = networks.checkpoint("curve-circuit")
    other = replace(one, input_spec=networks.spec(64, mean=[0.5] * 3, std=[0.5] * 3, value_range=[0, 1.0001]))
    unit = [Subject.parse("gabor:1")]
    first, second = (next(PROBE.run(Lens(each), unit, QUICK)) for each in (one, other))
    assert [p["start"] for p in first.numbers["pictures"]] != [p["start"] for p in second.numbers["pictures"]]
    assert stored(first)[0].tobytes() != stored(second)[0].tobytes()
