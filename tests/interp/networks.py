"""The networks that the laws are tried on: the shipped organisms, small graphs of our own, families by name.

Weights are random but seeded, so that a test is the same function every time; what is compared with a truth is opened
in float64 where rounding would hide a fault.
"""

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from workers.interp import architectures, weights
from workers.interp.checkpoint import Checkpoint, InputSpec
from workers.interp.graph import Graph, Node

ORGANISMS = Path(__file__).parents[2] / "workers" / "organisms"
ORGANISM = ORGANISMS / "curve-circuit"


def spec(side: int, **changes) -> InputSpec:
    """RGB as it is, of `side` pixels."""
    plain = {
        "size": [side, side],
        "channel_order": "RGB",
        "value_range": [0, 1],
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
        "resize": {"mode": "stretch", "size": side, "interpolation": "bilinear"},
        "crop": "center",
    }
    return InputSpec.from_json({**plain, **changes})


def conv(name: str, source: str, *, bias: bool = True, **attributes) -> Node:
    """A convolution with tensors of its own name."""
    words = ("weight", "bias") if bias else ("weight",)
    return Node(name, "conv2d", (source,), attributes, {word: f"{name}.{word}" for word in words})


def norm(name: str, source: str) -> Node:
    """A batch normalisation with tensors of its own name."""
    words = ("weight", "bias", "running_mean", "running_var")
    return Node(name, "batch_norm", (source,), {"eps": 1e-3}, {word: f"{name}.{word}" for word in words})


def linear(name: str, source: str) -> Node:
    """A linear map with tensors of its own name."""
    return Node(name, "linear", (source,), tensors={"weight": f"{name}.weight", "bias": f"{name}.bias"})


def of_norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    """The shapes of a normalisation's tensors."""
    return {f"{name}.{word}": (channels,) for word in ("weight", "bias", "running_mean", "running_var")}


def of_conv(name: str, *shape: int, bias: bool = True) -> dict[str, tuple[int, ...]]:
    """The shapes of a convolution's or linear map's tensors."""
    return {f"{name}.weight": shape, **({f"{name}.bias": shape[:1]} if bias else {})}


def residual() -> tuple[Graph, dict[str, tuple[int, ...]]]:
    """Normalised convolutions around a residual sum, and a head over the mean of all positions."""
    nodes = [
        Node("input", "input"),
        conv("stem", "input", bias=False, stride=2, padding=1),
        norm("stem_norm", "stem"),
        Node("stem_relu", "relu", ("stem_norm",)),
        conv("first", "stem_relu", padding=1),
        norm("first_norm", "first"),
        Node("first_relu", "relu", ("first_norm",)),
        conv("second", "first_relu", bias=False, padding=1),
        norm("second_norm", "second"),
        Node("block", "add", ("second_norm", "stem_relu")),
        Node("block_relu", "relu", ("block",)),
        Node("pool", "adaptive_avg_pool", ("block_relu",), {"output_size": 1}),
        Node("flat", "flatten", ("pool",)),
        linear("head", "flat"),
    ]
    shapes = of_conv("stem", 6, 3, 3, 3, bias=False) | of_norm("stem_norm", 6)
    shapes |= of_conv("first", 8, 6, 3, 3) | of_norm("first_norm", 8)
    shapes |= of_conv("second", 6, 8, 3, 3, bias=False) | of_norm("second_norm", 6) | of_conv("head", 5, 6)
    return Graph(nodes, output="head"), shapes


