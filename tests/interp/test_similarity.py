"""Similarity against truths: what is alike by construction, and what two seeds of one training have in common."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load

from tests.interp import networks
from tests.interp.test_miniception import SECOND
from workers.interp import datasets, selectivity, weights
from workers.interp.address import Subject, Unit
from workers.interp.architectures import miniception
from workers.interp.errors import NoSuchMaterial
from workers.interp.lens import Lens
from workers.interp.probe import Failure
from workers.interp.probes import PROBES
from workers.organisms.miniception import train

SIMILARITY, TUNING = PROBES["similarity"], PROBES["tuning"]


def ask(lens, *units, others=(), **params):
    """The findings about some units."""
    asked = {**params, **({"other": others[0].checkpoint.digest} if others else {})}
    answers = list(SIMILARITY.run(lens, [Subject.parse(unit) for unit in units], asked, checkpoints=others))
    assert not any(isinstance(answer, Failure) for answer in answers), answers
    return answers


def table(answer):
    """The values of all units by layer."""
    return load(answer.blobs[0].data)


@pytest.fixture(scope="module")
def seeds():
    """`miniception` and its sister, trained alike from another seed."""
    sister = train.checkpoint(weights.load(SECOND, expected=miniception.shapes("miniception")))
    return Lens(networks.checkpoint("miniception")), Lens(sister)


@pytest.fixture(scope="module")
def tuned(seeds):
    """By stimuli the tuning of the first layer's units of both seeds: [seed][channel]."""
    units = [Subject.of(Unit("conv0", channel)) for channel in range(24)]
    asked = {"steps": 36, "reading": "max"}
    return {
        family: [
            [it.numbers for it in TUNING.run(lens, units, {**asked, "family": family, "axis": axis})] for lens in seeds
        ]
        for family, axis in (("patch", "hue"), ("gabor", "orientation"))
    }


def strong(tuned, family, *, least, maximum=0.0):
    """Channels of the first seed with this much vector strength and response."""
    return [
        channel
        for channel, it in enumerate(tuned[family][0])
        if it["maximum"] >= maximum and (it["axes"][0]["vector_strength"] or 0) >= least
    ]


def apart(tuned, family, channel, answer):
    """How many degrees a unit's preference and that of its best counterpart lie apart."""
    other = int(answer.numbers["counterparts"][0]["unit"].split(":")[1])
    ours, theirs = (tuned[family][seed][it]["axes"][0] for seed, it in ((0, channel), (1, other)))
    return selectivity.apart(ours["circular_mean"], theirs["circular_mean"], period=ours["period"])


def test_colour_units_of_one_seed_find_counterparts_in_the_other(seeds, tuned):
    """A colour unit has a vector strength of 0.4 or more around the hues; chance is one in six each."""
    colours = strong(tuned, "patch", least=0.4)
    assert len(colours) >= 6
    one, other = seeds
    units = [f"conv0:{channel}" for channel in colours]
    by_hue = ask(one, *units, others=[other], by="tuning", family="patch", top=1)
    assert all(answer.numbers["counterparts"][0]["value"] >= 0.9 for answer in by_hue)
    assert all(apart(tuned, "patch", *it) <= 30 for it in zip(colours, by_hue, strict=True))
    # Found by weights, which know nothing of hues, and judged by hue.
    by_weights = ask(one, *units, others=[other], by="weights", top=1)
    found = [apart(tuned, "patch", *it) <= 30 for it in zip(colours, by_weights, strict=True)]
    assert sum(found) >= len(found) - 1


def test_edge_units_of_one_seed_find_counterparts_in_the_other(seeds, tuned):
    """An edge unit answers with 0.5 or more to Gabors and prefers an orientation with a strength of 0.1 or more."""
    edges = strong(tuned, "gabor", least=0.1, maximum=0.5)
    assert len(edges) >= 5
    one, other = seeds
    units = [f"conv0:{channel}" for channel in edges]
    found = ask(one, *units, others=[other], by="tuning", family="gabor", top=1)
    assert all(answer.numbers["counterparts"][0]["value"] >= 0.6 for answer in found)
    assert all(apart(tuned, "gabor", *it) <= 15 for it in zip(edges, found, strict=True))


