"""A network as neutral data: the graph that is hashed into a checkpoint's identity is the graph that runs."""

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from workers.interp import canonical
from workers.interp.errors import BadGraph
from workers.interp.operations import OPERATIONS

VERSION = 1  # of the JSON form
MOST_NODES = 20_000
NAME = re.compile(r"[A-Za-z0-9_.\-/]{1,200}")


@dataclass(frozen=True)
class Node:
    """One operation on the values of earlier nodes.

    `name` says where the source has it and is no part of the identity; `inputs` are names of nodes, in order;
    `tensors` maps the operation's words to the checkpoint's: `{"weight": "features.0.weight"}`.
    """

    name: str
    op: str
    inputs: tuple[str, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Patch(Node):
    """A node that no stored graph has: what an edit makes of values, computed by a function of its own."""

    run: Callable[..., Any] = field(kw_only=True, compare=False)


class Graph:
    """Nodes in canonical order: depth first from the output over ordered inputs, so neither names nor the order of
    tracing matter. Nodes that do not reach the output are gone, hyper-parameters are complete, the output is last.

    Raises BadGraph for anything that cannot be run: an unknown operation or hyper-parameter, a missing input, a cycle.
    """

    def __init__(self, nodes: Iterable[Node], output: str) -> None:
        given = list(nodes)
        named = {node.name: node for node in given}
        if len(named) != len(given):
            raise BadGraph(where="a node", reason="has the name of another")
        self.nodes = tuple(_checked(node) for node in _canonical(named, output))
        self.output = output
        self._named = {node.name: node for node in self.nodes}
        if sum(node.op == "input" for node in self.nodes) != 1:
            raise BadGraph(where="the graph", reason="needs exactly one input that reaches the output")

    def rewired(self, nodes: Iterable[Node]) -> "Graph":
        """A graph of nodes that come from this one, or are patches, with the same output."""
        graph = copy.copy(self)
        named = {node.name: node for node in nodes}
        graph.nodes = tuple(_canonical(named, self.output))
        graph._named = {node.name: node for node in graph.nodes}
        for derived in ("input", "consumers", "tensors", "sha256"):
            graph.__dict__.pop(derived, None)
        return graph

    def __getitem__(self, name: str) -> Node:
        return self._named[name]

    def __contains__(self, name: object) -> bool:
        return name in self._named

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Graph) and self.nodes == other.nodes

    def __hash__(self) -> int:
        return hash(self.sha256)

    @cached_property
    def input(self) -> str:
        """The name of the node that holds what goes in."""
        return next(node.name for node in self.nodes if node.op == "input")

    @cached_property
    def consumers(self) -> Mapping[str, tuple[str, ...]]:
        """Who reads a node's value, once per reading."""
        readers: dict[str, list[str]] = {node.name: [] for node in self.nodes}
        for node in self.nodes:
            for source in node.inputs:
                readers[source].append(node.name)
        return {name: tuple(names) for name, names in readers.items()}

    @cached_property
    def tensors(self) -> tuple[str, ...]:
        """The names of all tensors it needs, sorted."""
        return tuple(sorted({name for node in self.nodes for name in node.tensors.values()}))

    def ancestors(self, names: Iterable[str], *, given: Iterable[str] = ()) -> tuple[Node, ...]:
        """What has to run for these nodes' values, themselves included, in order; nothing behind a `given` value."""
        wanted, known = set(names), set(given)
        for node in reversed(self.nodes):
            if node.name in wanted and node.name not in known:
                wanted.update(node.inputs)
        return tuple(node for node in self.nodes if node.name in wanted and node.name not in known)

    @cached_property
    def sha256(self) -> str:
        """Identity: operations, complete hyper-parameters, tensor names and edges in canonical order; no node names."""
        return canonical.sha256([{**entry, "name": ""} for entry in self.to_json()["nodes"]])

    def to_json(self) -> dict[str, Any]:
        """As data; inputs are indices of earlier nodes."""
        index = {node.name: position for position, node in enumerate(self.nodes)}
        return {"version": VERSION, "nodes": [_written(node, index) for node in self.nodes]}

    @classmethod
    def from_json(cls, data: Any) -> "Graph":
        """The graph that was written; raises BadGraph for anything else."""
        if not isinstance(data, dict) or set(data) != {"version", "nodes"} or data["version"] != VERSION:
            raise BadGraph(where="the graph", reason=f"is not of version {VERSION}")
        entries = data["nodes"]
        if not isinstance(entries, list) or not 0 < len(entries) <= MOST_NODES:
            raise BadGraph(where="the graph", reason=f"needs a list of 1 to {MOST_NODES} nodes")
        names: list[str] = []
        nodes = [_read(entry, names) for entry in entries]
        return cls(nodes, output=names[-1])


