"""Asking from a page: the form a schema makes, what comes back when it is filled in wrongly, and who may."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from atlas.models import Job
from atlas.services import people
from atlas.web import forms
from tests.atlas.web.reading import faults, page_of, read
from tests.conftest import SCHEMA

NEURON = "/c/toy/edges/1"
USUAL = {"probe": "feature-visualization", "steps": "10", "rate": "0.5", "seeds": "0, 1, 2", "polarity": "both"}

pytestmark = pytest.mark.django_db


def values(page) -> dict[str, str]:
    """What stands in the fields of a page's form."""
    chosen = {one.text: one for one in page.all("option") if "selected" in one.attributes}
    fields = {field["name"]: field["value"] for field in page.all("input") if field["name"] in USUAL}
    return fields | {"polarity": next(iter(chosen), "")}


def test_the_form_is_the_schema_with_its_defaults(signed_in, checkpoint, probe):
    page = read(signed_in, NEURON)
    assert values(page) == USUAL
    steps = next(field for field in page.all("input") if field["name"] == "steps")
    assert (steps["type"], steps["min"], steps["max"], steps["step"]) == ("number", "1", "100", "1")
    chosen_from = [option.text for option in page.all("option") if "select" in option.within]
    assert chosen_from == SCHEMA["properties"]["polarity"]["enum"]


def test_what_is_asked_is_queued_and_shown_on_the_neuron(signed_in, checkpoint, probe):
    response = signed_in.post(NEURON, {**USUAL, "steps": "12"})
    job = Job.objects.get()
    assert (response.status_code, response["Location"]) == (302, f"{NEURON}#{job.fingerprint[:12]}")
    assert (job.state, job.subject_text, job.params["steps"]) == ("queued", "edges:1", 12)
    page = read(signed_in, NEURON)
    assert "Asked. The answer appears here." in page.text
    assert any(element["id"] == job.fingerprint[:12] for element in page.all("section"))


def test_a_known_question_is_found_and_not_asked_twice(signed_in, checkpoint, probe):
    for _ in range(2):
        signed_in.post(NEURON, USUAL)
    assert Job.objects.count() == 1
    assert "This had been asked before; here it is." in read(signed_in, NEURON).text


@pytest.mark.parametrize(
    ("field", "typed", "reason"),
    [
        ("steps", "1000", "100"),
        ("steps", "many", "“many” is not a whole number."),
        ("steps", "1_0", "“1_0” is not a whole number."),
        ("steps", "٣", "“٣” is not a whole number."),
        ("rate", "0", "0"),
        ("rate", "nan", "“nan” is not a number."),
        ("rate", "1e999", "“1e999” is not a number."),
        ("seeds", "0, 0", "repeat"),
        ("seeds", "1, x", "“x” is not a whole number."),
        ("polarity", "sideways", "both"),
        ("steps", "<script>alert(1)</script>", "is not a whole number."),
    ],
)
def test_a_fault_comes_back_beside_its_field_and_nothing_typed_is_lost(
    signed_in, checkpoint, probe, field, typed, reason
):
    sent = {**USUAL, "steps": "13", "rate": "0.25", "seeds": "7", field: typed}
    response = signed_in.post(NEURON, sent)
    page = page_of(response)
    assert (response.status_code, faults(page)) == (422, [])
    assert Job.objects.count() == 0
    if field != "polarity":  # a choice that is none cannot stand in a list of choices
        assert values(page) == sent
    wrong = [one for one in page.all("input", "select") if one["aria-invalid"] == "true"]
    assert [one["name"] for one in wrong] == [field]
    [explained] = [one for one in page.all("p") if one["id"] == wrong[0]["aria-describedby"]]
    assert reason in explained.text
    assert any(one["class"] == "probe open" for one in page.all("div"))


def test_a_fault_is_said_as_json_too(signed_in, checkpoint, probe):
    response = signed_in.post(f"{NEURON}.json", {**USUAL, "steps": "1000"})
    assert response.status_code == 422


def test_a_probe_nobody_has_is_refused_by_name(signed_in, checkpoint, probe):
    response = signed_in.post(NEURON, {**USUAL, "probe": "telepathy"})
    assert response.status_code == 422
    assert "telepathy" in page_of(response).text