def test_curves_are_the_same_curve_turned(circuit):
    [answer] = ask(circuit, "curve:0", by="tuning", family="curve", steps=24, top=7)
    listed = {it["unit"]: it for it in answer.numbers["counterparts"]}
    assert len(listed) == answer.numbers["of"] == 7
    assert "curve:0" not in listed
    for channel in (2, 4, 6):
        assert listed[f"curve:{channel}"]["aligned"] == pytest.approx(1, abs=1e-6)
        assert listed[f"curve:{channel}"]["shift"] == 45 * channel
        assert listed[f"curve:{channel}"]["value"] < 0.7


def test_opposite_weights_are_opposite(circuit):
    [answer] = ask(circuit, "gabor:3", by="weights", top=3)
    values = table(answer)["gabor"]
    assert float(values[11]) == pytest.approx(-1, abs=1e-6)
    assert torch.isnan(values[3])
    assert answer.numbers["layers"] == ["gabor"]
    assert (answer.numbers["n"], answer.numbers["of"], answer.numbers["undefined"]) == (192, 15, 0)


def test_profiles_are_those_of_a_loop_over_pictures(circuit):
    [answer] = ask(circuit, "line:2", by="activation", top=4)
    spec = circuit.checkpoint.input_spec
    peaks = {}
    for layer in circuit.layers:
        look = circuit.truncated(layer, site="pre_relu")
        maps = [look(item.shown(spec)[None])[0].double() for item in datasets.fixed(spec).items]
        peaks[layer] = np.array([it.reshape(it.shape[0], -1).amax(1).tolist() for it in maps])
    values = table(answer)
    for layer, some in peaks.items():
        for channel in range(some.shape[1]):
            wanted = np.corrcoef(peaks["line"][:, 2], some[:, channel])[0, 1]
            if (layer, channel) != ("line", 2) and some[:, channel].std() > 1e-5:
                assert float(values[layer][channel]) == pytest.approx(wanted, abs=1e-4)
    told = [it["value"] for it in answer.numbers["counterparts"]]
    assert told == sorted(told, reverse=True)
    assert [it["rank"] for it in answer.numbers["counterparts"]] == [1, 2, 3, 4]


def test_ties_are_ordered_by_depth_and_channel(circuit):
    doubled = circuit.checkpoint.tensors["gabor.weight"].clone()
    doubled[[9, 5]] = doubled[2].clone()
    lens = Lens(replace(circuit.checkpoint, tensors={**circuit.checkpoint.tensors, "gabor.weight": doubled}))
    [answer] = ask(lens, "gabor:2", by="weights", top=2)
    assert [(it["unit"], it["value"]) for it in answer.numbers["counterparts"]] == [("gabor:5", 1), ("gabor:9", 1)]


def test_kernels_of_another_size_are_refused_by_name(circuit, seeds):
    asked = {"by": "weights", "other": seeds[0].checkpoint.digest}
    [answer] = SIMILARITY.run(circuit, [Subject.parse("gabor:0")], asked, checkpoints=seeds[:1])
    assert answer.error.slug == "nothing-comparable"
    assert "gabor:0" in str(answer.error)
    [nowhere] = SIMILARITY.run(circuit, [Subject.parse("gabor:0")], {"layer": "gobar"})
    assert nowhere.error.slug == "no-such-layer"


def test_a_checkpoint_that_is_not_at_hand_is_missed_at_once(circuit):
    with pytest.raises(NoSuchMaterial):
        SIMILARITY.run(circuit, [Subject.parse("gabor:0")], {"other": "ab" * 32})
