"""Composed kernels against closed forms, and against the jacobian of the linearised network, unit by unit."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from tests.interp import networks, oracles
from tests.interp.networks import conv, of_conv
from tests.interp.paths import BUILT, chain, gated, opened, relu
from workers.interp.checkpoint import Checkpoint
from workers.interp.errors import NoPath, NoSuchLayer, NotAdjacent, NotLinear, SameLayer
from workers.interp.graph import Node
from workers.interp.lens import Lens
from workers.interp.pathways import Pathways

PAIRS = [
    ("residual", "block", "stem"),
    ("residual", "block", "first"),
    ("residual", "head", "block"),
    ("residual", "second", None),
    ("branches", "mixed", "stem"),
    ("branches", "top", "stem"),
    ("branches", "top", None),
    ("branches", "mixed_reduce", "stem"),
    ("branches", "mixed", "mixed_reduce"),
    ("fixed", "hidden", "features"),
    ("fixed", "head", "features"),
    ("dense", "grouped", "stem"),
    ("dense", "both", "stem"),
    ("dense", "wide", "grouped"),
    ("dense", "strided", "stem"),
    ("residuals", "two", "one"),
    ("residuals", "two", "stem"),
    ("residuals", "top", "stem"),
    ("residuals", "top", "one_a"),
]


@pytest.mark.parametrize("folded", [True, False], ids=["folded", "as-written"])
@pytest.mark.parametrize(("name", "target", "source"), PAIRS, ids=str)
def test_a_composed_kernel_is_the_jacobian_of_the_linearised_network(name, target, source, folded):
    graph, shapes = BUILT[name]()
    checkpoint = Checkpoint(name, graph, networks.drawn(shapes), networks.spec(48 if name != "fixed" else 24))
    lens = Lens(checkpoint, dtype=torch.float64, folded=folded)
    ways = Pathways(lens, target=target, source=source)
    layer = lens.layers[target]
    start = graph.input if source is None else lens.layers[source].parts[lens.layers[source].sites[-1]][0].node
    truths = oracles.jacobian(
        graph,
        checkpoint.tensors,
        targets=[part.node for part in layer.parts[layer.sites[0]]],
        source=start,
        sizes=checkpoint.sizes,
    )
    norms = ways.norms()
    for channel, (position, truth) in enumerate(truths):
        found = placed(ways.kernel(channel), position, truth)
        torch.testing.assert_close(found, truth, rtol=0, atol=1e-10)
        torch.testing.assert_close(norms[channel], truth.flatten(1).norm(dim=1), rtol=0, atol=1e-10)
    assert channel + 1 == layer.channels


def placed(kernel, position, like):
    """A kernel laid on the source's map where the unit at a position has it; nothing of it may fall outside."""
    assert kernel.blur is None
    map_ = torch.zeros_like(like)
    top, left = (p * s + f for p, s, f in zip(position, kernel.stride, kernel.first, strict=True))
    height, width = kernel.size
    rows = slice(max(top, 0), max(top, 0) + height + min(top, 0))
    columns = slice(max(left, 0), max(left, 0) + width + min(left, 0))
    inside = kernel.weights[0].permute(2, 0, 1)[:, max(-top, 0) :, max(-left, 0) :]
    outside = kernel.weights[0].abs().sum() - inside[:, : like.shape[1] - top, : like.shape[2] - left].abs().sum()
    assert outside < 1e-12
    map_[:, rows, columns] = inside[:, : map_[:, rows].shape[1], : map_[:, :, columns].shape[2]]
    return map_


def test_single_precision_is_near_enough():
    graph, shapes = BUILT["residuals"]()
    checkpoint = Checkpoint("residuals", graph, networks.drawn(shapes), networks.spec(48))
    single, double = (
        Pathways(Lens(checkpoint, dtype=it), target="top", source="stem") for it in (torch.float32, torch.float64)
    )
    scale = float(double.norms().max())
    assert float((single.norms() - double.norms()).abs().max()) < 1e-5 * scale
    for channel in range(3):
        off = single.kernel(channel).weights - double.kernel(channel).weights
        assert float(off.abs().max()) < 1e-5 * scale


