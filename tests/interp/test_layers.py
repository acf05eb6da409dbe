"""Layers, sites, names and receptive fields follow rules, so that every network has the ones its readers expect."""

import json
from dataclasses import replace

import pytest
import torch

from tests.interp import networks, oracles
from workers.interp import architectures, geometry, layers
from workers.interp.address import Unit
from workers.interp.checkpoint import Checkpoint
from workers.interp.errors import BadGraph, NoSuchLayer, NoSuchUnit
from workers.interp.graph import Graph, Node
from workers.interp.lens import Lens


def described(name: str, *, side: int) -> Checkpoint:
    """One of torchvision's networks without numbers: its layers need none."""
    family = architectures.find(name)
    empty = {tensor: torch.empty(shape, device="meta") for tensor, shape in family.shapes(name).items()}
    return Checkpoint(name, family.graph(name), empty, networks.spec(side))


def test_squeezenet_has_its_fires():
    found = described("squeezenet1_1", side=227)
    fires = [f"features.{index}" for index in (3, 4, 6, 7, 9, 10, 11, 12)]
    inner = [key for fire in fires for key in (f"{fire}.squeeze", fire)]
    assert list(found.layers) == ["features.0", *inner, "classifier.1"]
    fire = found.layers["features.6"]
    assert (fire.kind, fire.channels, fire.stride, fire.positions) == ("concat", 256, (8, 8), (28, 28))
    assert fire.sites == ("pre_relu", "post_relu")
    assert found.branches["features.6.expand3x3"] == layers.Branch("features.6.expand3x3", "features.6", 128, 256)
    assert set(found.branches) == {f"{fire}.expand{kernel}" for fire in fires for kernel in ("1x1", "3x3")}
    assert found.channel("features.6.expand3x3", 7) == ("features.6", 135)
    assert sum(layer.parameters for layer in found.layers.values()) == 1_235_496  # torchvision's own count


def test_a_residual_block_is_a_layer_and_its_normalisation_a_site():
    found = described("resnet18", side=224)
    assert list(found.layers)[:5] == ["conv1", "layer1.0.conv1", "layer1.0.conv2", "layer1.0", "layer1.1.conv1"]
    assert found.layers["layer1.0"].kind == "sum"
    assert found.layers["layer1.0"].sites == ("pre_relu", "post_relu")
    assert found.layers["layer1.0.conv2"].sites == ("pre_relu",)  # summed before any ReLU
    assert found.layers["layer2.0.downsample.0"].channels == 128
    assert list(found.layers)[-1] == "fc"
    assert found.layers["fc"].stride is None
    assert found.layers["conv1"].parameters == 7 * 7 * 3 * 64 + 2 * 64


