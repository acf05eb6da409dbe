"""Inception v1 (Szegedy et al., arXiv:1409.4842) in the two ports that people look into: Caffe's and Lucid's.

`bvlc_googlenet` is Caffe's own training run, `inceptionv1` the network of the Circuits papers. They are built alike and
differ in a few widths, in the constants of their normalisation, in how the first convolution is padded, and in whose
unit has which number: what the papers say of a unit of the second is no word about the first. The names of the papers
(conv2d0 … mixed5b) are the keys of the second and aliases of the first, whose keys are Caffe's own names.

Both end in the mean over all positions, which at the native 224 pixels is their 7 × 7 pooling. Lucid's constants are
TensorFlow's (radius 5, bias 2, alpha 1e-4, beta 0.5) in torch's terms, where alpha is divided by the size; its maxima
are padded with −∞ at the far edges, as a pooling in ceil mode does.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from workers.interp.graph import Graph, Node
from workers.interp.layers import key

name = "inceptionv1"

PIXELS = 224
MODULES = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
WIDTHS: Mapping[str, tuple[int, int, int, int, int, int]] = {  # in the order of BRANCHES
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
BRANCHES = ("1x1", "3x3_bottleneck", "3x3", "5x5_bottleneck", "5x5", "pool_reduce")
JOINED = ("1x1", "3x3", "5x5", "pool_reduce")
CAFFE = {  # of the names that no rule translates
    "conv2d0": "conv1/7x7_s2",
    "conv2d1": "conv2/3x3_reduce",
    "conv2d2": "conv2/3x3",
    "softmax2_pre_activation": "loss3/classifier",
    "3x3_bottleneck": "3x3_reduce",
    "5x5_bottleneck": "5x5_reduce",
    "pool_reduce": "pool_proj",
}
HEAD = "softmax2_pre_activation"
LARGE = {"kernel_size": 3, "stride": 2, "ceil_mode": True}
AROUND = {"kernel_size": 3, "stride": 1, "padding": 1}


@dataclass(frozen=True)
class Port:
    """What a port has of its own. Everything is called by its name in the papers and translated at the end."""

    classes: int
    edges: tuple[int, int]  # zeros before and after, along both axes, that the first convolution sees
    norm: Mapping[str, Any]
    node: Callable[[str], str]
    tensor: Callable[[str], str]
    widths: Mapping[str, tuple[int, int, int, int, int, int]] = field(default_factory=lambda: WIDTHS)
    spare: frozenset[str] = frozenset()


def _caffe(name: str) -> str:
    """`mixed3b_pool_reduce` is `inception_3b/pool_proj`, and `mixed3b` is `inception_3b/output`."""
    if not name.startswith("mixed"):
        return CAFFE[name]
    module, _, branch = name.removeprefix("mixed").partition("_")
    return f"inception_{module}/{CAFFE.get(branch, branch) or 'output'}"


def _lucid(name: str) -> str:
    """The name in the published PyTorch ports of Lucid's network."""
    return f"{name}_matmul" if name == HEAD else f"{name}_pre_relu_conv"


