"""Every route of the API, whatever it is, under every method and the abuse that any address has to stand."""

import itertools
import re
from functools import cache
from urllib.parse import quote

import pytest
from django.urls import reverse

from api.endpoint import Endpoint
from api.schema import PLACES
from atlas.errors import AtlasError
from tests.api.conftest import ROOT, Api, rows
from tests.api.routes import ROUTES, allowed, at, every_route

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND")
# What is somebody's own: nobody unnamed reads it.
OWN = ("me", "tokens", "teams", "imports", "searches")
PERSONAL = tuple(route for route in ROUTES if route.startswith(OWN) or route.endswith("/watch"))
# In documents and pages nothing is looked up; they are not JSON.
UNLISTED = ("schema", "docs")

pytestmark = pytest.mark.django_db
HOSTILE = {
    "nul": "%00",
    "nul within": "a%00b",
    "invalid UTF-8": "%FF%FE",
    "surrogate": "%ED%A0%80",
    "overlong": "a" * 5_000,
    "full-width digit": quote("１"),
    "negative": "-1",
    "huge": "9" * 30,
    "exponent": "1e3",
    "padded": "%201",
    "two dots": "..",
    "traversal": "..%2f..%2fetc%2fpasswd",
    "line breaks": "a%0d%0aSet-Cookie:%20x=1",
    "markup": quote("<script>alert(1)</script>"),
    "SQL": quote("' OR 1=1 --"),
    "format": "%7B0.__class__%7D",
    "63 digits": "a" * 63,
    "64 upper-case digits": "A" * 64,
    "65 digits": "a" * 65,
    "another spelling of an id": "%7B12345678-1234-5678-1234-567812345678%7D",
    "dunder": "__class__",
}


@cache
def known_problems() -> frozenset[str]:
    """Slugs of all problems that have a page."""
    from atlas import problems

    return frozenset(f"/problems/{kind.slug()}" for kind in problems.kinds())


def test_every_route_is_an_endpoint_and_every_placeholder_is_described():
    assert all(issubclass(view, Endpoint) for view in ROUTES.values())
    assert set(re.findall(r"<str:(\w+)>", " ".join(ROUTES))) == set(PLACES)


@every_route
def test_anybody_reads_and_nobody_writes_unnamed(route, world, anybody):
    before = rows()
    for method in allowed(route) or METHODS:
        answer = anybody.ask(method, at(route, world.places))
        reads = method == "GET" and route not in PERSONAL
        assert answer.status_code == (404 if not route else 200 if reads else 401), method
    assert rows() == before


@every_route
def test_what_is_not_understood_is_refused_with_what_is(route, world, anybody):
    for method, query in itertools.product(set(METHODS) - set(allowed(route)), ("", "?colour=red")):
        answer = anybody.ask(method, at(route, world.places) + query)
        assert answer.status_code == (405 if route else 404), method
        if route:
            understood = {*allowed(route), "OPTIONS", *(["HEAD"] if "GET" in allowed(route) else [])}
            assert set(answer["Allow"].split(", ")) == understood
    options = anybody.ask("OPTIONS", at(route, world.places))
    assert (options.status_code, options.content) == (204, b"") if route else options.status_code == 404


@every_route
def test_head_is_get_without_a_body(route, world, as_alice):
    if "GET" not in allowed(route):
        return
    head, get = as_alice.ask("HEAD", at(route, world.places)), as_alice.get(at(route, world.places))
    assert (head.status_code, head.content) == (200, b"")
    assert head["Content-Type"] == get["Content-Type"]


@every_route
def test_who_is_signed_in_proves_that_the_request_is_theirs(route, world, user):
    careless = Api(user, token=None)
    before = rows()
    for token in (None, "x" * 32, "\xe4", ""):
        headers = {} if token is None else {"X-CSRFToken": token}
        for method in allowed(route):
            answer = careless.ask(method, at(route, world.places), {}, headers=headers)
            assert answer.status_code == (200 if method == "GET" else 403)
            assert method == "GET" or answer.json()["type"] == "/problems/csrf"
    assert rows() == before


