"""Secrets as canaries: whatever is asked, refused or goes wrong, none is ever seen where it was not shown once."""

import logging
from dataclasses import dataclass
from itertools import product

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import get_resolver

from api.checkpoints import Checkpoints
from atlas.discretion import Formatter
from atlas.models import KeptAnswer, Role, Scope, Team, User
from atlas.services import people, teams, tokens
from tests.api.conftest import ROOT, Api
from tests.api.doors import doors_of
from tests.api.routes import ROUTES, allowed, at
from tests.api.test_matrix import Script

pytestmark = pytest.mark.django_db
PASSWORD = "canary-of-a-password"
KEY = "canary-of-the-settings-" + "k" * 40


@dataclass(frozen=True)
class Canaries:
    """What nobody but its owner may ever see, as it was shown to them."""

    token: str
    invitation: str
    session: str

    def seen_in(self, *texts: str) -> set[str]:
        """Which of them stand in a text."""
        secrets = {name: value.rpartition("_")[2] for name, value in vars(self).items()}
        secrets |= {"password": PASSWORD, "key": KEY}
        return {name for name, secret in secrets.items() for text in texts if secret in text}


@pytest.fixture
def owner(db, settings) -> User:
    """An operator of whom everything is secret that can be."""
    settings.SECRET_KEY = KEY
    return people.join(username="canary", password=PASSWORD, role="operator")


@pytest.fixture
def browser(owner) -> Client:
    """Theirs, signed in by the form, as people are."""
    found = Client()
    assert found.post("/accounts/login", {"username": "canary", "password": PASSWORD}).status_code == 302
    return found


@pytest.fixture
def canaries(world, owner, browser) -> Canaries:
    """All of them, let loose."""
    token = tokens.create(owner=owner, name="script", scopes=Scope.values)[1]
    invitation = teams.invite(actor=None, team=Team.objects.get(slug="circle"), role=Role.READER)[1]
    return Canaries(token, invitation, browser.cookies["sessionid"].value)


@pytest.fixture
def written(caplog):
    """What the service writes of everything that is logged, at whatever level, tracebacks too."""
    caplog.set_level(logging.DEBUG)
    [formatter] = {one.formatter for one in logging.root.handlers if isinstance(one.formatter, Formatter)}
    return lambda: "\n".join(formatter.format(record) for record in caplog.records)


def pages() -> list[str]:
    """Every page whose address holds no place."""
    patterns = get_resolver("atlas.web.urls").url_patterns
    return [f"/{one.pattern}" for one in patterns if "<" not in str(one.pattern) and "^" not in str(one.pattern)]


def test_no_answer_and_no_log_holds_one(world, canaries, owner, browser, caplog):
    """Every method of every route, by token and by session, as it succeeds and as it is refused; and every page."""
    caplog.set_level(logging.DEBUG)
    said = []
    for api in (Script(canaries.token), Api(owner)):
        api.client.cookies["sessionid"] = canaries.session
        for route in ROUTES:
            for method in allowed(route):
                for query, body in (("", {}), ("?colour=red", {}), ("", b"{")):
                    answer = api.ask(method, f"{ROOT}/{at(route, world.places)}{query}", body)
                    said.append(f"{answer.content.decode()} {answer.headers}")
    said += [browser.get(page, headers={"accept": "text/html"}).content.decode() for page in pages()]
    assert len(said) > 100
    assert canaries.seen_in(*said, caplog.text, *(str(record.args) for record in caplog.records)) == set()


def test_what_is_put_where_it_does_not_belong_is_not_repeated(world, canaries, operator, written):
    """A secret in a field, in a parameter, in an address or in the wrong header is refused, and not said again."""
    said = []
    for door, secret in product(doors_of(world, operator), (canaries.token, canaries.invitation)):
        wrong = {name for name in door.fields("string") if name not in ("name", "invitation")} if door.good else {}
        said += [door.knock({**door.good, name: secret}) for name in wrong]
        said += [door.knock({**(door.good or {}), secret: secret})]
    for route, secret in product(ROUTES, (canaries.token, canaries.invitation)):
        places = dict.fromkeys(world.places, secret)
        asked = [f"{at(route, world.places)}?{name}={secret}" for name in (*ROUTES[route].parameters, secret)]
        said += [Api(operator.login).get(path) for path in (*asked, at(route, places))]
    for shown in (f"Basic {canaries.token}", canaries.token, f"Bearer {canaries.token} x"):
        said.append(Client().get(f"{ROOT}/me", headers={"Authorization": shown}))
    said += [Client().get(f"/{place}/{canaries.token}") for place in ("c", "j", "a", "u", "nowhere")]
    said.append(Client().post("/accounts/login", {"username": "canary", "password": f"{PASSWORD}~"}))
    assert len([answer for answer in said if answer.status_code >= 400]) > 100
    assert canaries.seen_in(*(answer.content.decode() for answer in said if answer.status_code >= 400)) == set()
    assert canaries.seen_in(written()) == set()


def test_a_fault_of_ours_holds_none(world, canaries, browser, written, monkeypatch):
    """The traceback is logged, its variables are not."""

    def broken(self, request):
        secret = f"{canaries.token} {canaries.session} {PASSWORD}"
        raise RuntimeError(f"{len(secret)} characters")

    monkeypatch.setattr(Checkpoints, "get", broken)
    for client in (browser, Script(canaries.token).client):
        client.raise_request_exception = False
        answer = client.get(f"{ROOT}/checkpoints", headers={"Authorization": f"Bearer {canaries.token}"})
        assert answer.status_code == 500
        assert canaries.seen_in(answer.content.decode(), str(answer.headers)) == set()
    assert "RuntimeError" in written()
    assert canaries.seen_in(written()) == set()


def test_no_table_holds_one(world, canaries, owner, browser):
    """Kept answers, changes and sessions too: what is kept of a secret is its hash."""
    script = Script(canaries.token)
    for key, (path, body) in enumerate(
        {"teams": {"slug": "kept", "name": "Kept"}, "jobs": {"checkpoint": "x"}}.items()
    ):
        script.post(path, body, headers={**script.headers, "Idempotency-Key": f"k{key}"})
    made = browser.post("/me/tokens", {"name": "page", "scopes": ["read"], "days": "3"})
    assert made.status_code == 201
    assert KeptAnswer.objects.exists()
    kept = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f'SELECT * FROM "{model._meta.db_table}"')
            kept.append(str(cursor.fetchall()))
    assert canaries.seen_in(*kept) == set()
    assert owner.username in "".join(kept)
    feed = Api(owner).get("changes?limit=200").content.decode()
    assert canaries.seen_in(feed) == set()


def test_what_is_shown_once_is_shown_once(world, owner):
    """In the answer that makes it, and in no other; its own list knows its prefix only."""
    api = Api(owner)
    for path, body, name in (
        ("tokens", {"name": "x", "scopes": ["read"]}, "token"),
        ("teams/circle/invitations", {"role": "reader"}, "invitation"),
    ):
        made = api.post(path, body)
        secret = made.json()[name].rpartition("_")[2]
        assert (made.status_code, made["Cache-Control"]) == (201, "no-store")
        assert secret not in api.get(path).content.decode()
