"""The hostile credentials, headers and paths (A, H, P), and that nothing leaves for an address somebody wrote (U)."""

import itertools
import sys
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from atlas import markdown
from atlas.models import Membership, Role, Token
from atlas.services import people, tokens
from atlas.storage import path_of
from tests.api.conftest import ROOT, Api, rows
from tests.api.doors import doors_of
from tests.api.routes import ROUTES, allowed, at
from tests.api.test_matrix import Script

pytestmark = pytest.mark.django_db
SHA = "0123456789abcdef" * 4


@pytest.fixture
def doors(world, operator):
    """Every door, by session and by token."""
    return doors_of(world, operator)


def slug_of(answer) -> str:
    """Which problem it is."""
    return answer.json()["type"].removeprefix("/problems/")


class TestCredentials:
    def test_a_token_that_opens_nothing_says_why(self, world, user):
        """A04, A05: on every method of every route, at once."""
        token, shown = tokens.create(owner=user, name="x", scopes=["read", "write", "compute", "admin"])
        script, now = Script(shown), timezone.now()
        states = {
            "token-expired": {"expires_at": now - timedelta(seconds=1)},
            "token-revoked": {"revoked_at": now},
        }
        for slug, state in states.items():
            Token.objects.filter(pk=token.pk).update(**state)
            assert self.answers(script, world) == {(401, slug)}
            Token.objects.filter(pk=token.pk).update(expires_at=now + timedelta(days=1), revoked_at=None)
        people.deactivate(actor=None, user=user)
        before = rows()
        assert self.answers(script, world) == {(401, "bad-credential")}
        assert rows() == before

    @staticmethod
    def answers(api: Api, world) -> set[tuple[int, str]]:
        """What every method of every route says."""
        every = [(route, method) for route in ROUTES for method in allowed(route)]
        found = [api.ask(method, f"{ROOT}/{at(route, world.places)}", {}) for route, method in every]
        assert all(answer["WWW-Authenticate"].startswith("Bearer") for answer in found)
        return {(answer.status_code, slug_of(answer)) for answer in found}

    def test_a_scope_reaches_its_own_verbs_only(self, world, user):
        """A07, A10: Alice leads the circle; her script that computes changes nothing there, and makes no token."""
        script = Script(tokens.create(owner=user, name="x", scopes=["read", "compute"])[1])
        before = rows()
        tag = {**script.headers, "If-Match": '"circle.1"'}
        renamed = script.ask("PATCH", "teams/circle", {"name": "Theirs"}, headers=tag)
        assert (renamed.status_code, slug_of(renamed)) == (403, "insufficient-scope")
        made = script.post("tokens", {"name": "child", "scopes": ["read"]})
        assert (made.status_code, slug_of(made)) == (403, "session-required")
        assert rows() == before

    def test_a_token_of_one_team_finds_nothing_of_another(self, world, hidden, user, alice, team):
        """A08: though its owner may read it."""
        bound = Script(tokens.create(owner=user, name="x", scopes=["read"], team=alice.personal_space)[1])
        for route in (route for route in ROUTES if "slug" in route or "fingerprint" in route):
            for method in allowed(route):
                if method == "GET":
                    assert bound.get(at(route, hidden.places)).status_code == 404, route

    def test_nothing_is_offered_to_other_origins(self, world, anybody, as_alice):
        """A14: neither by asking first nor by asking."""
        origin = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
        for route in ROUTES:
            for api, method in ((anybody, "OPTIONS"), (as_alice, "OPTIONS"), (as_alice, "GET")):
                answer = api.ask(method, f"{ROOT}/{at(route, world.places)}", headers={**api.headers, **origin})
                assert not [name for name in answer.headers if name.lower().startswith("access-control")], route

    def test_a_session_begins_anew_and_ends_for_good(self, world, user):
        """A16, A17."""
        browser = Client()
        browser.get("/accounts/login")
        browser.cookies["sessionid"] = "chosen-by-somebody-else"
        browser.post("/accounts/login", {"username": "alice", "password": "correct horse battery"})
        key = browser.cookies["sessionid"].value
        assert key != "chosen-by-somebody-else"
        assert browser.get(f"{ROOT}/me").status_code == 200
        browser.post("/accounts/logout")
        browser.cookies["sessionid"] = key
        assert browser.get(f"{ROOT}/me").status_code == 401

    def test_a_role_that_is_taken_is_gone_with_the_next_request(self, world, alice, as_alice):
        """A19."""
        assert as_alice.get("teams/circle/invitations").status_code == 200
        Membership.objects.filter(team__slug="circle", contributor=alice).update(role=Role.READER)
        assert as_alice.get("teams/circle/invitations").status_code == 403
        Membership.objects.filter(team__slug="circle", contributor=alice).delete()
        assert as_alice.get("teams/circle/invitations").status_code == 404

    @pytest.mark.parametrize(
        "onward", ["//evil.example", "javascript:alert(1)", "/\\evil.example", "https:evil.example"]
    )
    def test_signing_in_leads_to_no_other_host(self, user, onward):
        """A23."""
        given = {"username": "alice", "password": "correct horse battery", "next": onward}
        assert Client().post("/accounts/login", given)["Location"] == "/"


