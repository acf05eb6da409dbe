"""Files of claims over HTTP: previewed, committed by several calls, undone and redone; and what the door refuses."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from atlas import claim_files
from atlas.models import Foothold, Import, Scope
from atlas.services import imports, tokens
from tests.api.conftest import rows
from tests.api.test_matrix import Script
from tests.api.uploading import ABSENT, MULTIPART, part
from tests.importing import DESCRIBED, form, jsonl

pytestmark = pytest.mark.django_db


def described(number):
    """A row."""
    content = {"neuron": f"mixed:{number % 12}", "title": f"Claim {number}"}
    return {"external_id": f"n{number}", "kind": "description", "content": content}


def send(api, every, **more):
    """The import that a file becomes."""
    headers = {**api.headers, **more.pop("headers", {})}
    answer = api.post("imports", form(file=jsonl(every), **more), content_type=MULTIPART, headers=headers)
    assert answer.status_code == 201, answer.content
    assert answer["Location"] == f"/api/v1/imports/{answer.json()['id']}"
    return answer.json()


def carry_through(api, path, found=None):
    """The import once a step of it has been asked for as often as it takes; `found` is the answer that began it."""
    while found is None or found["remaining"]:
        found = api.post(path).json()
    return found


def test_from_the_file_to_the_undo_of_the_undo(checkpoint, as_alice):
    batch = send(as_alice, [*map(described, range(5)), {"external_id": "x"}])
    assert (batch["state"], batch["judged"], batch["outcome"]) == ("staged", {"created": 5, "refused": 1}, {})
    at = f"imports/{batch['id']}"
    [wrong] = as_alice.walk(f"{at}/rows?judged=refused")
    assert (wrong["line"], {error["pointer"] for error in wrong["errors"]}) == (6, {"/kind", "/content"})
    assert as_alice.post(f"{at}/commit").json()["outcome"] == {"created": 5, "refused": 1}
    made = as_alice.walk(f"{at}/rows?outcome=created&limit=2")
    assert [row["version"] for row in made] == [1] * 5
    assert as_alice.get(f"footholds/{made[0]['foothold']}").json()["state"] == "proposed"
    assert as_alice.post(f"{at}/undo").json()["reversal"] == {"withdrawn": 5}
    assert as_alice.post(f"{at}/redo").json()["reversal"] == {"redone": 5}
    assert as_alice.post(f"{at}/redo").status_code == 409
    assert send(as_alice, map(described, range(5)))["judged"] == {"unchanged": 5}


def test_what_does_not_get_done_in_time_is_done_by_the_next_call(checkpoint, as_alice, monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 2)
    headers = {**as_alice.headers, "Prefer": "wait=0"}
    batch = send(as_alice, map(described, range(5)), headers=headers)
    assert (batch["state"], batch["remaining"]) == ("judging", 3)
    at = f"imports/{batch['id']}"
    assert as_alice.post(f"{at}/commit", headers=headers).status_code == 409
    seen = [as_alice.post(f"{at}/{step}", headers=headers).json() for step in ("judge", "judge", *["commit"] * 3)]
    assert [(it["state"], it["remaining"]) for it in seen] == [
        ("judging", 1),
        ("staged", 0),
        ("committing", 3),
        ("committing", 1),
        ("committed", 0),
    ]
    assert Foothold.objects.count() == 5


def test_a_token_to_import_is_enough_and_one_to_write_is_not(checkpoint, user):
    script = Script(tokens.create(owner=user, name="i", scopes=[Scope.IMPORT, Scope.READ])[1])
    batch = send(script, [DESCRIBED])
    for step in ("commit", "undo", "redo"):
        assert script.post(f"imports/{batch['id']}/{step}").status_code == 200
    assert script.post("footholds", {"kind": "link", "content": {}}).json()["scope"] == "write"
    other = Script(tokens.create(owner=user, name="w", scopes=[Scope.WRITE, Scope.READ])[1])
    refused = other.post("imports", form(), content_type=MULTIPART)
    assert (refused.status_code, refused.json()["scope"]) == (403, "import")


def test_the_same_key_imports_once(checkpoint, as_alice):
    headers = {"Idempotency-Key": "k"}
    first, again = (send(as_alice, [DESCRIBED], headers=headers) for _ in range(2))
    assert first == again
    assert Import.objects.count() == 1
    other = as_alice.post("imports", form(source="x"), content_type=MULTIPART, headers={**as_alice.headers, **headers})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/key-reused")


WRONG = {
    "no source": (form(source=ABSENT), "/source"),
    "empty source": (form(source=" "), "/source"),
    "no file": (form(file=ABSENT), "/file"),
    "file as text": (form(part("file", "text"), file=ABSENT), "/file"),
    "two files": (form(part("file", b"w", filename="again")), "/file"),
    "another file": (form(part("more", b"w", filename="x")), "/more"),
    "unknown part": (form(import_url="http://127.0.0.1/"), "/import_url"),
    "unknown format": (form(format="xlsx"), "/format"),
    "team that is none": (form(team="nowhere"), "/team"),
    "checkpoint that is none": (form(checkpoint="nowhere"), "/checkpoint"),
    "hidden checkpoint": (form(checkpoint="secret"), "/checkpoint"),
    "not a table": (form(format="csv"), '/file/1/{"external_id": "a"'),
    "no text": (form(file=b'"\xff"\n'), "/file/1"),
    "no rows": (form(file=b"\n"), "/file/1"),
}


def test_what_is_wrong_with_a_file_leaves_nothing(hidden, checkpoint, as_bob):
    before = rows()
    for name, (body, pointer) in WRONG.items():
        answer = as_bob.post("imports", body, content_type=MULTIPART)
        assert answer.status_code == 422, name
        assert answer.json()["errors"][0]["pointer"].replace("~1", "/") == pointer, name
    for file, status in ((b"PK\x03\x04", 415), (b"\x1f\x8b\x08", 415), ("{}".encode("utf-16"), 415)):
        assert as_bob.post("imports", form(file=file), content_type=MULTIPART).status_code == status
    mismatch = as_bob.post("imports", form(checkpoint=ABSENT, sha256="0" * 64), content_type=MULTIPART)
    assert mismatch.json()["type"] == "/problems/digest-mismatch"
    huge = as_bob.post("imports", form(), content_type=MULTIPART, CONTENT_LENGTH=str(claim_files.LARGEST * 2))
    assert (huge.status_code, huge.json()["most"]) == (413, claim_files.LARGEST)
    assert rows() == before


def test_a_body_is_cut_where_it_grows_too_large(as_alice, monkeypatch):
    monkeypatch.setattr(claim_files, "LARGEST", 3 << 20)
    assert as_alice.post("imports", form(file=b" " * ((3 << 20) + 1)), content_type=MULTIPART).status_code == 413


def test_others_see_nothing_of_it(world, as_bob, as_alice):
    at = f"imports/{world.batch.public_id}"
    assert as_bob.get("imports").json()["items"] == []
    for path in (at, f"{at}/rows"):
        assert as_bob.get(path).status_code == 404
    assert [as_bob.post(f"{at}/{step}").status_code for step in ("judge", "commit", "undo", "redo")] == [404] * 4
    assert [it["id"] for it in as_alice.get("imports?team=alice").json()["items"]] == [str(world.batch.public_id)]
    assert as_alice.get("imports?team=lab").json()["items"] == []


def test_a_word_too_many_is_no_500(checkpoint, as_alice):
    """Whatever a row holds comes back as text, and the pages beside it still answer."""
    hostile = ["<script>alert(1)</script>", "=1+1", "x" * 200, "{0.__class__}", "%s", "'; DROP TABLE"]
    batch = send(as_alice, [{"external_id": text, "kind": text, "content": {text: text}} for text in hostile])
    assert batch["judged"] == {"refused": len(hostile)}
    found = as_alice.walk(f"imports/{batch['id']}/rows")
    assert [row["external_id"] for row in found] == hostile
    assert max(len(json.dumps(row)) for row in found) < 2_000


def test_many_rows_cost_no_more_queries_than_two(checkpoint, as_alice):
    counts = []
    for size in (2, 12):
        batch = send(as_alice, map(described, range(size)), source=f"of {size}")
        as_alice.post(f"imports/{batch['id']}/commit")
        with CaptureQueriesContext(connection) as queries:
            as_alice.get(f"imports/{batch['id']}")
            as_alice.get(f"imports/{batch['id']}/rows")
        counts.append(len(queries))
    assert counts[0] == counts[1]


def test_an_export_says_of_which_moment_it_is(world, as_alice, anybody):
    """Whoever goes on from there with the feed misses nothing."""
    for suffix in ("jsonl", "csv"):
        answer = as_alice.get(f"exports/footholds.{suffix}")
        number = int(answer["As-Of-Change"])
        assert as_alice.get(f"changes?after={number}").json()["items"] == []
        assert as_alice.get(f"changes?after={number - 1}").json()["items"] != []
        assert answer["Content-Disposition"] == f'attachment; filename="footholds.{suffix}"'
    assert anybody.get("exports/footholds.jsonl?kind=description").content.count(b"\n") == 1
    assert anybody.get("exports/footholds.csv?team=nobody").content.count(b"\n") == 1
