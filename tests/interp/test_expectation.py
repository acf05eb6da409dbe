"""Expected weights against a whole jacobian, averaged by hand at equal offsets."""

import pytest
import torch

from tests.interp import networks
from tests.interp.networks import conv, of_conv
from workers.interp.checkpoint import Checkpoint
from workers.interp.errors import NoPath, NotLinear
from workers.interp.expectation import expected
from workers.interp.graph import Graph, Node
from workers.interp.lens import Lens
from workers.interp.operations import OPERATIONS
from workers.interp.pathways import Pathways


def opened(name, side):
    graph, shapes = networks.BUILT[name]()
    return Lens(Checkpoint(name, graph, networks.drawn(shapes), networks.spec(side)), dtype=torch.float64)


def behind(lens, target, start, picture):
    """The target's pre-activation [T, H, W] as a plain function of the source's value, and that value."""
    checkpoint = lens.checkpoint

    def run(value):
        known = {checkpoint.graph.input: lens.prepare(picture), **({start: value} if value is not None else {})}
        for node in checkpoint.graph:
            if node.name not in known:
                given = {word: checkpoint.tensors[name].double() for word, name in node.tensors.items()}
                inputs = [known[name] for name in node.inputs]
                known[node.name] = OPERATIONS[node.op].run(*inputs, **given, **node.attributes)
        layer = lens.layers[target]
        return torch.cat([known[part.node] for part in layer.parts[layer.sites[0]]], 1)[0], known[start]

    return run


@pytest.mark.parametrize(
    ("name", "side", "target", "channel", "source"),
    [
        ("residual", 12, "block", 2, "stem"),
        ("branches", 16, "mixed", 5, "stem"),
        ("branches", 16, "mixed", 16, "stem"),
        ("branches", 16, "top", 1, None),
        ("fixed", 24, "hidden", 3, "features"),
    ],
)
def test_it_is_the_mean_of_the_jacobian_at_equal_offsets(name, side, target, channel, source):
    lens = opened(name, side)
    pictures = networks.images(side, n=3, dtype=torch.float64)
    found = expected(lens, pictures, target=target, channel=channel, source=source)
    start = lens.checkpoint.graph.input
    if source is not None:
        start = lens.layers[source].parts[lens.layers[source].sites[-1]][0].node
    total, count = torch.zeros_like(found.weights[0]), torch.zeros(found.size)
    for picture in pictures.split(1):
        run = behind(lens, target, start, picture)
        value = run(None)[1].detach()
        whole = torch.autograd.functional.jacobian(lambda it, run=run: run(it)[0][channel], value)
        whole = whole.reshape(*(whole.shape[:2] if whole.ndim == 6 else (1, 1)), *whole.shape[-3:])  # [H, W, S, h, w]
        for y, x in torch.cartesian_prod(torch.arange(whole.shape[0]), torch.arange(whole.shape[1])).tolist():
            for v, u in torch.cartesian_prod(*map(torch.arange, found.size)).tolist():
                row, column = y * found.stride[0] + found.first[0] + v, x * found.stride[1] + found.first[1] + u
                if 0 <= row < whole.shape[3] and 0 <= column < whole.shape[4]:
                    total[v, u] += whole[y, x, :, row, column]
                    count[v, u] += 1
    torch.testing.assert_close(found.weights[0], total / count[..., None].clamp(min=1), rtol=0, atol=1e-12)
    assert found.weights.abs().sum() > 0


def test_with_every_gate_open_these_are_the_expanded_weights():
    nodes = [
        Node("input", "input"),
        conv("stem", "input"),
        Node("stem_relu", "relu", ("stem",)),
        Node("pool", "avg_pool", ("stem_relu",), {"kernel_size": 2, "stride": 2}),
        conv("mid", "pool"),
        Node("mid_relu", "relu", ("mid",)),
        conv("top", "mid_relu"),
    ]
    shapes = of_conv("stem", 3, 3, 1, 1) | of_conv("mid", 4, 3, 3, 3) | of_conv("top", 2, 4, 3, 3)
    tensors = {name: tensor.abs() for name, tensor in networks.drawn(shapes).items()}
    lens = Lens(Checkpoint("open", Graph(nodes, output="top"), tensors, networks.spec(24)), dtype=torch.float64)
    found = expected(lens, networks.images(24, dtype=torch.float64), target="top", channel=1, source="stem")
    truth = Pathways(lens, target="top", source="stem").kernel(1)
    torch.testing.assert_close(found.weights, truth.weights)
    assert (found.first, found.stride) == (truth.first, truth.stride)


def test_what_is_not_linear_has_no_kernel_of_a_certain_width():
    nodes = [
        Node("input", "input"),
        conv("stem", "input"),
        Node("open", "hardsigmoid", ("stem",)),
        Node("scaled", "mul", ("stem", "open")),
        Node("block", "add", ("scaled", "stem")),
        conv("top", "block"),
    ]
    shapes = of_conv("stem", 3, 3, 1, 1) | of_conv("top", 2, 3, 1, 1)
    lens = Lens(Checkpoint("gated", Graph(nodes, output="top"), networks.drawn(shapes), networks.spec(8)))
    with pytest.raises(NotLinear):
        expected(lens, networks.images(8), target="top", channel=0, source="stem")


def test_shut_gates_carry_nothing_and_nothing_leads_back():
    lens = opened("branches", 16)
    with pytest.raises(NoPath):
        expected(lens, networks.images(16), target="stem", channel=0, source="mixed")
    single = expected(lens, networks.images(16, n=1), target="top", channel=1, source="stem")
    both = expected(lens, networks.images(16, n=2), target="top", channel=1, source="stem")
    assert not torch.equal(single.weights, both.weights)