HEADERS = {
    "H02 host": {"X-Forwarded-Host": "evil.example", "X-Forwarded-Port": "81", "Forwarded": "host=evil.example"},
    "H02 scheme": {"X-Forwarded-Proto": "https", "X-Forwarded-Ssl": "on", "X-Url-Scheme": "https"},
    "H02 path": {"X-Original-Url": "/api/v1/tokens", "X-Rewrite-Url": "/api/v1/tokens", "X-Script-Name": "/evil"},
    "H04": {"X-HTTP-Method-Override": "DELETE", "X-Method-Override": "DELETE"},
    "H11": {"Accept-Language": "de-" * 3_400},
    "H14": {"Range": "bytes=" + ",".join(f"{i}-{i}" for i in range(1_000)), "If-Range": '"x"'},
    "H16": {"If-Match": '"stale"', "If-Unmodified-Since": "garbage", "If-None-Match": '"' * 5_000},
    "H19": {"Cookie": "sessionid=" + "x" * 16_000},
    "H19 many": {"Cookie": "; ".join(f"c{i}=1" for i in range(200))},
    "H19 malformed": {"Cookie": ";;;=\x01; sessionid=\xff; ="},
    "H20": {"X-Request-Id": "a\r\nSet-Cookie: x=1", "Referer": "a\r\nX: y"},
    "Expect": {"Expect": "100-continue", "Upgrade": "h2c", "Connection": "close, X-CSRFToken"},
}


class TestHeaders:
    @pytest.mark.parametrize("entry", HEADERS)
    def test_a_header_that_means_nothing_here_changes_nothing(self, entry, world, anybody, untouched):
        """On every route: same body, same headers, and nobody's links lead elsewhere."""
        for route in ROUTES:
            if "GET" not in allowed(route):
                continue
            path = f"{ROOT}/{at(route, world.places)}"
            plain, tried = anybody.get(path), anybody.get(path, headers=HEADERS[entry])
            assert tried.status_code == plain.status_code, route
            assert b"evil" not in tried.content
            assert set(tried.headers) == set(plain.headers), route
            if plain.status_code == 200:
                assert tried.content == plain.content, route

    def test_a_foreign_host_is_nobodys(self, world, untouched):
        """H01: for pages as for the API, in a problem of the closed list."""
        for host in ("evil.example", "a b", "", "x" * 500, "127.0.0.1@evil.example", "testserver:port", "[::1", "a/b"):
            for path in (f"{ROOT}/jobs", "/", "/c/toy", "/accounts/login", "/nowhere"):
                answer = Client().get(path, headers={"Host": host, "Accept": "application/json"})
                assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json"), (host, path)
                assert slug_of(answer) == "bad-host"

    def test_another_form_is_refused_with_those_there_are(self, doors, untouched):
        """H10."""
        for door in doors:
            for accept in ("application/xml", "garbage;;", "text/x, " * 1_000):
                answer = door.knock(door.good or {}, headers={"Accept": accept})
                assert (answer.status_code, slug_of(answer)) == (406, "not-acceptable"), door
                assert "json" in answer.json()["forms"]

    @pytest.mark.parametrize(
        ("tag", "status", "slug"),
        [
            (None, 428, "precondition-required"),
            ("*", 428, "precondition-required"),
            ('W/"circle.1"', 412, "edit-conflict"),
            ('"circle.0"', 412, "edit-conflict"),
            ("garbage", 400, "malformed"),
            (", ".join(f'"circle.{i}"' for i in range(100)), 400, "malformed"),
            ('"' + "a" * 300 + '"', 400, "malformed"),
            ('"\xe4"', 412, "edit-conflict"),
        ],
    )
    def test_an_edit_names_the_version_it_saw(self, tag, status, slug, doors, untouched):
        """H16: at every PATCH."""
        for door in (door for door in doors if door.method == "PATCH"):
            headers = {name: value for name, value in door.headers.items() if name != "If-Match"}
            answer = door.api.ask(
                "PATCH", door.path, door.good, headers={**headers, **({"If-Match": tag} if tag else {})}
            )
            assert (answer.status_code, slug_of(answer)) == (status, slug), door


