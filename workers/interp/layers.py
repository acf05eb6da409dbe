"""Which values of a graph have units: layers, their two sites, and the branches of concatenations, all by rule."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import prod

from workers.interp.errors import NoSuchSite
from workers.interp.geometry import Pair, Shapes, fields, multiplications
from workers.interp.graph import Graph, Node
from workers.interp.operations import ACTIVATIONS

KINDS = {"conv2d": "conv", "linear": "linear", "add": "sum", "concat": "concat"}
SUFFIXES = (".json", ".jsonld", ".bib", ".csl.json", ".ris", ".txt", ".html")  # of addresses, see design 6


@dataclass(frozen=True)
class Part:
    """A node whose channels are the units [start, stop) of a layer."""

    node: str
    start: int
    stop: int


@dataclass(frozen=True)
class Layer:
    """A convolution, linear map, sum or concatenation, tied over positions: unit = channel.

    `stride` (None after flattening) and `receptive_field` are in input pixels, vertical and horizontal; position p sees
    the pixels from `first + p·stride` on. `positions` are height and width at the native input. `sites` are `pre_relu`
    (after the normalisation) and `post_relu` (after the activation) as far as there are any; `parts` says which nodes
    hold their values.
    """

    key: str
    kind: str
    index: int
    channels: int
    stride: Pair | None
    receptive_field: Pair
    first: Pair
    positions: Pair
    sites: tuple[str, ...]
    parameters: int
    parts: Mapping[str, tuple[Part, ...]] = field(repr=False)

    def require(self, site: str) -> tuple[Part, ...]:
        """The nodes that hold the site's value; raises NoSuchSite."""
        if site not in self.parts:
            raise NoSuchSite(layer=self.key, site=site, sites=list(self.sites))
        return self.parts[site]


@dataclass(frozen=True)
class Branch:
    """Another name for the units [start, stop) of a layer: a branch of a concatenation, or a name from a paper."""

    name: str
    layer: str
    start: int
    stop: int


@dataclass(frozen=True)
class Anatomy:
    """The layers of a graph by key, in depth order, and the branches by name."""

    layers: Mapping[str, Layer]
    branches: Mapping[str, Branch]


def anatomy(graph: Graph, *, sizes: Shapes, tensors: Shapes) -> Anatomy:
    """The layers and branches of a graph.

    `sizes` are the shapes of all values at the native input, `tensors` those of the weights.
    """
    return _Reader(graph, sizes=sizes, tensors=tensors).read()


def key(name: str) -> str:
    """A layer's key from the source's name: dots for slashes, and no ending that an address reads as a format."""
    cleaned = re.sub(r"[^A-Za-z0-9_.]", "_", name.replace("/", ".")).lstrip("._")
    return cleaned + "_" if cleaned.endswith(SUFFIXES) else cleaned


