"""What the contents of several kinds are made of: units, prose, references, predictions, and what a content names."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from atlas.validation import SEEN, closed

Schema = dict[str, Any]
Path = tuple[str | int, ...]
# Members that hold Markdown or running text, wherever they stand; every other text is one line.
PROSE = frozenset({"body", "mechanism", "interpretation", "alt_text", "narrative", "conclusion", "quote"})


@dataclass(frozen=True)
class Mention:
    """Something a content names: where it stands, how it is written, and in which role."""

    what: Literal["unit", "foothold", "term", "job", "artifact"]
    path: Path
    text: str
    role: str

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer (RFC 6901)."""
        return "".join(f"/{part}" for part in self.path)


@dataclass(frozen=True)
class Content:
    """What footholds of a kind say. `fixed` members never change: with another one it would be another claim.

    `mentions` lists everything in a content that has to exist; `title` is one line for lists and citations.
    """

    kind: str
    letter: str
    schema: Schema
    fixed: tuple[str, ...]
    title: Callable[[dict[str, Any]], str]
    mentions: Callable[[dict[str, Any]], Iterator[Mention]]


def text(most: int, *, least: int = 1, says: str) -> Schema:
    """A text of bounded length; where it may not be empty, not of blanks alone either."""
    seen = {"pattern": SEEN} if least else {}
    return {"type": "string", "minLength": least, "maxLength": most, **seen, "description": says}


def several(item: Schema, *, most: int, says: str, least: int = 0) -> Schema:
    """A list of bounded length, empty unless given."""
    found = {"type": "array", "items": item, "minItems": least, "maxItems": most, "description": says}
    return found if least else {**found, "default": []}


TITLE = text(120, says="One line.")
BODY = {**text(8_000, least=0, says="Markdown."), "default": ""}
UNIT = text(130, says="A neuron of the checkpoint, as layer:channel.")
ACCESSION = text(20, says="A foothold's accession.")
FINGERPRINT = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "A job's fingerprint."}
SHA256 = {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "An artifact's SHA-256."}
CONFIDENCE = {"type": "integer", "minimum": 1, "maximum": 5, "description": "The author's own, from 1 to 5."}
REFERENCE = {
    **closed(
        "A work and the words in it that are meant.",
        title=text(300, says="Its title."),
        optional={
            "doi": {"type": "string", "pattern": r"^10\.\d{4,9}/\S{1,200}$", "description": "Its DOI, without a host."},
            "url": {"type": "string", "pattern": r"^https?://\S{1,1000}$", "description": "Its address."},
            "quote": text(1_000, says="The passage."),
        },
    ),
    "anyOf": [{"required": ["doi"]}, {"required": ["url"]}],
}
TERM = closed(
    "A word of the vocabulary, and whether the neuron answers to what it names.",
    term=text(40, says="A term's slug."),
    polarity={"type": "string", "enum": ["detects", "inhibited-by", "does-not-detect"]},
)


def of_terms(terms: list[dict[str, Any]], path: Path) -> Iterator[Mention]:
    """The terms in a list of them."""
    for place, one in enumerate(terms):
        yield Mention("term", (*path, place, "term"), one["term"], one["polarity"])


def predictions(**more: Schema) -> Schema:
    """What would prove a claim wrong; `more` are members that only predictions of this kind of content have."""
    one = closed(
        "What a probe will find if the claim is true: a number of its finding, and the bounds it lies within.",
        probe=text(60, says="A probe's name; its newest version is asked."),
        number=text(
            200,
            says="JSON pointer to a number in the finding: /pictures/0/maximum. In a list, source=line:5 is the item "
            "with that member, and a pointer that ends there is its place, from 1: /upstream/edges/source=line:5.",
        ),
        optional={
            "params": {"type": "object", "description": "As in a job.", "default": {}},
            "least": {"type": "number", "description": "The number is at least this."},
            "most": {"type": "number", "description": "The number is at most this."},
            "says": text(300, says="The same in words."),
            **more,
            "period": {
                "type": "number",
                "exclusiveMinimum": 0,
                "description": "The number is an angle that comes round after so much: from least on, rising, to most.",
            },
        },
    )
    one["anyOf"] = [{"required": ["least"]}, {"required": ["most"]}]
    return several(one, most=10, says="What would prove it wrong.")