PATHS = [f"artifacts/{SHA[:-1]}", f"artifacts/{SHA.upper()}", f"artifacts/{SHA}0", f"artifacts/{SHA}/x"]
IDS = ["abc", "-1", "0", "1%00", "9" * 23, "%EF%BC%91", "1e3", "%201", "1%0a", "..", "%2e%2e%2f"]


class TestPaths:
    def test_only_a_hash_names_bytes(self, world, anybody, client, untouched):
        """P22, as page and in the API."""
        for path in PATHS:
            assert anybody.get(path).status_code == 404
            assert client.get(f"/a/{path.partition('/')[2]}.png").status_code == 404

    def test_an_id_has_one_spelling(self, world, as_alice, client, untouched):
        """P25: numbers are those that stand in an address, and nothing that Python would take for one."""
        for spelling in (one for one in IDS if one != "0"):
            assert as_alice.get(f"checkpoints/toy/layers/edges/neurons/{spelling}").status_code == 404, spelling
            assert as_alice.get(f"requests/{spelling}").status_code == 404
            assert client.get(f"/c/toy/edges/{spelling}", headers={"accept": "application/json"}).status_code in (
                404,
                406,
            )

    def test_a_name_has_one_spelling(self, world, anybody, client, untouched):
        """P26: look-alikes are nowhere; what only differs in case or by a slash leads to the one address."""
        for spelling in ("t%D0%BEy", "to%CC%81y", "toy%E2%80%8B", "toy%20", "%74oy%00", "toy;x=1", "to%2Fy"):
            assert client.get(f"/c/{spelling}").status_code == 404, spelling
            assert anybody.get(f"checkpoints/{spelling}").status_code == 404, spelling
        for spelling in ("TOY", "toy/", "Toy"):
            answer = client.get(f"/c/{spelling}")
            assert (answer.status_code, answer["Location"]) == (308, "/c/toy")
        assert client.get("//c/toy").status_code == 404

    def test_a_planted_link_is_not_followed(self, world, artifact_folder, client, caplog):
        """P28: the store's fault and not the request's; the bytes are not the ones their name says."""
        file = artifact_folder / path_of(world.artifact.sha256)
        file.unlink()
        file.symlink_to("/etc/passwd")
        answer = client.get(f"/a/{world.artifact.sha256}.png", headers={"accept": "application/json"})
        assert (answer.status_code, slug_of(answer)) == (500, "artifact-corrupt")
        assert b"root:" not in answer.content
        assert world.artifact.sha256 in caplog.text


ADDRESSES = (
    "http://127.0.0.1:9/", "https://①②⑦.⓪.⓪.①/", "http://[::1]:9/", "http://169.254.169.254/latest/meta-data/",
    "http://metadata.google.internal/", "http://10.0.0.1/", "https://rebound.example/", "ftp://a.example/",
    "file:///etc/passwd", "gopher://127.0.0.1:6379/_FLUSHALL", "jar:http://a.example!/", "http://a.example:22/",
)  # fmt: skip


def test_nothing_leaves_for_an_address_somebody_wrote(doors, world):
    """U: whatever field holds it, this process neither looks up a name nor opens a connection."""
    left = []

    def watch(event: str, details: tuple) -> None:
        if watching and event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "urllib.Request"):
            left.append((event, details[1:]))

    watching = True
    sys.addaudithook(watch)  # for the life of the process; it cannot be taken away, only told to look elsewhere
    try:
        fields = ((door, name) for door in doors if door.good for name in door.fields("string"))
        for (door, name), address in zip(fields, itertools.cycle(ADDRESSES), strict=False):
            assert door.knock({**door.good, name: address}).status_code < 500
        for address in ADDRESSES:
            markdown.render(f"[x]({address}) ![y]({address}) <{address}>")
    finally:
        watching = False
    assert left == []
