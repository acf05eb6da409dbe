"""`miniception`: the graph of a small Inception, trained on a drawn world; its organism holds weights and world."""

from collections.abc import Iterator, Mapping
from functools import cache

from workers.interp.graph import Graph, Node

name = "miniception"

CLASSES = 24
STEM = (("conv0", 3, 24, 7, 2), ("conv1", 24, 24, 3, 1))  # name, channels in and out, kernel, stride
# Channels of the 1×1 branch, of the bottleneck and 3×3, of the bottleneck and 5×5, and of the 1×1 behind a pooling.
MIXED: Mapping[str, tuple[int, int, int, int, int, int]] = {
    "mixed2a": (16, 16, 24, 8, 8, 8),
    "mixed2b": (16, 16, 32, 8, 16, 8),
    "mixed3a": (24, 24, 40, 8, 16, 16),
    "mixed3b": (24, 24, 40, 8, 16, 8),
}
EPSILON = 1e-3  # of the normalisations


def names() -> tuple[str, ...]:
    """The one network of this family."""
    return (name,)


def graph(_: str) -> Graph:
    """Two convolutions, four Inception blocks on two scales, the mean over positions, and a read-out of 24 classes.

    After Szegedy et al., *Going Deeper with Convolutions* (2014), with normalisations before the ReLUs (Ioffe and
    Szegedy 2015). Layers are named as Lucid names those of InceptionV1.
    """
    return Graph(_nodes(), output="readout")


@cache
def shapes(_: str) -> Mapping[str, tuple[int, ...]]:
    """The shape of every tensor."""
    found: dict[str, tuple[int, ...]] = {}
    for conv, before, after, kernel in _convolutions():
        found[f"{conv}.weight"] = (after, before, kernel, kernel)
        found |= {f"{conv}_norm.{word}": (after,) for word in ("weight", "bias", "running_mean", "running_var")}
    return {**found, "readout.weight": (CLASSES, _width("mixed3b")), "readout.bias": (CLASSES,)}


def side(_: str) -> int:
    """Pixels a side of the world that it was trained on."""
    return 64


def spare(_: str) -> frozenset[str]:
    """Nothing: every tensor of the file runs."""
    return frozenset()


def _nodes() -> Iterator[Node]:
    yield Node("input", "input")
    yield from _convolution("conv0", "input", kernel=7, stride=2)
    yield _pooled("pool0", "conv0_relu", stride=2)
    yield from _convolution("conv1", "pool0", kernel=3)
    yield from _mixed("mixed2a", "conv1_relu")
    yield from _mixed("mixed2b", "mixed2a")
    yield _pooled("pool2", "mixed2b", stride=2)
    yield from _mixed("mixed3a", "pool2")
    yield from _mixed("mixed3b", "mixed3a")
    yield Node("mean", "adaptive_avg_pool", ("mixed3b",), {"output_size": (1, 1)})
    yield Node("flat", "flatten", ("mean",))
    yield Node("readout", "linear", ("flat",), tensors={"weight": "readout.weight", "bias": "readout.bias"})


def _mixed(block: str, source: str) -> Iterator[Node]:
    """Four branches side by side: 1×1, 3×3 and 5×5 behind bottlenecks, and 1×1 behind a pooling."""
    yield from _convolution(f"{block}_1x1", source, kernel=1)
    for kernel in (3, 5):
        branch = f"{block}_{kernel}x{kernel}"
        yield from _convolution(f"{branch}_bottleneck", source, kernel=1)
        yield from _convolution(branch, f"{branch}_bottleneck_relu", kernel=kernel)
    yield _pooled(f"{block}_pool", source, stride=1)
    yield from _convolution(f"{block}_pool_reduce", f"{block}_pool", kernel=1)
    yield Node(block, "concat", tuple(f"{block}_{end}_relu" for end in ("1x1", "3x3", "5x5", "pool_reduce")))


def _convolution(conv: str, source: str, *, kernel: int, stride: int = 1) -> Iterator[Node]:
    """A convolution, normalised and rectified."""
    half, norm = kernel // 2, f"{conv}_norm"
    attributes = {"stride": (stride, stride), "padding": (half, half)}
    yield Node(conv, "conv2d", (source,), attributes, {"weight": f"{conv}.weight"})
    words = ("weight", "bias", "running_mean", "running_var")
    yield Node(norm, "batch_norm", (conv,), {"eps": EPSILON}, {word: f"{norm}.{word}" for word in words})
    yield Node(f"{conv}_relu", "relu", (norm,))


def _pooled(pool: str, source: str, *, stride: int) -> Node:
    """The maximum of 3×3 positions."""
    return Node(pool, "max_pool", (source,), {"kernel_size": 3, "stride": stride, "padding": 1})


def _convolutions() -> Iterator[tuple[str, int, int, int]]:
    """Name, channels in and out, and kernel of every convolution."""
    before = 3
    for stem, first, after, kernel, _ in STEM:
        yield stem, first, after, kernel
        before = after
    for block, (plain, narrow3, wide3, narrow5, wide5, pooled) in MIXED.items():
        yield f"{block}_1x1", before, plain, 1
        yield f"{block}_3x3_bottleneck", before, narrow3, 1
        yield f"{block}_3x3", narrow3, wide3, 3
        yield f"{block}_5x5_bottleneck", before, narrow5, 1
        yield f"{block}_5x5", narrow5, wide5, 5
        yield f"{block}_pool_reduce", before, pooled, 1
        before = _width(block)


def _width(block: str) -> int:
    """Channels of a block: those of its four branches."""
    plain, _, wide3, _, wide5, pooled = MIXED[block]
    return plain + wide3 + wide5 + pooled
