"""Labels of pictures, from a table: which row says what of which file, and by its line whatever is wrong with it."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from atlas import texts, validation
from atlas.errors import Malformed, TooLarge, Validation

LARGEST = 4 << 20  # bytes of a table
MOST_ROWS = 100_000
MOST_LABELS = 100_000
LONGEST_WORD = 200
FILE = ("file",)
INDEX = ("index", "label")
WORDS = ("words", "class", "label")


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns are called; nothing for what they are called usually."""

    file: str = ""
    index: str = ""
    words: str = ""


USUAL = Columns()


@dataclass(frozen=True, slots=True)
class Labels:
    """The index of each file's label, the line that says it, and the names of the labels by index."""

    of: Mapping[str, int] = field(default_factory=dict)
    lines: Mapping[str, int] = field(default_factory=dict)
    names: tuple[str, ...] = ()

    def find(self, name: str) -> str | None:
        """How the table calls a file: by its whole name, or by the last part of it."""
        return next((it for it in (name, name.rpartition("/")[2]) if it in self.of), None)


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    file: str
    label: str
    words: str


def read(data: bytes, *, columns: Columns = USUAL) -> Labels:
    """The labels in a CSV with a row of names: the columns `file`, and `index` or `label`, a number or a word.

    Words are numbered in the order of their letters. `words`, `class` or `label`, where there is one beside the
    number, is what a label is called. Raises TooLarge, Malformed, and Validation with the line of every fault.
    """
    rows = list(_rows(data, columns))
    said = [_is_number(row.label) for row in rows if row.label]
    numbered = 2 * sum(said) >= len(said)  # by most of them, so that the few that are otherwise are the fault
    faults = [fault for row in rows for fault in _faults(row, numbered=numbered)] + list(_doubled(rows))
    faults = faults or (list(_renamed(rows)) if numbered else [])
    if faults:
        raise Validation(errors=sorted(faults, key=lambda it: int(it["pointer"][8:] or 0))[: validation.MOST_ERRORS])
    return _numbered(rows) if numbered else _worded(rows)


def refusal(detail: str) -> Validation:
    """That the table as a whole cannot be used."""
    return Validation(errors=[{"pointer": "/labels", "code": "unreadable", "detail": detail}])


def _numbered(rows: Sequence[_Row]) -> Labels:
    named = {int(row.label): row.words or str(int(row.label)) for row in rows}
    names = tuple(named.get(index, str(index)) for index in range(max(named, default=-1) + 1))
    return Labels({row.file: int(row.label) for row in rows}, {row.file: row.line for row in rows}, names)


def _worded(rows: Sequence[_Row]) -> Labels:
    names = tuple(sorted({row.label for row in rows}))
    index = {word: place for place, word in enumerate(names)}
    return Labels({row.file: index[row.label] for row in rows}, {row.file: row.line for row in rows}, names)


def _rows(data: bytes, columns: Columns) -> Iterator[_Row]:
    if len(data) > LARGEST:
        raise TooLarge(most=LARGEST)
    try:
        reader = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        read = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if row]
    except (UnicodeDecodeError, csv.Error):
        raise Malformed(detail="The labels are not CSV in UTF-8.") from None
    if len(read) < 2 or len(read) > MOST_ROWS + 1:
        raise Validation(
            errors=[_fault(1, "not-a-table", f"Needs a row of names, and 1 to {MOST_ROWS} rows below it.")]
        )
    (_, head), *rest = read
    file, index, words = _places(head, columns)
    if wrong := [(line, row) for line, row in rest if len(row) != len(head)]:
        said = [
            _fault(line, "not-a-table", f"Has {len(row)} cells, and the first row {len(head)}.") for line, row in wrong
        ]
        raise Validation(errors=said[: validation.MOST_ERRORS])
    for line, row in rest:
        yield _Row(line, row[file], row[index], "" if words is None else row[words])


def _places(head: Sequence[str], columns: Columns) -> tuple[int, int, int | None]:
    """Where the three columns are; raises Validation naming what there is."""
    said = ", ".join(head)[:300]
    found: list[int | None] = []
    for given, usual in ((columns.file, FILE), (columns.index, INDEX), (columns.words, WORDS)):
        wanted = (given,) if given else usual
        place = next((head.index(name) for name in wanted if name in head and head.index(name) not in found), None)
        if place is None and (given or usual is not WORDS):
            detail = f"Has no column {' or '.join(wanted)}; there are {said}."
            raise Validation(errors=[_fault(1, "no-column", detail)])
        found.append(place)
    file, index, words = found
    assert file is not None
    assert index is not None
    return file, index, words


def _faults(row: _Row, *, numbered: bool) -> Iterator[dict[str, str]]:
    if not row.file:
        yield _fault(row.line, "required", "Names no file.")
    if not row.label:
        yield _fault(row.line, "required", "Has no label; leave the row out where there is none.")
    elif _is_number(row.label) is not numbered:
        are = ("a word", "numbers") if numbered else ("a number", "words")
        yield _fault(row.line, "not-alike", f"“{row.label[:40]}” is {are[0]}, and most labels are {are[1]}.")
    elif numbered and int(row.label) >= MOST_LABELS:
        yield _fault(row.line, "out-of-range", f"A label must be less than {MOST_LABELS}.")
    for text in (row.file, row.label, row.words):
        found = texts.faults_of_line(text, at="", longest=LONGEST_WORD, shortest=0)
        yield from (_fault(row.line, one["code"], one["detail"]) for one in found)


def _doubled(rows: Sequence[_Row]) -> Iterator[dict[str, str]]:
    first: dict[str, int] = {}
    for row in rows:
        if row.file and first.setdefault(row.file, row.line) != row.line:
            yield _fault(row.line, "repeated", f"{row.file} stands in line {first[row.file]} already.")


def _renamed(rows: Sequence[_Row]) -> Iterator[dict[str, str]]:
    called: dict[int, _Row] = {}
    for row in rows:
        before = called.setdefault(int(row.label), row)
        if before.words != row.words:
            detail = f"Calls {row.label} “{row.words}”, and line {before.line} calls it “{before.words}”."
            yield _fault(row.line, "renamed", detail)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


def _fault(line: int, code: str, detail: str) -> dict[str, str]:
    return {"pointer": f"/labels/{line}", "code": code, "detail": f"Line {line}: {detail}"}
