"""What speaks for or against a claim: by a job, uploaded, or read. Its words may be revised, its matter may not."""

from collections.abc import Iterator
from typing import Any

from atlas.contents.pieces import FINGERPRINT, REFERENCE, SHA256, Content, Mention, several, text
from atlas.validation import closed

# The seven arguments of Zoom In (Olah et al. 2020), and more.
METHODS = {
    "FV": "feature visualization",
    "DX": "dataset examples",
    "SX": "synthetic examples",
    "JT": "joint tuning",
    "FI": "feature implementation (its weights)",
    "FU": "feature use (downstream)",
    "HW": "handwritten circuit",
    "AB": "ablation or another intervention",
    "AT": "attribution",
    "LT": "literature",
    "AU": "author's word",
}
ASSERTIONS = ("automatic", "checked", "manual")


def mentions(content: dict[str, Any]) -> Iterator[Mention]:
    """Its jobs and its artifacts."""
    for place, fingerprint in enumerate(content.get("jobs", [])):
        yield Mention("job", ("jobs", place), fingerprint, "evidence")
    for place, sha256 in enumerate(content.get("artifacts", [])):
        yield Mention("artifact", ("artifacts", place), sha256, "evidence")


def title(content: dict[str, Any]) -> str:
    """The method, and where it was read or by how many jobs it was made."""
    name = METHODS[content["method"]]
    reference = content.get("reference")
    return f"{name}: {reference['title']}"[:200] if reference else name


EVIDENCE = Content(
    kind="evidence",
    letter="E",
    schema=closed(
        "What speaks for or against a claim.",
        method={"type": "string", "enum": list(METHODS)},
        optional={
            "assertion": {"type": "string", "enum": list(ASSERTIONS), "default": "manual"},
            "parameters": {"type": "object", "maxProperties": 50, "default": {}, "description": "How it was made."},
            "jobs": several(FINGERPRINT, most=50, says="Finished jobs whose findings it is."),
            "artifacts": several(SHA256, most=50, says="Uploaded pictures."),
            "reference": {"anyOf": [REFERENCE, {"type": "null"}], "default": None, "description": "Where it was read."},
            "interpretation": {**text(4_000, least=0, says="What it says of the claim; Markdown."), "default": ""},
            "alt_text": {**text(1_000, least=0, says="Its pictures, for who does not see them."), "default": ""},
        },
    ),
    fixed=("method", "jobs", "artifacts", "reference"),
    title=title,
    mentions=mentions,
)