@pytest.mark.parametrize("source", ["stem", None])
def test_whole_channels_are_moved_and_scaled(source):
    nodes = [
        Node("input", "input"),
        conv("stem", "input", padding=1),
        relu("stem"),
        Node("kept", "chunk", ("stem_relu",), {"chunks": 2, "index": 0}),
        Node("seen", "chunk", ("stem_relu",), {"chunks": 2, "index": 1}),
        conv("deep", "seen", padding=1, groups=3),
        Node("both", "concat", ("kept", "deep")),
        Node("shuffled", "channel_shuffle", ("both",), {"groups": 2}),
        Node("half", "max_pool", ("shuffled",), {"kernel_size": 1, "stride": 2}),
        Node("wider", "pad", ("half",), {"channels": [2, 1], "height": [1, 0], "width": [0, 2]}),
        Node("scaled", "scale", ("wider",), tensors={"weight": "scaled.weight"}),
        conv("top", "scaled"),
    ]
    shapes = of_conv("stem", 6, 3, 3, 3) | of_conv("deep", 3, 1, 3, 3) | of_conv("top", 4, 9, 3, 3)
    lens = opened(nodes, shapes | {"scaled.weight": (9, 1, 1)})
    ways, checkpoint = Pathways(lens, target="top", source=source), lens.checkpoint
    start = "stem_relu" if source else "input"
    given = {"targets": ["top"], "source": start, "sizes": checkpoint.sizes}
    for channel, (position, truth) in enumerate(oracles.jacobian(checkpoint.graph, checkpoint.tensors, **given)):
        torch.testing.assert_close(placed(ways.kernel(channel), position, truth), truth, rtol=0, atol=1e-12)


# --- closed forms -----------------------------------------------------------------------------------------------------
def test_a_bottleneck_and_a_kernel():
    """1 × 1 then k × k: Σ_b W₂[o,b,y,x]·W₁[b,i]."""
    shapes = of_conv("stem", 4, 3, 3, 3) | of_conv("narrow", 3, 4, 1, 1) | of_conv("wide", 5, 3, 5, 5)
    lens = chain(
        conv("stem", "input"), conv("narrow", "stem"), relu("narrow"), conv("wide", "narrow_relu"), shapes=shapes
    )
    second, first = (lens.checkpoint.tensors[f"{name}.weight"].double() for name in ("wide", "narrow"))
    truth = torch.einsum("obyx,bi->oiyx", second, first[:, :, 0, 0])
    ways = Pathways(lens, target="wide", source="stem")
    for channel in range(5):
        kernel = ways.kernel(channel)
        torch.testing.assert_close(kernel.weights[0].permute(2, 0, 1), truth[channel])
        assert (kernel.first, kernel.stride) == ((0, 0), (1, 1))


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_two_kernels_are_their_full_convolution(stride):
    """K[c] = Σ_{a·s + b = c} W₂[a]·W₁[b], k₁ + s₁(k₂ − 1) wide."""
    shapes = of_conv("stem", 4, 3, 1, 1) | of_conv("near", 3, 4, 3, 3) | of_conv("far", 2, 3, 5, 5)
    nodes = (
        conv("stem", "input"),
        conv("near", "stem", stride=stride, padding=1),
        relu("near"),
        conv("far", "near_relu"),
    )
    lens = chain(*nodes, shapes=shapes)
    second, first = (lens.checkpoint.tensors[f"{name}.weight"].double() for name in ("far", "near"))
    size = 3 + stride * 4
    truth = torch.zeros(2, 4, size, size, dtype=torch.float64)
    for y, x, v, u in ((y, x, v, u) for y in range(5) for x in range(5) for v in range(3) for u in range(3)):
        truth[:, :, y * stride + v, x * stride + u] += second[:, :, y, x] @ first[:, :, v, u]
    kernel = Pathways(lens, target="far", source="stem").kernel(1)
    torch.testing.assert_close(kernel.weights[0].permute(2, 0, 1), truth[1])
    assert (kernel.first, kernel.stride) == ((-1, -1), (stride, stride))


def test_a_pool_branch_is_its_weight_over_the_window():
    shapes = of_conv("stem", 4, 3, 3, 3) | of_conv("proj", 5, 4, 1, 1)
    pool = Node("pool", "max_pool", ("stem",), {"kernel_size": 3, "stride": 1, "padding": 1})
    lens = chain(conv("stem", "input"), pool, conv("proj", "pool"), shapes=shapes)
    ways, weight = Pathways(lens, target="proj", source="stem"), lens.checkpoint.tensors["proj.weight"].double()
    torch.testing.assert_close(ways.kernel(2).weights[0], (weight[2, :, 0, 0] / 9).expand(3, 3, 4))
    assert ways.kernel(2).first == (-1, -1)
    torch.testing.assert_close(ways.norms(), weight[:, :, 0, 0].abs() / 3)
    assert ways.paths(2)[0].names == ("pool",)