def branches() -> tuple[Graph, dict[str, tuple[int, ...]]]:
    """A bottleneck, a pool branch and a concatenation within another, as Inception has them."""
    nodes = [
        Node("input", "input"),
        conv("stem", "input", stride=2, padding=1),
        Node("stem_relu", "relu", ("stem",)),
        Node("down", "max_pool", ("stem_relu",), {"kernel_size": 2, "stride": 2}),
        conv("mixed_1x1", "down"),
        Node("mixed_1x1_relu", "relu", ("mixed_1x1",)),
        conv("mixed_reduce", "down"),
        Node("mixed_reduce_relu", "relu", ("mixed_reduce",)),
        conv("mixed_3x1", "mixed_reduce_relu", padding=[1, 0]),
        Node("mixed_3x1_relu", "relu", ("mixed_3x1",)),
        conv("mixed_1x3", "mixed_reduce_relu", padding=[0, 1]),
        Node("mixed_1x3_relu", "relu", ("mixed_1x3",)),
        Node("mixed_inner", "concat", ("mixed_3x1_relu", "mixed_1x3_relu")),
        Node("around", "max_pool", ("down",), {"kernel_size": 3, "stride": 1, "padding": 1}),
        conv("mixed_pool", "around"),
        Node("mixed_pool_relu", "relu", ("mixed_pool",)),
        Node("mixed", "concat", ("mixed_1x1_relu", "mixed_inner", "mixed_pool_relu")),
        conv("top", "mixed", padding=1),
        Node("top_relu", "relu", ("top",)),
        Node("pool", "adaptive_avg_pool", ("top_relu",), {"output_size": 1}),
        Node("flat", "flatten", ("pool",)),
        linear("head", "flat"),
    ]
    shapes = of_conv("stem", 6, 3, 3, 3) | of_conv("mixed_1x1", 4, 6, 1, 1) | of_conv("mixed_reduce", 3, 6, 1, 1)
    shapes |= of_conv("mixed_3x1", 5, 3, 3, 1) | of_conv("mixed_1x3", 6, 3, 1, 3) | of_conv("mixed_pool", 3, 6, 1, 1)
    return Graph(nodes, output="head"), shapes | of_conv("top", 7, 18, 3, 3) | of_conv("head", 4, 7)


def fixed() -> tuple[Graph, dict[str, tuple[int, ...]]]:
    """A linear map over all positions, which takes one input size only, behind a local response normalisation."""
    nodes = [
        Node("input", "input"),
        conv("features", "input", stride=2, padding=1),
        Node("features_relu", "relu", ("features",)),
        Node("lrn", "local_response_norm", ("features_relu",), {"size": 3, "alpha": 0.5, "beta": 0.75, "k": 1.0}),
        Node("down", "max_pool", ("lrn",), {"kernel_size": 4, "stride": 4}),
        Node("flat", "flatten", ("down",)),
        linear("hidden", "flat"),
        Node("hidden_relu", "relu", ("hidden",)),
        linear("head", "hidden_relu"),
    ]
    shapes = of_conv("features", 6, 3, 3, 3) | of_conv("hidden", 9, 6 * 9) | of_conv("head", 4, 9)
    return Graph(nodes, output="head"), shapes


def mobile() -> tuple[Graph, dict[str, tuple[int, ...]]]:
    """What ConvNeXt, ShuffleNet, Lucid's Inception and the residual networks of CIFAR-10 need beyond the others."""
    nodes = [
        Node("input", "input"),
        Node("edge", "pad", ("input",), {"height": [0, 1], "width": [1, 2]}),
        conv("stem", "edge", stride=2),
        Node("stem_relu", "relu", ("stem",)),
        linear("wide", "stem_relu"),
        Node("wide_relu", "relu", ("wide",)),
        linear("narrow", "wide_relu"),
        Node("scaled", "scale", ("narrow",), {}, {"weight": "scaled.weight"}),
        Node("block", "add", ("scaled", "stem_relu")),
        Node("kept", "chunk", ("block",), {"chunks": 2, "index": 0}),
        Node("taken", "chunk", ("block",), {"chunks": 2, "index": 1}),
        conv("mixed", "taken", padding=1),
        Node("mixed_relu", "relu", ("mixed",)),
        Node("joined", "concat", ("kept", "mixed_relu")),
        Node("shuffled", "channel_shuffle", ("joined",), {"groups": 2}),
        conv("down", "shuffled", stride=2, padding=1),
        Node("every_other", "avg_pool", ("shuffled",), {"kernel_size": 1, "stride": 2}),
        Node("widened", "pad", ("every_other",), {"channels": [1, 2]}),
        Node("last", "add", ("down", "widened")),
        Node("last_relu", "relu", ("last",)),
        Node("norm", "layer_norm", ("last_relu",), {"eps": 1e-5}, {"weight": "norm.weight", "bias": "norm.bias"}),
        conv("final", "norm", padding=1),
        Node("final_relu", "relu", ("final",)),
        Node("pool", "adaptive_avg_pool", ("final_relu",), {"output_size": 1}),
        Node("flat", "flatten", ("pool",)),
        linear("head", "flat"),
    ]
    shapes = of_conv("stem", 6, 3, 3, 3) | of_conv("wide", 10, 6) | of_conv("narrow", 6, 10)
    shapes |= of_conv("mixed", 3, 3, 3, 3) | of_conv("down", 9, 6, 3, 3) | of_conv("final", 5, 9, 3, 3)
    shapes |= of_conv("head", 4, 5) | {"norm.weight": (9,), "norm.bias": (9,), "scaled.weight": (6, 1, 1)}
    return Graph(nodes, output="head"), shapes


