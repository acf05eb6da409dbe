"""Only what an edit can change is computed again: the rest is taken from the network as it is."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from workers.interp.graph import Node, Patch
from workers.interp.lens import Lens
from workers.interp.program import Program


class Resumed:
    """An edited lens from where its edits begin. `needs` are the values of the intact network that it starts from,
    `changed` the nodes that it computes: by connectivity the only ones that can have another value.
    """

    def __init__(self, lens: Lens, edited: Lens) -> None:
        self.edited = edited
        self._names = {node.name: edited.own_names.get(node.name, node.name) for node in edited.graph}
        same: set[str] = set()
        for node in edited.graph:
            if self._is_as_it_was(node, lens, edited) and same.issuperset(node.inputs):
                same.add(node.name)
        self.changed = frozenset(self._names) - same
        read = {source for name in self.changed for source in edited.graph[name].inputs}
        self._given = [name for name in self._names if name in read & same]
        self.needs = tuple(dict.fromkeys(self._names[name] for name in self._given))

    def computing(self, targets: Iterable[str]) -> Callable[[Mapping[str, Tensor]], dict[str, Tensor]]:
        """From the intact network's values to those of the targets that change, by name."""
        wanted = [name for name in targets if name in self.changed]
        program = Program(self.edited.graph, self.edited.tensors, targets=wanted, given=self._given)
        names = {name: self._names[name] for name in program.needs}
        return lambda values: program({name: values[origin] for name, origin in names.items()})

    def _is_as_it_was(self, node: Node, lens: Lens, edited: Lens) -> bool:
        origin = self._names[node.name]
        if isinstance(node, Patch) or origin not in lens.graph:
            return False
        before = lens.graph[origin]
        if [self._names[name] for name in node.inputs] != list(before.inputs):
            return False
        return all(
            lens.tensors[before.tensors[word]] is edited.tensors[name]
            or torch.equal(lens.tensors[before.tensors[word]], edited.tensors[name])
            for word, name in node.tensors.items()
        )
