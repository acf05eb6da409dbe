"""The operations of our own writing compute what their sources say, each against a plain account of it."""

import pytest
import torch

from tests.interp import networks
from workers.interp import geometry
from workers.interp.errors import BadGraph
from workers.interp.graph import Graph, Node
from workers.interp.operations import OPERATIONS


def run(op: str, *values: torch.Tensor, **words) -> torch.Tensor:
    """One operation of the table."""
    return OPERATIONS[op].run(*values, **words)


@pytest.fixture
def maps() -> torch.Tensor:
    """Two maps of six channels."""
    return torch.randn(2, 6, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def test_a_pad_is_zeros_around(maps):
    found = run("pad", maps, channels=(1, 2), height=(0, 3), width=(2, 1))
    wanted = torch.zeros(2, 9, 7, 8, dtype=torch.float64)
    wanted[:, 1:7, 0:4, 2:7] = maps
    assert torch.equal(found, wanted)


def test_chunks_side_by_side_are_the_whole(maps):
    assert torch.equal(torch.cat([run("chunk", maps, chunks=3, index=index) for index in range(3)], dim=1), maps)


@pytest.mark.parametrize(("chunks", "index"), [(4, 0), (3, 3)])
def test_a_chunk_that_does_not_exist_is_refused_by_name(chunks, index):
    cut = Node("cut", "chunk", ("x",), {"chunks": chunks, "index": index})
    with pytest.raises(BadGraph, match=f"cut cannot be computed .*no part {index} of {chunks}"):
        geometry.shapes(Graph([Node("x", "input"), cut], output="cut"), {}, given=(6, 4, 5))


def test_groups_that_are_not_equal_are_refused_by_name():
    shuffled = Node("shuffled", "channel_shuffle", ("x",), {"groups": 4})
    with pytest.raises(BadGraph, match=r"shuffled cannot be computed .*4 equal groups"):
        geometry.shapes(Graph([Node("x", "input"), shuffled], output="shuffled"), {}, given=(6, 4, 5))


@pytest.mark.parametrize(("groups", "order"), [(2, [0, 3, 1, 4, 2, 5]), (3, [0, 2, 4, 1, 3, 5]), (1, range(6))])
def test_a_shuffle_deals_from_every_group_in_turn(maps, groups, order):
    assert torch.equal(run("channel_shuffle", maps, groups=groups), maps[:, list(order)])


def test_a_layer_normalisation_is_over_the_channels_of_each_position(maps):
    weight, bias = torch.arange(6).double(), torch.arange(6).double() - 3
    centred = maps - maps.mean(1, keepdim=True)
    wanted = centred / (centred.square().mean(1, keepdim=True) + 1e-3).sqrt()
    torch.testing.assert_close(run("layer_norm", maps, eps=1e-3), wanted)
    scaled = wanted * weight[:, None, None] + bias[:, None, None]
    torch.testing.assert_close(run("layer_norm", maps, eps=1e-3, weight=weight, bias=bias), scaled)
    flat = run("layer_norm", maps[:, :, 0, 0], eps=1e-3, weight=weight, bias=bias)
    torch.testing.assert_close(flat, scaled[:, :, 0, 0])


def test_a_linear_map_is_one_of_every_position(maps):
    weight, bias = torch.arange(18).double().reshape(3, 6), torch.tensor([1.0, 2.0, 3.0]).double()
    wanted = torch.einsum("oc,nchw->nohw", weight, maps) + bias[:, None, None]
    torch.testing.assert_close(run("linear", maps, weight=weight, bias=bias), wanted)
    torch.testing.assert_close(run("linear", maps[:, :, 1, 2], weight=weight, bias=bias), wanted[:, :, 1, 2])


def test_a_scale_is_one_number_a_channel(maps):
    weight = torch.arange(6).double()[:, None, None]
    assert torch.equal(run("scale", maps, weight=weight)[:, 4], maps[:, 4] * 4)


def test_layers_behind_these_operations_are_the_ones_that_are_meant():
    found = networks.checkpoint("mobile")
    kinds = {key: (layer.kind, layer.channels, layer.sites) for key, layer in found.layers.items()}
    assert kinds == {
        "stem": ("conv", 6, ("pre_relu", "post_relu")),
        "wide": ("linear", 10, ("pre_relu", "post_relu")),
        "narrow": ("linear", 6, ("pre_relu",)),
        "block": ("sum", 6, ("pre_relu",)),
        "joined": ("concat", 6, ("post_relu",)),
        "down": ("conv", 9, ("pre_relu",)),
        "last": ("sum", 9, ("pre_relu", "post_relu")),
        "final": ("conv", 5, ("pre_relu", "post_relu")),
        "head": ("linear", 4, ("pre_relu",)),
    }
    assert found.channel("mixed", 2) == ("joined", 5)
    assert found.layers["stem"].first == (0, -1)
    assert found.layers["wide"].positions == (12, 13)
