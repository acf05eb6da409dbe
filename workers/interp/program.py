"""The execution plan of a graph: only what the targets need, each value forgotten after its last reader."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch.nn.functional as F
from torch import Tensor

from workers.interp import redirection
from workers.interp.graph import Graph, Node, Patch
from workers.interp.operations import OPERATIONS

# What these compute is not needed for their own gradient, so a ReLU may overwrite it.
OVERWRITABLE = {"conv2d", "linear", "batch_norm", "add"}

# Is shown a node's name, its value, and whether that is spent: read by nothing any more but a ReLU that overwrites it.
# Answers whether it has left the ReLU's value in its place, which spares another way through memory.
Watch = Callable[[str, Tensor, bool], bool]


@dataclass(frozen=True)
class Step:
    """One operation, ready to run."""

    node: Node
    arguments: Mapping[str, Any]
    forget: tuple[str, ...]  # values nobody reads afterwards
    overwrite: bool

    def run(self, values: Mapping[str, Tensor], *, redirect: bool = False) -> Tensor:
        """The node's value."""
        if redirect and self.node.op == "relu":
            return redirection.relu(values[self.node.inputs[0]])
        if self.overwrite:
            return F.relu(values[self.node.inputs[0]], inplace=True)
        if isinstance(self.node, Patch):
            edited: Tensor = self.node.run(*(values[name] for name in self.node.inputs))
            return edited
        return OPERATIONS[self.node.op].run(*(values[name] for name in self.node.inputs), **self.arguments)


class Program:
    """Computes the values of `targets` from the values of `given` nodes, and runs nothing else.

    The values of `watched` nodes are shown as soon as they are computed, and kept no longer than any other: whoever
    watches must be done with one when it returns, because a ReLU may overwrite it, and changes none that is not spent.
    """

    def __init__(
        self,
        graph: Graph,
        tensors: Mapping[str, Tensor],
        *,
        targets: Iterable[str],
        given: Iterable[str],
        watched: Iterable[str] = (),
    ) -> None:
        self.targets = tuple(dict.fromkeys(targets))
        self.given = tuple(dict.fromkeys(given))
        self.watched = frozenset(watched)
        roots = (*self.targets, *sorted(self.watched))
        nodes = [node for node in graph.ancestors(roots, given=self.given) if node.op != "input"]
        readers = Counter(source for node in nodes for source in node.inputs)
        last = {source: node.name for node in nodes for source in node.inputs}
        kept = {*self.targets, *self.given}
        computed = {node.name: node for node in nodes}
        self.needs = tuple(name for name in self.given if name in readers or name in self.targets)
        self.steps = tuple(
            Step(
                node=node,
                arguments={**{word: tensors[name] for word, name in node.tensors.items()}, **node.attributes},
                forget=tuple(
                    source
                    for source in {*node.inputs, node.name}
                    if last.get(source, node.name) == node.name and source not in self.targets
                ),
                overwrite=node.op == "relu"
                and node.inputs[0] not in kept
                and readers[node.inputs[0]] == 1
                and computed[node.inputs[0]].op in OVERWRITABLE,
            )
            for node in nodes
        )
        self._spent = {step.node.inputs[0] for step in self.steps if step.overwrite}

    def __call__(
        self,
        values: Mapping[str, Tensor],
        *,
        redirect: bool = False,
        watch: Watch = lambda name, value, spent: False,
    ) -> dict[str, Tensor]:
        """The targets' values by name; `values` holds the given ones and is not changed.

        With `redirect` the gradient of a ReLU that is shut for a whole sample is redirected. `watch` is shown the
        watched nodes' values, in the order in which they are computed.
        """
        known, rectified = {name: values[name] for name in self.needs}, set()
        for step in self.steps:
            name, first = step.node.name, step.node.inputs[0]
            known[name] = known[first] if first in rectified else step.run(known, redirect=redirect)
            if name in self.watched and watch(name, known[name], name in self._spent and not redirect):
                rectified.add(name)
            for forgotten in step.forget:
                del known[forgotten]
        return {name: known[name] for name in self.targets}
