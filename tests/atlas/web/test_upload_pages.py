"""Uploading from a page: the form and its refusals, and a draft's page in every state its registration can be in."""

import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from atlas import uploads
from atlas.models import Checkpoint, Job, Membership, Role, Team
from atlas.services import holding, jobs
from tests.atlas.web.reading import faults, page_of, read

pytestmark = pytest.mark.django_db
CARD = {"title": "Curves of ours", "summary": "Drawn by hand.", "input": {}, "licence": "CC0-1.0"}
TYPED = {
    "slug": "our-curves",
    "architecture": "curve-circuit",
    "card": json.dumps(CARD),
    "team": "lab",
    "visibility": "team",
}


@pytest.fixture
def lab(alice, registering) -> Team:
    """A team of which Alice is curator."""
    lab = Team.objects.create(slug="lab", name="The lab")
    Membership.objects.create(team=lab, contributor=alice, role=Role.CURATOR)
    return lab


@pytest.fixture
def curator(lab, signed_in) -> Client:
    """A browser in which she is signed in."""
    return signed_in


def sent(client, weights: bytes | None = b"weights", **typed):
    """The answer to the form, filled in as usual unless said otherwise."""
    file = {} if weights is None else {"weights": SimpleUploadedFile("w.safetensors", weights)}
    return client.post("/c/new", {**TYPED, **typed, **file})


def test_the_form_is_whole_and_needs_no_script(curator):
    page = read(curator, "/c/new")
    assert faults(page) == []
    [form] = [one for one in page.all("form") if one["action"] == "/c/new"]
    assert (form["method"], form["enctype"]) == ("post", "multipart/form-data")
    assert next(option.text for option in page.all("option")) == "The lab"
    assert "/c/new" in {link["href"] for link in read(curator, "/c").all("a")}


def test_who_may_not_upload_is_shown_no_way_to_it(client, bob, registering):
    assert client.get("/c/new")["Location"].startswith("/accounts/login")
    for browser in (client, Client()):
        assert "/c/new" not in {link["href"] for link in read(browser, "/c").all("a")}
        client.force_login(bob.login)
    assert read(client, "/c/new", 403)
    assert sent(client).status_code == 403
    assert Client().post("/c/new", {**TYPED}).status_code == 302
    assert not Checkpoint.objects.exists()


def test_an_upload_leads_to_the_page_of_its_draft(curator):
    answer = sent(curator)
    assert (answer.status_code, answer["Location"]) == (302, "/c/our-curves")
    page = read(curator, "/c/our-curves")
    assert faults(page) == []
    assert "Curves of ours draft" in page.text
    assert "Waiting" in page.text
    job = Job.objects.get()
    assert Checkpoint.objects.get().upload_id == job.params["upload"]
    assert f"/j/{job.fingerprint}/progress" in page.html


WRONG = {
    "slug": ({"slug": "Our Curves"}, "2 to 40 lower-case letters"),
    "reserved": ({"slug": "new"}, "is not new"),
    "in use": ({"slug": "toy"}, "Is in use, and a slug is never reused."),
    "card": ({"card": "{"}, "It is not JSON"),
    "card's title": ({"card": json.dumps({**CARD, "title": ""})}, "title: Must be at least 1 characters long."),
    "no architecture": ({"architecture": ""}, "This field is required."),
    "visibility": ({"visibility": "nobody"}, "Select a valid choice."),
    "another team": ({"team": "elsewhere"}, "Select a valid choice."),
    "no file": ({"weights": None}, "This field is required."),
    "empty file": ({"weights": b""}, "The submitted file is empty."),
    "NUL": ({"architecture": "a\0b"}, "Null characters are not allowed."),
}


@pytest.mark.parametrize(("typed", "says"), WRONG.values(), ids=list(WRONG))
def test_a_refusal_stands_beside_its_field_and_keeps_what_was_typed(typed, says, curator, checkpoint):
    answer = sent(curator, **typed)
    assert answer.status_code == 422
    page = page_of(answer)
    assert faults(page) == []
    assert says in page.text
    assert "What you typed is kept" in page.text
    fields = {one["name"]: one["value"] for one in page.all("input")}
    expected = {**TYPED, **typed}
    assert (fields["slug"], fields["architecture"]) == (expected["slug"], expected["architecture"])
    assert page.one("textarea").text.strip() == expected["card"]
    assert not Job.objects.exists()


