"""Files that lie, explode or are merely wrong: what is wrong is named by line, field and rule, and the rest goes on."""

import csv
import io
import json

import pytest

from atlas import claim_files
from atlas.errors import AtlasError, TooLarge, TooManyItems, Validation
from atlas.models import ImportRow
from atlas.services import terms
from tests.api.conftest import rows
from tests.importing import EVIDENCE, FAMILY, codes, described, outcomes

pytestmark = pytest.mark.django_db

GOOD = json.dumps(described(1)).encode() + b"\n"
HEADER = b"external_id,kind,neuron,title\n"
SPOKEN = {"claim": "nothing", "role": "supports"}
ROWS = {
    "no JSON": (b"{\n", ("", "malformed")),
    "NUL": (b'{"external_id": "a\0"}\n', ("", "malformed")),
    "escaped NUL": (b'{"external_id": "a\\u0000"}\n', ("", "control-character")),
    "surrogate": (b'{"external_id": "\\ud800"}\n', ("", "control-character")),
    "1e309": (b'{"external_id": 1e309}\n', ("", "not-canonical")),
    "NaN": (b'{"external_id": NaN}\n', ("", "malformed")),
    "duplicate key": (b'{"kind": 1, "kind": 2}\n', ("", "duplicate-key")),
    "deep": (b"[" * 40 + b"]" * 40 + b"\n", ("", "too-deep")),
    "very deep": (b"[" * 100_000 + b"\n", ("", "too-deep")),
    "no object": (b"null\n", ("", "not-type")),
    "unknown field": (json.dumps({**described(1), "author": "x"}).encode(), ("/author", "unknown-field")),
    "no id": (json.dumps({**described(1), "external_id": " "}).encode(), ("/external_id", "not-minlength")),
    "long id": (json.dumps({**described(1), "external_id": "x" * 201}).encode(), ("/external_id", "not-maxlength")),
    "bidi id": (json.dumps({**described(1), "external_id": "\u202ex"}).encode(), ("/external_id", "bidi-override")),
    "bidi title": (json.dumps(described(2, "\u202ex")).encode(), ("/content/title", "bidi-override")),
    "unknown term": (
        json.dumps(described(3, terms=[{"term": "no", "polarity": "detects"}])).encode(),
        ("/content/terms/0/term", "not-found"),
    ),
    "no checkpoint": (
        json.dumps({**described(4), "checkpoint": "no"}).encode(),
        ("/checkpoint", "no-such-checkpoint"),
    ),
    "rule": (
        json.dumps({**FAMILY, "content": {**FAMILY["content"], "items": [{"unit": "mixed:1"}] * 2}}).encode(),
        ("/content/items/1", "FH0007"),
    ),
    "evidence of nothing": (
        json.dumps({**EVIDENCE, "speaks_of": [{"claim": "nothing", "role": "supports"}]}).encode(),
        ("/speaks_of/0/claim", "no-such-foothold"),
    ),
    "bidi note": (
        json.dumps({**EVIDENCE, "external_id": "e", "speaks_of": [{**SPOKEN, "note": "\u202ex"}]}).encode(),
        ("/speaks_of/0/note", "bidi-override"),
    ),
    "speaking description": (
        json.dumps({**described(5), "speaks_of": [{"claim": "x", "role": "supports"}]}).encode(),
        ("/speaks_of", "not-fitting"),
    ),
}


def test_a_row_that_is_wrong_is_named_and_the_others_go_on(preview):
    every = [(body if body.endswith(b"\n") else body + b"\n") for body, _ in ROWS.values()]
    batch = preview(b"".join([*every, b"\n", json.dumps(described(7)).encode()]))
    assert dict(zip(ROWS, [found[0] for found in codes(batch)[:-1]], strict=True)) == {
        name: fault for name, (_, fault) in ROWS.items()
    }
    last = batch.rows.last()
    assert (last.line, last.judged) == (len(ROWS) + 2, "created")


