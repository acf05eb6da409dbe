"""What belongs to a team is not there for strangers: not by address, in no list, and not by asking about it."""

import pytest

from atlas.models import Finding, FindingArtifact
from tests.api.conftest import question, rows
from tests.api.routes import ROUTES, allowed, at
from tests.api.test_every_route import PERSONAL

pytestmark = pytest.mark.django_db
PUBLIC = ("probes", "terms")
PLACES = {route for route in ROUTES if "<" in route and not route.startswith(PUBLIC)}
LISTS = [
    "checkpoints",
    "jobs",
    "checkpoints?limit=1",
    "jobs?state=queued",
    "jobs?unit=edges:1",
    "jobs?checkpoint=secret",
    "datasets",
    "datasets?kind=images",
]
NONE = {
    "slug": "sacred",
    "fingerprint": "0" * 64,
    "request_id": "00000000-0000-4000-8000-000000000000",
    "sha256": "0" * 64,
    "digest": "f" * 64,
    "team": "square",
    "prefix": "00000000",
    "accession": "DAAAAAAAA9",
    "item": "new:nothing",
}


def without_the_name(answer, *places: str) -> str:
    """The refusal, less what names the thing and the request."""
    text = answer.content.decode()
    for name in (answer["X-Request-ID"], *places):
        text = text.replace(name, "…")
    return text


@pytest.mark.parametrize("route", sorted(PLACES))
def test_for_strangers_it_does_not_exist(route, hidden, anybody, as_bob, as_alice, as_operator):
    """The refusal is, to the byte, the one for what really is not there."""
    absent, named = {**hidden.places, **NONE}, [hidden.places[name] for name in NONE]
    before = rows()
    for stranger in (anybody, as_bob):
        for method in allowed(route):
            there = stranger.ask(method, at(route, hidden.places))
            nothing = stranger.ask(method, at(route, absent))
            unnamed = stranger is anybody and (method != "GET" or route in PERSONAL)
            assert there.status_code == nothing.status_code == (401 if unnamed else 404)
            assert without_the_name(there, *named) == without_the_name(nothing, *NONE.values())
    assert rows() == before
    if allowed(route) == ["GET"]:
        for friend in (as_alice, as_operator):
            assert friend.get(at(route, hidden.places)).status_code == 200


def test_no_list_holds_it(world, hidden, anybody, as_bob, as_alice):
    for path in LISTS:
        for stranger in (anybody, as_bob):
            assert b"secret" not in stranger.get(path).content
            assert hidden.queued.fingerprint.encode() not in stranger.get(path).content
        mine = as_alice.walk(path)
        assert "secret" in {item.get("checkpoint") or item.get("slug") for item in mine}


def test_nobody_learns_of_it_by_asking_about_it(hidden, as_bob, probe):
    before = rows()
    asked = [
        {"subject": "edges:1"},
        {"subject": "edges:0", "params": {"steps": 3}},
        {"subjects": ["edges:0", "nowhere:7"]},
        {"subject": {"layer": "edges"}},
        {"subject": "nowhere:7", "site": "sideways", "params": {"steps": 0}},
    ]
    for more in asked:
        there = as_bob.post("jobs", question("secret", **more))
        nothing = as_bob.post("jobs", question("sacred", **more))
        assert there.status_code == nothing.status_code == 422
        assert without_the_name(there, "secret") == without_the_name(nothing, "sacred")
        assert there.json()["errors"] == [
            {"pointer": "/checkpoint", "code": "no-such-checkpoint", "detail": "There is no checkpoint secret."}
        ]
    assert rows() == before


def test_its_team_asks_about_it(hidden, as_alice):
    assert as_alice.post("jobs", question("secret", subject="edges:3")).status_code == 202
    assert as_alice.post(f"jobs/{hidden.queued.fingerprint}/cancel").json()["state"] == "cancelled"


def test_who_leaves_the_team_sees_nothing_more(hidden, alice, as_alice):
    assert as_alice.get("checkpoints/secret").status_code == 200
    alice.memberships.filter(team=hidden.checkpoint.team).delete()
    assert as_alice.get("checkpoints/secret").status_code == 404
    assert as_alice.get(f"artifacts/{hidden.artifact.sha256}").status_code == 404


def test_bytes_of_a_hidden_checkpoint_that_a_public_one_has_too_are_public(world, hidden, anybody):
    """An artifact is readable if and only if a record that refers to it is."""
    assert anybody.get(f"artifacts/{hidden.artifact.sha256}").status_code == 404
    finding = Finding.objects.get(job=world.done)
    FindingArtifact.objects.create(finding=finding, position=7, role="image", artifact=hidden.artifact, facts={})
    assert anybody.get(f"artifacts/{hidden.artifact.sha256}").status_code == 200


def test_a_draft_is_its_teams_even_when_it_is_to_be_public(checkpoint, team, anybody, as_bob, as_alice):
    type(checkpoint).objects.update(team=team, status="draft")
    assert [api.get("checkpoints/toy").status_code for api in (anybody, as_bob, as_alice)] == [404, 404, 200]
    assert [len(api.walk("checkpoints")) for api in (anybody, as_bob, as_alice)] == [0, 0, 1]
