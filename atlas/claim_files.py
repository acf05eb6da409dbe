"""Files of claims, JSONL and CSV: read strictly, so that whatever is wrong is named by its line; written to be read."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import IO, Any

from atlas import canonical, strictness
from atlas.contents import CONTENTS
from atlas.contents.pieces import ACCESSION, several, text
from atlas.errors import AtlasError, TooLarge, TooManyItems, UnsupportedCharset, UnsupportedMediaType, Validation
from atlas.validation import closed

FORMS = ("jsonl", "csv")
LARGEST = 20 << 20  # bytes of a file
LONGEST_LINE = 1 << 20  # bytes
LONGEST_CELL = 32 << 10  # characters
MOST_ROWS = 50_000
ARCHIVES = {b"PK\x03\x04": "application/zip", b"\x1f\x8b": "application/gzip", b"\xd0\xcf\x11\xe0": "application/x-ole"}
COMPUTED = tuple("=+-@\t\r＝＋－＠")  # cells that begin so a spreadsheet would compute
FORMULA = re.compile(f"'*[{re.escape(''.join(COMPUTED))}]")  # behind any apostrophes that keep it from doing so

EXTERNAL_ID = text(200, says="What names it where it comes from; a second import finds it by this.")
SPEAKS_OF = closed(
    "A claim that this evidence speaks of.",
    claim={**ACCESSION, "maxLength": 200},
    role={"type": "string", "enum": ["supports", "contradicts", "neutral"]},
    optional={
        "facet": {"type": "string", "enum": ["", "causality", "generality", "purity", "family", "mechanism"]},
        "note": text(500, least=0, says="Why."),
    },
)
ROW = closed(
    "A claim. A foothold that it names is written as its external id in the same source, or as its accession.",
    external_id=EXTERNAL_ID,
    kind={"type": "string", "enum": list(CONTENTS)},
    content={"type": "object"},
    optional={
        "checkpoint": {"anyOf": [text(40, says="Another checkpoint than the file's."), {"type": "null"}]},
        "summary": text(300, least=0, says="What this version changes, in a line."),
        "speaks_of": several(SPEAKS_OF, most=200, says="Of evidence: the claims."),
        "record": {"type": "object", "description": "How it stood where it was exported; it is read past."},
    },
)
BESIDE = ("external_id", "kind", "checkpoint", "summary", "speaks_of")  # the columns beside those of the contents
MEMBERS = {name for kind in CONTENTS.values() for name in kind.schema["properties"]}
PAST = "record."  # columns that say how it stood where it was exported


@dataclass
class Line:
    """A row as it was read, by the number of its line; nothing in `given` where it could not be."""

    number: int
    given: Any = None
    errors: list[dict[str, str]] = field(default_factory=list)

    @property
    def external_id(self) -> str:
        """What names it, if that can be read; shortened to what is kept."""
        found = self.given.get("external_id") if isinstance(self.given, dict) else None
        return found[:200] if isinstance(found, str) else ""


def read(file: IO[bytes], *, form: str) -> Iterator[Line]:
    """The rows of a file, those that cannot be read with what is wrong with them.

    Raises UnsupportedMediaType, UnsupportedCharset, TooLarge, TooManyItems and Validation for the file as a whole.
    """
    _require_text(file)
    rows = _jsonl(file) if form == "jsonl" else _csv(file)
    found = 0
    for found, row in enumerate(islice(rows, MOST_ROWS + 1), start=1):
        if found > MOST_ROWS:
            raise TooManyItems(most=MOST_ROWS, items="rows")
        yield row
    if not found:
        raise _refused(1, "empty", "The file has no rows.")


def neutral(cell: str) -> str:
    """A cell that no spreadsheet computes; `plain` takes the apostrophe away again."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def plain(cell: str) -> str:
    """A cell without the apostrophe that keeps a spreadsheet from computing it."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def is_text(kind: str, member: str) -> bool:
    """Whether a member of a content stands in its cell as it is; all others are JSON there."""
    rule = CONTENTS[kind].schema["properties"].get(member, {"type": "string"})
    return "string" in {form.get("type") for form in (rule, *rule.get("anyOf", ()))}


# --- reading ----------------------------------------------------------------------------------------------------------
def _require_text(file: IO[bytes]) -> None:
    head = file.read(4)
    file.seek(0)
    for magic, media_type in ARCHIVES.items():
        if head.startswith(magic):
            raise UnsupportedMediaType(media_type=media_type, wanted="JSONL or CSV")
    if head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UnsupportedCharset(charset="UTF-16")


def _lines(file: IO[bytes]) -> Iterator[tuple[int, str]]:
    number = 0
    while raw := file.readline(LONGEST_LINE + 1):
        number += 1
        if len(raw) > LONGEST_LINE:
            raise TooLarge(most=LONGEST_LINE)
        try:
            line = raw.decode()
        except UnicodeDecodeError:
            raise _refused(number, "not-utf8", "Is not UTF-8.") from None
        yield number, line.removeprefix("\ufeff") if number == 1 else line


def _jsonl(file: IO[bytes]) -> Iterator[Line]:
    for number, line in _lines(file):
        if not line.strip():
            continue
        try:
            yield Line(number, _settled(strictness.read(line, what="The line")))
        except AtlasError as error:
            yield Line(number, errors=[_entry("", error.slug(), str(error))])


def _csv(file: IO[bytes]) -> Iterator[Line]:
    reader = csv.reader((line for _, line in _lines(file)), strict=True)
    header: list[str] | None = None
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            raise _refused(number, "malformed", "Is not CSV as in RFC 4180.") from None
        if header is None:
            header = _header(cells)
        elif cells:
            yield _row(number, header, cells)


def _header(cells: list[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    errors = [
        _entry(f"/file/1/{name[:40]}", "unknown-field", f"There is no column {name!r:.60}.")
        for name in names
        if name not in MEMBERS and name not in BESIDE and not name.startswith(PAST)
    ]
    errors += [
        _entry(f"/file/1/{name}", "required", "The column is missing.") for name in BESIDE[:2] if name not in names
    ]
    twice = sorted({name for name in names if names.count(name) > 1})
    errors += [_entry(f"/file/1/{name[:40]}", "repeated", "The column stands there twice.") for name in twice]
    if errors:
        raise Validation(errors=errors[:20])
    return names


def _row(number: int, header: list[str], cells: list[str]) -> Line:
    if len(cells) != len(header):
        detail = f"Has {len(cells)} cells, and the header {len(header)}."
        return Line(number, errors=[_entry("", "ragged", detail)])
    row = Line(number, {"content": {}})
    typed = {name: plain(cell) for name, cell in zip(header, cells, strict=True) if cell and not name.startswith(PAST)}
    kind = typed.get("kind", "")
    for name, cell in typed.items():
        place, pointer = (row.given, f"/{name}") if name in BESIDE else (row.given["content"], f"/content/{name}")
        if len(cell) > LONGEST_CELL:
            row.errors.append(_entry(pointer, "not-maxlength", f"A cell has at most {LONGEST_CELL} characters."))
        elif "\x00" in cell:
            row.errors.append(_entry(pointer, "control-character", "Text must not contain NUL."))
        else:
            _put(row, place, name, cell, pointer=pointer, kind=kind)
    row.given = None if row.errors else _settled(row.given)
    return row


def _settled(given: Any) -> Any:
    """In the canonical form, so that one name has one spelling; raises NotCanonical."""
    found = canonical.normalise(given)
    if isinstance(found, dict) and isinstance(found.get("external_id"), str):
        found["external_id"] = found["external_id"].strip()
    return found


def _put(row: Line, place: dict[str, Any], name: str, cell: str, *, pointer: str, kind: str) -> None:
    as_text = name in BESIDE[:4] if name in BESIDE else kind not in CONTENTS or is_text(kind, name)
    try:
        place[name] = cell if as_text else strictness.read(cell, what="The cell")
    except AtlasError as error:
        row.errors.append(_entry(pointer, error.slug(), str(error)))


def _refused(number: int, code: str, detail: str) -> Validation:
    return Validation(errors=[_entry(f"/file/{number}", code, f"Line {number}: {detail}")])


def _entry(pointer: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": pointer, "code": code, "detail": detail}
