"""The hostile bodies, J01 to J34, at every door that reads JSON, by session and by token: refused, and nothing stays.

What holds for each refusal is asserted by the client (`contract.require_problem`), what holds after it by `untouched`.
"""

import json

import pytest

from tests.api.conftest import question
from tests.api.doors import GOOD, TITLES, doors_of
from tests.api.test_visibility import without_the_name

pytestmark = pytest.mark.django_db
BIG, LONG = 100_000, 5_000
READ_ONLY = ("id", "author", "version", "state", "created_at", "is_staff", "is_superuser", "quota", "owner", "role_id")
FLOODS = ["x\ufffe", "a" + "\u0301" * 10_000, "a" + "\u200d" * 60, "\u202ex", "a\u2066b\u2069"]
PROSE = ("reason", "text", "body", "rationale", "definition")
URLS = ("http://127.0.0.1:9/", "file:///etc/passwd", "gopher://a/", "https://①②⑦.⓪.⓪.①/", "http://[::1]/", "data:,x")

# By entry: bodies, the status, and the problems that may say why.
BODIES = {
    "J02": ([b"{", b'{"a":', b"{}{}", b"{'a': 1}", b"{} // done", b"a=1&b=2", b'{"a": "\x01"}'], 400, "malformed"),
    "J02 not JSON's numbers": ([b'{"a": NaN}', b'{"a": -Infinity}', b'{"a": 01}', b'{"a": .5}'], 400, "malformed"),
    "J04": ([b'{"a": "\xff"}', b'{"\xed\xa0\x80": 1}', '{"a": 1}'.encode("utf-16"), b"\x80"], 400, "malformed"),
    "J05": ([b"\xef\xbb\xbf{}"], 400, "malformed"),
    "J08": (
        [
            b'{"a": ' + b"[" * 32 + b"]" * 32 + b"}",
            b"[" * 1_000 + b"]" * 1_000,
            b"[" * BIG,
            b'{"a":' * BIG,
            b'{"a":[' * 5_000 + b"]}" * 5_000,
        ],
        400,
        "too-deep",
    ),
    "J10": (
        [json.dumps({str(i): i for i in range(1_001)}).encode(), json.dumps({"a": [0] * BIG}).encode()],
        422,
        "too-many-items",
    ),
    "J10 a long text": ([json.dumps({"a": "x" * 65_537}).encode()], 422, "too-many-items"),
    "J11": (
        [b'{"a": 1, "a": 2}', b'{"a": {"b": 1, "b": 1}}', b'{"a": 1, "\\u0061": 2}', b'{"a": [{"b": 1, "b": 2}]}'],
        400,
        "duplicate-key",
    ),
    "J13": ([b'{"a": 1e999}', b'{"a": -1e400}', b'{"a": 9007199254740993}'], 422, "not-canonical"),
    "J13 400 digits": ([b'{"a": ' + b"9" * 400 + b"}"], 422, "not-canonical"),
    "J14": ([b'{"a": ' + b"9" * LONG + b"}", b'{"a": -' + b"1" * LONG + b"}"], 400, "malformed"),
    "J19": ([b'{"a": "\\u0000"}', b'{"\\u0000": 1}', b'{"a": ["x\\u0000y"]}'], 422, "control-character"),
    "J20": ([b'{"a": "\\ud800"}', b'{"a": "x\\udfff"}', b'{"\\ud800": 1, "\\ud800": 2}'], 422, "control-character"),
    "J25": ([b'{"colour": "red"}', b'{"": 1}', b'{"__class__": {}, "a/b~c": 1}'], 422, "validation"),
    "J25 no object": ([b"null", b"[]", b"[1, 2]", b'"text"', b"7", b"true"], 422, "validation"),
    "J26": ([json.dumps({name: 1}).encode() for name in READ_ONLY], 422, "validation"),
    "J34 10,000 nulls": ([json.dumps(dict.fromkeys(map(str, range(10_000)))).encode()], 422, "too-many-items"),
    "U": ([json.dumps({name: url}).encode() for name in ("import_url", "source") for url in URLS], 422, "validation"),
}  # fmt: skip
KINDS = {
    "J07": (["application/json; charset=nope", "application/json; charset=utf-16"], "unsupported-charset"),
    "J34 JSON Patch": (["application/json-patch+json", "application/merge-patch+json"], "unsupported-media-type"),
    "A13": (
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "x", ";;;"],
        "unsupported-media-type",
    ),
}  # fmt: skip


