"""Which stored tensor computes which units: what a change of weights changes, and where other weights fit in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workers.interp.checkpoint import Checkpoint
from workers.interp.graph import Graph, Node

MAKING = ("conv2d", "linear")


@dataclass(frozen=True, slots=True)
class Maker:
    """The convolution or linear map `node` that computes the units [first, first + width) of a layer."""

    node: str
    layer: str
    first: int
    shape: tuple[int, ...]  # of its weight

    def holds(self, channels: Iterable[int]) -> bool:
        """Whether it computes all of these channels of its layer."""
        return all(self.first <= channel < self.first + self.shape[0] for channel in channels)


def makers(graph: Graph, checkpoint: Checkpoint) -> Mapping[str, Maker]:
    """By the name of each tensor of its own (weight, bias, normalisation's) who computes units with it."""
    found: dict[str, Maker] = {}
    for layer in checkpoint.layers.values():
        for part in layer.parts[layer.sites[0]]:
            for node, first in _leaves(graph, checkpoint, part.node, part.start):
                for name in (*node.tensors.values(), *_normalising(graph, node)):
                    shape = checkpoint.shapes[node.tensors["weight"]]
                    found[name] = Maker(node.name, layer.key, first, shape)
    return found


def normalisation(graph: Graph, node: str) -> Node | None:
    """The batch normalisation that alone reads a node."""
    readers = graph.consumers[node]
    reader = graph[readers[0]] if len(readers) == 1 else None
    return reader if reader and reader.op == "batch_norm" else None


def _normalising(graph: Graph, node: Node) -> tuple[str, ...]:
    norm = normalisation(graph, node.name)
    return tuple(norm.tensors.values()) if norm else ()


def _leaves(graph: Graph, checkpoint: Checkpoint, name: str, start: int) -> Iterable[tuple[Node, int]]:
    """The convolutions and linear maps that a value is made of, channel by channel, with each one's first channel."""
    node = graph[name]
    if node.op in MAKING:
        yield node, start
    elif node.op == "concat":
        for source in node.inputs:
            yield from _leaves(graph, checkpoint, source, start)
            start += checkpoint.sizes[source][1]
    elif node.op == "batch_norm" or node.op in OPEN:
        yield from _leaves(graph, checkpoint, node.inputs[0], start)


OPEN = ("relu", "relu6", "leaky_relu", "elu", "silu", "gelu", "hardswish", "tanh")