SIDES = {"residual": 24, "branches": 32, "fixed": 24, "mobile": 24}
BUILT = {"residual": residual, "branches": branches, "fixed": fixed, "mobile": mobile}
OF_FAMILIES = {"squeezenet1_1": 64, "inceptionv1": 32, "lenet5": 32}
SHIPPED = ("curve-circuit", "miniception")
NAMES = (*SHIPPED, *BUILT, *OF_FAMILIES)


@cache
def checkpoint(name: str) -> Checkpoint:
    """The network of this name."""
    if name in SHIPPED:
        return shipped(name)
    if name in BUILT:
        graph, shapes = BUILT[name]()
        return Checkpoint(name, graph, drawn(shapes), spec(SIDES[name]))
    return of_family(name, side=OF_FAMILIES[name], thin=4 if name == "inceptionv1" else 1)


def shipped(name: str) -> Checkpoint:
    """An organism, from the files it is shipped in."""
    family, folder = architectures.find(name), ORGANISMS / name
    tensors = weights.load(folder / "weights.safetensors", expected=family.shapes(name))
    card = json.loads((folder / "card.json").read_text())
    return Checkpoint(name, family.graph(name), tensors, InputSpec.from_json(card["input"]))


def of_family(name: str, *, side: int, thin: int = 1) -> Checkpoint:
    """A network that is known by name, with weights of ours; with `thin` of so many times fewer channels each."""
    family, order = architectures.find(name), "L" if name == "lenet5" else "RGB"
    shapes = {tensor: thinned(shape, thin) for tensor, shape in family.shapes(name).items()}
    opened = Checkpoint(name, family.graph(name), drawn(shapes), spec(side, channel_order=order))
    return opened.named(architectures.aliases(name))


def thinned(shape: tuple[int, ...], thin: int) -> tuple[int, ...]:
    """The shape of a kernel or bias with fewer channels; colours stay three."""
    counts = [count if count == 3 else count // thin for count in shape[:2]]
    return (*counts, *shape[2:])


def drawn(shapes: dict[str, tuple[int, ...]], *, seed: int = 0) -> dict[str, Tensor]:
    """Weights that keep a signal alive: He's normals for kernels, small biases, and statistics that are not trivial."""
    random = np.random.Generator(np.random.Philox(seed))
    return {name: torch.from_numpy(_drawn(name, shapes[name], random).astype(np.float32)) for name in sorted(shapes)}


def _drawn(name: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    if len(shape) > 1:
        return random.normal(scale=math.sqrt(2 / math.prod(shape[1:])), size=shape)
    if name.endswith(("running_var", "weight")):
        return random.uniform(0.5, 1.5, size=shape)
    return random.normal(scale=0.1, size=shape)


def images(side: int, *, n: int = 2, seed: int = 1, dtype: torch.dtype = torch.float32) -> Tensor:  # [n, 3, side, side]
    """Random pictures in [0, 1]."""
    random = np.random.Generator(np.random.Philox(seed))
    return torch.from_numpy(random.random((n, 3, side, side))).to(dtype)
