"""Which layers are next to each other: where a unit's weights come from and where they go, unless somebody says."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from workers.interp.checkpoint import Checkpoint
from workers.interp.graph import Node
from workers.interp.layers import Layer, Part
from workers.interp.pathways import PICTURE, leaves
from workers.interp.steps import is_linear


@dataclass(frozen=True, slots=True)
class Before:
    """What lies before the units of a leaf: the nearest layers, and those that were looked through on the way."""

    nearest: tuple[str, ...]
    through: tuple[str, ...]


class Adjacency:
    """The layers next to a layer, in depth order.

    Looked through are the 1 × 1 bottlenecks of Inception and ResNet (fewer outputs than inputs) and a convolution that
    only a residual sum reads: they are steps of one operation, and what a unit listens to lies behind them (expanded
    weights "aren't literally adjacent", Voss et al. 2021). With `through=False` nothing is looked through.
    """

    def __init__(self, checkpoint: Checkpoint, *, through: bool = True) -> None:
        self.checkpoint = checkpoint
        self.graph = checkpoint.graph
        self.through = through
        self.holders = {
            part.node: layer for layer in checkpoint.layers.values() for part in layer.parts[layer.sites[-1]]
        }
        self.before = cache(self._before)

    def upstream(self, layer: str, channel: int) -> tuple[str, ...]:
        """The nearest layers that a unit listens to; `input` is the picture itself."""
        place = self.checkpoint.layers[layer]
        for leaf in leaves(self.checkpoint, place.parts[place.sites[0]]):
            if leaf.start <= channel < leaf.stop:
                return self.before(layer, leaf).nearest
        return ()

    def downstream(self, layer: str) -> tuple[str, ...]:
        """The nearest layers that listen to this one; bottlenecks only where nothing else does."""
        every = [it for it in self.checkpoint.layers.values() if it.key != layer and self._listens(it, layer)]
        wide = [it for it in every if not self._bottleneck(it)] if self.through else every
        return tuple(it.key for it in wide or every)

    def is_step(self, layer: str) -> bool:
        """Whether a layer is a bottleneck, a step of an operation that is looked through."""
        return self.through and self._bottleneck(self.checkpoint.layers[layer])

    def _listens(self, target: Layer, source: str) -> bool:
        parts = leaves(self.checkpoint, target.parts[target.sites[0]])
        known = [self.before(target.key, leaf) for leaf in parts]
        return any(source in (*it.nearest, *it.through) for it in known)

    def _before(self, target: str, leaf: Part) -> Before:
        """Backwards from a leaf, until a layer is met."""
        nearest, through, seen = set(), set(), set()
        pending = [leaf.node]
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            layer = self.holders.get(name)
            if layer and layer.key != target:
                if not self._looked_through(layer, target):
                    nearest.add(layer.key)
                    continue
                through.add(layer.key)
            node = self.graph[name]
            if node.op == "input":
                nearest.add(PICTURE)
            pending += node.inputs if is_linear(node, self.checkpoint.sizes) else ()
        return Before(tuple(self._ordered(nearest)), tuple(self._ordered(through)))

    def _ordered(self, names: set[str]) -> Iterator[str]:
        yield from (name for name in (PICTURE, *self.checkpoint.layers) if name in names)

    def _looked_through(self, layer: Layer, target: str) -> bool:
        if not self.through:
            return False
        readers = {self.graph[name].op for part in layer.parts[layer.sites[-1]] for name in self._readers(part)}
        summed = self.checkpoint.layers[target].kind == "sum" and readers == {"add"} and layer.kind == "conv"
        return summed or self._bottleneck(layer)

    def _readers(self, part: Part) -> tuple[str, ...]:
        return self.graph.consumers[part.node]

    def _bottleneck(self, layer: Layer) -> bool:
        node = self._convolution(layer)
        if node is None:
            return False
        out, into, *window = self.checkpoint.shapes[node.tensors["weight"]]
        return window == [1, 1] and out < into * node.attributes["groups"]

    def _convolution(self, layer: Layer) -> Node | None:
        if layer.kind != "conv":
            return None
        [part] = layer.parts[layer.sites[0]]
        node = self.graph[part.node]
        return node if node.op == "conv2d" else self.graph[node.inputs[0]]
