"""Discussions, watches and notifications as scripts meet them: page by page, once for each key, for oneself alone."""

import pytest

from atlas.models import Comment, Notification
from atlas.services import comments
from tests.api.conftest import Api
from tests.claims import WORD

pytestmark = pytest.mark.django_db


@pytest.fixture
def place(claim):
    return f"footholds/{claim.accession}"


@pytest.fixture
def as_ana(ana):
    return Api(ana.login)


@pytest.fixture
def as_bo(bo):
    return Api(bo.login)


def test_threads_come_page_by_page_and_each_whole(place, claim, ana, bo, anybody):
    for turn in range(5):
        first = comments.write(actor=ana, foothold=claim, body=f"Thread {turn}.")
        comments.write(actor=bo, foothold=claim, body="@ana, yes.", reply_to=first)
    whole = anybody.walk(f"{place}/comments")
    assert [[one["number"] for one in thread["comments"]] for thread in whole] == [[n, n + 1] for n in range(1, 10, 2)]
    assert anybody.walk(f"{place}/comments?limit=2") == whole
    assert whole[0]["comments"][1] | {"at": ""} == {
        "number": 2, "url": f"/f/{claim.accession}#comment-2", "thread": 1, "reply_to": 1, "version": 1,
        "outdated": False, "quote": "", "author": "bo", "body": "@ana, yes.", "state": "shown", "edits": 0,
        "version_tag": f"{claim.accession}.c2.1", "at": "",
    }  # fmt: skip


def test_a_key_says_it_once_and_tells_it_once(place, as_bo, ana):
    answers = [
        as_bo.post(f"{place}/comments", {"body": "So it is."}, headers={"Idempotency-Key": "k"}) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert {answer["Location"] for answer in answers} == {f"/api/v1/{place}/comments/1"}
    assert (Comment.objects.count(), Notification.objects.filter(recipient=ana).count()) == (1, 1)


def test_an_edit_names_what_it_saw_and_every_word_is_listed(place, as_bo, as_ana):
    made = as_bo.post(f"{place}/comments", {"body": "First."}).json()
    tag = {"If-Match": f'"{made["version_tag"]}"'}
    edited = as_bo.ask("PATCH", f"{place}/comments/1", {"body": "Second."}, headers=tag)
    assert (edited.json()["body"], edited.json()["edits"]) == ("Second.", 1)
    stale = as_bo.ask("PATCH", f"{place}/comments/1", {"body": "Third."}, headers=tag)
    assert (stale.status_code, stale.json()["current"]) == (412, edited.json()["version_tag"])
    assert [it["body"] for it in as_ana.walk(f"{place}/comments/1/versions")] == ["First.", "Second."]
    assert as_bo.ask("DELETE", f"{place}/comments/1").status_code == 204
    assert [it["body"] for it in as_ana.walk(f"{place}/comments/1/versions")] == ["", ""]
    fresh = {"If-Match": f'"{edited.json()["version_tag"]}"'}
    closed = as_bo.ask("PATCH", f"{place}/comments/1", {"body": "Third."}, headers=fresh)
    assert (closed.status_code, closed.json()["type"]) == (409, "/problems/comment-closed")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"body": " ".join(f"@p{number}" for number in range(26))}, "/body"),
        ({"body": "@" * 10_000}, "/body"),
        ({"body": "x", "quote": "It is a straight line"}, "/quote"),
        ({"body": "x", "version": 2}, "/version"),
        ({"body": "x", "reply_to": 7}, "/reply_to"),
    ],
    ids=["a crowd", "10,000 @", "no passage", "no version", "no comment"],
)
def test_what_is_refused_is_named(place, as_bo, body, pointer):
    answer = as_bo.post(f"{place}/comments", body)
    assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (422, [pointer])
    assert not Comment.objects.exists()


def test_a_comment_of_another_claim_is_answered_there(place, describe, as_bo, bo):
    comments.write(actor=bo, foothold=describe(title="An arc"), body="Here.")
    assert as_bo.post(f"{place}/comments", {"body": "x", "reply_to": 1}).status_code == 422


def test_one_watches_and_hears_and_reads_alone(place, claim, as_bo, as_bob, as_ana):
    neuron = "checkpoints/toy/layers/mixed/neurons/9/watch"
    assert as_bob.get(f"{place}/watch").json()["level"] is None
    assert as_bob.ask("PUT", f"{place}/watch", {"level": "everything"}).json()["level"] == "everything"
    assert as_bob.ask("PUT", neuron).json() == {
        "title": "mixed:9 of toy", "url": "/c/toy/mixed/9", "level": "everything",
    }  # fmt: skip
    assert [one["url"] for one in as_bob.walk("me/watches?limit=1")] == ["/c/toy/mixed/9", f"/f/{claim.accession}"]
    as_bo.post(f"{place}/comments", {"body": "@bob and @ana"})
    given = as_ana.post(f"{place}/evidence", {"content": WORD, "team": "lab"})
    assert given.status_code == 201
    told = as_bob.walk("me/notifications?limit=1")
    assert [(one["reason"], one["actor"], one["read"]) for one in told] == [
        ("evidence", "ana", False),
        ("mention", "bo", False),
    ]
    assert as_ana.post("me/notifications/read", {"ids": [one["id"] for one in told]}).json() == {"read": 0, "unread": 1}
    assert as_bob.post("me/notifications/read", {"up_to": told[1]["id"]}).json() == {"read": 1, "unread": 1}
    for path in (f"{place}/watch", neuron):
        assert as_bob.ask("DELETE", path).status_code == 204
    assert as_bob.walk("me/watches") == []
