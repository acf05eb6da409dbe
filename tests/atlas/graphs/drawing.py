"""Figures of made-up circuits for tests: neurons by depth, edges of every sign, measured ones with kernels."""

import hashlib
import io
import random

from PIL import Image

from atlas.graphs.facts import Edge, Figure, Graph, Measure, Neuron, Node, Picture
from atlas.graphs.paper import Imprint

IMPRINT = Imprint(
    title="A circuit",
    citation="Liddell, Alice. A circuit, version 2. Atlas. https://atlas.example.org/f/C000000000/v2.",
    url="https://atlas.example.org/f/C000000000/v2",
    licence="CC-BY-4.0",
    licence_url="https://creativecommons.org/licenses/by/4.0/",
    authors=("Alice Liddell",),
)


def png(colour: str, side: int = 8) -> bytes:
    """A picture of one colour."""
    file = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(file, format="PNG")
    return file.getvalue()


BYTES = {hashlib.sha256(data).hexdigest(): data for data in (png("#804020"), png("#ff0000"))}
FACE, KERNEL = (Picture(sha256, f"/a/{sha256}.png", "image/png", len(data), "") for sha256, data in BYTES.items())


def figure(nodes: int, edges: int, *, columns: int = 5, label: str = "", places=None, typed=None) -> Figure:
    """A circuit by chance, the same every time."""
    chance = random.Random(nodes * edges)
    depths = sorted(chance.randrange(columns) for _ in range(nodes))
    pairs = [(a, b) for a in range(nodes) for b in range(nodes) if depths[a] < depths[b]]
    joined = [_edge(a, b, number) for number, (a, b) in enumerate(chance.sample(pairs, min(edges, len(pairs))))]
    named = [
        Node(f"layer{depth}:{it}", f"/c/toy/layer{depth}/{it}", label, "", None, None)
        for it, depth in enumerate(depths)
    ]
    named = [Node(it.unit, it.url, label, "", *at) for it, at in zip(named, typed, strict=True)] if typed else named
    units = [it.unit for it in named]
    graph = Graph("C000000000", 2, "/f/C000000000/v2", "circuit", "A circuit", "toy", tuple(named), tuple(
        Edge(units[a], units[b], "", None, "f" * 64, "", "", "") for a, b, _ in joined))  # fmt: skip
    neurons = [
        Neuron(it, f"layer{depth}", depth, "", FACE, FACE, "done") for it, depth in zip(named, depths, strict=True)
    ]
    return Figure(graph, tuple(neurons), tuple(measure for _, _, measure in joined), places or {}, "C000000000.2.0")


def _edge(source: int, target: int, number: int):
    sign = ("+", "-", "mixed")[number % 3]
    measured = Measure("f" * 64, "expanded", 1.0, sign, (number % 10) / 10, KERNEL)
    return source, target, measured if number % 7 else None