PORTS: Mapping[str, Port] = {
    "bvlc_googlenet": Port(
        classes=1000,
        edges=(3, 3),
        norm={"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1.0},
        node=_caffe,
        tensor=lambda name: _caffe(name).replace("/", "."),
        spare=frozenset(
            f"loss{head}.{part}.{word}"
            for head in (1, 2)
            for part in ("conv", "fc", "classifier")
            for word in ("weight", "bias")
        ),
    ),
    "inceptionv1": Port(
        classes=1008,
        edges=(2, 3),
        norm={"size": 11, "alpha": 1.1e-3, "beta": 0.5, "k": 2.0},
        node=str,
        tensor=_lucid,
        widths={**WIDTHS, "4a": (192, 96, 204, 16, 48, 64), "5a": (256, 160, 320, 48, 128, 128)},
    ),
}


def names() -> tuple[str, ...]:
    """Caffe's and Lucid's."""
    return tuple(PORTS)


def side(_: str) -> int:
    """Both take 224 pixels."""
    return PIXELS


def graph(name: str) -> Graph:
    """Three convolutions, nine modules of four branches each, the mean over positions, a linear read-out."""
    port = PORTS[name]
    return Graph(_nodes(port), output=port.node(HEAD))


def shapes(name: str) -> Mapping[str, tuple[int, ...]]:
    """The shape of every tensor."""
    port = PORTS[name]
    known: dict[str, tuple[int, ...]] = {}
    for called, shape in _kernels(port):
        known[f"{port.tensor(called)}.weight"] = shape
        known[f"{port.tensor(called)}.bias"] = shape[:1]
    return known


def spare(name: str) -> frozenset[str]:
    """The auxiliary heads of Caffe's training."""
    return PORTS[name].spare


def aliases(name: str) -> Mapping[str, str]:
    """The papers' names of layers and branches, and the modules' short ones: `3b` is `mixed3b`."""
    port = PORTS[name]
    called = [one for one, _ in _kernels(port)] + [f"mixed{module}" for module in MODULES]
    keys = {one: key(port.node(one)) for one in called}
    short = {module: keys[f"mixed{module}"] for module in MODULES}
    return {one: found for one, found in {**keys, **short}.items() if one != found}


def _kernels(port: Port) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Every convolution and the linear map, with the shape of its weights."""
    yield from {"conv2d0": (64, 3, 7, 7), "conv2d1": (64, 64, 1, 1), "conv2d2": (192, 64, 3, 3)}.items()
    before = 192
    for module in MODULES:
        width = dict(zip(BRANCHES, port.widths[module], strict=True))
        for branch in BRANCHES:
            kernel = int(branch[0]) if branch in ("3x3", "5x5") else 1
            source = width[f"{branch}_bottleneck"] if kernel > 1 else before
            yield f"mixed{module}_{branch}", (width[branch], source, kernel, kernel)
        before = sum(width[branch] for branch in JOINED)
    yield HEAD, (port.classes, before)


def _nodes(port: Port) -> Iterator[Node]:
    """The whole network, in the order in which it is computed."""
    yield Node("input", "input")
    yield from _first(port)
    yield Node("maxpool0", "max_pool", ("conv2d0_relu",), LARGE)
    yield Node("localresponsenorm0", "local_response_norm", ("maxpool0",), port.norm)
    yield from _convolution(port, "conv2d1", "localresponsenorm0")
    yield from _convolution(port, "conv2d2", "conv2d1_relu", padding=1)
    yield Node("localresponsenorm1", "local_response_norm", ("conv2d2_relu",), port.norm)
    yield Node("maxpool1", "max_pool", ("localresponsenorm1",), LARGE)
    before = "maxpool1"
    for module in MODULES:
        if module in ("4a", "5a"):
            yield Node(f"pool_before_{module}", "max_pool", (before,), LARGE)
            before = f"pool_before_{module}"
        yield from _module(port, f"mixed{module}", before)
        before = port.node(f"mixed{module}")
    yield Node("avgpool0", "adaptive_avg_pool", (before,), {"output_size": 1})
    yield Node("flat", "flatten", ("avgpool0",))
    yield Node(port.node(HEAD), "linear", ("flat",), tensors=_tensors(port, HEAD))


def _first(port: Port) -> Iterator[Node]:
    """The first convolution; where both edges of its input are padded alike, it does that itself."""
    if port.edges[0] == port.edges[1]:
        yield from _convolution(port, "conv2d0", "input", stride=2, padding=port.edges)
        return
    yield Node("conv2d0_pad", "pad", ("input",), {"height": port.edges, "width": port.edges})
    yield from _convolution(port, "conv2d0", "conv2d0_pad", stride=2)


def _module(port: Port, called: str, before: str) -> Iterator[Node]:
    """1 × 1, 3 × 3 and 5 × 5 kernels, the larger ones behind a bottleneck, and a pooling, side by side."""
    yield from _convolution(port, f"{called}_1x1", before)
    for size in (3, 5):
        branch = f"{called}_{size}x{size}"
        yield from _convolution(port, f"{branch}_bottleneck", before)
        yield from _convolution(port, branch, f"{branch}_bottleneck_relu", padding=size // 2)
    yield Node(f"{called}_pool", "max_pool", (before,), AROUND)
    yield from _convolution(port, f"{called}_pool_reduce", f"{called}_pool")
    yield Node(port.node(called), "concat", tuple(f"{called}_{branch}_relu" for branch in JOINED))


def _convolution(port: Port, called: str, source: str, **attributes: Any) -> Iterator[Node]:
    """A convolution, rectified."""
    yield Node(port.node(called), "conv2d", (source,), attributes, _tensors(port, called))
    yield Node(f"{called}_relu", "relu", (port.node(called),))


def _tensors(port: Port, called: str) -> dict[str, str]:
    return {word: f"{port.tensor(called)}.{word}" for word in ("weight", "bias")}
