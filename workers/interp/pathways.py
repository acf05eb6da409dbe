"""All linear paths between two layers, composed into one kernel for each pair of units: the weights that act."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import torch
from torch import Tensor

from workers.interp.checkpoint import Checkpoint
from workers.interp.errors import NoPath, NotAdjacent, NotLinear, SameLayer
from workers.interp.graph import Graph, Node
from workers.interp.kernels import Kernel
from workers.interp.layers import Part, key
from workers.interp.lens import Lens
from workers.interp.steps import JOINING, WEIGHTED, Step, is_linear

KINDS = ("expanded", "best-case", "raw")
PICTURE = "input"  # what the network's own input is called where a source is named
BLOCK = 64  # units composed at once: their kernels stay in the cache
BLOCK_WEIGHTS = 1 << 22  # and of far layers, whose kernels are wide, as many as that
MOST_PATHS = 8  # told apart
Edge = tuple[str, str]  # a node, and the node that it reads


@dataclass(frozen=True, slots=True)
class Path:
    """One way from the source to the target: the edges it takes, and the layers, branches and poolings it passes."""

    edges: frozenset[Edge]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Region:
    """What lies between a source and a leaf: the edges on linear paths, and their reading nodes, the last first."""

    edges: frozenset[Edge]
    ordered: tuple[Node, ...]
    left_out: frozenset[str]


class Pathways:
    """What the units of `target` listen to in `source`, a layer before it; without a source, in the picture itself.

    The target is read before its activation, the source behind its own. Kinds, after Voss et al., Visualizing Weights
    (2021), and Cammarata et al., Curve Circuits (2021):

    * `expanded`: the sum over all paths of the product of weights along it, with every ReLU open, max-pooling taken as
      average-pooling and local response normalisation as k^−β, its slope at zero.
    * `best-case`: each entry at its largest absolute value, whichever gates are open: of the sum over paths of
      max(0, product) and the sum of min(0, product) the one further from zero, max-pooling taking any one of its
      window. Exact for one layer of free gates between the two, a bound for more.
    * `raw`: the stored weight between two adjacent tensors, without normalisation.

    Paths through what has no linear form, such as the product with a gate, are left out. Kernels hold for positions
    whose window lies within the map; a linear layer has one position, the whole map. Raises NoSuchLayer, SameLayer,
    NoPath, NotLinear where only such paths lead there, and NotAdjacent for raw weights that are not stored.
    """

    def __init__(self, lens: Lens, *, target: str, source: str | None, kind: str = "expanded") -> None:
        self.lens = lens
        self.kind = kind
        self.target = lens.layers[lens.checkpoint.place(target).layer]
        self.source = None if source is None else lens.layers[lens.checkpoint.place(source).layer]
        if self.source is self.target:
            raise SameLayer(layer=self.target.key)
        checkpoint = lens.checkpoint
        self.graph: Graph = checkpoint.graph if kind == "raw" else lens.graph
        picture = (Part(self.graph.input, 0, checkpoint.sizes[self.graph.input][1]),)
        self.sources = picture if self.source is None else self.source.require(self.source.sites[-1])
        self.width = self.sources[-1].stop
        self._known_sizes: dict[str, int] = {}
        self._regions: dict[str, Region] = {}
        self.leaves = leaves(checkpoint, self.target.require(self.target.sites[0]))
        reached = [leaf for leaf in self.leaves if self.reaches(leaf)]
        if not reached and (odd := [op for leaf in self.leaves for op in sorted(self.left_out(leaf))]):
            raise NotLinear(source=self.name, target=self.target.key, operation=odd[0])
        if not reached:
            raise NoPath(source=self.name, target=self.target.key)
        self.open = [leaf for leaf in reached if not self.barrier(leaf)]
        if not self.open:
            raise NotAdjacent(source=self.name, target=self.target.key, operation=self.barrier(reached[0]))

    @property
    def name(self) -> str:
        """The source's key."""
        return PICTURE if self.source is None else self.source.key

    def norms(self) -> Tensor:  # [T, S]
        """The L2 norm over space of every kernel; kernels are composed block by block and not kept.

        Zero where no path leads, and for raw weights where the two tensors are not adjacent.
        """
        found = torch.zeros(self.target.channels, self.width, dtype=self.lens.dtype, device=self.lens.device)
        for leaf in self.open:
            block = max(1, min(BLOCK, BLOCK_WEIGHTS // self.each(leaf)))
            for start in range(leaf.start, leaf.stop, block):
                rows = slice(start - leaf.start, min(start + block, leaf.stop) - leaf.start)
                for part, kernel in self._reached(leaf, rows):
                    found[leaf.start + rows.start : leaf.start + rows.stop, part.start : part.stop] = kernel.norms()
        return found

    @cached_property
    def weights(self) -> int:
        """How many weights all kernels have together."""
        return sum(self.each(leaf) * (leaf.stop - leaf.start) for leaf in self.open)

    def each(self, leaf: Part) -> int:
        """How many weights a unit of a leaf has, before poolings spread them out."""
        if leaf.node not in self._known_sizes:
            found = self._reached(leaf, slice(0, 1))
            self._known_sizes[leaf.node] = sum(kernel.weights.numel() for _, kernel in found)
        return self._known_sizes[leaf.node]

    def composed(self) -> Iterator[tuple[Part, Part, Kernel]]:
        """All kernels at once, for each leaf of the target and each node that holds the source: [t, h, w, s]."""
        for leaf in self.open:
            for part, kernel in self._reached(leaf, slice(0, leaf.stop - leaf.start)):
                yield leaf, part, kernel

    def require(self, channel: int) -> None:
        """Raise NotAdjacent where raw weights are asked for and a unit's own branch is not next to the source."""
        leaf = self._leaf(channel)
        if self.reaches(leaf) and (barrier := self.barrier(leaf)):
            raise NotAdjacent(source=self.name, target=f"{self.target.key}:{channel}", operation=barrier)

    def kernel(self, channel: int) -> Kernel:  # [1, h, w, S]
        """What one unit of the target listens to, in space; where nothing leads to it, a single zero."""
        return self._row(channel)

    def mass(self, channel: int) -> Kernel:  # [1, h, w, S]
        """The sum over paths, through units and layers, of the absolute product: what the kernel is without
        cancellation. (For the best case of the average-pooled network; paths of different sign cancel in `kernel`.)
        """
        return self._row(channel, absolute=True)

    def along(self, channel: int, path: Path) -> Kernel:  # [1, h, w, S]
        """The part of a unit's kernel that comes by one path."""
        return self._row(channel, only=path.edges)

    def paths(self, channel: int) -> tuple[Path, ...] | None:
        """The ways by which the source reaches a unit; None where there are more than can be told apart."""
        leaf = self._leaf(channel)
        edges = self.between(leaf)
        return tuple(self._paths(leaf, edges)) if self._count(leaf, edges) <= MOST_PATHS else None

    def _row(self, channel: int, *, absolute: bool = False, only: frozenset[Edge] | None = None) -> Kernel:
        self.require(channel)
        leaf = self._leaf(channel)
        row = slice(channel - leaf.start, channel - leaf.start + 1)
        found = list(self._reached(leaf, row, absolute=absolute, only=only)) if self.reaches(leaf) else []
        total = Kernel(torch.zeros(1, 1, 1, self.width, dtype=self.lens.dtype, device=self.lens.device))
        for place, (part, kernel) in enumerate(found):
            padded = kernel.whole()
            weights = padded.weights.new_zeros(*padded.weights.shape[:3], self.width)
            weights[..., part.start : part.stop] = padded.weights
            wide = Kernel(weights, padded.first, padded.stride)
            total = wide if place == 0 else total.beside(wide)
        return total

    def _leaf(self, channel: int) -> Part:
        return next(leaf for leaf in self.leaves if leaf.start <= channel < leaf.stop)

    def _reached(
        self, leaf: Part, rows: slice, *, absolute: bool = False, only: frozenset[Edge] | None = None
    ) -> Iterator[tuple[Part, Kernel]]:
        """The kernels of some units of a leaf at each node that holds the source."""
        if self.kind != "best-case" or absolute:
            yield from self._composed(leaf, rows, absolute=absolute, only=only)
            return
        signed = self._composed(leaf, rows, absolute=False, only=only)
        for (part, one), (_, mass) in zip(signed, self._composed(leaf, rows, absolute=True, only=only), strict=True):
            kernel, bound = one.whole(), mass.whole().weights
            # With P the positive and N the negative paths' sums: max(P, N) = (P + N + |P − N|) / 2.
            furthest = (bound + kernel.weights.abs()) / 2
            yield part, Kernel(torch.where(kernel.weights < 0, -furthest, furthest), kernel.first, kernel.stride)

    def _composed(
        self, leaf: Part, rows: slice, *, absolute: bool, only: frozenset[Edge] | None
    ) -> Iterator[tuple[Part, Kernel]]:
        """Backwards through the graph, every node once, its kernel complete when its readers have given theirs."""
        edges = self.between(leaf) if only is None else only
        step = Step(self.lens, self.kind, source=self.name, target=self.target.key, absolute=absolute)
        known: dict[str, Kernel] = {leaf.node: step.start(leaf, rows)} if leaf.node in self._holders else {}
        for node in self._between_in_order(leaf):
            reads = [place for place, source in enumerate(node.inputs) if (node.name, source) in edges]
            here = known.pop(node.name, None)
            for place in reads:
                source = node.inputs[place]
                through = step.first(node, rows) if node.name == leaf.node else step.through(node, here, place)
                known[source] = known[source].beside(through) if source in known else through
        return iter([(part, known[part.node]) for part in self.sources if part.node in known])

    @cached_property
    def _holders(self) -> frozenset[str]:
        return frozenset(part.node for part in self.sources)

    def reaches(self, leaf: Part) -> bool:
        """Whether anything of the source reaches the units of a leaf."""
        return leaf.node in self._holders or bool(self.between(leaf))

    def barrier(self, leaf: Part) -> str | None:
        """For raw weights, what lies between two tensors that are not adjacent."""
        if self.kind != "raw":
            return None
        passed = [node.op for node in self._between_in_order(leaf)]
        weights = [op for op in passed if op in WEIGHTED]
        others = [op for op in passed if op not in JOINING]
        return others[0] if others else None if len(weights) == 1 else f"not one convolution but {len(weights)}"

    def between(self, leaf: Part) -> frozenset[Edge]:
        """The edges on paths from the source to a leaf; empty where there is none."""
        return self._region(leaf).edges

    def _between_in_order(self, leaf: Part) -> tuple[Node, ...]:
        return self._region(leaf).ordered

    def left_out(self, leaf: Part) -> frozenset[str]:
        """The operations through which other paths lead, which have no linear form."""
        return self._region(leaf).left_out

    def _region(self, leaf: Part) -> "Region":
        if leaf.node not in self._regions:
            before = self.graph.ancestors([leaf.node], given=self._holders)
            behind = set(self._holders)
            edges, odd = [], set()
            for node in before:
                reads = [source for source in dict.fromkeys(node.inputs) if source in behind]
                if reads and self.kind != "raw" and not is_linear(node, self.lens.checkpoint.sizes):
                    odd.add(node.op)
                elif reads:
                    edges += [(node.name, source) for source in reads]
                    behind.add(node.name)
            useful = _leading(leaf.node, edges)
            kept = frozenset(edge for edge in edges if edge[0] in useful)
            readers = {reader for reader, _ in kept}
            ordered = tuple(node for node in reversed(before) if node.name in readers)
            self._regions[leaf.node] = Region(kept, ordered, frozenset(odd))
        return self._regions[leaf.node]

    def _count(self, leaf: Part, edges: frozenset[Edge]) -> int:
        ways: dict[str, int] = {leaf.node: 1}
        for node in self._between_in_order(leaf):
            for source in node.inputs:
                if (node.name, source) in edges:
                    ways[source] = ways.get(source, 0) + ways.get(node.name, 0)
        return sum(ways.get(part.node, 0) for part in self.sources)

    def _paths(self, leaf: Part, edges: frozenset[Edge]) -> Iterator[Path]:
        pending: list[tuple[str, ...]] = [(leaf.node,)]
        while pending:
            way = pending.pop()
            if way[-1] in self._holders:
                yield Path(frozenset(pairwise(way)), self._named(way))
                continue
            pending += [(*way, it) for it in reversed(self.graph[way[-1]].inputs) if (way[-1], it) in edges]

    def _named(self, way: Sequence[str]) -> tuple[str, ...]:
        """What a path passes, from the source on: layers, branches and poolings, the target's own branch included."""
        shown = [name for node in reversed(way[:-1]) if (name := self._names.get(node))]
        return tuple(name for name in shown if name != self.target.key)

    @cached_property
    def _names(self) -> Mapping[str, str]:
        """Public names of the nodes that do something: of a folded convolution its own, not its normalisation's."""
        written = self.lens.checkpoint.graph
        names = {node.name: key(node.name) for node in written if node.op in ("conv2d", "linear", "add")}
        names |= {node.name: key(node.name) for node in written if node.op.endswith("_pool")}
        for node in self.graph:
            if node.op == "conv2d" and written[node.name].op == "batch_norm":
                names[node.name] = key(written[node.name].inputs[0])
        return names


def leaves(checkpoint: Checkpoint, parts: Sequence[Part]) -> tuple[Part, ...]:
    """The nodes that hold a value side by side, concatenations taken apart."""
    found: list[Part] = []
    for part in parts:
        node = checkpoint.graph[part.node]
        if node.op != "concat":
            found.append(part)
            continue
        start = part.start
        for name in node.inputs:
            stop = start + checkpoint.sizes[name][1]
            found += leaves(checkpoint, [Part(name, start, stop)])
            start = stop
    return tuple(found)


def _leading(last: str, edges: Sequence[Edge]) -> set[str]:
    """The readers from which the last node can be reached; edges are in the graph's order."""
    useful = {last}
    for reader, source in reversed(edges):
        if reader in useful:
            useful.add(source)
    return useful