def test_local_response_normalisation_is_its_slope_at_zero():
    shapes = of_conv("stem", 4, 3, 3, 3) | of_conv("top", 5, 4, 1, 1)
    lrn = Node("lrn", "local_response_norm", ("stem",), {"size": 5, "alpha": 1e-4, "beta": 0.5, "k": 2.0})
    lens = chain(conv("stem", "input"), lrn, conv("top", "lrn"), shapes=shapes)
    weight = lens.checkpoint.tensors["top.weight"].double()[:, :, 0, 0]
    torch.testing.assert_close(
        Pathways(lens, target="top", source="stem").kernel(0).weights[0, 0, 0], weight[0] * 2**-0.5
    )


def test_the_sum_over_sources_is_the_forward_pass():
    """Composed weights laid on an image give what the linear network gives, at every inner position."""
    graph, shapes = BUILT["residuals"]()
    checkpoint = Checkpoint("residuals", graph, networks.drawn(shapes), networks.spec(64))
    lens = Lens(checkpoint, dtype=torch.float64)
    image = torch.from_numpy(networks.images(64, n=1).double().numpy())
    answers = oracles.linearised(graph, checkpoint.tensors, {"input": image})["top"]
    nothing = oracles.linearised(graph, checkpoint.tensors, {"input": torch.zeros_like(image)})["top"]
    kernel = Pathways(lens, target="top", source=None).kernel(1)
    padded = F.pad(image, [40] * 4)
    top, left = (8 // 2 * s + f + 40 for s, f in zip(kernel.stride, kernel.first, strict=True))
    window = padded[0, :, top : top + kernel.size[0], left : left + kernel.size[1]]
    found = (window * kernel.weights[0].permute(2, 0, 1)).sum()
    torch.testing.assert_close(found, (answers - nothing)[0, 1, 4, 4])


# --- kinds ------------------------------------------------------------------------------------------------------------
def test_the_best_case_is_what_the_best_choice_of_gates_gives():
    shapes = of_conv("stem", 3, 3, 1, 1) | of_conv("near", 4, 3, 3, 3) | of_conv("far", 2, 4, 3, 3)
    lens = chain(conv("stem", "input"), conv("near", "stem"), relu("near"), conv("far", "near_relu"), shapes=shapes)
    second, first = (lens.checkpoint.tensors[f"{name}.weight"].double() for name in ("far", "near"))
    most, least = oracles.bounds(second, first)
    ways, plain = (Pathways(lens, target="far", source="stem", kind=it) for it in ("best-case", "expanded"))
    for channel in range(2):
        found = ways.kernel(channel).weights[0].permute(2, 0, 1)
        sign = plain.kernel(channel).weights[0].permute(2, 0, 1).sign()
        furthest = torch.from_numpy(abs(most).clip(abs(least)))[channel]
        torch.testing.assert_close(found, sign * furthest)
        mass = plain.mass(channel).weights[0].permute(2, 0, 1)
        torch.testing.assert_close(mass, torch.from_numpy(most - least)[channel])
        torch.testing.assert_close(ways.norms()[channel], found.flatten(1).norm(dim=1))


def test_in_the_best_case_max_pooling_may_take_any_of_its_window():
    shapes = of_conv("stem", 4, 3, 3, 3) | of_conv("top", 5, 4, 1, 1)
    pool = Node("pool", "max_pool", ("stem",), {"kernel_size": 2, "stride": 2})
    lens = chain(conv("stem", "input"), pool, conv("top", "pool"), shapes=shapes)
    weight = lens.checkpoint.tensors["top.weight"].double()[:, :, 0, 0]
    best = Pathways(lens, target="top", source="stem", kind="best-case")
    torch.testing.assert_close(best.kernel(3).weights[0], weight[3].expand(2, 2, 4))


def test_raw_is_the_stored_weight_between_adjacent_tensors():
    checkpoint = networks.checkpoint("residual")
    lens = Lens(checkpoint, dtype=torch.float64)
    ways = Pathways(lens, target="second", source="first", kind="raw")
    stored = checkpoint.tensors["second.weight"].double()
    torch.testing.assert_close(ways.kernel(3).weights[0].permute(2, 0, 1), stored[3])
    torch.testing.assert_close(ways.norms(), stored.flatten(2).norm(dim=2))
    scaled = Pathways(lens, target="second", source="first").kernel(3).weights
    assert not torch.allclose(scaled, ways.kernel(3).weights)


@pytest.mark.parametrize(
    ("name", "target", "source", "what"),
    [
        ("residual", "second", "stem", "not one convolution but 2"),
        ("residual", "block", "stem", "add"),
        ("branches", "mixed", "stem", "max_pool"),
        ("fixed", "hidden", "features", "max_pool"),
    ],
)
def test_what_is_not_adjacent_has_no_raw_weight(name, target, source, what):
    with pytest.raises(NotAdjacent) as refused:
        Pathways(Lens(networks.checkpoint(name)), target=target, source=source, kind="raw")
    assert what in str(refused.value)


def test_raw_weights_of_a_concatenation_are_those_of_its_adjacent_branches():
    lens = Lens(networks.checkpoint("branches"))
    ways = Pathways(lens, target="mixed", source="mixed_reduce", kind="raw")
    assert ways.norms()[4:15].gt(0).all()
    assert not ways.norms()[:4].any()
    assert not ways.norms()[15:].any()


# --- paths ------------------------------------------------------------------------------------------------------------
def test_paths_are_told_apart_and_add_up():
    graph, shapes = BUILT["residuals"]()
    checkpoint = Checkpoint("residuals", graph, networks.drawn(shapes), networks.spec(48))
    ways = Pathways(Lens(checkpoint, dtype=torch.float64), target="two", source="stem")
    paths = ways.paths(0)
    assert {path.names for path in paths} == {
        ("one_a", "one_b", "one", "two_a", "two_b"),
        ("one", "two_a", "two_b"),
        ("one_a", "one_b", "one", "two_skip"),
        ("one", "two_skip"),
    }
    total = ways.along(0, paths[0])
    for path in paths[1:]:
        total = total.beside(ways.along(0, path))
    whole = ways.kernel(0)
    assert (total.first, total.stride) == (whole.first, whole.stride)
    torch.testing.assert_close(total.weights, whole.weights)


def test_too_many_paths_are_not_told_apart_but_all_of_them_count():
    blocks, shapes = [conv("stem", "input")], of_conv("stem", 2, 3, 1, 1)
    last = "stem"
    for place in range(6):
        name = f"block{place}"
        blocks += [conv(f"{name}_conv", last), Node(name, "add", (f"{name}_conv", last))]
        shapes |= of_conv(f"{name}_conv", 2, 2, 1, 1)
        last = name
    lens = chain(*blocks, shapes=shapes)
    ways = Pathways(lens, target=last, source="stem")
    assert ways.paths(0) is None
    product = torch.eye(2, dtype=torch.float64)
    for place in range(6):
        weight = lens.checkpoint.tensors[f"block{place}_conv.weight"].double()[:, :, 0, 0]
        product = (weight + torch.eye(2)) @ product
    torch.testing.assert_close(ways.kernel(0).weights[0, 0, 0], product[0])


# --- what is refused --------------------------------------------------------------------------------------------------
def test_what_does_not_lead_there_is_refused_by_name():
    lens = Lens(networks.checkpoint("branches"))
    with pytest.raises(NoPath) as refused:
        Pathways(lens, target="stem", source="top")
    assert refused.value.facts == {"source": "top", "target": "stem"}
    with pytest.raises(SameLayer):
        Pathways(lens, target="mixed", source="mixed_pool")
    with pytest.raises(NoSuchLayer):
        Pathways(lens, target="mixed", source="mixd")


def test_a_product_of_two_values_has_no_linear_form():
    nodes, shapes = gated()
    with pytest.raises(NotLinear) as refused:
        Pathways(opened(nodes, shapes), target="top", source="stem")
    assert refused.value.facts["operation"] == "hardsigmoid"


def test_beside_a_linear_path_what_is_not_linear_is_left_out():
    """A block with a gate in it, and a way around it."""
    nodes, shapes = gated()
    nodes = [*nodes[:-1], Node("block", "add", ("scaled", "stem")), conv("top", "block")]
    ways = Pathways(opened(nodes, shapes), target="top", source="stem")
    assert ways.left_out(ways.leaves[0]) == {"mul", "hardsigmoid"}
    weight = ways.lens.checkpoint.tensors["top.weight"].double()[:, :, 0, 0]
    torch.testing.assert_close(ways.kernel(1).weights[0, 0, 0], weight[1])
    assert ways.norms().gt(0).all()


def test_uneven_windows_have_no_single_kernel():
    shapes = of_conv("stem", 4, 3, 3, 3) | of_conv("top", 2, 4, 1, 1)
    pool = Node("pool", "adaptive_avg_pool", ("stem",), {"output_size": 5})
    lens = chain(conv("stem", "input"), pool, conv("top", "pool"), shapes=shapes)
    with pytest.raises(NotLinear):
        Pathways(lens, target="top", source="stem")


def test_weights_are_left_as_they_are():
    lens = Lens(networks.checkpoint("branches"))
    before = {name: tensor.clone() for name, tensor in lens.tensors.items()}
    for kind in ("expanded", "best-case"):
        ways = Pathways(lens, target="top", source="stem", kind=kind)
        ways.norms(), ways.kernel(0), ways.mass(0)
    assert all(torch.equal(before[name], tensor) for name, tensor in lens.tensors.items())
    assert replace(lens.checkpoint).digest == lens.checkpoint.digest
