"""`curve-circuit`: the graph of the handwritten network Gabor → line → curve; its organism holds the weights."""

from collections.abc import Mapping

from workers.interp.graph import Graph, Node

name = "curve-circuit"

ORIENTATIONS = 8
MAP = 32  # positions a side at the native 64 pixels
SHAPES: Mapping[str, tuple[int, ...]] = {
    "gabor.weight": (2 * ORIENTATIONS, 3, 8, 8),
    "line.weight": (ORIENTATIONS, 2 * ORIENTATIONS, 5, 5),
    "line.bias": (ORIENTATIONS,),
    "curve.weight": (ORIENTATIONS, ORIENTATIONS, 9, 9),
    "curve.bias": (ORIENTATIONS,),
    "readout.weight": (ORIENTATIONS, ORIENTATIONS),
}


def names() -> tuple[str, ...]:
    """The one network of this family."""
    return (name,)


def side(_: str) -> int:
    """It was drawn for 64 pixels."""
    return 2 * MAP


def graph(_: str) -> Graph:
    """Three rectified convolutions, the maximum over all positions, and a linear read-out of 8 classes."""
    return Graph(
        [
            Node("input", "input"),
            _convolution("gabor", "input", stride=2, padding=3, bias=False),
            Node("gabor_relu", "relu", ("gabor",)),
            _convolution("line", "gabor_relu", stride=1, padding=2),
            Node("line_relu", "relu", ("line",)),
            _convolution("curve", "line_relu", stride=1, padding=4),
            Node("curve_relu", "relu", ("curve",)),
            Node("anywhere", "max_pool", ("curve_relu",), {"kernel_size": MAP, "stride": MAP}),
            Node("flat", "flatten", ("anywhere",)),
            Node("readout", "linear", ("flat",), tensors={"weight": "readout.weight"}),
        ],
        output="readout",
    )


def shapes(_: str) -> Mapping[str, tuple[int, ...]]:
    """The shape of every tensor."""
    return SHAPES


def spare(_: str) -> frozenset[str]:
    """Nothing: every tensor of the file runs."""
    return frozenset()


def _convolution(name: str, source: str, *, stride: int, padding: int, bias: bool = True) -> Node:
    tensors = {"weight": f"{name}.weight", **({"bias": f"{name}.bias"} if bias else {})}
    return Node(name, "conv2d", (source,), {"stride": (stride, stride), "padding": (padding, padding)}, tensors)