def test_googlenet_has_its_inceptions():
    found = described("googlenet", side=224)
    mixed = [key for key, layer in found.layers.items() if layer.kind == "concat"]
    assert mixed == [f"inception{name}" for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")]
    ranges = {name: (b.start, b.stop) for name, b in found.branches.items() if b.layer == "inception3b"}
    assert ranges == {
        "inception3b.branch1.conv": (0, 128),
        "inception3b.branch2.1.conv": (128, 320),
        "inception3b.branch3.1.conv": (320, 416),
        "inception3b.branch4.1.conv": (416, 480),
    }
    assert "inception3b.branch2.0.conv" in found.layers  # a bottleneck is read by a convolution
    assert found.layers["inception3b"].sites == ("pre_relu", "post_relu")


def test_a_branch_within_a_branch_is_a_range_of_the_whole():
    found = networks.checkpoint("branches")
    assert {name: (b.layer, b.start, b.stop) for name, b in found.branches.items()} == {
        "mixed_1x1": ("mixed", 0, 4),
        "mixed_3x1": ("mixed", 4, 9),
        "mixed_1x3": ("mixed", 9, 15),
        "mixed_inner": ("mixed", 4, 15),
        "mixed_pool": ("mixed", 15, 18),
    }
    assert list(found.layers) == ["stem", "mixed_reduce", "mixed", "top", "head"]
    assert [layer.index for layer in found.layers.values()] == [0, 1, 2, 3, 4]


def test_inception_v3_nests_its_branches():
    found = described("inception_v3", side=299)
    last = {name: (b.start, b.stop) for name, b in found.branches.items() if b.layer == "Mixed_7c"}
    assert last["Mixed_7c.branch3x3_2a.conv"] == (320, 704)
    assert last["Mixed_7c.branch3x3_2b.conv"] == (704, 1088)
    assert found.layers["Mixed_7c"].channels == 2048


def test_a_convolution_that_something_else_reads_is_a_layer_beside_its_concatenation():
    """Densely connected: everything is read by several, and nothing is an alias."""
    nodes = [
        Node("input", "input"),
        networks.conv("a", "input"),
        Node("a_relu", "relu", ("a",)),
        networks.conv("b", "a_relu"),
        Node("b_relu", "relu", ("b",)),
        Node("joined", "concat", ("a_relu", "b_relu")),
    ]
    shapes = networks.of_conv("a", 2, 3, 1, 1) | networks.of_conv("b", 4, 2, 1, 1)
    found = Checkpoint("dense", Graph(nodes, output="joined"), networks.drawn(shapes), networks.spec(8))
    assert list(found.layers) == ["a", "joined"]
    assert found.branches["b"] == layers.Branch("b", "joined", 2, 6)


@pytest.mark.parametrize(
    ("written", "key"),
    [("mixed3b/5x5", "mixed3b.5x5"), ("_head", "head"), ("a b", "a_b"), ("x.json", "x.json_"), ("y.bib", "y.bib_")],
)
def test_keys_can_stand_in_an_address(written, key):
    assert layers.key(written) == key


def test_a_further_name_means_the_same_units():
    plain = networks.checkpoint("branches")
    named = replace(plain, aliases={"4c": layers.Branch("4c", "mixed", 0, 18)})
    assert Lens(named).resolve(Unit("4c", 17)) == Unit("mixed", 17)
    assert named.digest == plain.digest
    with pytest.raises(NoSuchLayer, match="mixed"):
        plain.place("mixd")
    with pytest.raises(NoSuchUnit, match="18"):
        plain.channel("mixed", 18)


def open_wide(checkpoint: Checkpoint) -> Checkpoint:
    """The network with weights above zero and averages for maxima: every path from every pixel is open."""
    data = json.loads(json.dumps(checkpoint.graph.to_json()))
    for node in data["nodes"]:
        if node["op"] == "max_pool":
            node["op"] = "avg_pool"
            del node["attributes"]["dilation"]
    positive = {name: tensor.double().abs() + 0.1 for name, tensor in checkpoint.tensors.items()}
    return replace(checkpoint, graph=Graph.from_json(data), tensors=positive)


@pytest.mark.parametrize("name", ["curve-circuit", "residual", "branches", "squeezenet1_1", "mobile"])
def test_receptive_fields_are_what_gradients_touch(name):
    """From the middle position of a picture large enough, back to the pixels."""
    sound = networks.checkpoint(name)
    lens = Lens(open_wide(sound), dtype=torch.float64)
    side = {"curve-circuit": 64, "residual": 64, "branches": 96, "squeezenet1_1": 160, "mobile": 64}[name]
    shown = networks.images(side, n=1, dtype=torch.float64).requires_grad_()
    for layer in sound.layers.values():
        if layer.stride is None or max(layer.receptive_field) > side // 2:
            continue
        values = lens.truncated(layer.key, site=layer.sites[0], channels=[layer.channels - 1])(shown)
        (row, column) = (length // 2 for length in values.shape[2:])
        (gradient,) = torch.autograd.grad(values[0, 0, row, column], shown)
        first, size = oracles.receptive_field(gradient[0])
        other = widest(lens, layer, shown, row, column)
        assert (min(first, other[0]), max(size, other[1])) == (
            (layer.first[0] + row * layer.stride[0], layer.first[1] + column * layer.stride[1]),
            layer.receptive_field,
        )


def widest(lens, layer, shown, row, column):
    """The field of all channels together: a layer's field is the union over its branches."""
    values = lens.truncated(layer.key, site=layer.sites[0])(shown)
    (gradient,) = torch.autograd.grad(values[0, :, row, column].sum(), shown)
    return oracles.receptive_field(gradient[0])


def test_after_flattening_a_unit_sees_everything_that_is_pooled():
    found = networks.checkpoint("fixed").layers["hidden"]
    assert (found.stride, found.positions, found.kind) == (None, (1, 1), "linear")
    assert found.first == (-1, -1)
    assert found.receptive_field == (25, 25)


def test_flops_are_counted_twice_a_product():
    found = networks.checkpoint("fixed")
    assert found.flops == 2 * (6 * 12 * 12 * 27 + 9 * 54 + 4 * 9)
    assert networks.checkpoint("squeezenet1_1").flops < described("squeezenet1_1", side=227).flops


@pytest.mark.parametrize(
    ("size", "kernel", "words"),
    [
        ((8, 9), (3, 3), {}),
        ((8, 9), (3, 5), {"stride": (2, 3), "padding": (1, 2)}),
        ((11, 7), (3, 3), {"dilation": (2, 1), "padding": (4, 0)}),
        ((6, 6), (1, 1), {"stride": (5, 5), "groups": 2}),
        ((5, 5), (5, 5), {"padding": (2, 2), "groups": 4}),
    ],
)
def test_a_convolution_has_the_shape_that_torch_gives_it(size, kernel, words):
    """Our rule against the real thing, computed."""
    groups = words.get("groups", 1)
    tensors = {"w": torch.zeros(8, 4 // groups, *kernel)}
    conv = Node("conv", "conv2d", ("x",), words, {"weight": "w"})
    graph = Graph([Node("x", "input"), conv], output="conv")
    found = geometry.shapes(graph, {"w": tuple(tensors["w"].shape)}, given=(4, *size))
    assert found["conv"] == tuple(torch.nn.functional.conv2d(torch.zeros(1, 4, *size), tensors["w"], **words).shape)


@pytest.mark.parametrize(
    ("weight", "bias", "says"),
    [((8, 3, 3, 3), (8,), "does not fit"), ((8, 4, 9, 9), (8,), "larger"), ((8, 4, 3, 3), (7,), "bias")],
)
def test_a_convolution_that_does_not_fit_is_refused_by_name(weight, bias, says):
    conv = Node("conv", "conv2d", ("x",), {}, {"weight": "w", "bias": "b"})
    graph = Graph([Node("x", "input"), conv], output="conv")
    with pytest.raises(BadGraph, match=says) as caught:
        geometry.shapes(graph, {"w": weight, "b": bias}, given=(4, 8, 8))
    assert caught.value.facts["where"] == "conv"
