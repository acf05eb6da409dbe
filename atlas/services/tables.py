"""Tables that people send as evidence: CSV, judged cell by cell and written anew, so that it is a table and no more."""

import csv
import io
import re
from collections.abc import Iterator
from typing import IO

from atlas import texts, validation
from atlas.claim_files import COMPUTED
from atlas.errors import Malformed, TooLarge, Validation

MEDIA_TYPE = "text/csv"
LARGEST = 1 << 20  # bytes of a file
MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 10_000, 100, 1_000
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|nan)", re.IGNORECASE | re.ASCII)


def rewritten(file: IO[bytes]) -> bytes:
    """The same table as UTF-8, a comma between cells and a line feed behind rows.

    Raises TooLarge, Malformed for what is no CSV, and Validation with the row and the column of every fault, from 0.
    """
    raw = file.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise TooLarge(most=LARGEST)
    rows = _rows(raw)
    if faults := list(_faults(rows)):
        raise Validation(errors=faults[: validation.MOST_ERRORS])
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode()


def _rows(raw: bytes) -> list[list[str]]:
    try:
        text = raw.decode("utf-8-sig")
        return [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except (UnicodeDecodeError, csv.Error):
        raise Malformed(detail="The table is not CSV in UTF-8.") from None


def _faults(rows: list[list[str]]) -> Iterator[dict[str, str]]:
    if not 1 < len(rows) <= MOST_ROWS + 1:
        yield _fault("", "not-a-table", f"A table has a row of names, and 1 to {MOST_ROWS} rows below it.")
        return
    width = len(rows[0])
    if width > MOST_COLUMNS:
        yield _fault("/0", "too-many", f"A table has at most {MOST_COLUMNS} columns.")
        return
    for place, row in enumerate(rows):
        if len(row) != width:
            yield _fault(f"/{place}", "not-a-table", f"This row has {len(row)} cells, and the first has {width}.")
        for column, cell in enumerate(row):
            at = f"/{place}/{column}"
            yield from texts.faults_of_line(cell, at=at, longest=LONGEST_CELL, shortest=0)
            if cell.startswith(COMPUTED) and not NUMBER.fullmatch(cell):
                yield _fault(at, "formula", "Begins as formulas do, which spreadsheets run; only numbers may.")


def _fault(at: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": at, "code": code, "detail": detail}