@pytest.fixture
def doors(world, operator):
    """Every door, by session and by token."""
    return doors_of(world, operator)


@pytest.fixture
def taking(doors):
    """Those that take a body."""
    return [door for door in doors if door.good is not None]


def slug_of(answer) -> str:
    """Which problem it is."""
    return answer.json()["type"].removeprefix("/problems/")


def test_every_door_that_takes_something_says_what(doors, taking):
    assert {(door.route, door.method) for door in taking} == set(GOOD)
    for door in taking:
        assert set(door.good) <= set(door.schema["properties"]), door
    assert len(doors) > len(taking) > 0


@pytest.mark.parametrize("entry", BODIES)
def test_a_body_that_lies_or_explodes(entry, doors, untouched):
    bodies, status, slug = BODIES[entry]
    for door in doors:
        for body in bodies[:1] if "Authorization" in door.headers else bodies:
            answer = door.knock(body)
            assert (answer.status_code, slug_of(answer)) == (status, slug), f"{door}: {body[:60]!r}"
            assert len(answer.content) < 8_000
            if entry in ("J25", "J26", "U"):
                assert {error["code"] for error in answer.json()["errors"]} <= {"unknown-field", "required"}


def test_no_body_is_no_empty_object(taking, untouched):
    """J01."""
    for door in taking:
        for length in ("", "0", None, "many"):
            answer = door.knock(b"", CONTENT_LENGTH=length)
            assert (answer.status_code, slug_of(answer)) == (400, "malformed"), door


@pytest.mark.parametrize("entry", KINDS)
def test_a_body_of_another_kind(entry, doors, untouched):
    kinds, slug = KINDS[entry]
    for door in doors:
        for kind in kinds:
            answer = door.knock(door.good or {}, content_type=kind)
            assert (answer.status_code, slug_of(answer)) == (415, slug), f"{door}: {kind}"


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "identity, gzip", "x"])
def test_nothing_is_unpacked(encoding, doors, untouched):
    """H13."""
    for door in doors:
        answer = door.knock(door.good or {}, headers={"Content-Encoding": encoding})
        assert (answer.status_code, slug_of(answer)) == (415, "unsupported-media-type"), door


def test_a_body_has_at_most_a_mebibyte(doors, untouched, settings):
    """And not a byte more, of whatever kind."""
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    for door in doors:
        body = b'{"unknown": 1}'
        assert door.knock(body + b" " * (most - len(body))).status_code == 422, door
        too_large = door.knock(body + b" " * (most + 1 - len(body)))
        assert (too_large.status_code, slug_of(too_large), too_large.json()["most"]) == (413, "too-large", most), door


def test_a_field_of_another_type(taking, untouched):
    """J16, J17, J34: nothing is taken for what it is not; `1.0` alone is 1, for JSON and for every fingerprint."""
    wrong = {
        "integer": [True, 1.5, "1", None, [], {}, 10**12, -1],
        "string": [12, 1.5, True, None, [], {}],
        "array": ["read", {}, 1, None],
        "object": ["x", [], 1, None],
    }
    for door in taking:
        for kind, values in wrong.items():
            for name in door.fields(kind):
                for value in values:
                    answer = door.knock({**door.good, name: value})
                    assert (answer.status_code, slug_of(answer)) == (422, "validation"), f"{door}: {name}={value}"
                    assert f"/{name}" in str(answer.json()["errors"]), f"{door}: {name}={value}"


