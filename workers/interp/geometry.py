"""What a position of each map sees of the input: shapes, strides and receptive fields, read off the graph."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from workers.interp.errors import BadGraph
from workers.interp.graph import Graph, Node
from workers.interp.operations import ACTIVATIONS
from workers.interp.program import Program, Step

Pair = tuple[int, int]
Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True)
class Field:
    """The input pixels that one position sees along both axes.

    Position p sees the pixels `first + p·stride` to `first + p·stride + size − 1`, some of them in the padding.
    After flattening there is one position and no stride.
    """

    first: Pair
    size: Pair
    stride: Pair | None


def shapes(graph: Graph, tensors: Shapes, *, given: tuple[int, ...], targets: Iterable[str] | None = None) -> Shapes:
    """The shape of every value for one input of shape `given`, by running the graph without numbers.

    With `targets` only of these nodes and what they need. Raises BadGraph when the shapes do not fit together.
    """
    empty = {name: torch.empty(shape, device="meta") for name, shape in tensors.items()}
    known: dict[str, Tensor] = {graph.input: torch.empty((1, *given), device="meta")}
    wanted = [node.name for node in graph] if targets is None else targets
    for step in Program(graph, empty, targets=wanted, given=[graph.input]).steps:
        try:
            known[step.node.name] = _empty(step, known)
        except (RuntimeError, IndexError, ValueError) as error:
            raise BadGraph(where=step.node.name, reason=f"cannot be computed ({str(error).splitlines()[0]})") from None
    return {name: tuple(value.shape) for name, value in known.items()}


def _empty(step: Step, known: Mapping[str, Tensor]) -> Tensor:
    """A step's value without numbers.

    Torch's own rules for convolutions and ReLUs without numbers import its compiler and a computer algebra system,
    which takes two seconds; these two are said here.
    """
    value = known[step.node.inputs[0]]
    if step.node.op in ACTIVATIONS:
        return value
    if step.node.op == "conv2d":
        return value.new_empty(_convolved(value.shape, step.arguments))
    return step.run(known)


def _convolved(size: Sequence[int], given: Mapping[str, Any]) -> tuple[int, ...]:
    """[N, C, H, W] behind a convolution (torch.nn.Conv2d's formula); raises ValueError where it does not fit."""
    weight, bias, groups = given["weight"].shape, given.get("bias"), given["groups"]
    if len(size) != 4 or len(weight) != 4 or size[1] != weight[1] * groups or weight[0] % groups:
        raise ValueError(f"a kernel of shape {list(weight)} in {groups} groups does not fit {list(size)}")
    if bias is not None and tuple(bias.shape) != (weight[0],):
        raise ValueError(f"a bias of shape {list(bias.shape)} does not fit {weight[0]} channels")
    spans = zip(size[2:], weight[2:], given["stride"], given["padding"], given["dilation"], strict=True)
    positions = [
        (length + 2 * pad - dilation * (k - 1) - 1) // stride + 1 for length, k, stride, pad, dilation in spans
    ]
    if min(positions) < 1:
        raise ValueError(f"a kernel of {list(weight[2:])} is larger than {list(size[2:])}")
    return size[0], weight[0], *positions


def fields(graph: Graph, sizes: Shapes, tensors: Shapes) -> dict[str, Field]:
    """The receptive field of every node; `sizes` are the shapes at the native input, `tensors` those of the weights."""
    known: dict[str, Field] = {}
    for node in graph:
        if node.op == "input":
            known[node.name] = Field((0, 0), (1, 1), (1, 1))
            continue
        seen = _union([known[source] for source in node.inputs])
        known[node.name] = _through(node, seen, before=sizes[node.inputs[0]], tensors=tensors)
    return known


def multiplications(node: Node, size: tuple[int, ...], tensors: Shapes) -> int:
    """How often a convolution or linear map multiplies and adds for a value of shape `size`."""
    if node.op not in ("conv2d", "linear"):
        return 0
    return math.prod(size[1:]) * math.prod(tensors[node.tensors["weight"]][1:])


def _through(node: Node, seen: Field, *, before: tuple[int, ...], tensors: Shapes) -> Field:
    """The field behind one operation."""
    given = node.attributes
    if node.op == "conv2d":
        kernel = tensors[node.tensors["weight"]][2:]
        return _window(seen, (kernel[0], kernel[1]), given["stride"], given["padding"], given["dilation"])
    if node.op in ("max_pool", "avg_pool"):
        return _window(seen, given["kernel_size"], given["stride"], given["padding"], given.get("dilation", (1, 1)))
    if node.op == "adaptive_avg_pool":
        steps = [_adaptive(size, wanted) for size, wanted in zip(before[2:], given["output_size"], strict=True)]
        return _window(seen, (steps[0][0], steps[1][0]), (steps[0][1], steps[1][1]), (0, 0), (1, 1))
    if node.op == "pad":
        return _window(seen, (1, 1), (1, 1), (given["height"][0], given["width"][0]), (1, 1))
    if node.op == "flatten" and len(before) == 4:
        whole = _window(seen, (before[2], before[3]), (1, 1), (0, 0), (1, 1))
        return replace(whole, stride=None)
    return seen


def _window(seen: Field, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair) -> Field:
    """A window over positions: it starts `padding` of them earlier and spans its kernel."""
    if seen.stride is None:
        return seen
    first = [start - pad * step for start, pad, step in zip(seen.first, padding, seen.stride, strict=True)]
    size = [
        width + (k - 1) * d * step for width, k, d, step in zip(seen.size, kernel, dilation, seen.stride, strict=True)
    ]
    moved = [step * s for step, s in zip(seen.stride, stride, strict=True)]
    return Field((first[0], first[1]), (size[0], size[1]), (moved[0], moved[1]))


def _adaptive(size: int, wanted: int) -> Pair:
    """Kernel and stride of an adaptive pooling; where it is uneven, the widest kernel."""
    return (size // wanted, size // wanted) if size % wanted == 0 else (size // wanted + 2, size // wanted)


def _union(many: list[Field]) -> Field:
    """Everything that is seen through any of them."""
    if len(many) == 1:
        return many[0]
    steps = {field.stride for field in many if field.stride is not None}
    first = (min(field.first[0] for field in many), min(field.first[1] for field in many))
    last = [max(field.first[axis] + field.size[axis] for field in many) for axis in (0, 1)]
    stride = (max(step[0] for step in steps), max(step[1] for step in steps)) if steps else None
    return Field(first, (last[0] - first[0], last[1] - first[1]), stride)
