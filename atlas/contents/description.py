"""What one neuron does, as somebody claims it."""

from collections.abc import Iterator
from typing import Any

from atlas.contents.pieces import (
    ACCESSION,
    BODY,
    CONFIDENCE,
    TERM,
    TITLE,
    UNIT,
    Content,
    Mention,
    of_terms,
    predictions,
    several,
    text,
)
from atlas.validation import closed

STANCE = {"type": "string", "enum": ["claimed", "unknown", "denied"], "default": "unknown"}
SENSE = closed(
    "One of several things a polysemantic neuron answers to.",
    title=TITLE,
    optional={
        "terms": several(TERM, most=10, says="What this sense answers to."),
        "share": {"type": "number", "minimum": 0, "maximum": 1, "description": "Of its strongest examples."},
    },
)
PARAMETER = closed(
    "A quantity of what it answers to.",
    name=text(60, says="As in orientation."),
    value={"type": "number"},
    unit=text(20, least=0, says="As in °; empty for a pure number."),
    optional={"tolerance": {"type": "number", "minimum": 0, "description": "In the same unit."}},
)
CLAIMS = closed(
    "Which of the four questions about a unit the claim answers (causality, generality, purity, family).",
    optional={
        "causality": STANCE,
        "generality": STANCE,
        "purity": STANCE,
        "family": {"anyOf": [ACCESSION, {"type": "null"}], "description": "A collection of kind family."},
    },
)


def mentions(content: dict[str, Any]) -> Iterator[Mention]:
    """Its neuron, its terms, and its family."""
    yield Mention("unit", ("neuron",), content["neuron"], "subject")
    yield from of_terms(content.get("terms", []), ("terms",))
    for place, sense in enumerate(content.get("senses", [])):
        yield from of_terms(sense.get("terms", []), ("senses", place, "terms"))
    family = content.get("claims", {}).get("family")
    if family is not None:
        yield Mention("foothold", ("claims", "family"), family, "family")


DESCRIPTION = Content(
    kind="description",
    letter="D",
    schema=closed(
        "What one neuron does.",
        neuron=UNIT,
        title=TITLE,
        optional={
            "body": BODY,
            "terms": several(TERM, most=30, says="What it detects, is inhibited by, or does not detect."),
            "senses": several(SENSE, most=12, says="More than one, when it is polysemantic."),
            "parameters": several(PARAMETER, most=20, says="Quantities of what it answers to."),
            "claims": {**CLAIMS, "default": {}},
            "confidence": {**CONFIDENCE, "default": 3},
            "predictions": predictions(),
        },
    ),
    fixed=("neuron",),
    title=lambda content: str(content["title"]),
    mentions=mentions,
)
