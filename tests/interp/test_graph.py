"""A graph is its meaning: no name, no order of tracing, no container changes it, and nothing hostile passes for one."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.interp import networks
from workers.interp.errors import BadGraph
from workers.interp.graph import Graph, Node

FIXED = settings(database=None, derandomize=True, deadline=None, max_examples=100)
GRAPHS = {name: networks.checkpoint(name).graph for name in networks.NAMES}
DIGESTS = {
    "curve-circuit": "9ec78868acfe5aa6e4e6918c0fa563b224d88848ce1dba832ebbffacfcb94a03",
    "miniception": "87a90958b50bf9c7936332678f1b7be5850ad27be787a0f9077aa2d725829346",
    "squeezenet1_1": "f0fcb5f30b582e2a22b29477f503c8bcd82d7a6f3ef9e8a67196d3f5c10e177f",
}


def renamed(graph: Graph) -> Graph:
    """The same graph under other names, its nodes in another order, with a node that nobody reads."""
    names = {node.name: f"n{len(graph) - place}" for place, node in enumerate(graph)}
    nodes = [
        replace(node, name=names[node.name], inputs=tuple(names[source] for source in node.inputs)) for node in graph
    ]
    unread = Node("unread", "relu", (names[graph.input],))
    return Graph([unread, *reversed(nodes)], output=names[graph.output])


@pytest.mark.parametrize("name", DIGESTS)
def test_digests_are_pinned(name):
    """Another torchvision, another torch, another machine: the same graph, for ever."""
    assert GRAPHS[name].sha256 == DIGESTS[name]


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=list(GRAPHS))
def test_neither_names_nor_order_matter(graph):
    other = renamed(graph)
    assert other.sha256 == graph.sha256
    assert [node.op for node in other] == [node.op for node in graph]
    assert len(other) == len(graph)


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=list(GRAPHS))
def test_what_is_computed_matters(graph):
    for node in graph:
        for name, value in node.attributes.items():
            if isinstance(value, float):
                changed = replace(node, attributes={**node.attributes, name: value + 1e-9})
                assert with_node(graph, changed).sha256 != graph.sha256
        if node.op == "relu":
            assert with_node(graph, replace(node, op="relu6")).sha256 != graph.sha256
        if len(node.inputs) > 1:
            swapped = replace(node, inputs=node.inputs[::-1])
            assert with_node(graph, swapped).sha256 != graph.sha256


def with_node(graph: Graph, node: Node) -> Graph:
    """The graph with a node of that name instead."""
    return Graph([node if one.name == node.name else one for one in graph], output=graph.output)


@pytest.mark.parametrize("graph", GRAPHS.values(), ids=list(GRAPHS))
def test_json_round_trip(graph):
    again = Graph.from_json(json.loads(json.dumps(graph.to_json())))
    assert again == graph
    assert again.sha256 == graph.sha256


def test_written_defaults_and_one_number_for_two_are_no_difference():
    def of(**attributes):
        pool = Node("pool", "max_pool", ("input",), attributes)
        return Graph([Node("input", "input"), pool], output="pool").sha256

    assert of(kernel_size=2, stride=2) == of(kernel_size=[2, 2], stride=(2, 2), padding=0, ceil_mode=False)
    assert of(kernel_size=2, stride=2) != of(kernel_size=2, stride=2, ceil_mode=True)


INPUT = Node("input", "input")
IMPOSSIBLE = {
    "unknown operation": ([INPUT, Node("a", "exec", ("input",))], "a"),
    "unknown hyper-parameter": ([INPUT, Node("a", "relu", ("input",), {"code": 1})], "a"),
    "missing hyper-parameter": ([INPUT, Node("a", "max_pool", ("input",), {"kernel_size": 2})], "a"),
    "hyper-parameter out of range": ([INPUT, Node("a", "max_pool", ("input",), {"kernel_size": 0, "stride": 1})], "a"),
    "huge hyper-parameter": ([INPUT, Node("a", "max_pool", ("input",), {"kernel_size": 2**40, "stride": 1})], "a"),
    "infinite hyper-parameter": ([INPUT, Node("a", "elu", ("input",), {"alpha": float("inf")})], "a"),
    "too big a number": ([INPUT, Node("a", "elu", ("input",), {"alpha": 10**400})], "a"),
    "a truth value for a number": ([INPUT, Node("a", "elu", ("input",), {"alpha": True})], "a"),
    "too few inputs": ([INPUT, Node("a", "add", ("input",))], "a"),
    "too many inputs": ([INPUT, Node("a", "relu", ("input", "input"))], "a"),
    "missing input": ([INPUT, Node("a", "relu", ("b",))], "a"),
    "missing output": ([INPUT], "a"),
    "missing tensor": ([INPUT, Node("a", "conv2d", ("input",))], "a"),
    "unknown tensor": ([INPUT, Node("a", "relu", ("input",), {}, {"weight": "w"})], "a"),
    "cycle": ([INPUT, Node("a", "add", ("input", "b")), Node("b", "relu", ("a",))], "b"),
    "self": ([INPUT, Node("a", "add", ("input", "a"))], "a"),
    "two of a name": ([INPUT, Node("a", "relu", ("input",)), Node("a", "tanh", ("input",))], "a"),
    "two inputs": ([INPUT, Node("b", "input"), Node("a", "add", ("input", "b"))], "a"),
}


@pytest.mark.parametrize(("nodes", "output"), IMPOSSIBLE.values(), ids=list(IMPOSSIBLE))
def test_what_cannot_run_is_refused(nodes, output):
    with pytest.raises(BadGraph):
        Graph(nodes, output=output)


def test_a_long_chain_overflows_no_stack():
    chain = [INPUT, *(Node(str(i), "relu", (str(i - 1) if i else "input",)) for i in range(15_000))]
    assert len(Graph(reversed(chain), output="14999")) == 15_001


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
KEYS = ("name", "op", "inputs", "attributes", "tensors")


@FIXED
@given(JSON)
def test_any_json_is_refused_as_a_graph(data):
    with pytest.raises(BadGraph):
        Graph.from_json(data)
    with pytest.raises(BadGraph):
        Graph.from_json({"version": 1, "nodes": [data]})


@FIXED
@given(st.integers(0, 21), st.sampled_from(KEYS), JSON)
def test_any_member_of_a_node_may_be_hostile(place, key, value):
    """One member of one node is anything: refused by name, or a graph that is written as it was read."""
    data = json.loads(json.dumps(GRAPHS["branches"].to_json()))
    data["nodes"][place % len(data["nodes"])][key] = value
    try:
        graph = Graph.from_json(data)
    except BadGraph:
        return
    assert Graph.from_json(graph.to_json()) == graph


@FIXED
@given(st.integers(0, 21), st.sampled_from(["stride", "padding", "kernel_size", "ceil_mode", "groups"]), JSON)
def test_any_hyper_parameter_may_be_hostile(place, key, value):
    data = json.loads(json.dumps(GRAPHS["branches"].to_json()))
    data["nodes"][place % len(data["nodes"])]["attributes"][key] = value
    try:
        graph = Graph.from_json(data)
    except BadGraph:
        return
    assert Graph.from_json(graph.to_json()) == graph
