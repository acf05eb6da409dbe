"""RIS, which EndNote and its like read: a tag and a value to a line, so that a value must never hold a line break."""

from collections.abc import Iterator

from atlas.citing.facts import Work
from atlas.citing.names import parts_of


def record(work: Work) -> str:
    """The work as a record of type DATA; the format wants carriage returns."""
    return "".join(f"{tag}  - {value}\r\n" for tag, value in _lines(work))


def _lines(work: Work) -> Iterator[tuple[str, str]]:
    known = [
        ("ID", work.key),
        ("TI", work.title),
        *(("AU", parts_of(one).inverted) for one in work.authors),
        ("PY", f"{work.issued:%Y/%m/%d}" if work.issued else ""),
        ("ET", str(work.version or "")),
        ("PB", work.publisher),
        ("UR", work.url),
        ("N1", work.note),
    ]
    yield "TY", "DATA"
    yield from ((tag, value) for tag, value in known if value)
    yield "ER", ""
