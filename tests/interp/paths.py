"""Small networks with paths of every kind between their layers, and one written down where it is needed."""

import torch

from tests.interp import networks
from tests.interp.networks import conv, norm, of_conv, of_norm
from workers.interp.checkpoint import Checkpoint
from workers.interp.graph import Graph, Node
from workers.interp.lens import Lens


def opened(nodes, shapes, *, side=24):
    """A lens in double precision on a network that is written down here."""
    checkpoint = Checkpoint("small", Graph(nodes, output=nodes[-1].name), networks.drawn(shapes), networks.spec(side))
    return Lens(checkpoint, dtype=torch.float64)


def chain(*nodes, shapes, side=24):
    """A network of nodes in a row behind a 3-channel input."""
    return opened([Node("input", "input"), *nodes], shapes, side=side)


def relu(name):
    return Node(f"{name}_relu", "relu", (name,))


def dense():
    """Grouped, depthwise and dilated convolutions, a normalisation behind a concatenation, and average pooling."""
    nodes = [
        Node("input", "input"),
        conv("stem", "input", padding=1),
        relu("stem"),
        conv("grouped", "stem_relu", groups=2, padding=1, stride=2),
        relu("grouped"),
        conv("deep", "grouped_relu", groups=8, padding=2, dilation=2),
        Node("both", "concat", ("deep", "grouped_relu")),
        norm("norm", "both"),
        Node("norm_relu", "relu", ("norm",)),
        Node("down", "avg_pool", ("norm_relu",), {"kernel_size": 3, "stride": 2, "padding": 1}),
        conv("wide", "down", dilation=2, padding=2),
        conv("strided", "wide", stride=2),
    ]
    shapes = of_conv("stem", 6, 3, 3, 3) | of_conv("grouped", 8, 3, 3, 3) | of_conv("deep", 8, 1, 3, 3)
    shapes |= of_norm("norm", 16) | of_conv("wide", 5, 16, 3, 3) | of_conv("strided", 4, 5, 1, 1)
    return Graph(nodes, output="strided"), shapes


def residuals():
    """Two residual blocks, of which the second narrows and skips by a strided 1 × 1 convolution, and an LRN before."""
    nodes = [
        Node("input", "input"),
        conv("stem", "input", padding=1),
        relu("stem"),
        Node("lrn", "local_response_norm", ("stem_relu",), {"size": 3, "alpha": 0.5, "beta": 0.75, "k": 2.0}),
        conv("one_a", "lrn", padding=1, bias=False),
        norm("one_a_norm", "one_a"),
        Node("one_a_relu", "relu", ("one_a_norm",)),
        conv("one_b", "one_a_relu", padding=1),
        Node("one", "add", ("one_b", "lrn")),
        relu("one"),
        conv("two_a", "one_relu", padding=1, stride=2),
        relu("two_a"),
        conv("two_b", "two_a_relu", padding=1),
        conv("two_skip", "one_relu", stride=2),
        Node("two", "add", ("two_b", "two_skip")),
        relu("two"),
        Node("pool", "max_pool", ("two_relu",), {"kernel_size": 3, "stride": 2, "padding": 1}),
        conv("top", "pool"),
    ]
    shapes = of_conv("stem", 4, 3, 3, 3) | of_conv("one_a", 5, 4, 3, 3, bias=False) | of_norm("one_a_norm", 5)
    shapes |= of_conv("one_b", 4, 5, 3, 3) | of_conv("two_a", 6, 4, 3, 3) | of_conv("two_b", 6, 6, 3, 3)
    shapes |= of_conv("two_skip", 6, 4, 1, 1) | of_conv("top", 3, 6, 1, 1)
    return Graph(nodes, output="top"), shapes


def gated():
    nodes = [
        Node("input", "input"),
        conv("stem", "input"),
        Node("mean", "adaptive_avg_pool", ("stem",), {"output_size": 1}),
        conv("gate", "mean"),
        Node("open", "hardsigmoid", ("gate",)),
        Node("scaled", "mul", ("stem", "open")),
        conv("top", "scaled"),
    ]
    return nodes, of_conv("stem", 4, 3, 3, 3) | of_conv("gate", 4, 4, 1, 1) | of_conv("top", 2, 4, 1, 1)


BUILT = {**networks.BUILT, "dense": dense, "residuals": residuals}