FILES = {
    "nothing": (b"", "jsonl", "/file/1"),
    "blank": (b"\n\n", "jsonl", "/file/1"),
    "Latin-1 on line 2": (GOOD + b'"\xe9"\n', "jsonl", "/file/2"),
    "no rows": (HEADER, "csv", "/file/1"),
    "unknown column": (b"external_id,kind,author\n", "csv", "/file/1/author"),
    "no id column": (b"kind,title\n", "csv", "/file/1/external_id"),
    "a column twice": (b"external_id,kind,title,title\n", "csv", "/file/1/title"),
    "open quote": (HEADER + b'a,description,"mixed:1,x\n', "csv", "/file/2"),
    "Latin-1 in line 3": (HEADER + b"a,description,mixed:1,x\nb,\xe9\n", "csv", "/file/3"),
    "a cell of 200,000": (HEADER + b"a,description,mixed:1," + b"x" * 200_000 + b"\n", "csv", "/file/2"),
}


@pytest.mark.parametrize(("body", "form", "pointer"), FILES.values(), ids=list(FILES))
def test_a_file_that_is_wrong_is_refused_by_its_line_and_leaves_nothing(body, form, pointer, preview):
    before = rows()
    with pytest.raises(Validation) as caught:
        preview(body, form=form)
    assert caught.value.errors[0]["pointer"] == pointer
    assert rows() == before


ELSE = {
    "zip": (b"PK\x03\x04....", "unsupported-media-type"),
    "gzip": (b"\x1f\x8b......", "unsupported-media-type"),
    "UTF-16": ("{}".encode("utf-16"), "unsupported-charset"),
    "a line of 2 MiB": (b" " * (2 << 20), "too-large"),
}


@pytest.mark.parametrize(("body", "slug"), ELSE.values(), ids=list(ELSE))
def test_what_is_no_such_file_is_refused_by_name(body, slug, preview):
    with pytest.raises(AtlasError) as caught:
        preview(body)
    assert caught.value.slug() == slug


def test_there_are_at_most_so_many_rows(preview, monkeypatch):
    monkeypatch.setattr(claim_files, "MOST_ROWS", 3)
    assert preview([described(number) for number in range(3)]).size == 3
    with pytest.raises(TooManyItems, match="more than 3 rows"):
        preview([described(number) for number in range(4)])


def test_a_hundred_thousand_rows_are_refused_before_they_are_kept():
    file = io.BytesIO(b"{}\n" * 100_000)
    with pytest.raises(TooManyItems, match="50000 rows"):
        list(claim_files.read(file, form="jsonl"))
    with pytest.raises(TooLarge):
        list(claim_files.read(io.BytesIO(b"x" * (claim_files.LONGEST_LINE + 1)), form="csv"))


def test_bom_and_any_line_ends_are_read(preview):
    body = b"\xef\xbb\xbf" + HEADER.replace(b"\n", b"\r\n") + b'a,description,mixed:1,"two, ""three"""\r\n'
    batch = preview(body + b"b,description,mixed:2,x\n", form="csv")
    assert outcomes(batch, "judged") == ["created", "created"]
    assert batch.rows.first().given["content"]["title"] == 'two, "three"'
    assert outcomes(preview(b"\xef\xbb\xbf" + GOOD.replace(b"\n", b"\r\n"), source="other"), "judged") == ["created"]


def test_cells_are_what_their_kind_says(preview, ana):
    terms.create(actor=ana, slug="curve", label="curve")
    file = io.StringIO()
    table = csv.writer(file)
    table.writerow(["external_id", "kind", "neuron", "title", "confidence", "terms", "sign", "record.state"])
    said = '[{"term": "curve", "polarity": "detects"}]'
    table.writerow(["a", "description", "mixed:1", "'=1+1", "4", said, "", "accepted"])
    table.writerow(["b", "description", "mixed:1", "'round'", "four", "", "", ""])
    table.writerow(["c", "description", "mixed:1", "x", "", "", "+", ""])
    table.writerow(["d", "description", "x" * 33_000, "x", "", "", "", ""])
    table.writerow(["e", "description"])
    batch = preview(file.getvalue().encode(), form="csv")
    content = batch.rows.first().given["content"]
    assert content == {"neuron": "mixed:1", "title": "=1+1", "confidence": 4, "terms": json.loads(said)}
    assert codes(batch) == [
        [],
        [("/content/confidence", "malformed")],
        [("/content/sign", "unknown-field")],
        [("/content/neuron", "not-maxlength")],
        [("", "ragged")],
    ]
    assert ImportRow.objects.filter(given__isnull=True).count() == 3
