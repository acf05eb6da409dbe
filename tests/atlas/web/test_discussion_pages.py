"""Discussions and notifications as pages: each form leads back or keeps what was typed, and one hears what is new."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from atlas.models import Comment, DigestChoice, Foothold, Notification, User
from atlas.services import comments, notifications, watches
from tests.atlas.web.reading import faults, page_of, read

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script> **bold** [x](javascript:alert(1)) \u202eabc"


@pytest.fixture
def come(client):
    """Come as one of these people."""

    def as_one(person):
        client.force_login(person.login)
        return client

    return as_one


@pytest.fixture
def place(claim):
    return f"/f/{claim.accession}"


def test_one_writes_answers_mends_ends_and_takes_back(come, place, claim, ana, bo):
    client = come(bo)
    said = client.post(f"{place}/comments", {"body": "So it is.", "version": "1", "quote": "A curve"})
    assert said.headers["Location"] == f"{place}#comment-1"
    answered = come(ana).post(f"{place}/comments", {"body": "Thank you.", "reply_to": "1"})
    assert answered.headers["Location"] == f"{place}#comment-2"
    mended = {"body": "So it is, @ana.", "version_tag": f"{claim.accession}.c1.1"}
    for form, given in (("edit", mended), ("resolve", {}), ("reopen", {}), ("remove", {})):
        done = come(bo).post(f"{place}/comments/1/{form}", given)
        assert (form, done.status_code, done.headers["Location"]) == (form, 302, f"{place}#comment-1")
    one = Comment.objects.get(number=1)
    assert (one.head_version, one.resolved_at, bool(one.removed_at)) == (2, None, True)


@pytest.mark.parametrize(
    ("form", "given", "says"),
    [
        ("comments", {"body": "", "quote": "A curve"}, "1 to 4000 characters"),
        ("comments", {"body": HOSTILE, "quote": "A straight line"}, "no passage of version 1"),
        ("comments", {"body": "x" * 4_001}, "1 to 4000 characters"),
        ("comments", {"body": "a\x00b"}, "control characters"),
        ("comments", {"body": " ".join(f"@p{n}" for n in range(30)), "reply_to": "1"}, "at most 25 people"),
        ("comments/1/edit", {"body": "Mine.", "version_tag": "stale"}, "changed since you read it"),
        ("comments/1/edit", {"body": "First.", "version_tag": "{tag}"}, "what it says already"),
    ],
    ids=["empty", "no such passage", "long", "NUL", "a crowd", "stale", "unchanged"],
)
def test_what_cannot_be_used_stands_there_as_it_was_typed(come, place, claim, bo, form, given, says):
    one = comments.write(actor=bo, foothold=claim, body="First.")
    typed = {name: value.replace("{tag}", one.version_tag) for name, value in given.items()}
    answer = come(bo).post(f"{place}/{form}", typed)
    assert answer.status_code in (412, 422)
    page = page_of(answer)
    assert faults(page) == []
    assert says in page.text
    kept = [area.text.strip("\n") for area in page.all("textarea")]
    assert typed["body"] in kept
    assert typed.get("quote", "") in [field["value"] for field in page.all("input") if field["name"] == "quote"]
    assert Comment.objects.get().head_version == 1


def test_a_discussion_is_whole_for_everybody_and_active_for_nobody(come, place, claim, ana, bo, operator):
    first = comments.write(actor=bo, foothold=claim, body=HOSTILE, quote="A curve")
    for body in ("Removed.", "Hidden."):
        comments.write(actor=bo, foothold=claim, body=body, reply_to=first)
    comments.remove(actor=bo, comment=comments.find(claim, "2"))
    comments.moderate(actor=operator, comment=comments.find(claim, "3"), to="hidden", reason="Rude.")
    comments.resolve(actor=bo, comment=first)
    for person, reads in ((ana, set()), (bo, {"Hidden."}), (operator, {"Removed.", "Hidden."})):
        page = page_of(come(person).post(f"{place}/comments", {"body": ""}))
        assert faults(page) == []
        assert {word for word in ("Removed.", "Hidden.") if f"{word} " in f"{page.text} "} == reads
        assert "Resolved by bo" in page.text
        assert not [link for link in page.all("a") if link["href"].startswith("javascript")]


@pytest.mark.parametrize("address", ["comments", "comments/1/edit", "comments/1/resolve", "watch"])
def test_what_one_may_not_read_is_not_there(come, place, claim, bob, bo, address):
    comments.write(actor=bo, foothold=claim, body="First.")
    Foothold.objects.filter(pk=claim.pk).update(visibility="team")
    assert come(bob).post(f"{place}/{address}", {"body": "x"}).status_code == 404
    assert come(bo).get(f"{place}/{address}").status_code == 405


def test_to_watch_to_mute_and_neither(come, place, claim, bob):
    for level, kept in (("everything", "everything"), ("mute", "mute"), ("", None), ("nonsense", None)):
        answer = come(bob).post(f"{place}/watch", {"level": level})
        assert answer.headers["Location"] == f"{place}#discussion"
        found = watches.find(actor=bob, foothold=claim)
        assert (found.level if found else None) == kept


def test_to_watch_a_neuron_and_no_more(come, claim, bob):
    client = come(bob)
    for level, offers in (("everything", "Unwatch"), ("", "Watch what is claimed about it")):
        answer = client.post("/c/toy/mixed_5x5/1/watch", {"level": level})
        assert answer.headers["Location"] == "/c/toy/mixed/9"
        assert bob.watches.count() == bool(level)
        page = read(client, "/c/toy/mixed/9")
        assert offers in [button.text for button in page.all("button")]
        assert faults(page) == []


def test_what_is_new_stands_on_every_page_until_it_is_read(come, place, claim, ana, bo):
    client = come(ana)
    assert "Notifications" in read(client, "/").text
    for _ in range(3):
        comments.write(actor=bo, foothold=claim, body="@ana")
    assert "3 unread" in read(client, "/").text
    page = read(client, "/me/notifications")
    assert faults(page) == []
    assert page.text.count("bo mentioned you: A curve") == 3
    newest, oldest = Notification.objects.filter(recipient=ana).order_by("-pk").values_list("pk", flat=True)[::2]
    client.post("/me/notifications/read", {"id": oldest})
    assert notifications.unread(ana) == 2
    client.post("/me/notifications/read", {"up_to": newest})
    assert notifications.unread(ana) == 0
    assert "Notifications" in read(client, "/").text
    listed = client.get("/me/notifications.json").json()["items"]
    assert [one["read"] for one in listed] == [True] * 3


def test_the_count_is_one_query(come, ana, claim):
    client = come(ana)
    client.get("/problems")
    with CaptureQueriesContext(connection) as captured:
        client.get("/problems")
    assert len([query for query in captured if "atlas_notification" in query["sql"]]) == 1
    client.logout()
    with CaptureQueriesContext(connection) as captured:
        client.get("/problems")
    assert [query for query in captured if "atlas_notification" in query["sql"]] == []


def test_one_says_how_often_one_is_mailed(come, ana, claim):
    client = come(ana)
    assert client.post("/me/notifications", {"digest": "never"}).headers["Location"] == "/me/notifications"
    assert User.objects.get(contributor=ana).digest == DigestChoice.NEVER
    assert client.post("/me/notifications", {"digest": "hourly"}).status_code == 422
    assert User.objects.get(contributor=ana).digest == DigestChoice.NEVER


@pytest.mark.parametrize("before", ["-1", "1e3", "x", "１", "9" * 16])
def test_a_page_that_is_none_is_refused(come, ana, claim, before):
    assert come(ana).get(f"/me/notifications?before={before}").status_code == 400
