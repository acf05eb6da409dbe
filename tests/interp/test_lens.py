"""Every way of looking through a lens shows the same network: whole, in part, cut in two, folded or not."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch.utils._python_dispatch import TorchDispatchMode

from tests.interp import networks, oracles
from workers.interp.address import Unit
from workers.interp.checkpoint import Checkpoint
from workers.interp.errors import CheckpointArchitecture, NoSuchLayer, NoSuchSite, NoSuchUnit
from workers.interp.graph import Graph, Node
from workers.interp.lens import Lens


def images(lens: Lens) -> torch.Tensor:  # -> [2, 3, H, W]
    """Random pictures of the native size; a ring for the organism, whose curves are silent on noise."""
    shown = networks.images(lens.checkpoint.input_spec.size[0])
    if lens.checkpoint.architecture == "curve-circuit":
        axis = torch.arange(64) - 31.5
        ring = (torch.hypot(axis[:, None], axis[None]) - 12).abs() < 1
        shown = 0.4 + 0.2 * shown + 0.4 * ring
    return shown.to(lens.dtype)


class Convolutions(TorchDispatchMode):
    """Counts the convolutions that run."""

    count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += "convolution" in func.__name__
        return func(*args, **(kwargs or {}))


def places(lens: Lens):
    """Every layer and branch, with every site."""
    for name in [*lens.layers, *lens.checkpoint.branches]:
        place = lens.checkpoint.place(name)
        for site in lens.layers[place.layer].sites:
            yield name, site


@pytest.fixture(scope="module")
def wide(lens) -> Lens:
    """The same checkpoint in float64, unfolded: the graph as it is written."""
    return Lens(lens.checkpoint, dtype=torch.float64, folded=False)


def test_the_organism_is_its_formulas():
    lens = Lens(networks.checkpoint("curve-circuit"), dtype=torch.float64)
    shown = images(lens)
    truth = oracles.curve_circuit(lens.checkpoint.tensors, shown)
    read = lens.reading(lens.layers, site="pre_relu")(shown)
    for layer, values in truth.items():
        torch.testing.assert_close(read[layer], values, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(lens(shown), truth["readout"], rtol=1e-12, atol=1e-12)


def test_the_residual_network_is_its_formulas():
    """Normalisation, sum and head in plain torch, in float64, against the folded lens."""
    lens = Lens(networks.checkpoint("residual"), dtype=torch.float64)
    t = {name: tensor.double() for name, tensor in lens.checkpoint.tensors.items()}

    def norm(x, name):
        words = (t[f"{name}.{word}"][:, None, None] for word in ("running_mean", "running_var", "weight", "bias"))
        mean, var, weight, bias = words
        return (x - mean) / (var + 1e-3) ** 0.5 * weight + bias

    x = images(lens)
    stem = norm(F.conv2d(x, t["stem.weight"], stride=2, padding=1), "stem_norm")
    first = norm(F.conv2d(stem.relu(), t["first.weight"], t["first.bias"], padding=1), "first_norm")
    second = norm(F.conv2d(first.relu(), t["second.weight"], padding=1), "second_norm")
    block = second + stem.relu()
    head = block.relu().mean((2, 3)) @ t["head.weight"].T + t["head.bias"]
    read = lens.reading(lens.layers, site="pre_relu")(x)
    for name, value in {"stem": stem, "first": first, "second": second, "block": block, "head": head}.items():
        torch.testing.assert_close(read[name], value, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(lens.reading(["block"])(x)["block"], block.relu(), rtol=1e-10, atol=1e-10)


def test_folded_is_unfolded(lens, wide):
    shown = images(lens)
    for name, site in places(lens):
        folded = lens.reading([name], site=site)(shown)[name].double()
        plain = wide.reading([name], site=site)(shown.double())[name]
        torch.testing.assert_close(folded, plain, rtol=1e-4, atol=1e-4 * float(plain.abs().max()))


def test_all_at_once_is_each_alone_and_truncated(wide):
    shown = images(wide)
    for site in ("pre_relu", "post_relu"):
        having = [name for name, known in places(wide) if known == site]
        together = wide.reading(having, site=site)(shown)
        assert list(together) == having
        for name in having:
            alone = wide.reading([name], site=site)(shown)[name]
            torch.testing.assert_close(together[name], alone, rtol=0, atol=1e-12)
            torch.testing.assert_close(wide.truncated(name, site=site)(shown), alone, rtol=0, atol=1e-12)


def test_channels_are_picked_in_their_order(wide):
    shown = images(wide)
    for name, site in places(wide):
        whole = wide.truncated(name, site=site)(shown)
        width = whole.shape[1]
        for chosen in ([width - 1], [width - 1, 0], [0, width // 2, 0]):
            picked = wide.truncated(name, site=site, channels=chosen)(shown)
            torch.testing.assert_close(picked, whole[:, chosen], rtol=0, atol=1e-12)


def test_a_branch_is_a_range_of_its_concatenation(wide):
    shown = images(wide)
    for name, branch in wide.checkpoint.branches.items():
        for site in wide.layers[branch.layer].sites:
            whole = wide.truncated(branch.layer, site=site)(shown)
            part = wide.truncated(name, site=site)(shown)
            torch.testing.assert_close(part, whole[:, branch.start : branch.stop], rtol=0, atol=1e-12)
        assert wide.resolve(Unit(name, 0)) == Unit(branch.layer, branch.start)
        with pytest.raises(NoSuchUnit):
            wide.resolve(Unit(name, branch.stop - branch.start))


def test_after_the_relu_is_the_relu_of_before(wide):
    shown = images(wide)
    for layer in wide.layers.values():
        if {"pre_relu", "post_relu"} <= set(layer.sites):
            before = wide.truncated(layer.key, site="pre_relu")(shown)
            assert torch.equal(wide.truncated(layer.key, site="post_relu")(shown), before.relu())
            assert bool((before < 0).any()), "a test that could not fail"


def test_prefix_and_suffix_are_the_whole(wide):
    shown = images(wide)
    whole = wide(shown)
    for layer in wide.layers.values():
        for site in layer.sites:
            state = wide.prefix(layer.key, site=site)(shown)
            cut = torch.cat([state[node] for node in wide.cut(layer.key, site=site)], dim=1)
            torch.testing.assert_close(cut, wide.truncated(layer.key, site=site)(shown), rtol=0, atol=1e-12)
            kept = {name: value.clone() for name, value in state.items()}
            torch.testing.assert_close(wide.suffix(layer.key, site=site)(state), whole, rtol=1e-12, atol=1e-12)
            assert all(torch.equal(state[name], kept[name]) for name in state), "the state was changed"


def test_a_suffix_feels_what_is_changed_at_its_cut(wide):
    shown = images(wide)
    layer = next(iter(wide.layers.values()))
    site = layer.sites[-1]
    state = wide.prefix(layer.key, site=site)(shown)
    changed = {**state, **{node: torch.zeros_like(state[node]) for node in wide.cut(layer.key, site=site)}}
    assert not torch.allclose(wide.suffix(layer.key, site=site)(changed), wide(shown))


@pytest.mark.parametrize(
    ("layer", "channels", "convolutions"),
    [("stem", None, 1), ("mixed_reduce", None, 2), ("mixed", [0], 2), ("mixed", [0, 4], 4), ("mixed", None, 6)],
)
def test_nothing_past_the_target_runs_nor_beside_it(layer, channels, convolutions):
    lens = Lens(networks.checkpoint("branches"))
    with Convolutions() as counted:
        lens.truncated(layer, site="post_relu", channels=channels)(networks.images(32))
    assert counted.count == convolutions


def test_gradients_flow_to_images_and_never_to_weights(lens):
    shown = images(lens).requires_grad_()
    lens(shown).sum().backward()
    assert float(shown.grad.abs().max()) > 0
    assert all(tensor.grad is None for tensor in lens.checkpoint.tensors.values())


def test_gradients_are_the_same_folded_or_not(lens, wide):
    """ReLUs that overwrite their inputs and kernels laid out channels-last change no gradient either."""
    layer = list(lens.layers)[len(lens.layers) // 2]
    found = []
    for one in (Lens(lens.checkpoint, dtype=torch.float64), wide):
        shown = images(one).requires_grad_()
        one.reading([layer])(shown)[layer].square().sum().backward()
        found.append(shown.grad)
    torch.testing.assert_close(found[0], found[1], rtol=1e-8, atol=1e-10 * float(found[1].abs().max()))


@pytest.mark.parametrize("order", [torch.contiguous_format, torch.channels_last], ids=str)
def test_the_layout_of_an_image_in_memory_is_nobodys_business(lens, order):
    shown = images(lens)
    assert torch.equal(lens(shown.contiguous(memory_format=order)), lens(shown))


def test_an_image_is_not_changed(lens):
    shown = images(lens)
    before = shown.clone()
    lens(shown)
    lens.reading(lens.layers)(shown)
    assert torch.equal(shown, before)


def test_the_input_spec_is_applied():
    plain = networks.checkpoint("branches")
    caffe = {"channel_order": "BGR", "value_range": [0, 255], "mean": [123, 117, 104], "std": [58, 57, 56]}
    lens = Lens(replace(plain, input_spec=networks.spec(32, **caffe)))
    shown = networks.images(32)
    by_hand = torch.stack(
        [
            (shown[:, index] * 255 - mean) / std
            for index, mean, std in ((2, 104, 56), (1, 117, 57), (0, 123, 58))  # blue, green, red
        ],
        dim=1,
    )
    torch.testing.assert_close(lens(shown), Lens(plain)(by_hand), rtol=1e-4, atol=1e-4)


def test_what_is_not_there_is_refused_by_name(lens):
    first = next(iter(lens.layers))
    with pytest.raises(NoSuchLayer) as refused:
        lens.reading([f"{first}x"])
    assert first in refused.value.facts["closest"]
    with pytest.raises(NoSuchSite):
        lens.truncated(first, site="post_mortem")
    for index in (-1, lens.layers[first].channels):
        with pytest.raises(NoSuchUnit):
            lens.truncated(first, site="pre_relu", channels=[index])


def test_a_checkpoint_holds_exactly_the_tensors_of_its_graph():
    sound = networks.checkpoint("branches")
    fewer = {name: tensor for name, tensor in sound.tensors.items() if name != "top.bias"}
    for tensors, name in ((fewer, "top.bias"), ({**sound.tensors, "extra": torch.zeros(1)}, "extra")):
        with pytest.raises(CheckpointArchitecture, match=name):
            replace(sound, tensors=tensors)


def test_two_readers_of_a_value_see_it_before_the_relu_overwrites_it():
    """A sum whose ReLU overwrites in place, and which something else reads too."""
    nodes = [
        Node("input", "input"),
        networks.conv("a", "input"),
        Node("sum", "add", ("a", "a")),
        Node("sum_relu", "relu", ("sum",)),
        Node("both", "add", ("sum", "sum_relu")),
    ]
    tensors = networks.drawn(networks.of_conv("a", 3, 3, 1, 1))
    lens = Lens(Checkpoint("tied", Graph(nodes, output="both"), tensors, networks.spec(8)))
    shown = networks.images(8)
    doubled = 2 * F.conv2d(shown, tensors["a.weight"], tensors["a.bias"])
    torch.testing.assert_close(lens(shown), doubled + doubled.relu())