def test_what_is_required_is_missing(taking, untouched):
    """J34: by its absence as by null; each is named."""
    for door in (door for door in taking if door.schema.get("required")):
        answer = door.knock({})
        named = {error["pointer"][1:] for error in answer.json()["errors"] if error["code"] == "required"}
        assert named >= set(door.schema["required"]), door


def test_an_object_that_holds_nothing(taking):
    """It is what it is, or refused; never taken for one that was not given."""
    for door in taking:
        for name in door.fields("object"):
            answer = door.knock({name: {}, **{other: value for other, value in door.good.items() if other != name}})
            assert answer.status_code in (200, 201, 202, 422), f"{door}: {name}"


def test_text_that_misleads(taking, untouched):
    """J22, J23: in a title by the policy for texts; where something is named, there is nothing of that name."""
    for door in (door for door in taking if not door.denied):
        for name in door.fields("string"):
            # Running text is turned in its own box; it is kept as it was written.
            running = name in PROSE or (door.route, name) == ("checkpoints/<str:slug>", "summary")
            for text in FLOODS[:3] if running else FLOODS:
                answer = door.knock({**door.good, name: text})
                assert answer.status_code == 422, f"{door}: {name}={text[:20]!a}"
                if (door.route, door.method, name) in TITLES and len(text) < 80:
                    assert slug_of(answer) == "text-policy", f"{door}: {text!a}"
                    assert [error["pointer"] for error in answer.json()["errors"]] == [f"/{name}"]


@pytest.mark.parametrize(("route", "method", "name"), TITLES)
def test_a_name_is_as_long_as_it_may_be(route, method, name, doors):
    """At the limit, and one more."""
    door = next(door for door in doors if (door.route, door.method) == (route, method) and not door.denied)
    longest = door.schema["properties"][name]["maxLength"]
    assert door.knock({**door.good, name: "é" * (longest + 1)}).status_code == 422
    assert door.knock({**door.good, name: "é" * longest}).status_code in (200, 201)


HIDDEN = {
    ("jobs", "checkpoint"): ("secret", "sacred"),
    ("tokens", "team"): ("lab", "bal"),
}


@pytest.mark.parametrize(("route", "field"), HIDDEN)
def test_what_is_hidden_is_named_like_what_is_not_there(route, field, hidden, as_bob):
    """J28: to the byte."""
    there, nowhere = (as_bob.post(route, {**GOOD[route, "POST"], field: name}) for name in HIDDEN[route, field])
    assert there.status_code == nowhere.status_code == 422
    assert without_the_name(there, HIDDEN[route, field][0]) == without_the_name(nowhere, HIDDEN[route, field][1])


COSTLY = {
    "steps": {"params": {"steps": 10**9}},
    "size": {"params": {"size": 10**5}},
    "negative": {"params": {"steps": -1}},
    "NaN": {"params": {"rate": "NaN"}},
    "every seed": {"params": {"seeds": [*range(9_999), "x"]}},
    "marks": {"params": {"polarity": "\u0300\u0316" * 30_000}},
    "out of range": {"subject": "edges:4"},
    "huge channel": {"subject": "edges:" + "9" * 30},
    "dunder": {"subject": "__class__:0"},
    "dunder layer": {"subject": {"layer": "__class__"}},
    "weight": {"subject": [{"unit": "edges:0", "weight": 1001}]},
    "many units": {"subject": [{"unit": f"edges:{i}", "weight": 1} for i in range(9)]},
    "many subjects": {"subjects": ["edges:0"] * 2_001},
    "site": {"site": "__class__"},
    "probe": {"probe": "../../etc/passwd"},
}


@pytest.mark.parametrize("kind", COSTLY)
def test_nobody_asks_for_more_than_there_is(kind, doors, untouched):
    """J29."""
    for door in (door for door in doors if (door.route, door.method) == ("jobs", "POST")):
        answer = door.knock(question(**COSTLY[kind]))
        assert (answer.status_code, slug_of(answer)) == (422, "validation"), answer.content
        assert answer.json()["errors"][0]["pointer"].startswith(f"/{next(iter(COSTLY[kind]))}")
