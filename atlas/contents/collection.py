"""Neurons or footholds that belong together: a list, a family, the companion of a paper; or a search that is kept."""

from collections.abc import Iterator
from typing import Any

from atlas.contents.pieces import ACCESSION, BODY, REFERENCE, TITLE, UNIT, Content, Mention, several, text
from atlas.validation import closed

FORMS = ("list", "family", "companion")
ITEM = {
    **closed(
        "A neuron or a foothold.",
        optional={
            "unit": UNIT,
            "foothold": ACCESSION,
            "version": {"type": "integer", "minimum": 1, "description": "That of the foothold; else its newest."},
            "note": text(500, says="Why it is here."),
        },
    ),
    "oneOf": [{"required": ["unit"]}, {"required": ["foothold"]}],
}


def mentions(content: dict[str, Any]) -> Iterator[Mention]:
    """Its items."""
    for place, item in enumerate(content.get("items", [])):
        kind: Any = "unit" if "unit" in item else "foothold"
        yield Mention(kind, ("items", place, kind), item[kind], "item")


COLLECTION = Content(
    kind="collection",
    letter="S",
    schema=closed(
        "Neurons or footholds that belong together, in order.",
        title=TITLE,
        optional={
            "form": {"type": "string", "enum": list(FORMS), "default": "list"},
            "body": BODY,
            "items": several(ITEM, most=5_000, says="In order; each once."),
            "query": {"anyOf": [text(200, says="A search."), {"type": "null"}], "default": None},
            "reference": {"anyOf": [REFERENCE, {"type": "null"}], "default": None},
        },
    ),
    fixed=("form",),
    title=lambda content: str(content["title"]),
    mentions=mentions,
)
