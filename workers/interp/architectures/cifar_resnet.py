"""The residual networks of CIFAR-10 (He et al., arXiv:1512.03385, section 4.2), with shortcuts that have no weights.

Where a stage halves the map and doubles the channels, the shortcut takes every other position and adds channels of
zeros on both sides: the paper's option A. Every block's sum is a layer.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from workers.interp.graph import Graph, Node

name = "cifar_resnet"

PIXELS = 32
CLASSES = 10
STAGES = {"layer1": 16, "layer2": 32, "layer3": 64}  # channels
BLOCKS = {"resnet20": 3, "resnet32": 5, "resnet44": 7, "resnet56": 9, "resnet110": 18}  # a stage
NORM = ("weight", "bias", "running_mean", "running_var")


def names() -> tuple[str, ...]:
    """The depths of the paper."""
    return tuple(BLOCKS)


def side(_: str) -> int:
    """CIFAR-10's 32 pixels."""
    return PIXELS


def graph(name: str) -> Graph:
    """A convolution, three stages of residual blocks, the mean over positions, a linear read-out."""
    return Graph(_nodes(BLOCKS[name]), output="linear")


def shapes(name: str) -> Mapping[str, tuple[int, ...]]:
    """The shape of every tensor."""
    known: dict[str, tuple[int, ...]] = {"linear.weight": (CLASSES, 64), "linear.bias": (CLASSES,)}
    for conv, norm, (wide, before) in _convolutions(BLOCKS[name]):
        known[f"{conv}.weight"] = (wide, before, 3, 3)
        known |= {f"{norm}.{word}": (wide,) for word in NORM}
    return known


def spare(name: str) -> frozenset[str]:
    """Counters of batches."""
    return frozenset(f"{norm}.num_batches_tracked" for _, norm, _ in _convolutions(BLOCKS[name]))


def _blocks(count: int) -> Iterator[tuple[str, int, int]]:
    """Every block's name, channels and channels before it."""
    before = 16
    for stage, channels in STAGES.items():
        for block in range(count):
            yield f"{stage}.{block}", channels, before
            before = channels


def _convolutions(count: int) -> Iterator[tuple[str, str, tuple[int, int]]]:
    """Every convolution, its normalisation, and how many channels it makes of how many."""
    yield "conv1", "bn1", (16, 3)
    for block, channels, before in _blocks(count):
        yield f"{block}.conv1", f"{block}.bn1", (channels, before)
        yield f"{block}.conv2", f"{block}.bn2", (channels, channels)


def _nodes(count: int) -> Iterator[Node]:
    """The whole network, in the order in which it is computed."""
    yield Node("input", "input")
    yield from _normalised("conv1", "bn1", "input")
    yield Node("relu", "relu", ("bn1",))
    value = "relu"
    for block, channels, before in _blocks(count):
        yield from _block(block, value, channels=channels, before=before)
        value = f"{block}.relu"
    yield Node("pool", "adaptive_avg_pool", (value,), {"output_size": 1})
    yield Node("flat", "flatten", ("pool",))
    yield Node("linear", "linear", ("flat",), tensors={"weight": "linear.weight", "bias": "linear.bias"})


def _block(block: str, value: str, *, channels: int, before: int) -> Iterator[Node]:
    """Two convolutions and what they are added to."""
    stride = 1 if channels == before else 2
    yield from _normalised(f"{block}.conv1", f"{block}.bn1", value, stride=stride)
    yield Node(f"{block}.relu1", "relu", (f"{block}.bn1",))
    yield from _normalised(f"{block}.conv2", f"{block}.bn2", f"{block}.relu1")
    if stride > 1:
        added = (channels - before) // 2
        # A mean of one position: taken where the convolution's windows are, and linear for whoever follows weights.
        yield Node(f"{block}.subsampled", "avg_pool", (value,), {"kernel_size": 1, "stride": stride})
        yield Node(f"{block}.shortcut", "pad", (f"{block}.subsampled",), {"channels": (added, added)})
        value = f"{block}.shortcut"
    yield Node(block, "add", (f"{block}.bn2", value))
    yield Node(f"{block}.relu", "relu", (block,))


def _normalised(conv: str, norm: str, source: str, **attributes: Any) -> Iterator[Node]:
    """A convolution of 3 × 3 without a bias, and its normalisation."""
    yield Node(conv, "conv2d", (source,), {"padding": 1, **attributes}, {"weight": f"{conv}.weight"})
    yield Node(norm, "batch_norm", (conv,), {"eps": 1e-5}, {word: f"{norm}.{word}" for word in NORM})