def test_a_file_too_large_is_refused_by_its_length(curator):
    huge = str(uploads.LARGEST * 2)
    answer = curator.post("/c/new", TYPED, CONTENT_LENGTH=huge)
    assert (answer.status_code, "2147483648 bytes" in answer.content.decode()) == (413, True)


def test_only_one_s_own_page_uploads(lab, user):
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(user)
    assert sent(careful).status_code == 403
    token = careful.get("/c/new").cookies["csrftoken"].value
    assert sent(careful, csrfmiddlewaretoken=token).status_code == 302


def test_the_form_of_a_draft_is_filled_in_as_it_was_typed(curator, checkpoint):
    sent(curator, visibility="public")
    page = read(curator, "/c/new?slug=our-curves")
    assert json.loads(page.one("textarea").text)["summary"] == "Drawn by hand."
    assert {one["name"]: one["value"] for one in page.all("input")}["slug"] == "our-curves"
    assert {one.text for one in page.all("option") if "selected" in one.attributes} == {"The lab", "everybody"}
    for other in ("toy", "nowhere", "%00", "x" * 500):
        assert read(curator, f"/c/new?slug={other}").one("textarea").text.strip() == ""


def test_other_methods_are_refused(curator):
    refused = curator.delete("/c/new")
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD, POST")


# --- the draft's page -------------------------------------------------------------------------------------------------
TRUNCATED = {"slug": "checkpoint-truncated", "detail": "The file ends early.", "facts": {}, "fault": "yours"}
STATES = {
    "queued": "Waiting",
    "running": "Being examined, step 2 of 5",
    "failed": "The file ends early.",
    "quarantined": "The fault is on our side",
    "cancelled": "The registration was cancelled",
}


@pytest.fixture
def draft_in(curator, worker, registering, alice):
    """A draft whose registration is in this state, brought there as it is brought there for real."""

    def brought(state: str) -> Job:
        sent(curator)
        job = Job.objects.get()
        if state == "cancelled":
            jobs.cancel(actor=alice, job=job)
        claims = {"running": 1, "failed": 1, "quarantined": jobs.MOST_STARTS}.get(state, 0)
        for _ in range(claims):
            [job] = jobs.claim(worker, limit=lambda head: 1, probes=[registering])
            if state == "quarantined":
                jobs.release(job, why="our fault")
        if state == "running":
            holding.report(job, done=2, of=5)
        if state == "failed":
            jobs.fail(job, error=TRUNCATED)
        job.refresh_from_db()
        assert job.state == state
        return job

    return brought


@pytest.mark.parametrize("state", STATES)
def test_every_page_of_a_draft_is_whole_in_every_state(state, draft_in, curator, client):
    job = draft_in(state)
    pages = {address: read(curator, address) for address in ("/", "/c", "/c/our-curves", f"/j/{job.fingerprint}")}
    assert {address: faults(page) for address, page in pages.items()} == {address: [] for address in pages}
    for address in ("/c/our-curves", f"/j/{job.fingerprint}"):
        assert STATES[state] in pages[address].text
        assert curator.get(f"{address}.json").status_code == 200
    assert "not registered yet" in pages["/c"].text
    progress = curator.get(f"/j/{job.fingerprint}/progress")
    assert progress.status_code == (200 if state in ("queued", "running") else 286)
    assert STATES[state] in re.sub(r"<[^>]*>", "", progress.content.decode())
    for nowhere in ("/c/our-curves/edges", "/c/our-curves/edges/0", "/c/our-curves/edges:0"):
        assert "because it is a draft" in read(curator, nowhere, 404).text
    for address in ("/c/our-curves", f"/j/{job.fingerprint}"):
        assert Client().get(address).status_code == 404
    assert "our-curves" not in Client().get("/c").content.decode()


@pytest.mark.parametrize(("state", "verb"), [("queued", "cancel"), ("quarantined", "requeue")])
def test_what_can_be_done_about_it_is_offered(state, verb, draft_in, curator):
    job = draft_in(state)
    actions = {form["action"] for form in read(curator, "/c/our-curves").all("form")}
    assert f"/j/{job.fingerprint}/{verb}" in actions
    assert curator.post(f"/j/{job.fingerprint}/{verb}").status_code == 302
    assert read(curator, "/c/our-curves")


def test_the_card_that_the_form_hints_at_is_one(curator):
    from workers.interp.input_spec import InputSpec

    card = json.loads(read(curator, "/c/new").one("textarea")["placeholder"])
    assert InputSpec.from_json(card["input"]).size == (224, 224)
    assert sent(curator, card=json.dumps(card)).status_code == 302
