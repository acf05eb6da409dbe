"""What a network may not do to the service: guess its key, speak for its proxy, or find a page without its headers."""

import re

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from atlas import settings as service
from atlas.networks import Networks
from atlas.web import middleware

FOREIGN = "203.0.113.9"
PROXY = "10.0.0.5"
SAID = {
    "X-Forwarded-For": "198.51.100.1, 198.51.100.2",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
}


@pytest.mark.parametrize(
    "key", ["", "secret", "x" * 60, "changeme" * 8, "django-insecure-" + "abcdefghij" * 6, "k" * 49]
)
def test_a_key_that_can_be_guessed_starts_nothing(key):
    """A22."""
    with pytest.raises(ImproperlyConfigured, match="ATLAS_SECRET_KEY"):
        service.strong(key)


def test_a_key_of_our_own_making_does(tmp_path):
    kept = service.kept_secret(tmp_path / "key")
    assert service.strong(kept) == kept == service.kept_secret(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


class TestProxies:
    """H02."""

    @staticmethod
    def seen(settings, *, sender: str, trusted: tuple[str, ...] = (), **said: str) -> tuple[str, bool, str]:
        """(the address, whether it came by HTTPS, the host) of a request as all that follows sees it."""
        settings.PROXIES, settings.SECURE_PROXY_SSL_HEADER = frozenset(trusted), ("HTTP_X_FORWARDED_PROTO", "https")
        request = RequestFactory().get("/", headers=said or SAID, REMOTE_ADDR=sender)
        middleware.proxies(lambda _: HttpResponse())(request)
        return request.META["REMOTE_ADDR"], request.is_secure(), request.get_host().partition(":")[0]

    def test_nobody_is_believed_who_is_none_of_ours(self, settings):
        assert self.seen(settings, sender=FOREIGN, trusted=(PROXY,)) == (FOREIGN, False, "testserver")
        assert self.seen(settings, sender=FOREIGN) == (FOREIGN, False, "testserver")

    def test_ours_is_believed_about_its_own_client_and_scheme(self, settings):
        assert self.seen(settings, sender=PROXY, trusted=(PROXY,)) == ("198.51.100.2", True, "testserver")

    @pytest.mark.parametrize(
        ("known", "inside", "outside"),
        [
            ("10.0.0.5", ["10.0.0.5"], ["10.0.0.50", "", "x", "::1", "10.0.0.5, 1.1.1.1"]),
            ("127.0.0.1,::1", ["127.0.0.1", "::1"], ["127.0.0.2"]),
            (" 10.244.0.0/16 ,", ["10.244.0.1", "10.244.255.255"], ["10.245.0.1", "1.10.244.0", "None"]),
            ("", [], ["127.0.0.1", ""]),
        ],
    )
    def test_they_are_named_singly_or_by_their_network(self, known, inside, outside):
        networks = Networks(known)
        assert [address in networks for address in [*inside, *outside]] == [True] * len(inside) + [False] * len(outside)

    @pytest.mark.parametrize("known", ["proxy.example", "10.0.0.5/8", "0.0.0.0/33"])
    def test_what_is_no_network_starts_nothing(self, known):
        with pytest.raises(ValueError, match=known.partition("/")[0]):
            Networks(known)

    def test_a_row_of_ours_leads_to_the_first_that_is_none(self, settings):
        said = {"X-Forwarded-For": f"1.1.1.1, {FOREIGN}, 10.0.0.6"}
        seen = self.seen(settings, sender=PROXY, trusted=(PROXY, "10.0.0.6"), **said)
        assert seen == (FOREIGN, False, "testserver")

    @pytest.mark.parametrize("said", ["", ",", " , ", PROXY])
    def test_who_says_nothing_is_the_client(self, settings, said):
        assert self.seen(settings, sender=PROXY, trusted=(PROXY,), **{"X-Forwarded-For": said})[0] == PROXY

    def test_a_claim_is_cut_to_an_address(self, settings):
        seen = self.seen(settings, sender=PROXY, trusted=(PROXY,), **{"X-Forwarded-For": "x" * 5_000})
        assert len(seen[0]) == 45


def addresses(resolver: URLResolver | None = None, before: str = "/") -> list[str]:
    """Every address of the service, something in each of its places."""
    found = []
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLPattern):
            path = re.sub(r"<[^>]+>|\(\?P[^)]*\)\??|[\^$]|\\\w|[()?*+]", "x", before + str(entry.pattern))
            found.append(path)
        else:
            found += addresses(entry, before + str(entry.pattern))
    return found


@pytest.mark.django_db
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "TRACE", "OPTIONS"])
@pytest.mark.parametrize("https", [False, True])
def test_every_answer_has_the_headers_that_protect_it(method, https, settings, user, checkpoint):
    """H22: whatever the address, the method, and whether anybody is signed in."""
    if https:
        settings.SECURE_HSTS_SECONDS, settings.SESSION_COOKIE_SECURE, settings.CSRF_COOKIE_SECURE = 60, True, True
    anybody, somebody = Client(enforce_csrf_checks=True), Client(enforce_csrf_checks=True)
    somebody.force_login(user)
    there = ("/c/toy", "/c/toy.json", "/c/toy/edges", "/c/toy/edges/1", "/u/alice", "/api/v1/checkpoints/toy")
    wrong = {}
    for browser in (anybody, somebody):
        for path in [*addresses(), *there, "/nowhere", "//", "/c/toy/a%00b", "/static/none.css"]:
            answer = browser.generic(method, path, secure=https)
            assert answer.status_code < 500, path
            if faults := list(unprotected(answer, method=method, https=https)):
                wrong[path] = faults
    assert wrong == {}


def unprotected(answer: HttpResponse, *, method: str, https: bool) -> list[str]:
    """What an answer lacks."""
    required = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "X-Frame-Options": "DENY",
    } | ({"Strict-Transport-Security": "max-age=60"} if https else {})  # fmt: skip
    found = [name for name, value in required.items() if not answer.get(name, "").startswith(value)]
    policy = answer.get("Content-Security-Policy", "")
    found += [
        rule for rule in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'") if rule not in policy
    ]
    found += ["unsafe script"] if re.search(r"script-src[^;]*(unsafe|\*|http:)", policy) else []
    found += [] if re.fullmatch(r"[0-9a-f-]{36}", answer.get("X-Request-ID", "")) else ["X-Request-ID"]
    found += ["a body"] if answer.getvalue() and (method == "HEAD" or answer.status_code in (204, 304)) else []
    kind = answer.get("Content-Type", "")
    found += ["no charset"] if kind.startswith("text/html") and "charset=utf-8" not in kind else []
    found += ["cached"] if answer.status_code >= 400 and "no-store" not in answer.get("Cache-Control", "") else []
    for name, cookie in answer.cookies.items():
        found += [f"{name} is not Lax"] if cookie["samesite"] != "Lax" else []
        found += [f"{name} is not Secure"] if https and not cookie["secure"] else []
        found += [f"{name} is not HttpOnly"] if name == "sessionid" and not cookie["httponly"] else []
    return found
