"""Bodies that lie, explode or say two things at once: refused by name, and nothing of them stays."""

import json

import pytest

from api import urls
from api.uploads import UploadEndpoint
from atlas import problems, validation
from atlas.errors import NoSuchProbe
from tests.api.conftest import question, rows
from tests.api.test_every_route import at

pytestmark = pytest.mark.django_db
# What is sent as a file is judged in test_uploads.
WRITING = [
    str(route.pattern)
    for route in urls.urlpatterns
    if hasattr(route.callback.cls, "post") and not issubclass(route.callback.cls, UploadEndpoint)
]
GOOD = json.dumps(question()).encode()
MALFORMED = {
    "half": (b'{"a":', "malformed"),
    "not JSON": (b"checkpoint=toy&probe=x", "malformed"),
    "two values": (b"{}{}", "malformed"),
    "single quotes": (b"{'a': 1}", "malformed"),
    "comment": (b"{} // done", "malformed"),
    "invalid UTF-8": (b'{"a": "\xff"}', "malformed"),
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "malformed"),
    "byte order mark": (b"\xef\xbb\xbf{}", "malformed"),
    "NaN": (b'{"a": NaN}', "malformed"),
    "Infinity": (b'{"a": -Infinity}', "malformed"),
    "raw control character": (b'{"a": "\x01"}', "malformed"),
    "5,000 digits": (b'{"a": ' + b"9" * 5_000 + b"}", "malformed"),
    "33 deep": (b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}", "too-deep"),
    "1,000 deep": (b"[" * 1_000 + b"]" * 1_000, "too-deep"),
    "100,000 deep": (b"[" * 100_000, "too-deep"),
    "100,000 objects deep": (b'{"a":' * 100_000, "too-deep"),
    "duplicate key": (b'{"probe": "x", "probe": "y"}', "duplicate-key"),
    "duplicate key within": (b'{"params": {"a": 1, "a": 1}}', "duplicate-key"),
    "duplicate key, escaped": (b'{"a": 1, "\\u0061": 2}', "duplicate-key"),
}
UNACCEPTABLE = {
    "null": (b"null", "validation"),
    "list": (b"[1, 2]", "validation"),
    "text": (b'"question"', "validation"),
    "number": (b"7", "validation"),
    "true": (b"true", "validation"),
    "unknown field": (b'{"colour": "red"}', "validation"),
    "read-only fields": (b'{"id": 1, "state": "done", "fingerprint": "a", "owner": 1}', "validation"),
    "NUL": (b'{"a": "\\u0000"}', "control-character"),
    "NUL in a key": (b'{"\\u0000": 1}', "control-character"),
    "lone surrogate": (b'{"a": "\\ud800"}', "control-character"),
    "lone surrogate twice as a key": (b'{"\\ud800": 1, "\\ud800": 2}', "control-character"),
    "1,001 keys": (json.dumps({str(i): i for i in range(1_001)}).encode(), "too-many-items"),
    "10,001 items": (json.dumps({"a": [0] * 10_001}).encode(), "too-many-items"),
    "65,537 characters": (json.dumps({"a": "x" * 65_537}).encode(), "too-many-items"),
    "infinity by exponent": (b'{"a": 1e999}', "not-canonical"),
    "400 digits": (b'{"a": ' + b"9" * 400 + b"}", "not-canonical"),
    "beyond 53 bits": (b'{"a": 9007199254740993}', "not-canonical"),
}
BODIES = {name: (400, *body) for name, body in MALFORMED.items()} | {
    name: (422, *body) for name, body in UNACCEPTABLE.items()
}
every_writing_route = pytest.mark.parametrize("route", WRITING)


@every_writing_route
def test_a_hostile_body_is_refused_and_leaves_nothing(route, world, as_operator, artifact_folder):
    before, files = rows(), sorted(artifact_folder.rglob("*"))
    for name, (status, body, slug) in BODIES.items():
        answer = as_operator.post(at(route, world.places), body)
        assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}"), name
        assert len(answer.content) < 8_000, name
    assert rows() == before
    assert sorted(artifact_folder.rglob("*")) == files


@every_writing_route
def test_only_json_in_utf8_is_read(route, world, as_operator):
    before = rows()
    strange = ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml"]
    strange += ["application/json; charset=utf-16", "application/json; charset=nope", "x", ";;;", "application/jsonp"]
    for content_type in [*strange, ""]:
        answer = as_operator.post(at(route, world.places), GOOD, content_type=content_type)
        assert answer.status_code == 415, content_type
    assert rows() == before


@every_writing_route
def test_nothing_is_unpacked(route, world, as_operator):
    for encoding in ("gzip", "br", "deflate", "identity, gzip"):
        answer = as_operator.post(at(route, world.places), GOOD, headers={"Content-Encoding": encoding})
        assert answer.status_code == 415


@every_writing_route
def test_a_body_may_have_a_mebibyte_and_not_a_byte_more(route, world, as_operator, settings):
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    filled = GOOD + b" " * (most - len(GOOD))
    assert as_operator.post(at(route, world.places), filled).status_code != 413
    for content_type in ("application/json", "application/x-www-form-urlencoded"):
        answer = as_operator.post(at(route, world.places), filled + b" ", content_type=content_type)
        assert answer.status_code in (413, 415)
    assert as_operator.post(at(route, world.places), filled + b" ").json()["most"] == most


def test_json_by_any_of_its_names_is_read(world, as_alice):
    for content_type in ("application/json", "application/json;charset=utf-8", 'Application/JSON; Charset="UTF-8"'):
        assert as_alice.post("jobs", GOOD, content_type=content_type).status_code == 200


def test_no_body_is_not_an_empty_question(world, as_alice):
    for length in ("", "0", None, "many"):
        answer = as_alice.post("jobs", b"", CONTENT_LENGTH=length)
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed"), length


def test_what_is_refused_comes_back_in_small_pieces_only(world, as_alice):
    marked = "Zq" * 5_000
    for body in (
        question(marked),
        question(probe=marked),
        question(subject=marked),
        question(subject=[{"unit": marked, "weight": 1}]),
        question(subject={"layer": marked}),
        question(subjects=[marked] * 50),
        question(site=marked),
        question(params={marked: 1}),
        question(params={"polarity": marked, "steps": marked}),
        {**question(), marked: 1},
    ):
        text = as_alice.post("jobs", body).content.decode()
        assert "Zq" * 101 not in text
        assert len(text) < 10_000


class Counted(str):
    """A text that counts how often it is compared."""

    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        Counted.comparisons += 1
        return str.__eq__(self, other)


def test_a_repeated_item_is_found_in_one_pass():
    """The library's own way compares all pairs once two kinds are mixed: 50 million for a list as long as may be."""
    items = [value for index in range(500) for value in (index, Counted(index))]
    assert validation.faults(items, {"type": "array", "uniqueItems": True}) == []
    assert Counted.comparisons <= len(items)
    [fault] = validation.faults([*items, "7"], {"type": "array", "uniqueItems": True})
    assert fault["code"] == "not-uniqueitems"


def test_a_fact_of_a_problem_is_short_whoever_gave_it():
    facts = problems.document(NoSuchProbe(probe="x" * 5_000, probes="y" * 5_000))
    assert (len(facts["probe"]), len(facts["probes"])) == (200, 200)
