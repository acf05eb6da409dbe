"""Importing on pages: a file is sent, previewed with faults by line, committed, undone and redone without a script."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from atlas.models import Foothold, Import
from atlas.services import comments, imports
from tests.atlas.web.reading import faults, page_of, read
from tests.importing import DESCRIBED, jsonl

pytestmark = pytest.mark.django_db
HOSTILE = {"external_id": "<script>alert(1)</script>", "kind": "=1+1", "content": {"<b>": "{{ x }}"}}
TYPED = {"source": "<i>distill</i>", "form": "jsonl", "checkpoint": "toy", "team": "alice", "visibility": "public"}


def send(client, body, **typed):
    """The answer to a form with this file."""
    return client.post("/imports/new", {**TYPED, "file": SimpleUploadedFile("claims.jsonl", body), **typed})


def test_from_the_form_to_the_undo_of_the_undo(signed_in, checkpoint):
    answer = send(signed_in, jsonl([DESCRIBED, HOSTILE]))
    assert answer.status_code == 302
    address = answer["Location"]
    page = read(signed_in, address)
    assert faults(page) == []
    assert "1 created, 1 refused" in page.text
    assert HOSTILE["external_id"] in page.text
    for step, state in (("commit", "committed"), ("undo", "undone"), ("redo", "committed")):
        assert [form["action"] for form in page.all("form") if form["action"].endswith(step)] == [f"{address}/{step}"]
        assert signed_in.post(f"{address}/{step}").status_code == 302
        page = read(signed_in, address)
        assert f"It is {state}" in page.text
        assert faults(page) == []
    assert Foothold.objects.get().state == "proposed"
    for shown in (f"{address}?only=refused", f"{address}?after=1", "/imports", "/imports/new"):
        assert faults(read(signed_in, shown)) == []
    assert signed_in.get(f"{address}.json").json()["outcome"] == {"created": 1, "refused": 1}
    assert signed_in.get("/imports.json").json()["items"][0]["state"] == "committed"
    assert "This import is committed" in read_after(signed_in, f"{address}/commit", address).text


def test_it_says_before_that_comments_stay(signed_in, checkpoint):
    address = send(signed_in, jsonl([DESCRIBED]))["Location"]
    assert "stays where it is" not in read_after(signed_in, f"{address}/commit", address).text
    claim = Foothold.objects.get()
    comments.write(actor=claim.created_by, foothold=claim, body="So it is.")
    assert "1 comment on it stays where it is." in read(signed_in, address).text
    assert read_after(signed_in, f"{address}/undo", address).text.count("1 comment stands on what it made.") == 1
    assert signed_in.get(f"{address}.json").json()["comments"] == 1


def read_after(client, posted, address):
    """A page after something was posted."""
    client.post(posted)
    return read(client, address)


def test_what_cannot_be_used_is_said_beside_its_field(signed_in, checkpoint):
    for typed, says in (
        ({"source": ""}, "This field is required"),
        ({"checkpoint": "nowhere"}, "There is no checkpoint nowhere"),
        ({"team": "lab"}, "Select a valid choice"),
        ({"form": "csv"}, "There is no column"),
    ):
        answer = send(signed_in, jsonl([DESCRIBED]), **typed)
        assert answer.status_code == 422
        page = page_of(answer)
        assert says in page.text
        assert faults(page) == []
    assert not Import.objects.exists()


def test_a_form_without_our_token_is_refused(user, checkpoint):
    careless = Client(enforce_csrf_checks=True)
    careless.force_login(user)
    assert send(careless, jsonl([DESCRIBED])).status_code == 403
    assert not Import.objects.exists()


@pytest.mark.parametrize("query", ["only=everything", "after=x", "after=-1", "after=99999999999", "only=%00"])
def test_a_query_that_is_none_is_refused(query, signed_in, checkpoint):
    address = send(signed_in, jsonl([DESCRIBED]))["Location"]
    assert signed_in.get(f"{address}?{query}").status_code == 400


def test_what_is_under_way_can_be_gone_on_with(signed_in, checkpoint, monkeypatch):
    monkeypatch.setattr(imports, "CHUNK", 1)
    monkeypatch.setattr(imports, "SECONDS", 0)
    address = send(signed_in, jsonl([DESCRIBED, HOSTILE, HOSTILE]))["Location"]
    page = read(signed_in, address)
    assert "2 rows remain" in page.text
    offered = [form["action"].removeprefix(address) for form in page.all("form") if form["action"].startswith(address)]
    assert offered == ["/judge", "/discard"]
