"""What a citation may say, as frozen facts: all that the formats see of a work never changes once it has an address."""

import unicodedata
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from urllib.parse import quote

NAMESPACE = "footholds"  # what keys begin with, so that they meet no other key of somebody's bibliography
# They turn the order of what follows, in somebody else's document: embeddings, overrides and isolates.
TURNING = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
IN_AN_ADDRESS = ":/?#[]@!$&'()*+,=%~"  # besides letters, digits and - . _ ~; a semicolon divides addresses in RIS


class Kind(StrEnum):
    """What can be cited. A foothold, a circuit and a collection are always cited in a version."""

    CHECKPOINT = "checkpoint"
    NEURON = "neuron"  # its identity, which no time changes
    DATASET = "dataset"
    FIGURE = "figure"  # bytes by their hash, and what they show
    FOOTHOLD = "foothold"
    CIRCUIT = "circuit"
    COLLECTION = "collection"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote: a name as it is signed, and addresses of the person. `whole` names are nobody's to take apart."""

    name: str
    orcid: str = ""
    url: str = ""
    whole: bool = False  # a team, a pseudonym

    def __post_init__(self) -> None:
        """A name is one line."""
        object.__setattr__(self, "name", line(self.name))
        object.__setattr__(self, "url", address(self.url))

    @property
    def address(self) -> str:
        """The address that names this person: at orcid.org, else here."""
        return f"https://orcid.org/{self.orcid}" if self.orcid else self.url


@dataclass(frozen=True, slots=True)
class Item:
    """A file that belongs to a work, such as a picture."""

    url: str
    media_type: str

    def __post_init__(self) -> None:
        """An address cannot end a header."""
        object.__setattr__(self, "url", address(self.url))
        object.__setattr__(self, "media_type", line(self.media_type))


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a work today and may change: links and meta elements say it, no format does."""

    items: tuple[Item, ...] = ()
    licence: str = ""  # where it may still be corrected, as on a checkpoint's card
    latest: str = ""
    history: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """What is cited. Texts are single lines and addresses plain ASCII, so that neither can end a record or a header."""

    kind: Kind
    name: str  # what names it in this atlas: an accession, `toy/edges:1`
    title: str
    url: str  # the permanent address: of the version, where there are versions
    publisher: str
    authors: tuple[Author, ...] = ()
    issued: date | None = None
    version: int | None = None
    checkpoint_sha256: str = ""
    content_sha256: str = ""
    licence: str = ""  # where it was agreed to for good, as the authors of a foothold did
    part_of: str = ""
    around: Around = field(default=Around(), compare=False)

    def __post_init__(self) -> None:
        """Make lines of texts and ASCII of addresses; a name of which nothing can be seen is no author."""
        object.__setattr__(self, "authors", tuple(one for one in self.authors if one.name))
        for name in ("name", "title", "publisher", "licence", "checkpoint_sha256", "content_sha256"):
            object.__setattr__(self, name, line(getattr(self, name)))
        for name in ("url", "part_of"):
            object.__setattr__(self, name, address(getattr(self, name)))

    @property
    def key(self) -> str:
        """Its name among all works: `footholds:F7K3Q9XD2M.3`."""
        return f"{NAMESPACE}:{self.name}" + (f".{self.version}" if self.version else "")

    @property
    def note(self) -> str:
        """What identifies it beyond doubt, as one line."""
        versioned = f"{self.kind.capitalize()} {self.name}, version {self.version}" if self.version else ""
        checkpoint = f"checkpoint sha256:{self.checkpoint_sha256}" if self.checkpoint_sha256 else ""
        content = f"content sha256:{self.content_sha256}" if self.content_sha256 else ""
        return "; ".join(one for one in (versioned, checkpoint, content) if one)


def line(text: str) -> str:
    """Text as one line of what can be seen: NFC, no control characters, nothing that turns the order of letters."""
    seen = (letter for letter in unicodedata.normalize("NFC", text) if letter.isspace() or _is_seen(letter))
    return " ".join("".join(seen).split())


def address(url: str) -> str:
    """An address in plain ASCII, of which no space, quote, bracket or line break is left as it was."""
    return quote(url.encode("utf-8", "ignore"), safe=IN_AN_ADDRESS)


def _is_seen(letter: str) -> bool:
    return unicodedata.category(letter) not in ("Cc", "Cs") and letter not in TURNING
