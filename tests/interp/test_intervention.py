"""The probe on networks of which the truth is known: effects, controls, gate, and circuits written by hand."""

import hashlib
import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load, save_file

from tests.interp import networks
from workers.interp import canonical, encode
from workers.interp.address import Subject
from workers.interp.checkpoint import Figure
from workers.interp.datasets import Dataset, Item, digest_of, fixed
from workers.interp.lens import Lens
from workers.interp.probe import Failure
from workers.interp.probes import PROBES

probe = PROBES["intervention"]
QUICK = {"random_units": 0, "doses": []}


def dataset(pixels, labels=None, names=()) -> Dataset:  # [N, 3, H, W] in [0, 1]
    """Pictures as a dataset."""
    images = [encode.picture(one) for one in pixels]
    known = labels if labels is not None else [None] * len(images)
    items = [
        Item(digest_of(image), str(place), label, image.copy)
        for place, (image, label) in enumerate(zip(images, known, strict=True))
    ]
    return Dataset(tuple(items), tuple(names))


@pytest.fixture(scope="module")
def formulas(organism_folder):
    """The formulas of the handwritten circuit."""
    spec = importlib.util.spec_from_file_location("curve_circuit_formulas", organism_folder / "train.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def organism_folder():
    return networks.ORGANISM


@pytest.fixture(scope="module")
def curves(formulas):
    """Five drawn curves for each of the eight classes."""
    chance = np.random.Generator(np.random.Philox(3))
    labels = [label for label in range(8) for _ in range(5)]
    drawn = [
        formulas.draw(45.0 * label, radius=chance.uniform(10, 14), centre=tuple(chance.uniform(-8, 8, 2)))
        for label in labels
    ]
    return dataset(torch.from_numpy(np.stack(drawn)), labels)


def ask(lens, subject, data=None, *, files=(), **params):
    given = {**params, **({"dataset": data.digest} if data else {})}
    [answer] = probe.run(lens, [Subject.parse(subject)], given, datasets=[data] if data else [], materials=files)
    return answer


def test_without_its_curve_a_class_is_lost_and_no_other(circuit, curves):
    numbers = ask(circuit, "curve:3", curves, random_units=7, doses=[0.5, 1]).numbers
    assert numbers["intact"]["top1"]["right"] == numbers["n"] == 40
    change = numbers["edited"]["top1"]["change"]
    assert (change["lost"], change["gained"], change["delta"]) == (5, 0, -5 / 40)
    assert change["low"] < -5 / 40 < change["high"] < 0
    assert numbers["classes"][0]["class"] == 3
    assert [it["class"] for it in numbers["classes"]] == [3], "the read-out listens to one curve for each class"
    assert [(it["layer"], it["changed"]) for it in numbers["layers"]] == [("curve", 1), ("readout", 1)]
    half, whole = numbers["controls"]["doses"]
    assert abs(half["own_logit"]) < abs(whole["own_logit"])
    assert whole["top1"] == change["delta"]
    assert numbers["controls"]["sham"]["identical"] is True
    assert numbers["controls"]["sham"]["top1"]["change"] == {**change, "lost": 0, "delta": 0} | {
        name: numbers["controls"]["sham"]["top1"]["change"][name] for name in ("low", "high")
    }


def test_every_curve_is_worth_as_much_so_that_none_exceeds_the_others(circuit, curves):
    random = ask(circuit, "curve:3", curves, random_units=7).numbers["controls"]["random"]
    assert random["n"] == 7
    assert sorted(one["instead"][0] for one in random["units"]) == [f"curve:{it}" for it in range(8) if it != 3]
    # Where no curve answers all classes are equal, and the first is read: one curve towards 0° is still named right.
    assert {one["instead"][0]: one["top1"] for one in random["units"] if one["top1"] != -5 / 40} == {"curve:0": -4 / 40}
    assert random["exceeds"]["top1"] == 1 / 7
    assert random["rank"]["top1"] == 7


def test_a_detector_exceeds_units_that_do_not_matter(circuit, curves):
    tensors = dict(circuit.checkpoint.tensors)
    tensors["readout.weight"] = torch.zeros(8, 8)
    tensors["readout.weight"][3, 3] = 4
    lens = Lens(replace(circuit.checkpoint, tensors=tensors))
    found = ask(lens, "curve:3", curves, random_units=5)
    random = found.numbers["controls"]["random"]
    assert (random["exceeds"]["divergence"], random["rank"]["divergence"]) == (1, 1)
    assert {one["divergence"] for one in random["units"]} == {0}


def test_random_units_are_those_that_fire_alike():
    """Of 512 units only some are near in mean activation and firing rate, and controls come from these."""
    lens = Lens(networks.checkpoint("squeezenet1_1"))
    numbers = ask(lens, "features.12:5", random_units=5, doses=[], pictures=4, metrics=[]).numbers
    spec = lens.checkpoint.input_spec
    maps = lens.reading(["features.12"])(torch.stack([it.shown(spec) for it in fixed(spec).items[:4]]))
    rates = (maps["features.12"] > 0).double().mean((0, 2, 3))
    own = numbers["firing"]["rate"]
    assert own == pytest.approx(float(rates[5]), abs=1e-9)
    off = [abs(one["rate"] - own) for one in numbers["controls"]["random"]["units"]]
    assert max(off) < float((rates - own).abs().median())


def test_the_artifact_has_the_numbers_of_the_finding_to_the_last_digit(circuit, curves):
    found = ask(circuit, "curve:3", curves, random_units=2)
    [blob] = found.blobs
    tensors, numbers = load(blob.data), found.numbers
    assert float(tensors["edited.divergence"].mean()) == numbers["edited"]["divergence"]
    assert float(tensors["edited.delta"][3]) == numbers["classes"][0]["delta"]
    assert int((tensors["edited.rank"] == 0).sum()) == numbers["edited"]["top1"]["right"]
    assert float(tensors["random.01.divergence"].mean()) == numbers["controls"]["random"]["units"][1]["divergence"]
    assert [float(tensors["largest.curve"].max())] == [
        it["largest"] for it in numbers["layers"] if it["layer"] == "curve"
    ]


def test_mean_and_resample_come_from_the_dataset(circuit, curves):
    spec = circuit.checkpoint.input_spec
    maps = circuit.reading(["line"])(torch.stack([it.shown(spec) for it in curves.items]))["line"]
    mean = float(maps[:, 2].double().mean())
    by_mean = ask(circuit, "line:2", curves, **QUICK, edits=[{"op": "set", "value": "mean"}]).numbers
    by_hand = ask(circuit, "line:2", curves, **QUICK, edits=[{"op": "set", "value": mean}]).numbers
    assert by_mean["edited"]["divergence"] == pytest.approx(by_hand["edited"]["divergence"], rel=1e-5)
    edits = [{"op": "set", "value": "resample"}]
    one, again, other = (ask(circuit, "line:2", curves, **QUICK, edits=edits, seed=seed).numbers for seed in (0, 0, 1))
    assert one == again
    assert one["edited"] != other["edited"]
    lonely = ask(circuit, "line:2", dataset(torch.rand(1, 3, 64, 64)), **QUICK, edits=edits)
    assert lonely.error.slug == "nothing-to-take"


def test_every_op_at_once_on_the_whole_checkpoint(circuit, curves, tmp_path):
    path = tmp_path / "made"
    save_file({"weight": circuit.checkpoint.tensors["curve.weight"][[1]].clone()}, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    edits = [
        {"op": "set", "layer": "gabor", "channels": [0], "value": "mean", "where": {"box": [0, 0, 4, 4]}},
        {"op": "scale", "layer": "line", "channels": [0], "factor": 0.5, "site": "pre_relu"},
        {"op": "weight", "parameter": "line.bias", "index": [3], "value": 0.25},
        {"op": "cut", "source": "line:4", "target": "curve:0"},
        {"op": "splice", "layer": "curve", "channels": [1], "weights": sha256},
    ]
    numbers = ask(circuit, "*", curves, files=[path], edits=edits, random_units=1, doses=[0.5]).numbers
    assert numbers["controls"]["sham"]["identical"] is True
    assert [edit["op"] for edit in numbers["edits"]] == ["set", "scale", "weight", "cut", "splice"]
    assert len(numbers["controls"]["random"]["units"][0]["instead"]) == 5
    assert "ablated" in numbers
    assert ask(circuit, "*", curves, edits=[]).error.slug == "bad-parameters"


def test_pictures_without_labels_have_all_that_needs_none(circuit):
    numbers = ask(circuit, "curve:0", random_units=1).numbers
    assert numbers["intact"] == {}
    assert numbers["edited"]["own_logit"] is None
    assert numbers["edited"]["divergence"] > 0
    assert numbers["gate"]["state"] == "unlabelled"


@pytest.mark.parametrize(("registered", "state"), [(1.0, "passed"), (0.98, "passed"), (0.6, None)])
def test_the_gate_refuses_a_baseline_that_is_not_the_registered_one(circuit, curves, registered, state):
    figure = Figure(curves.digest, "top-1 accuracy", 40, registered)
    lens = Lens(replace(circuit.checkpoint, figures=(figure,)))
    answer = ask(lens, "curve:0", curves, **QUICK)
    if state is None:
        assert isinstance(answer, Failure)
        assert answer.error.slug == "baseline-off"
    else:
        assert answer.numbers["gate"]["state"] == state
    assert ask(lens, "curve:0", curves, **QUICK, pictures=20).numbers["gate"]["state"] == "partial"


def test_labels_that_mean_something_else_are_told_of(circuit, curves):
    theirs = [f"curve {it}" for it in range(8)]
    lens = Lens(replace(circuit.checkpoint, labels=("curve 0", *(f"line {it}" for it in range(1, 8)))))
    named = Dataset(curves.items, tuple(theirs))
    [warning] = ask(lens, "curve:0", named, **QUICK).numbers["warnings"]
    assert warning.startswith("7 of 8 labels have another name in the dataset than in the checkpoint; label 1 is")
    unnamed = Dataset(curves.items, tuple(map(str, range(8))))
    assert ask(lens, "curve:0", unnamed, **QUICK).numbers["warnings"] == []
    shifted = Dataset(tuple(replace(it, label=(it.label + 1) % 8) for it in curves.items), named.labels)
    assert any("by chance" in it for it in ask(lens, "curve:0", shifted, **QUICK).numbers["warnings"])


def test_the_curves_written_again_by_formula_restore_what_ablating_them_destroys(formulas, curves, tmp_path):
    """After Curve Circuits (Cammarata et al. 2021): artificial units spliced in for a whole family."""
    lens = Lens(networks.checkpoint("curve-circuit"))
    made = [formulas.arc(45.0 * it) - 0.9 * formulas.arc(45.0 * it + 180) for it in range(8)]
    weight = torch.from_numpy(np.stack(made).astype(np.float32)) / 4
    path = tmp_path / "curves"
    save_file({"weight": weight, "bias": lens.checkpoint.tensors["curve.bias"].clone()}, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    edits = [{"op": "splice", "layer": "curve", "channels": list(range(8)), "weights": sha256}]
    numbers = ask(lens, "*", curves, files=[path], edits=edits, **QUICK).numbers
    assert numbers["intact"]["top1"]["share"] == 1
    assert numbers["ablated"]["top1"]["share"] == pytest.approx(1 / 8)
    assert numbers["edited"]["top1"]["share"] == 1


@pytest.mark.real_data
def test_oriented_filters_written_by_hand_do_in_googlenets_first_layer(real_data, tmp_path):
    """Its own oriented units are silenced and replaced by Gabors of the same orientation, phase and size."""
    from benchmarks import real

    lens = real.opened(real_data, "googlenet-caffe")
    layer = next(iter(lens.layers))
    own = lens.checkpoint.tensors[lens.graph[lens.layers[layer].parts["pre_relu"][0].node].tensors["weight"]]
    fits = [(gabor_like(own[it].double()), it) for it in range(len(own))]
    best = sorted(((fit[0], it, fit[1]) for fit, it in fits), reverse=True)[:12]
    path = tmp_path / "gabors"
    channels = [it for _, it, _ in best]
    kernel = torch.stack([made for _, _, made in best]).float()
    save_file({"weight": kernel, "bias": torch.zeros(len(channels))}, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    edits = [{"op": "splice", "layer": layer, "channels": channels, "weights": sha256}]
    data = Dataset.of_folder(real_data / "images" / "imagenet1000", labels=None)
    data = Dataset(data.items[:8])
    numbers = ask(lens, "*", data, files=[path], edits=edits, **QUICK, metrics=["logits"]).numbers
    assert numbers["controls"]["sham"]["identical"] is True
    assert numbers["edited"]["divergence"] < 0.5 * numbers["ablated"]["divergence"]


def gabor_like(kernel):  # [3, 7, 7] -> how well, and the best Gabor for it
    """A filter beside the nearest of a grid of Gabors, alike in all colours up to a factor for each."""
    axis = torch.arange(7.0).double() - 3
    y, x = torch.meshgrid(-axis, axis, indexing="ij")
    best = (0.0, torch.zeros_like(kernel))
    for angle in range(0, 180, 15):
        turn = np.radians(angle)
        along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        for length in (3.0, 4.0, 5.0, 7.0, 9.0):
            envelope = torch.exp(-(along**2) / 12 - across**2 / 8)
            waves = torch.stack([envelope * torch.cos(2 * np.pi * across / length + p) for p in (0, np.pi / 2)])
            basis = torch.linalg.qr(waves.reshape(2, 49).T).Q
            fitted = (kernel.reshape(3, 49) @ basis @ basis.T).reshape(kernel.shape)
            share = float(fitted.square().sum() / kernel.square().sum())
            if share > best[0]:
                best = (share, fitted)
    return best


def test_a_layer_is_swept_as_its_units_are_asked_one_by_one(circuit, curves):
    found = ask(circuit, "curve", curves)
    tensors, numbers = load(found.blobs[0].data), found.numbers
    assert numbers["units"] == 8
    for channel in (0, 3):
        one = ask(circuit, f"curve:{channel}", curves, **QUICK).numbers["edited"]
        assert float(tensors["divergence"][channel]) == pytest.approx(one["divergence"], rel=1e-5)
        assert float(tensors["own_logit"][channel]) == pytest.approx(one["own_logit"], rel=1e-5)
        assert float(tensors["top1"][channel]) == one["top1"]["change"]["delta"]
    first = numbers["strongest"][0]
    channel = int(first["unit"].split(":")[1])
    assert first["divergence"] == float(tensors["divergence"].max()) == float(tensors["divergence"][channel])
    assert (first["class"], first["delta"]) == (channel, float(tensors["delta"][channel, channel]))
    assert ask(circuit, "curve", curves, edits=[{"op": "scale", "factor": 2}]).error.slug == "bad-parameters"


def test_predictions_can_name_its_numbers(circuit, curves):
    """By JSON pointers: the change, and the share of random units that it exceeds."""
    numbers = json.loads(canonical.encode(ask(circuit, "curve:1", curves, random_units=3).numbers))
    for pointer in ("edited/top1/change/delta", "controls/random/exceeds/top1", "edited/divergence"):
        found = numbers
        for part in pointer.split("/"):
            found = found[part]
        assert isinstance(found, int | float)
