"""GraphML and DOT: whatever people typed is read back as they typed it, by readers that are not ours."""

import dataclasses
import io
import re
from itertools import pairwise
from xml.etree import ElementTree

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.graphs import FORMATS, dot, graphml
from atlas.graphs.facts import Edge, Graph, Node

NASTY = 'a & b "c" <d> \\ \\N é 曲 $x$ ]]> &amp; %s \\"'
ORIGIN = "https://atlas.example.org"
NAMESPACE = "{http://graphml.graphdrawing.org/xmlns}"
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)


def graph(nodes: int = 3, *, text: str = "plain") -> Graph:
    """A chain of neurons, every text of which is this."""
    units = [f"layer.{place % 7}:{place}" for place in range(nodes)]
    return Graph(
        accession="C000000000",
        version=2,
        url="/f/C000000000/v2",
        kind="circuit",
        title=text,
        checkpoint="toy",
        nodes=tuple(Node(unit, f"/c/toy/{unit}", text, text if place % 2 else "", place / 4, 0.0 if place else None)
                    for place, unit in enumerate(units)),
        edges=tuple(Edge(one, two, "K000000000", 1, "", "inhibits", "-", "accepted")
                    for one, two in pairwise(units)),
    )  # fmt: skip


def said(thing) -> dict:
    """What is known of a node or an edge, beside what it is called."""
    names = [name for name in dataclasses.asdict(thing) if name not in ("unit", "source", "target")]
    known = {name: getattr(thing, name) for name in names if getattr(thing, name) not in (None, "")}
    return known | ({"url": ORIGIN + known["url"]} if "url" in known else {})


@pytest.mark.parametrize("text", ["plain", NASTY])
@pytest.mark.parametrize("nodes", [0, 1, 200])
def test_networkx_reads_what_was_written(nodes, text):
    drawn = graph(nodes, text=text)
    found = networkx.read_graphml(io.BytesIO(graphml.document(drawn, origin=ORIGIN).encode()), force_multigraph=True)
    assert dict(found.nodes(data=True)) == {node.unit: said(node) for node in drawn.nodes}
    read = [(one, two, {name: value for name, value in data.items() if name != "id"})
            for one, two, data in found.edges(data=True)]  # fmt: skip
    assert read == [(edge.source, edge.target, said(edge)) for edge in drawn.edges]
    assert found.graph["title"] == text
    assert found.is_directed()


@given(text=texts)
@settings(max_examples=60, deadline=None)
def test_any_text_leaves_graphml_well_formed_and_says_itself(text):
    """All but what XML cannot hold, which stands as the replacement character."""
    root = ElementTree.fromstring(graphml.document(graph(2, text=text), origin=ORIGIN))
    [title] = [it.text or "" for it in root.iter(f"{NAMESPACE}data") if it.get("key") == "graph.title"] or [""]
    assert title == graphml.UNSPEAKABLE.sub("\ufffd", text)


def test_graphml_is_built_as_its_schema_says():
    """Keys first, each once; every datum by a declared key of its own kind of element; every end a node."""
    root = ElementTree.fromstring(graphml.document(graph(5), origin=ORIGIN))
    kinds = [child.tag.removeprefix(NAMESPACE) for child in root]
    assert kinds == ["key"] * (len(kinds) - 1) + ["graph"]
    keys = {key.get("id"): key.get("for") for key in root.iter(f"{NAMESPACE}key")}
    assert len(keys) == len(kinds) - 1
    for element in ("graph", "node", "edge"):
        for thing in root.iter(NAMESPACE + element):
            assert {keys[it.get("key")] for it in thing.findall(f"{NAMESPACE}data")} <= {element}
    nodes = {node.get("id") for node in root.iter(f"{NAMESPACE}node")}
    assert {edge.get(end) for edge in root.iter(f"{NAMESPACE}edge") for end in ("source", "target")} <= nodes


TOKEN = re.compile(r'\s*("(?:[^"\\]|\\.)*"|->|[{}\[\];,=]|[A-Za-z_][A-Za-z_0-9]*)', flags=re.S)


def tokens(text: str) -> list[str]:
    """DOT, taken apart as Graphviz does; anything that is no token fails."""
    found, place = [], 0
    while text[place:].strip():
        match = TOKEN.match(text, place)
        assert match, text[place : place + 80]
        found.append(match[1])
        place = match.end()
    return found


def spoken(quoted: str) -> str:
    """What Graphviz shows for a quoted label: escapes first, then entities; `\\n` is a new line."""
    plain = re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), quoted[1:-1], flags=re.S)
    return plain.replace("&amp;", "&")


def shown(drawn: Graph) -> list[str]:
    """Every label of it in DOT, as it is shown."""
    parts = tokens(dot.document(drawn, origin=ORIGIN))
    return [spoken(parts[place + 2]) for place, part in enumerate(parts) if part == "label"]


@pytest.mark.parametrize("nodes", [0, 1, 200])
def test_dot_draws_every_neuron_and_every_edge(nodes):
    drawn = graph(nodes, text=NASTY)
    parts = tokens(dot.document(drawn, origin=ORIGIN))
    assert parts.count("->") == len(drawn.edges)
    assert [parts.count(it) for it in "{["] == [parts.count(it) for it in "}]"]
    labels = shown(drawn)
    assert labels[0] == NASTY
    assert {f"{node.unit}\n{NASTY}" for node in drawn.nodes} <= set(labels)
    assert labels.count("inhibits -") == len(drawn.edges)
    assert parts.count('"tee"') == len(drawn.edges)


@given(text=texts)
@settings(max_examples=60, deadline=None)
def test_no_text_breaks_out_of_its_quotes(text):
    expected = text.replace("\x00", "\ufffd").replace("\r", " ")
    assert shown(graph(0, text=text)) == [expected]


def test_equal_facts_are_equal_bytes():
    for form in FORMATS.values():
        assert form.write(graph(20, text=NASTY), origin=ORIGIN) == form.write(graph(20, text=NASTY), origin=ORIGIN)
        assert form.write(graph(0), origin=ORIGIN).endswith("\n")