@every_route
def test_a_bad_credential_opens_nothing_and_is_not_anybody(route, world, anybody, as_alice):
    for shown in ("Bearer fh_12345678_nonsense", "Bearer", "Basic \xff", "bearer\tx", "Bearer " + "x" * 10_000):
        for api, method in itertools.product((anybody, as_alice), allowed(route)):
            answer = api.ask(method, at(route, world.places), {}, headers={"Authorization": shown})
            assert answer.status_code == 401, (method, shown[:20])
            assert "WWW-Authenticate" in answer


@every_route
def test_a_printed_password_opens_nothing(route, world, as_newcomer):
    for method in allowed(route):
        answer = as_newcomer.ask(method, at(route, world.places), {})
        assert answer.status_code == 403
        assert answer.json()["type"] == "/problems/password-is-temporary"
        assert "/accounts/password" in answer.json()["detail"]


@every_route
def test_a_form_it_does_not_have_is_refused_with_those_it_has(route, world, as_alice):
    forms = ["application/xml", "image/*", "garbage;;", "text/x, " * 1_000]
    for accept, method in itertools.product(forms, allowed(route)):
        answer = as_alice.ask(method, at(route, world.places), {}, headers={"Accept": accept})
        assert answer.status_code == 406, method
        assert "json" in answer.json()["forms"] or route in UNLISTED or route.endswith((".csv", "/events"))


@every_route
def test_a_place_that_is_none_is_nowhere(route, world, as_alice):
    """Each placeholder in turn holds something hostile, the others what they should."""
    before = rows()
    for name, kind in itertools.product(re.findall(r"<str:(\w+)>", route), HOSTILE):
        for method in allowed(route):
            answer = as_alice.ask(method, at(route, {**world.places, name: HOSTILE[kind]}), {})
            assert answer.status_code == 404, (method, name, kind)
            assert len(answer.content) < 2_000
    assert rows() == before


def test_an_id_has_one_spelling(world, anybody):
    written = str(world.request.id)
    assert anybody.get(f"requests/{written}").status_code == 200
    for spelling in (written.upper(), written.replace("-", ""), f"%7B{written}%7D", f"urn:uuid:{written}"):
        assert anybody.get(f"requests/{spelling}").status_code == 404, spelling


@every_route
def test_a_slash_too_many_is_another_address(route, world, anybody):
    for path in (f"{ROOT}/{at(route, world.places)}/", f"{ROOT}//{at(route, world.places)}"):
        assert anybody.get(path).status_code == 404


def test_every_refusal_has_a_page(world, anybody, as_alice, client):
    assert {kind for kind in known_problems() if client.get(kind).status_code != 200} == set()
    for path in ("checkpoints/none", "jobs?x=1", "jobs?limit=0", "jobs?cursor=x", "nowhere", "probes/none"):
        assert anybody.get(path).json()["type"] in known_problems()
    assert as_alice.post("jobs", b"{").json()["type"] in known_problems()


def test_the_range_is_named_where_somebody_missed_it(world, anybody):
    assert "edges, mixed" in anybody.get("checkpoints/toy/layers/edgez").json()["detail"]
    said = anybody.get("checkpoints/toy/layers/edges/neurons/4").json()
    assert "4 neurons, 0 to 3" in said["detail"]
    assert (said["width"], said["last"], said["channel"]) == (4, 3, "4")


def test_the_uncaught_becomes_a_problem_that_says_nothing(world, anybody, monkeypatch):
    """The last resort, tried with a fault put into the view."""
    from api.checkpoints import Checkpoints

    def broken(self, request):
        raise RuntimeError("a secret at /etc/passwd")

    monkeypatch.setattr(Checkpoints, "get", broken)
    answer = anybody.client.get(f"{ROOT}/checkpoints")
    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["type"] == "/problems/internal"
    assert b"secret" not in answer.content


def test_every_error_has_a_status_that_http_knows():
    assert {kind for kind in AtlasError.__subclasses__() if not 400 <= kind.status < 600} == set()


def test_the_document_is_found_by_its_name(anybody):
    assert reverse("api-schema") == f"{ROOT}/schema"
