"""Datasets on pages: what each is and its pictures, and pictures of one's own, sent without a script."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from atlas.dossiers import datasets as dossiers
from atlas.models import Checkpoint, Dataset, Membership, Role, Team
from tests.archived import GOOD, TABLE, archive, dataset_of
from tests.atlas.web.reading import faults, page_of, read

pytestmark = pytest.mark.django_db
TYPED = {"title": "<b>Pets</b>", "slug": "pets", "team": "lab", "visibility": "public", "licence": "CC0-1.0"}


@pytest.fixture
def curator(alice, signed_in):
    """A browser of somebody who curates a team."""
    lab = Team.objects.create(slug="lab", name="The lab")
    Membership.objects.create(team=lab, contributor=alice, role=Role.CURATOR)
    return signed_in


def send(client, pictures=None, labels=TABLE, **typed):
    """The answer to the form, filled in as usual unless said otherwise."""
    files = {"pictures": SimpleUploadedFile("a.zip", archive(GOOD) if pictures is None else pictures)}
    files |= {"labels": SimpleUploadedFile("labels.csv", labels.encode())} if labels else {}
    return client.post("/d/new", {**TYPED, **files, **typed})


def test_pictures_are_sent_and_looked_at(curator, client):
    assert faults(read(curator, "/d/new")) == []
    assert "/d/new" in {link["href"] for link in read(curator, "/d").all("a")}
    answer = send(curator)
    row = Dataset.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/d/{row.digest}")
    page = read(client, f"/d/{row.digest}")
    assert faults(page) == []
    assert "<b>Pets</b> 3 pictures with 2 labels; 1 of them has none." in page.text
    shown = [image for image in page.all("img") if image["src"].startswith("/a/")]
    bare = row.items.get(name="deep/three.webp")
    assert [image["loading"] for image in shown] == ["lazy"] * 3
    assert {image["alt"] for image in shown} == {"dog", "cat", f"Item {bare.digest[:12]}, without a label in words"}
    for image in shown:
        assert b"".join(client.get(image["src"]))
    only = read(client, f"/d/{row.digest}?label=1")
    assert (faults(only), "Pictures of dog" in only.text, "two.jpg" in only.text) == ([], True, False)
    listed = read(client, "/d")
    assert (faults(listed), "<b>Pets</b>" in listed.text) == ([], True)
    assert send(curator)["Location"] == answer["Location"]


def test_what_is_not_taken_is_named(curator):
    answer = send(curator, archive({**GOOD, "<script>.txt": b"x", "again.png": GOOD["one.png"]}))
    page = page_of(answer)
    assert (answer.status_code, faults(page)) == (201, [])
    assert [it.text for it in page.all("code")] == ["<script>.txt", "one.png"]
    assert "Has the same pixels as again.png." in page.text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"slug": "Pets"}, "lower-case letters, digits and dashes"),
        ({"slug": "new"}, "and is not new"),
        ({"title": "a\u202eb"}, "Must not turn the direction"),
        ({"pictures": b"no archive"}, "This is no ZIP archive"),
        ({"pictures": archive({"a.txt": b"x"})}, "a.txt: This is no picture"),
        ({"pictures": archive({**GOOD, "a.txt": b"x"}), "whole": "on"}, "a.txt: This is no picture"),
        ({"labels": "file,index\none.png,x\ntwo.jpg,1\n"}, "Line 2: “x” is a word"),
        ({"labels": "\x00\xff"}, "Needs a row of names"),
        ({"index_column": "number"}, "Line 1: Has no column number; there are file, index, words."),
        ({"team": "elsewhere"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_used_is_said_and_what_was_typed_is_kept(curator, typed, said):
    answer = send(curator, **{"title": "Kept", **typed})
    page = page_of(answer)
    assert (answer.status_code, faults(page)) == (422, [])
    assert said in page.text
    kept = {it["name"]: it["value"] for it in page.all("input")}
    assert kept["slug"] == typed.get("slug", "pets")
    assert not Dataset.objects.exists()


def test_who_may_not_send_any_is_shown_no_way_to_it(client, bob):
    assert client.get("/d/new")["Location"].startswith("/accounts/login")
    for browser in (client, Client()):
        assert "/d/new" not in {link["href"] for link in read(browser, "/d").all("a")}
        client.force_login(bob.login)
    assert read(client, "/d/new", 403)
    assert send(client).status_code == 403


def test_a_page_is_its_json_and_the_next_one_follows(client, monkeypatch, checkpoint):
    monkeypatch.setattr(dossiers, "GRID", 2)
    row = dataset_of(size=5)
    figure = {"dataset": row.digest, "metric": "top-1", "n": 5, "value": 0.8}
    Checkpoint.objects.update(figures=[figure, {**figure, "dataset": "0" * 64}])
    names, following = [], f"/d/{row.digest}"
    while following:
        page = read(client, following)
        assert faults(page) == []
        path, _, query = following.partition("?")
        said = client.get(f"{path}.json?{query}").json()
        names += [it["name"] for it in said["items"]]
        assert all(it["name"] in page.text for it in said["items"])
        following = next((link["href"] for link in page.all("a") if link["rel"] == "next"), None)
    assert sorted(names) == [f"seen {number}" for number in range(5)]
    assert said["figures"] == [{"checkpoint": "toy", "url": "/c/toy", "metric": "top-1", "n": 5, "value": 0.8}]
    assert [it.text for it in page.all("td")] == ["top-1", "0.8", "5"]
    rest = client.get(f"/api/v1/datasets/{row.digest}").json()
    assert rest.items() <= said.items()
    assert client.get("/d.json").json()["items"] == client.get("/api/v1/datasets").json()["items"]


@pytest.mark.parametrize("query", ["start=5", "start=-1", "start=x", "label=x", "label=1&start=3", "start=9999999999"])
def test_there_is_no_page_behind_the_last(client, query):
    assert client.get(f"/d/{dataset_of(size=5).digest}?{query}").status_code == 400


def test_a_page_takes_a_fixed_number_of_queries(client):
    counted = []
    for slug, size in (("few", 2), ("many", 40)):
        address = f"/d/{dataset_of(slug, size=size).digest}"
        with CaptureQueriesContext(connection) as queries:
            read(client, address)
        counted.append(len(queries))
    assert counted[0] == counted[1] < 12
