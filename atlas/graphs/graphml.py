"""GraphML, which Gephi, yEd, Cytoscape and networkx read: every attribute declared before it is used."""

import html
import re
from collections.abc import Iterator
from typing import Any

from atlas.graphs.facts import Graph

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">\n'
KEYS = {
    "graph": {"version": "int", "url": "string", "kind": "string", "title": "string", "checkpoint": "string"},
    "node": {"url": "string", "label": "string", "group": "string", "x": "double", "y": "double"},
    "edge": {
        "link": "string",
        "link_version": "int",
        "finding": "string",
        "relation": "string",
        "sign": "string",
        "state": "string",
        "rests_on": "string",
        "weights": "string",
        "measured": "string",
        "norm": "double",
        "share": "double",
    },
}
# What XML 1.0 cannot hold, not even escaped.
UNSPEAKABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(graph: Graph, *, origin: str) -> str:
    """The graph as a document of one graph; a neuron's id is its unit, and addresses begin at `origin`."""
    return HEAD + "".join(f"{line}\n" for line in _lines(graph, origin)) + "</graphml>\n"


def _lines(graph: Graph, origin: str) -> Iterator[str]:
    for of, keys in KEYS.items():
        for name, kind in keys.items():
            yield f'  <key id="{of}.{name}" for="{of}" attr.name="{name}" attr.type="{kind}"/>'
    yield f'  <graph id="{_text(graph.accession)}" edgedefault="directed">'
    yield from _data("graph", graph, origin)
    for node in graph.nodes:
        yield f'    <node id="{_text(node.unit)}">'
        yield from _data("node", node, origin)
        yield "    </node>"
    for place, edge in enumerate(graph.edges):
        yield f'    <edge id="e{place}" source="{_text(edge.source)}" target="{_text(edge.target)}">'
        yield from _data("edge", edge, origin)
        yield "    </edge>"
    yield "  </graph>"


def _data(of: str, thing: Any, origin: str) -> Iterator[str]:
    """What is known of a thing; what is not is left out."""
    for name in KEYS[of]:
        value = getattr(thing, name)
        if value not in (None, ""):
            said = f"{origin}{value}" if name == "url" else str(value)
            yield f'      <data key="{of}.{name}">{_text(said)}</data>'


def _text(value: str) -> str:
    return html.escape(UNSPEAKABLE.sub("\ufffd", value), quote=True).replace("\r", "&#13;")
