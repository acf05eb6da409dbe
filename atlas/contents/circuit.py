"""A subgraph of one checkpoint: each edge is a link somebody claimed or a connection that was measured."""

from collections.abc import Iterator
from typing import Any

from atlas.contents.pieces import (
    ACCESSION,
    FINGERPRINT,
    TITLE,
    UNIT,
    Content,
    Mention,
    several,
    text,
)
from atlas.validation import closed

PLACE = {"type": "number", "minimum": -1e6, "maximum": 1e6}
NODE = closed(
    "A neuron in it.",
    unit=UNIT,
    optional={
        "label": text(80, says="What it does here."),
        "group": text(40, says="Drawn together with others of this name."),
        "x": PLACE,
        "y": PLACE,
    },
)
EDGE = {
    **closed(
        "From one of its neurons to another; by a link, or by the job that measured the connection.",
        source=UNIT,
        target=UNIT,
        optional={"link": ACCESSION, "finding": FINGERPRINT},
    ),
    "oneOf": [{"required": ["link"]}, {"required": ["finding"]}],
}


def mentions(content: dict[str, Any]) -> Iterator[Mention]:
    """Its nodes, the ends of its edges, and what those rest on."""
    for place, node in enumerate(content["nodes"]):
        yield Mention("unit", ("nodes", place, "unit"), node["unit"], "node")
    for place, edge in enumerate(content.get("edges", [])):
        for end in ("source", "target"):
            yield Mention("unit", ("edges", place, end), edge[end], "end")
        if "link" in edge:
            yield Mention("foothold", ("edges", place, "link"), edge["link"], "edge")
        else:
            yield Mention("job", ("edges", place, "finding"), edge["finding"], "edge")


CIRCUIT = Content(
    kind="circuit",
    letter="C",
    schema=closed(
        "A subgraph of one checkpoint, and what it is for.",
        title=TITLE,
        nodes=several(NODE, least=1, most=400, says="Its neurons, each once."),
        optional={
            "edges": several(EDGE, most=2_000, says="Its edges."),
            "narrative": {**text(8_000, least=0, says="Markdown."), "default": ""},
            "conclusion": {**text(2_000, least=0, says="Markdown."), "default": ""},
        },
    ),
    fixed=(),
    title=lambda content: str(content["title"]),
    mentions=mentions,
)
