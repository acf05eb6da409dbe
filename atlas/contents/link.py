"""How one neuron acts on another, and the measured weight or the literature that says so."""

from collections.abc import Iterator
from typing import Any

from atlas.contents.pieces import (
    CONFIDENCE,
    FINGERPRINT,
    REFERENCE,
    SHA256,
    UNIT,
    Content,
    Mention,
    predictions,
    text,
)
from atlas.validation import closed

# Relations by which the source acts on the target through weights; the others compare two neurons.
CAUSAL = ("builds-from", "excites", "inhibits", "unions-over", "gates")
RELATIONS = (*CAUSAL, "equivariant-partner", "antagonist", "duplicate")
RESTS_ON = {
    **closed(
        "What was measured or written of this link: exactly one.",
        optional={"finding": FINGERPRINT, "artifact": SHA256, "reference": REFERENCE},
    ),
    "minProperties": 1,
    "maxProperties": 1,
}


def mentions(content: dict[str, Any]) -> Iterator[Mention]:
    """Both ends, and what it rests on."""
    yield Mention("unit", ("source",), content["source"], "source")
    yield Mention("unit", ("target",), content["target"], "target")
    rests_on = content["rests_on"]
    if "finding" in rests_on:
        yield Mention("job", ("rests_on", "finding"), rests_on["finding"], "rests-on")
    if "artifact" in rests_on:
        yield Mention("artifact", ("rests_on", "artifact"), rests_on["artifact"], "rests-on")


LINK = Content(
    kind="link",
    letter="K",
    schema=closed(
        "How one neuron acts on another of the same checkpoint.",
        source=UNIT,
        target=UNIT,
        relation={"type": "string", "enum": list(RELATIONS)},
        rests_on=RESTS_ON,
        optional={
            "sign": {"type": "string", "enum": ["+", "-", "mixed", "none"], "default": "none"},
            "mechanism": {**text(8_000, least=0, says="Markdown."), "default": ""},
            "confidence": {**CONFIDENCE, "default": 3},
            "predictions": predictions(of={"type": "string", "enum": ["source", "target"], "default": "target"}),
        },
    ),
    fixed=("source", "target"),
    title=lambda content: f"{content['source']} {content['relation']} {content['target']}",
    mentions=mentions,
)
