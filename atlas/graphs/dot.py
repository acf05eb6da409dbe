"""DOT, which Graphviz draws: what excites is red, what inhibits is blue with a blunt end, and a sign says it too."""

from collections.abc import Iterator, Mapping

from atlas.graphs.facts import Edge, Graph, Node

DRAWN: Mapping[str, str] = {
    "+": 'color="#b2182b"',
    "-": 'color="#2166ac", arrowhead="tee"',
    "mixed": 'color="#762a83", arrowhead="diamond"',
}


def document(graph: Graph, *, origin: str) -> str:
    """The graph as one `digraph`; a neuron's name is its unit, a group is a cluster, addresses begin at `origin`."""
    return "".join(f"{line}\n" for line in _lines(graph, origin))


def _lines(graph: Graph, origin: str) -> Iterator[str]:
    yield f"digraph {_quoted(graph.accession)} {{"
    yield f"  graph [label={_quoted(graph.title)}, URL={_quoted(origin + graph.url)}, rankdir=LR];"
    yield '  node [shape="box"];'
    groups = dict.fromkeys(node.group for node in graph.nodes)
    for place, group in enumerate(groups):
        members = [f"{_node(node, origin)};" for node in graph.nodes if node.group == group]
        if group:
            yield f"  subgraph cluster_{place} {{"
            yield f"    label={_quoted(group)};"
            yield from (f"    {line}" for line in members)
            yield "  }"
        else:
            yield from (f"  {line}" for line in members)
    yield from (f"  {_edge(edge, origin)};" for edge in graph.edges)
    yield "}"


def _node(node: Node, origin: str) -> str:
    label = f"{node.unit}\n{node.label}" if node.label else node.unit
    placed = f', pos="{node.x},{node.y}"' if node.x is not None and node.y is not None else ""
    return f"{_quoted(node.unit)} [label={_quoted(label)}, URL={_quoted(origin + node.url)}{placed}]"


def _edge(edge: Edge, origin: str) -> str:
    sign = edge.sign or edge.measured
    said = " ".join(part for part in (edge.relation or "measured", sign) if part)
    rests_on = f"{origin}/f/{edge.link}" if edge.link else f"{origin}/j/{edge.finding}"
    drawn = f", {DRAWN[sign]}" if sign in DRAWN else ""
    drawn += f", norm={_quoted(repr(edge.norm))}" if edge.norm is not None else ""
    ends = f"{_quoted(edge.source)} -> {_quoted(edge.target)}"
    return f"{ends} [label={_quoted(said)}, URL={_quoted(rests_on)}{drawn}]"


def _quoted(text: str) -> str:
    """A quoted string; in labels a backslash begins an escape and `&` an entity, so both are written out."""
    plain = text.replace("\x00", "\ufffd").replace("&", "&amp;").replace("\\", "\\\\").replace('"', '\\"')
    return f'"{plain.replace(chr(13), " ").replace(chr(10), chr(92) + "n")}"'