def test_the_whole_layer_is_asked_at_once_and_only_what_is_missing(signed_in, checkpoint, probe):
    signed_in.post(NEURON, USUAL)
    response = signed_in.post("/c/toy/edges")
    assert (response.status_code, response["Location"]) == (302, "/c/toy/edges")
    assert Job.objects.count() == 4
    assert "3 pictures are asked for; 1 were asked for before." in read(signed_in, "/c/toy/edges").text


class TestAnybody:
    def test_sees_where_to_sign_in_and_no_form(self, client, checkpoint, probe):
        page = read(client, NEURON)
        assert [form["action"] for form in page.all("form") if form["role"] != "search"] == []
        ways = {link["href"] for link in page.all("a") if link.text == "Sign in"}
        assert {parse_qs(urlsplit(way).query)["next"][0].partition("#")[0] for way in ways} == {NEURON}

    @pytest.mark.parametrize("address", [NEURON, "/c/toy/edges"])
    def test_is_led_to_sign_in_and_back(self, client, checkpoint, probe, address):
        response = client.post(address, USUAL)
        assert (response.status_code, response["Location"]) == (
            302,
            f"/accounts/login?next={address.replace('/', '%2F')}",
        )
        assert Job.objects.count() == 0

    def test_is_told_so_as_json(self, client, checkpoint, probe):
        response = client.post(NEURON, USUAL, headers={"accept": "application/json"})
        assert (response.status_code, response.json()["type"]) == (401, "/problems/authentication-required")


def test_a_reader_is_told_what_computing_needs(signed_in, alice, checkpoint, probe):
    alice.memberships.update(role=10)
    assert "needs the annotator role" in read(signed_in, NEURON).text
    assert signed_in.post(NEURON, USUAL).status_code == 403


@pytest.mark.parametrize("address", [NEURON, "/c/toy/edges", "/accounts/logout", "/accounts/login"])
def test_a_form_of_another_site_is_refused(user, checkpoint, probe, address):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(user)
    response = browser.post(address, USUAL)
    assert response.status_code == 403
    assert "Csrf" in page_of(response).text
    assert Job.objects.count() == 0


class TestJobs:
    def test_who_asked_may_cancel_and_ask_again(self, signed_in, asked):
        job = asked("edges:0")
        assert f"/j/{job.fingerprint}/cancel" in {
            form["action"] for form in read(signed_in, f"/j/{job.fingerprint}").all("form")
        }
        assert signed_in.post(f"/j/{job.fingerprint}/cancel")["Location"] == f"/j/{job.fingerprint}"
        page = read(signed_in, f"/j/{job.fingerprint}")
        assert "Nobody wanted the answer any more" in page.text
        signed_in.post("/c/toy/edges/0", USUAL)
        job.refresh_from_db()
        assert job.state == "queued"

    def test_nobody_else_may(self, client, bob, asked):
        job = asked("edges:0")
        client.force_login(bob.login)
        assert not any("/cancel" in form["action"] for form in read(client, f"/j/{job.fingerprint}").all("form"))
        assert client.post(f"/j/{job.fingerprint}/cancel").status_code == 403
        assert client.post(f"/j/{job.fingerprint}/requeue").status_code == 403
        job.refresh_from_db()
        assert job.state == "queued"

    def test_what_two_asked_for_goes_on(self, client, signed_in, bob, asked):
        job = asked("edges:0")
        asked("edges:0", actor=bob)
        signed_in.post(f"/j/{job.fingerprint}/cancel")
        assert "Somebody else asked for this too" in read(signed_in, f"/j/{job.fingerprint}").text

    def test_the_operator_queues_again_what_was_given_up(self, client, operator, every_state):
        client.force_login(operator.login)
        job = every_state["quarantined"]
        client.post(f"/j/{job.fingerprint}/requeue")
        job.refresh_from_db()
        assert (job.state, job.generation) == ("queued", 2)


