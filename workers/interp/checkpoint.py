"""One exact function: a graph, its tensors and its input convention, identified by content and read by rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from torch import Tensor

from workers.interp import canonical, geometry, layers, weights
from workers.interp.errors import BadGraph, CheckpointArchitecture, NoSuchLayer, NoSuchUnit
from workers.interp.graph import Graph
from workers.interp.input_spec import InputSpec
from workers.interp.layers import Anatomy, Branch, Layer
from workers.interp.registry import closest

__all__ = ["Branch", "Checkpoint", "Figure", "InputSpec", "Layer"]


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured of a checkpoint on so many pictures of a dataset: `top-1 accuracy`, a share."""

    dataset: str  # its digest
    metric: str
    n: int
    value: float


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A network that never changes. `task` is classifier, generator or policy; `aliases` are further names for units.
    `labels` are the names of what it answers, by index, and `figures` what is known of its answers: neither changes it.

    Raises CheckpointArchitecture when the tensors are not exactly those of the graph.
    """

    architecture: str
    graph: Graph
    tensors: Mapping[str, Tensor] = field(repr=False)
    input_spec: InputSpec
    task: str = "classifier"
    aliases: Mapping[str, Branch] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    figures: tuple[Figure, ...] = ()

    def __post_init__(self) -> None:
        odd = sorted(set(self.graph.tensors) ^ set(self.tensors))
        if odd:
            raise CheckpointArchitecture(reason=f"{', '.join(odd[:20])} is missing or unknown", names=odd[:20])

    @cached_property
    def weights_sha256(self) -> str:
        """Hex digest of the canonical tensors."""
        return weights.digest(self.tensors)

    @property
    def graph_sha256(self) -> str:
        """Hex digest of the graph."""
        return self.graph.sha256

    @cached_property
    def digest(self) -> str:
        """The identity: hex SHA-256 over weights, graph and input spec."""
        parts = {"weights": self.weights_sha256, "graph": self.graph_sha256, "input_spec": self.input_spec.to_json()}
        return canonical.sha256(parts)

    def accepts(self, nodes: Iterable[str], *, side: int) -> bool:
        """Whether the values of these nodes can be computed for an input of this side; found out once for all units."""
        asked = (tuple(nodes), side)
        if asked not in self._accepted:
            given = (self.input_spec.channels, side, side)
            try:
                geometry.shapes(self.graph, self.shapes, given=given, targets=asked[0])
                self._accepted[asked] = True
            except BadGraph:
                self._accepted[asked] = False
        return self._accepted[asked]

    @cached_property
    def _accepted(self) -> dict[tuple[tuple[str, ...], int], bool]:
        return {}

    @cached_property
    def sizes(self) -> geometry.Shapes:
        """The shape of every node's value at the native input, for one image."""
        return geometry.shapes(self.graph, self.shapes, given=(self.input_spec.channels, *self.input_spec.size))

    @cached_property
    def shapes(self) -> geometry.Shapes:
        """The shape of every tensor."""
        return {name: tuple(tensor.shape) for name, tensor in self.tensors.items()}

    @cached_property
    def _anatomy(self) -> Anatomy:
        return layers.anatomy(self.graph, sizes=self.sizes, tensors=self.shapes)

    @property
    def layers(self) -> Mapping[str, Layer]:
        """Its layers by key, in depth order."""
        return self._anatomy.layers

    @property
    def branches(self) -> Mapping[str, Branch]:
        """Other names for ranges of units: the branches of concatenations, and `aliases`."""
        return {**self._anatomy.branches, **self.aliases}

    @cached_property
    def flops(self) -> int:
        """Floating-point operations of one forward pass at the native input; multiply and add are two."""
        return layers.flops(self.graph, sizes=self.sizes, tensors=self.shapes)

    def named(self, names: Mapping[str, str]) -> "Checkpoint":
        """The same checkpoint with further names, each for a layer or a branch; raises NoSuchLayer."""
        found = {name: replace(self.place(meant), name=name) for name, meant in names.items()}
        return replace(self, aliases={**self.aliases, **found})

    def place(self, name: str) -> Branch:
        """The units that a layer's key or another name means; raises NoSuchLayer, naming the closest."""
        if name in self.layers:
            return Branch(name, name, 0, self.layers[name].channels)
        if name in self.branches:
            return self.branches[name]
        raise NoSuchLayer(layer=name, closest=closest(name, [*self.layers, *self.branches]))

    def channel(self, name: str, index: int) -> tuple[str, int]:
        """The layer and channel of unit `index` of a layer or branch; raises NoSuchLayer, NoSuchUnit."""
        place = self.place(name)
        if not 0 <= index < place.stop - place.start:
            raise NoSuchUnit(layer=name, width=place.stop - place.start, index=index)
        return place.layer, place.start + index
