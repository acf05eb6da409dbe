"""The one policy for what people write: kept as they meant it, shown as what it is, and never a trick on its reader."""

import re
import unicodedata
from collections.abc import Iterator

from atlas import markdown
from atlas.errors import TextPolicy, Validation

MOST_MARKS = 8  # on one letter; Vietnamese, Hebrew with its points and the flag of Wales need fewer
# UAX #15 calls text with at most 30 in a row stream-safe. Beyond that, ordering the marks takes time by their square.
STREAM_SAFE = 30

NEWLINE = re.compile("\r\n?")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
CONTROL_IN_PROSE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
NONCHARACTER = re.compile(
    "[\ufdd0-\ufdef{}]".format(
        "".join(chr(plane << 16 | 0xFFFE) for plane in range(17))
        + "".join(chr(plane << 16 | 0xFFFF) for plane in range(17))
    )
)
# They turn the order of what follows, beyond the title and into the page around it.
TURN = re.compile("[\u202a-\u202e\u2066-\u2069]")

SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):\S", re.IGNORECASE)
ADDRESSES = markdown.SCHEMES | {"arxiv", "doi", "isbn", "swh", "urn"}  # names of papers are written like addresses


def line(text: str, *, at: str, longest: int, shortest: int = 1) -> str:
    """A name or a title as it is kept: one line in NFC. Raises Validation, TextPolicy, with `at` as the pointer."""
    _require(faults_of_line(text, at=at, longest=longest, shortest=shortest))
    return _composed(text)


def prose(text: str, *, at: str, longest: int, shortest: int = 0) -> str:
    """Markdown as it is kept: its source in NFC. Raises Validation, TextPolicy, with `at` as the pointer."""
    _require(faults_of_prose(text, at=at, longest=longest, shortest=shortest))
    return _composed(NEWLINE.sub("\n", text))


def faults_of_line(text: str, *, at: str, longest: int, shortest: int = 1) -> list[dict[str, str]]:
    """What keeps a text from being a name or a title; empty for nothing."""
    found = [] if not CONTROL.search(text) else [("control-character", "Must be one line, without control characters.")]
    if TURN.search(text):
        found.append(("bidi-override", "Must not turn the direction of what stands around it."))
    return _entries(at, found or _unreadable(text), text.strip(), longest=longest, shortest=shortest)


def faults_of_prose(text: str, *, at: str, longest: int, shortest: int = 0) -> list[dict[str, str]]:
    """What keeps a text from being somebody's Markdown; empty for nothing."""
    plain = NEWLINE.sub("\n", text)
    found = [("control-character", "Must not contain control characters.")] if CONTROL_IN_PROSE.search(plain) else []
    found = found or _unreadable(plain)
    if not found and len(plain) <= longest and markdown.link_count(plain) > markdown.MOST_LINKS:
        found = [("too-many-links", f"Must have at most {markdown.MOST_LINKS} links.")]
    return _entries(at, found, plain.strip(), longest=longest, shortest=shortest)


def faults_of_address(text: str, *, at: str) -> list[dict[str, str]]:
    """What keeps a text from saying where something is from: it may be words, but no address that acts when opened."""
    scheme = SCHEME.match(text.strip())
    if scheme is None or scheme[1].lower() in ADDRESSES:
        return []
    return [{"pointer": at, "code": "url-scheme", "detail": "An address must begin with https:// or http://."}]


def longest_run(text: str) -> int:
    """How many characters without a width of their own follow each other at most: marks, joiners, hidden ones."""
    longest = run = 0
    for letter in "" if text.isascii() else text:
        run = run + 1 if unicodedata.category(letter) in ("Mn", "Me", "Mc", "Cf") else 0
        longest = max(longest, run)
    return longest


def _unreadable(text: str) -> list[tuple[str, str]]:
    if NONCHARACTER.search(text):
        return [("noncharacter", "Must not contain what Unicode says is no character.")]
    if longest_run(text) > STREAM_SAFE or longest_run(_composed(text)) > MOST_MARKS:
        return [("combining-marks", f"Must not put more than {MOST_MARKS} marks on one letter.")]
    return []


def _entries(at: str, policy: list[tuple[str, str]], text: str, *, longest: int, shortest: int) -> list[dict[str, str]]:
    """Faults of length first: they are what `Validation` is about, and nothing else is looked at in a long text."""
    # Composed text can be longer than what was sent, but only once its marks are known to be few.
    length = len(text) if policy else len(_composed(text))
    if not shortest <= length <= longest:
        detail = (
            f"Must have {shortest} to {longest} characters." if shortest else f"Must have at most {longest} characters."
        )
        return [{"pointer": at, "code": "not-length", "detail": detail}]
    if text and not policy and not any(_visible(text)):
        policy = [("invisible", "Must have something to be seen.")]
    return [{"pointer": at, "code": code, "detail": detail} for code, detail in policy]


def _visible(text: str) -> Iterator[bool]:
    return (unicodedata.category(letter)[0] not in "CZM" for letter in text)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())


def _require(faults: list[dict[str, str]]) -> None:
    if faults:
        raise (Validation if faults[0]["code"] == "not-length" else TextPolicy)(errors=faults)
