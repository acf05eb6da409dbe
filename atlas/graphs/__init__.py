"""Circuits as files: frozen facts in, text out, equal facts equal bytes. A new format is a file and a line below."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from atlas.graphs import dot, graphml, png, svg
from atlas.graphs.facts import Graph
from atlas.graphs.paper import Sheet


class Writer(Protocol):
    """Writes a graph whose addresses begin at `origin`."""

    def __call__(self, graph: Graph, *, origin: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A form of a graph: what asks for it, by suffix or `Accept`, and the function that writes it."""

    name: str
    suffix: str
    media_type: str
    write: Writer


FORMATS: Mapping[str, Format] = {
    it.suffix: it
    for it in (
        Format("GraphML", ".graphml", "application/graphml+xml", graphml.document),
        Format("DOT", ".dot", "text/vnd.graphviz", dot.document),
    )
}


class Printer(Protocol):
    """Writes a page with a drawing, whose pictures it is handed by their hash."""

    def __call__(self, page: Sheet, *, pictures: Mapping[str, bytes]) -> str | bytes: ...


@dataclass(frozen=True, slots=True)
class Print:
    """A form of a drawing: what asks for it, and the function that writes it."""

    name: str
    suffix: str
    media_type: str
    write: Printer


PRINTS: Mapping[str, Print] = {
    it.suffix: it
    for it in (
        Print("SVG", ".svg", "image/svg+xml", svg.document),
        Print("PNG", ".png", "image/png", png.document),
    )
}
