"""Edits mean what they say: held against deep copies, connectivity and plain arithmetic, on every kind of network."""

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.interp import networks
from workers.interp import responses
from workers.interp.edits import silence
from workers.interp.errors import BadParameters, NothingToTake, UnreadableMaterial
from workers.interp.lens import Lens
from workers.interp.resuming import Resumed


def opened(name, **changes) -> Lens:
    """A network in float64, where rounding hides nothing."""
    return Lens(replace(networks.checkpoint(name), **changes), dtype=torch.float64)


def shown(lens, n=2):
    return networks.images(lens.checkpoint.input_spec.size[0], n=n)


def answer(lens, images, edits=(), **words):
    with torch.no_grad(), lens.editing(edits, **words) as edited:
        return edited(images)


def middle(lens):
    return list(lens.layers.values())[len(lens.layers) // 2]


def identities(lens):
    """One edit of every kind that changes nothing."""
    layer = middle(lens)
    name = next(name for name in lens.checkpoint.tensors if name.endswith("weight"))
    place = [0] * lens.checkpoint.tensors[name].ndim
    yield {"op": "set", "layer": layer.key, "channels": [0, 1], "value": 7, "alpha": 0}
    yield {"op": "scale", "layer": layer.key, "channels": [0], "factor": 1}
    yield {
        "op": "weight",
        "parameter": name,
        "index": place,
        "value": float(lens.checkpoint.tensors[name][tuple(place)]),
    }


def test_an_identity_is_equal_in_every_bit(lens):
    images = shown(lens)
    with torch.no_grad():
        before = lens(images)
    for edit in identities(lens):
        assert torch.equal(answer(lens, images, [edit]), before)


def test_the_original_stays_what_it_is(lens):
    images, layer = shown(lens), middle(lens)
    with torch.no_grad():
        before = lens(images)
    with pytest.raises(RuntimeError), lens.editing([silence(layer.key, 0)]) as edited:
        edited(images[:, :, :1, :1].repeat(1, 5, 1, 1))
    with torch.no_grad():
        assert torch.equal(lens(images), before)


def test_silence_is_read_as_silence_under_the_same_names(lens):
    layer, images = middle(lens), shown(lens)
    for site in layer.sites:
        edit = {**silence(layer.key, 1), "site": site}
        with torch.no_grad(), lens.editing([edit]) as edited:
            values = edited.reading([layer.key], site=site)(images)[layer.key]
            again = edited.suffix(layer.key, site=site)(edited.prefix(layer.key, site=site)(images))
            assert torch.equal(again, edited(images))
        plain = lens.reading([layer.key], site=site)(images)[layer.key]
        assert not values[:, 1].any()
        assert torch.equal(values[:, [0, *range(2, layer.channels)]], plain[:, [0, *range(2, layer.channels)]])


@pytest.mark.parametrize(
    ("name", "layer", "filters"),
    [
        ("branches", "mixed:5", ["mixed_3x1.weight", "mixed_3x1.bias"]),
        ("fixed", "hidden:3", ["hidden.weight", "hidden.bias"]),
        ("curve-circuit", "line:5", ["line.weight", "line.bias"]),
        ("residual", "first:5", ["first_norm.weight", "first_norm.bias"]),
    ],
)
def test_zeroing_a_unit_is_zeroing_its_filter_in_a_deep_copy(name, layer, filters):
    lens = opened(name)
    key, channel = layer.split(":")
    tensors = {word: tensor.clone() for word, tensor in lens.checkpoint.tensors.items()}
    for word in filters:
        tensors[word][1 if name == "branches" else int(channel)] = 0  # of its branch it is number 1
    copied = opened(name, tensors=tensors)
    images = torch.from_numpy(np.stack(list(responses.pictures(lens.checkpoint.input_spec.size).values())))
    found = answer(lens, images, [silence(key, int(channel))])
    assert torch.allclose(found, answer(copied, images), rtol=0, atol=1e-12)
    assert not torch.allclose(found, answer(lens, images))


def test_a_unit_that_nobody_listens_to_changes_nothing_exactly():
    tensors = dict(networks.checkpoint("branches").tensors)
    tensors["top.weight"] = tensors["top.weight"].clone()
    tensors["top.weight"][:, 3] = 0
    lens = Lens(replace(networks.checkpoint("branches"), tensors=tensors))
    images = shown(lens)
    for value in ("zero", 5):
        assert torch.equal(answer(lens, images, [{**silence("mixed", 3), "value": value}]), answer(lens, images))


def downstream(lens, node):
    """All nodes behind one, by the graph of the checkpoint and nothing else."""
    behind = {node}
    for one in lens.checkpoint.graph:
        if behind & set(one.inputs):
            behind.add(one.name)
    return behind


@pytest.mark.parametrize("name", ["branches", "residual", "mobile", "miniception"])
def test_a_weight_changes_only_what_is_behind_it(name):
    lens = opened(name)
    chance, images = random.Random(0), shown(lens)
    nodes = [node for node in lens.checkpoint.graph if "weight" in node.tensors and node.op in ("conv2d", "linear")]
    for node in chance.sample(nodes, 3):
        parameter = node.tensors["weight"]
        index = [0] * lens.checkpoint.tensors[parameter].ndim
        edit = {"op": "weight", "parameter": parameter, "index": index, "value": 3.0}
        with torch.no_grad(), lens.editing([edit]) as edited:
            before, after = (one.reading(lens.layers)(images) for one in (lens, edited))
            changed = Resumed(lens, edited).changed
        differing = {key for key in before if not torch.equal(before[key], after[key])}
        behind = downstream(lens, node.name)
        assert differing <= {
            key for key, it in lens.layers.items() if {p.node for p in it.parts[it.sites[-1]]} & behind
        }
        assert differing, "and something does"
        assert changed <= behind


def test_what_is_resumed_is_what_runs_whole(lens):
    images, layer = shown(lens), middle(lens)
    with torch.no_grad(), lens.editing([silence(layer.key, 0)]) as edited:
        resumed = Resumed(lens, edited)
        values = lens.program(resumed.needs)({lens.graph.input: lens.prepare(images)})
        output = lens.graph.output
        assert torch.equal(resumed.computing([output])(values)[output], edited(images))


def test_a_box_and_a_mask_say_where(circuit, tmp_path):
    images = shown(circuit)
    mask = torch.zeros(circuit.layers["curve"].positions)
    mask[2:5, 3:9] = 1
    sha256 = "a" * 64
    save_file({"mask": mask}, tmp_path / "mask")
    plain = circuit.reading(["curve"])(images)["curve"]
    for where in ({"box": [2, 3, 5, 9]}, {"mask": sha256}):
        edit = {**silence("curve", 4), "value": 2.5, "where": where}
        with circuit.editing([edit], files={sha256: tmp_path / "mask"}) as edited:
            found = edited.reading(["curve"])(images)["curve"]
        assert torch.equal(found[:, 4], torch.where(mask == 1, 2.5, plain[:, 4]))
        assert torch.equal(found[:, :4], plain[:, :4])


def test_alpha_blends_and_mean_and_resample_take_what_they_are_given(circuit):
    images, donors = shown(circuit), networks.images(64, seed=9)
    plain, others = (circuit.reading(["line"])(it)["line"] for it in (images, donors))
    means = {("line", "post_relu"): torch.arange(8.0)}
    edits = [
        {**silence("line", 1), "value": 4, "alpha": 0.25},
        {**silence("line", 2), "value": "mean"},
        {**silence("line", 3), "value": "resample"},
        {"op": "scale", "layer": "line", "channels": [4], "factor": -0.5},
    ]
    with circuit.editing(edits, means=means, donors=donors) as edited:
        found = edited.reading(["line"])(images)["line"]
    assert torch.allclose(found[:, 1], 0.75 * plain[:, 1] + 1)
    assert (found[:, 2] == 2).all()
    assert torch.equal(found[:, 3], others[:, 3])
    assert torch.equal(found[:, 4], -0.5 * plain[:, 4])
    with circuit.editing(edits[2:3]) as edited, pytest.raises(NothingToTake):
        edited(images)


def test_whole_numbers_may_be_written_with_a_point(circuit):
    images = shown(circuit)
    edit = {**silence("line", 1), "where": {"box": [0, 0, 2, 2]}}
    pointed = {**edit, "channels": [1.0], "where": {"box": [0.0, 0.0, 2.0, 2.0]}}
    assert torch.equal(answer(circuit, images, [pointed]), answer(circuit, images, [edit]))


def test_what_an_edit_leaves_alone_is_held_once(circuit):
    edit = {"op": "weight", "parameter": "line.bias", "index": [0], "value": 1}
    with circuit.editing([edit]) as edited:
        assert [name for name, tensor in edited.tensors.items() if tensor is not circuit.tensors[name]] == ["line.bias"]


def test_at_one_place_the_later_edit_finds_what_the_earlier_left(circuit):
    images = shown(circuit)
    edits = [{**silence("line", 1), "value": 4}, {"op": "scale", "layer": "line", "channels": [1], "factor": 0.5}]
    for order, left in ((edits, 2), (edits[::-1], 4)):
        with circuit.editing(order) as edited:
            assert (edited.reading(["line"])(images)["line"][:, 1] == left).all()


WEIGHT = {"op": "weight", "parameter": "line.weight", "index": [0, None, None, None], "value": 0}
HALVED = {"op": "scale", "layer": "line", "channels": [1], "factor": 0.5}
CUT = {"op": "cut", "source": "line:4", "target": "curve:0"}


@pytest.mark.parametrize("first", [silence("line", 1), WEIGHT, CUT], ids=lambda it: it["op"])
@pytest.mark.parametrize("then", [silence("line", 1), HALVED, WEIGHT, CUT], ids=lambda it: it["op"])
def test_an_edited_network_is_edited_further(circuit, first, then):
    """As if the edits were one list: none that was there before is forgotten."""
    images = shown(circuit)

    def read(lens):
        return lens.reading(["curve"], site="pre_relu")(images)["curve"]

    with circuit.editing([first]) as once, once.editing([then]) as twice, circuit.editing([first, then]) as whole:
        for one, other in ((twice, whole), (twice.in_dtype(torch.float64), whole.in_dtype(torch.float64))):
            assert torch.equal(read(one), read(other))
        assert not torch.equal(read(once), read(circuit))


def test_what_an_edited_network_takes_from_elsewhere_it_takes_when_edited_further(circuit):
    images, layer, other = shown(circuit), ("line", "post_relu"), ("curve", "post_relu")
    mean = {**silence("line", 1), "value": "mean"}
    resampled = {**silence("curve", 2), "value": "resample"}
    known = {layer: torch.full((8,), 3.0)}
    with circuit.editing([mean], means=known) as once, once.editing([resampled], donors=images.flip(0)) as twice:
        assert (twice.reading(["line"])(images)["line"][:, 1] == 3).all()
        taken, given = (it.places([other])(images)[0][:, 2] for it in (twice, once))
        assert torch.equal(taken, given.flip(0))


def test_a_cut_is_heard_by_its_target_alone():
    lens = opened("branches")
    images = shown(lens)
    cut = {"op": "cut", "source": "stem:2", "target": "mixed:6"}
    with torch.no_grad():
        with lens.editing([cut]) as edited:
            found = edited.reading(lens.layers)(images)
        with lens.editing([silence("stem", 2)]) as edited:
            deaf = edited.reading(["mixed"])(images)["mixed"]
        plain = lens.reading(lens.layers)(images)
    assert torch.equal(found["stem"], plain["stem"])
    assert torch.allclose(found["mixed"][:, 6], deaf[:, 6], atol=1e-14)
    assert not torch.allclose(deaf[:, 6], plain["mixed"][:, 6])
    rest = [channel for channel in range(18) if channel != 6]
    assert torch.equal(found["mixed"][:, rest], plain["mixed"][:, rest])
    assert not torch.equal(found["head"], plain["head"])


@pytest.mark.parametrize("name", ["residual", "branches", "fixed"])
def test_spliced_weights_are_the_units_whole_linear_map(name, tmp_path):
    lens = opened(name)
    layer, node = {"residual": ("first", "first"), "branches": ("mixed", "mixed_3x1"), "fixed": ("hidden",) * 2}[name]
    channels = [5, 7]
    shape = (2, *lens.checkpoint.tensors[f"{node}.weight"].shape[1:])
    made = {"weight": torch.randn(shape, dtype=torch.float64), "bias": torch.tensor([0.5, -0.25], dtype=torch.float64)}
    save_file(made, tmp_path / "made")
    edit = {"op": "splice", "layer": layer, "channels": channels, "weights": "b" * 64}
    files = {"b" * 64: tmp_path / "made"}
    images = shown(lens)
    source = lens.graph[lens.layers[layer].parts["pre_relu"][0 if name != "branches" else 1].node]
    with torch.no_grad(), lens.editing([edit], files=files) as edited:
        found = edited.reading([layer], site="pre_relu")(images)[layer]
        before = lens.program([source.inputs[0]])({lens.graph.input: lens.prepare(images)})[source.inputs[0]]
        given = source.attributes
        wanted = (
            torch.nn.functional.conv2d(before, made["weight"], made["bias"], given["stride"], given["padding"])
            if before.ndim == 4
            else torch.nn.functional.linear(before, made["weight"], made["bias"])
        )
        plain = lens.reading([layer], site="pre_relu")(images)[layer]
    assert torch.allclose(found[:, channels], wanted, atol=1e-6)  # normalisations are stored in float32
    rest = [channel for channel in range(found.shape[1]) if channel not in channels]
    assert torch.equal(found[:, rest], plain[:, rest])


@pytest.mark.parametrize(
    ("edit", "pointer"),
    [
        ({"op": "explode"}, "/edits/0/op"),
        ({"op": "set", "layer": "line", "channels": [0]}, "/edits/0"),
        ({"op": "set", "layer": "nowhere", "channels": [0], "value": 1}, "/edits/0/layer"),
        ({"op": "set", "layer": "line", "channels": [0, 8], "value": 1}, "/edits/0/channels/1"),
        ({"op": "set", "layer": "line", "channels": [0], "value": "one"}, "/edits/0/value"),
        ({"op": "set", "layer": "line", "channels": [0], "value": 1, "alpha": 2}, "/edits/0/alpha"),
        ({**silence("line", 0), "where": {"box": [0, 0, 99, 1]}}, "/edits/0/where/box"),
        ({"op": "set", "layer": "line", "value": 1}, "/edits/0/channels"),
        ({"op": "set", "value": 1}, "/edits/0/layer"),
        ({"op": "set", "layer": "readout", "channels": [0], "value": 1, "site": "post_relu"}, "/edits/0/site"),
        ({"op": "scale", "layer": "line", "channels": [0], "factor": float("inf")}, "/edits/0/factor"),
        ({"op": "weight", "parameter": "line.weights", "index": [0], "value": 1}, "/edits/0/parameter"),
        ({"op": "weight", "parameter": "line.weight", "index": [0], "value": 1}, "/edits/0/index"),
        ({"op": "weight", "parameter": "line.weight", "index": [8, 0, None, None], "value": 1}, "/edits/0/index/0"),
        ({"op": "cut", "source": "curve:1", "target": "line:1"}, "/edits/0/source"),
        ({"op": "cut", "source": "line:1", "target": "curve:8"}, "/edits/0/target"),
        ({"op": "cut", "source": "line:1"}, "/edits/0/target"),
        ({"op": "splice", "layer": "line", "channels": [0], "weights": "x"}, "/edits/0/weights"),
    ],
    ids=lambda it: it if isinstance(it, str) else None,
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_a_pointer(circuit, edit, pointer):
    with pytest.raises(BadParameters) as refused, circuit.editing([edit]):
        pass
    assert [error["pointer"] for error in refused.value.facts["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"weight": torch.zeros(2, 16, 5, 4)}, "[2, 16, 5, 4], not [2, 16, 5, 5]"),
        ({"weight": torch.zeros(2, 16, 5, 5, dtype=torch.int32)}, "no float"),
        ({"weight": torch.full((2, 16, 5, 5), float("nan"))}, "not finite"),
        ({"weights": torch.zeros(2, 16, 5, 5)}, "it has the tensors weights"),
        ({"weight": torch.zeros(2, 16, 5, 5), "bias": torch.zeros(3)}, "[3], not [2]"),
        (b"\x80\x04pickle", "pickle"),
    ],
    ids=["shape", "type", "not-finite", "name", "bias", "no-safetensors"],
)
def test_weights_that_do_not_fit_are_refused_by_name(circuit, tmp_path, tensors, reason):
    path = tmp_path / "made"
    path.write_bytes(tensors) if isinstance(tensors, bytes) else save_file(tensors, path)
    edit = {"op": "splice", "layer": "line", "channels": [0, 1], "weights": "c" * 64}
    with pytest.raises(UnreadableMaterial) as refused, circuit.editing([edit], files={"c" * 64: path}):
        pass
    assert reason in str(refused.value)
    assert not str(refused.value).endswith("..")