class TestSigningIn:
    @pytest.fixture
    def printed(self, db):
        """Carol, with a password that was printed for somebody to read."""
        user = people.join(username="carol", password="x")
        return people.give_temporary_password(user)

    def test_an_own_password_comes_first_and_then_what_was_wanted(self, client, checkpoint, probe, printed):
        response = client.post("/accounts/login", {"username": "carol", "password": printed, "next": NEURON})
        assert response["Location"] == NEURON
        first = client.get(NEURON)
        assert (first.status_code, first["Location"]) == (302, f"/accounts/password?next={NEURON.replace('/', '%2F')}")
        page = read(client, first["Location"])
        assert next(field for field in page.all("input") if field["name"] == "next")["value"] == NEURON
        chosen = {"new_password1": "a password of my own", "new_password2": "a password of my own", "next": NEURON}
        assert client.post("/accounts/password", chosen)["Location"] == NEURON
        assert "carol" in read(client, NEURON).text

    def test_scripts_are_told_so(self, client, checkpoint, printed):
        client.login(username="carol", password=printed)
        response = client.get("/c/toy.json")
        assert (response.status_code, response.json()["type"]) == (403, "/problems/password-is-temporary")

    def test_a_weak_password_says_why_beside_its_field(self, client, printed):
        client.login(username="carol", password=printed)
        response = client.post("/accounts/password", {"new_password1": "short", "new_password2": "short"})
        page = page_of(response)
        assert (response.status_code, faults(page)) == (422, [])
        assert "too short" in page.text

    def test_a_wrong_password_says_so_and_keeps_the_way(self, client, user):
        response = client.post("/accounts/login", {"username": "alice", "password": "wrong", "next": NEURON})
        page = page_of(response)
        assert "correct username and password" in page.text
        assert next(field for field in page.all("input") if field["name"] == "next")["value"] == NEURON

    @pytest.mark.parametrize(
        "next_one", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"]
    )
    def test_nobody_is_led_to_another_host(self, client, user, printed, next_one):
        sent = {"username": "alice", "password": "correct horse battery", "next": next_one}
        assert client.post("/accounts/login", sent)["Location"] == "/"
        client.login(username="carol", password=printed)
        chosen = {"new_password1": "a password of my own", "new_password2": "a password of my own", "next": next_one}
        assert client.post("/accounts/password", chosen)["Location"] == "/"

    def test_signing_out_takes_a_click_and_ends_it(self, signed_in):
        assert signed_in.get("/accounts/logout").status_code == 405
        assert signed_in.post("/accounts/logout")["Location"] == "/"
        assert "Sign in" in read(signed_in, "/").text


@pytest.mark.parametrize(
    ("rule", "default", "typed", "value"),
    [
        ({"type": "integer"}, 3, "3", 3),
        ({"type": "number"}, 0.05, "0.05", 0.05),
        ({"type": "boolean"}, True, "on", True),
        ({"type": "boolean"}, False, "", False),
        ({"type": "array", "items": {"type": "integer"}}, [0, 1], "0, 1", [0, 1]),
        ({"type": "array", "items": {"type": "string"}}, ["a", "b"], "a, b", ["a", "b"]),
        ({"type": "array", "items": {"type": "object"}}, [{"op": "set"}], '[{"op": "set"}]', [{"op": "set"}]),
        ({"enum": ["x", "y"], "type": "string"}, "x", "x", "x"),
    ],
)
def test_a_default_is_shown_as_it_would_be_typed(rule, default, typed, value):
    schema = {"properties": {"it": {**rule, "default": default}}}
    [field] = forms.fields(schema)
    assert field.text == typed
    assert forms.read(schema, {"it": field.text}) == ({"it": value}, [])


@pytest.mark.parametrize("typed", ["{", "[NaN]", "[" * 5000], ids=["half", "no-number", "deep"])
def test_what_is_no_json_comes_back_as_it_was_typed(typed):
    schema = {"properties": {"edits": {"type": "array", "items": {"type": "object"}, "default": []}}}
    params, [error] = forms.read(schema, {"edits": typed})
    assert params == {}
    assert error["pointer"] == "/params/edits"
    assert error["detail"].startswith("This is no JSON")
    [field] = forms.fields(schema, typed={"edits": typed}, errors=[error])
    assert (field.kind, field.text, field.errors) == ("json", typed, (error["detail"],))
