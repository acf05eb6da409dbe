"""What pages say when something is missing: a database that cannot be written, a bell that is silent, no worker.

Nothing that somebody typed is lost with it.
"""

from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.test import Client

from atlas.models import Job, Scope, Token
from atlas.services import tokens
from tests.api.conftest import Api, question
from tests.atlas.web.reading import faults, page_of, read, shown

pytestmark = pytest.mark.django_db
NEURON = "/c/toy/edges/1"
USUAL = {"probe": "feature-visualization", "steps": "13", "rate": "0.25", "seeds": "7, 9", "polarity": "both"}


@contextmanager
def read_only():
    """The database refuses every write, as it does itself: the test's own connection is told to."""
    sqlite = connection.vendor == "sqlite"
    begun = transaction.savepoint()
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = on" if sqlite else "SET TRANSACTION READ ONLY")
    try:
        yield
    finally:
        if sqlite:
            connection.connection.execute("PRAGMA query_only = off")
        transaction.savepoint_rollback(begun)  # on PostgreSQL this is also what lets it be written again


@pytest.fixture
def browser(user):
    """Alice's, which shows what goes wrong as a page."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def test_everything_can_still_be_read(browser, every_state):
    with read_only():
        for address in (
            "/",
            "/c",
            "/c/toy",
            "/c/toy/edges",
            NEURON,
            "/f",
            "/me",
            f"/j/{every_state['failed'].fingerprint}",
        ):
            assert faults(read(browser, address)) == []


def test_a_write_is_refused_as_what_it_is_and_what_was_typed_is_there_to_be_sent_again(browser, checkpoint, probe):
    with read_only():
        answer = browser.post(NEURON, USUAL)
        page = page_of(answer)
    assert (answer.status_code, answer["Retry-After"], faults(page)) == (503, "60", [])
    assert "nothing can be written" in page.text
    sent = {one["name"]: one["value"] for one in page.all("input") if one["name"] in USUAL}
    assert sent == USUAL
    [again] = [one for one in page.all("form") if one["class"] == "again"]
    assert again["action"] == NEURON


def test_the_api_says_so_too(user, checkpoint, probe):
    """Of any verb, as it may answer 500: an outage is no operation's own answer, and none of them lists it."""
    _, key = tokens.create(owner=user, name="nightly", scopes=[Scope.READ, Scope.WRITE, Scope.COMPUTE])
    with read_only():
        answer = Client().post(
            "/api/v1/jobs", question(), content_type="application/json", headers={"Authorization": f"Bearer {key}"}
        )
    assert (answer.status_code, answer["Retry-After"]) == (503, "60")
    assert answer.json()["type"] == "/problems/read-only"


def test_a_key_still_opens_what_can_be_read(user, checkpoint):
    _, text = tokens.create(owner=user, name="nightly", scopes=[Scope.READ])
    with read_only():
        assert Api(token=text).get("checkpoints").status_code == 200
    assert Token.objects.get().last_used_at is None


def test_who_signs_in_meanwhile_is_told_and_no_password_is_shown(client, user):
    client.raise_request_exception = False
    with read_only():
        answer = client.post("/accounts/login", {"username": "alice", "password": "correct horse battery"})
    assert answer.status_code == 503
    assert "correct horse" not in shown(answer).html


def test_a_silent_bell_loses_nothing_and_is_told_to_who_can_mend_it(client, operator, checkpoint, probe, settings):
    settings.BROKER = "redis://127.0.0.1:1/0"
    client.force_login(operator.login)
    assert client.post(NEURON, USUAL).status_code == 302
    assert Job.objects.get().state == "queued"
    said = read(client, "/workers").text
    assert "The doorbell is silent" in said
    assert "start Redis" in said


def test_without_a_worker_the_forms_say_that_what_is_asked_waits(browser, checkpoint, probe):
    assert "No worker is running: what you ask waits until one starts" in read(browser, NEURON).text