class _Reader:
    def __init__(self, graph: Graph, *, sizes: Shapes, tensors: Shapes) -> None:
        self.graph = graph
        self.sizes = sizes
        self.tensors = tensors
        self.fields = fields(graph, sizes, tensors)

    def read(self) -> Anatomy:
        """Every node of a layer's kind, sorted into layers and branches."""
        candidates = [node for node in self.graph if node.op in KINDS]
        homes = {node.name: home for node in candidates if (home := self._home(node))}
        layers = [self._layer(node) for node in candidates if node.name not in homes]
        indexed = {layer.key: replace(layer, index=index) for index, layer in enumerate(layers)}
        branches = [self._branch(node, homes) for node in candidates if node.name in homes]
        return Anatomy(indexed, {branch.name: branch for branch in branches})

    def _sole(self, name: str) -> Node | None:
        """Who alone reads a value."""
        readers = self.graph.consumers[name]
        return self.graph[readers[0]] if len(readers) == 1 else None

    def _normalised(self, name: str) -> str:
        """Where the value is after its normalisation, if it has one."""
        reader = self._sole(name)
        return reader.name if reader and reader.op == "batch_norm" else name

    def _activated(self, name: str) -> str | None:
        """Where a pre-activation is after its activation."""
        reader = self._sole(name)
        return reader.name if reader and reader.op in ACTIVATIONS else None

    def _home(self, node: Node) -> Node | None:
        """The concatenation that alone reads a convolution (or an inner concatenation), of which it is a branch."""
        before = self._normalised(node.name)
        reader = self._sole(self._activated(before) or before)
        return reader if reader and reader.op == "concat" and node.op in ("conv2d", "concat") else None

    def _branch(self, node: Node, homes: Mapping[str, Node]) -> Branch:
        start, home = 0, homes[node.name]
        value = self._value(node)
        while True:
            start += sum(self._width(source) for source in home.inputs[: home.inputs.index(value)])
            if home.name not in homes:
                return Branch(key(node.name), key(home.name), start, start + self._width(node.name))
            value, home = self._value(home), homes[home.name]

    def _value(self, node: Node) -> str:
        """The last node of a candidate's own chain: after normalisation and activation."""
        before = self._normalised(node.name)
        return self._activated(before) or before

    def _width(self, name: str) -> int:
        return self.sizes[name][1]

    def _layer(self, node: Node) -> Layer:
        size, seen, parts = self.sizes[node.name], self.fields[node.name], self._parts(node)
        return Layer(
            key=key(node.name),
            kind=KINDS[node.op],
            index=0,
            channels=size[1],
            stride=seen.stride,
            receptive_field=seen.size,
            first=seen.first,
            positions=(size[2], size[3]) if len(size) == 4 else (1, 1),
            sites=tuple(parts),
            parameters=self._parameters(node),
            parts=parts,
        )

    def _parts(self, node: Node) -> dict[str, tuple[Part, ...]]:
        """Where each site's value is: in one node, or side by side in several before a concatenation."""
        before = self._before(node.name) if node.op == "concat" else None
        if before:
            return {"pre_relu": self._side_by_side(before), "post_relu": self._side_by_side([node.name])}
        normalised = self._normalised(node.name)
        after = self._activated(normalised)
        if node.op == "concat" and not after and any(self._is_activation(name) for name in node.inputs):
            return {"post_relu": self._side_by_side([node.name])}
        parts = {"pre_relu": self._side_by_side([normalised])}
        return {**parts, "post_relu": self._side_by_side([after])} if after else parts

    def _before(self, name: str) -> list[str] | None:
        """The pre-activations a value is made of, side by side, where it is made of activations alone."""
        node = self.graph[name]
        if node.op in ACTIVATIONS:
            return [node.inputs[0]]
        if node.op != "concat":
            return None
        found = [self._before(source) for source in node.inputs]
        return [name for names in found for name in names or ()] if all(found) else None

    def _is_activation(self, name: str) -> bool:
        return self.graph[name].op in ACTIVATIONS

    def _side_by_side(self, names: list[str]) -> tuple[Part, ...]:
        parts, start = [], 0
        for name in names:
            parts.append(Part(name, start, start + self._width(name)))
            start += self._width(name)
        return tuple(parts)

    def _parameters(self, node: Node) -> int:
        """How many weights make the layer's values: its own, its normalisation's, its branches'."""
        if node.op == "concat":
            branches = [self.graph[name] for name in node.inputs]
            return sum(self._parameters(origin) for value in branches if (origin := self._origin(value)))
        names = [*self._weights(node.name), *self._weights(self._normalised(node.name))]
        return sum(prod(self.tensors[name]) for name in set(names))

    def _origin(self, value: Node) -> Node | None:
        """The branch whose chain ends in this value."""
        while value.op == "batch_norm" or value.op in ACTIVATIONS:
            value = self.graph[value.inputs[0]]
        return value if self._home(value) else None

    def _weights(self, name: str) -> list[str]:
        return [tensor for word, tensor in self.graph[name].tensors.items() if word in ("weight", "bias")]


def flops(graph: Graph, *, sizes: Shapes, tensors: Shapes) -> int:
    """Floating-point operations of one forward pass at the native input; multiply and add are two."""
    return 2 * sum(multiplications(node, sizes[node.name], tensors) for node in graph)
