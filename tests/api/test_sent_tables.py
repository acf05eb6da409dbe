"""Tables as evidence: the cells as they were sent and nothing else, and nothing that a spreadsheet would run."""

import csv
import io
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas.errors import Malformed, Validation
from atlas.services import tables

CSV = "text/csv"
GOOD = 'angle,response\n0,"1,5"\n5,-2.5e-3\n10,é 曲\n'.encode()
REFUSED = {
    "a picture": (b"\x89PNG\r\n\x1a\n\xff", 400, None),
    "no UTF-8": ("a,b\n1,é\n".encode("latin-1"), 400, None),
    "an open quote": (b'a,b\n1,"2\n', 400, None),
    "nothing": (b"\n\n", 422, ""),
    "names only": (b"a,b\n", 422, ""),
    "too many rows": (b"a\n" + b"1\n" * (tables.MOST_ROWS + 1), 422, ""),
    "too many columns": (b",".join([b"a"] * 101) + b"\n" + b",".join([b"1"] * 101), 422, "/0"),
    "a row too short": (b"a,b\n1,2\n3\n", 422, "/2"),
    "a cell too long": (b"a,b\n1," + b"x" * 1_001, 422, "/1/1"),
    "NUL": (b"a,b\n1,\x00\n", 422, "/1/1"),
    "a line break": (b'a,b\n1,"2\n3"\n', 422, "/1/1"),
    "a turn": ("a,b\n1,\u202e2\n".encode(), 422, "/1/1"),
    "a formula": (b"a,b\n=1+1,2\n", 422, "/1/0"),
    "a formula of wide letters": ("a,b\n＝1+1,2\n".encode(), 422, "/1/0"),
    "a formula in a name": (b"a,@SUM(A1)\n1,2\n", 422, "/0/1"),
    "a formula like a number": (b"a,b\n1,-2+cmd|'/c calc'!A1\n", 422, "/1/1"),
}
cells = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn", "Zl", "Zp"]), max_size=12)


@pytest.fixture
def send(as_alice):
    """Alice sends a table."""
    return lambda data, declared=CSV: as_alice.ask("POST", "artifacts", data, content_type=declared)


@pytest.mark.django_db
@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_refused_with_the_cell(name, send):
    data, status, pointer = REFUSED[name]
    answer = send(data)
    assert answer.status_code == status
    assert pointer is None or answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.django_db
def test_a_table_is_kept_shown_and_downloaded(send, world, as_alice, anybody):
    """Never as something a browser would open."""
    kept = send(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n"), f"{CSV}; charset=utf-8").json()
    assert (kept["media_type"], kept["url"]) == (CSV, f"/a/{kept['sha256']}.csv")
    assert send(GOOD).json() == kept
    assert anybody.get(f"artifacts/{kept['sha256']}").status_code == 404
    content = {"method": "SX", "artifacts": [kept["sha256"]], "alt_text": "Angle and response."}
    at = f"footholds/{world.foothold.accession}/evidence"
    assert as_alice.post(at, {"content": content}).status_code == 201
    shown = anybody.client.get(kept["url"])
    assert b"".join(shown) == GOOD
    assert shown["Content-Disposition"].startswith("attachment")
    assert send(b"x" * (tables.LARGEST + 1)).status_code == 413


@given(rows=st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), min_size=2)))
def test_cells_are_what_they_were(rows):
    """Whatever is taken is read back the same, and taken again as the same bytes."""
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(rows)
    with suppress(Validation, Malformed):
        kept = tables.rewritten(io.BytesIO(written.getvalue().encode()))
        assert list(csv.reader(io.StringIO(kept.decode(), newline=""))) == rows
        assert tables.rewritten(io.BytesIO(kept)) == kept
        assert not any(cell.startswith("=") for row in rows for cell in row)


@given(number=st.floats())
def test_numbers_are_no_formulas(number):
    tables.rewritten(io.BytesIO(f"x\n{number}\n".encode()))