def _canonical(named: Mapping[str, Node], output: str) -> list[Node]:
    """Depth-first post-order without recursion: a hostile chain must not overflow the stack."""
    done: dict[str, Node] = {}
    opened: set[str] = set()
    stack = [(output, False)]
    while stack:
        name, ready = stack.pop()
        if name in done:
            continue
        if name not in named:
            raise BadGraph(where=name, reason="is read, but there is no such node")
        if ready:
            done[name] = named[name]
            continue
        if name in opened:
            raise BadGraph(where=name, reason="depends on itself")
        opened.add(name)
        stack.append((name, True))
        stack.extend((source, False) for source in reversed(named[name].inputs))
    return list(done.values())


def _checked(node: Node) -> Node:
    """The node with complete hyper-parameters; raises BadGraph."""
    operation = OPERATIONS.get(node.op)
    if operation is None:
        raise BadGraph(where=node.name, reason=f"wants the operation {node.op}, which is not in the table")
    fewest, most = operation.inputs
    if not fewest <= len(node.inputs) <= most:
        raise BadGraph(where=node.name, reason=f"has {len(node.inputs)} inputs; {node.op} takes {fewest} to {most}")
    required, known = set(operation.tensors), {*operation.tensors, *operation.optional}
    if not required <= set(node.tensors) <= known:
        raise BadGraph(where=node.name, reason=f"needs the tensors {sorted(required)} and may have {sorted(known)}")
    try:
        return replace(node, attributes=operation.complete(node.attributes))
    except ValueError as error:
        raise BadGraph(where=node.name, reason=str(error)) from None


def _written(node: Node, index: Mapping[str, int]) -> dict[str, Any]:
    listed = {key: list(value) if isinstance(value, tuple) else value for key, value in node.attributes.items()}
    inputs = [index[source] for source in node.inputs]
    return {"name": node.name, "op": node.op, "inputs": inputs, "attributes": listed, "tensors": dict(node.tensors)}


def _read(entry: Any, names: list[str]) -> Node:
    """The next node of a written graph; its inputs are among the names read so far."""
    where = f"node {len(names)}"
    if not isinstance(entry, dict) or set(entry) != {"name", "op", "inputs", "attributes", "tensors"}:
        raise BadGraph(where=where, reason="needs name, op, inputs, attributes and tensors")
    name, op, tensors, attributes = entry["name"], entry["op"], entry["tensors"], entry["attributes"]
    texts = [name, op, *(tensors.values() if isinstance(tensors, dict) else [None])]
    if not all(isinstance(text, str) and NAME.fullmatch(text) for text in texts) or not isinstance(attributes, dict):
        raise BadGraph(where=where, reason="has a name, operation or tensor that cannot be used")
    sources = entry["inputs"] if isinstance(entry["inputs"], list) else [None]
    node = Node(name, op, _sources(sources, names, where), attributes, tensors)
    names.append(name)
    return node


def _sources(indices: Sequence[Any], names: list[str], where: str) -> tuple[str, ...]:
    """The nodes that indices mean: only ones that come before."""
    if not all(type(index) is int and 0 <= index < len(names) for index in indices):
        raise BadGraph(where=where, reason="reads a node that does not come before it")
    return tuple(names[index] for index in indices)
