"""What holds for every request: who asks, an id, a policy for content, one form for errors, passwords of one's own."""

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import LazyObject

from atlas import shortages
from atlas.acting import acting
from atlas.belonging import Credential
from atlas.errors import AtlasError, BadCredential, InsufficientScope, NoSuchAddress, PasswordIsTemporary
from atlas.models import Scope, User
from atlas.remembering import remembering
from atlas.services import tokens
from atlas.web import negotiation, refusals

log = logging.getLogger(__name__)
View = Callable[[HttpRequest], HttpResponse]

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'{styles}; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'{forms}; base-uri 'none'; frame-ancestors 'none'"
)
PAGE = POLICY.format(styles="", forms="")
# Signing in may begin at another service, where a form of ours then leads.
ENTRANCE = POLICY.format(styles="", forms=f" {settings.VOUCHING}" if settings.VOUCHING else "")
# The API's human pages are Swagger UI, which comes with a style element of its own.
DOCUMENTATION = POLICY.format(styles=" 'unsafe-inline'", forms="")
WITH_A_TEMPORARY_PASSWORD = ("/accounts/password", "/accounts/login", "/accounts/logout", "/static/", "/healthz")
PERSONAL = ("/me", "/teams", "/accounts/", "/workers")
KEYS_OF_THEIR_OWN = ("/api/", "/metrics")  # addresses that read the Authorization header themselves
FORWARDED = (
    "HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PROTO", "HTTP_X_REAL_IP",
)  # fmt: skip
LONGEST_ADDRESS = 45  # characters of an IPv6 address that holds an IPv4 one


def proxies(get_response: View) -> View:
    """Hear of the client's address and scheme from a proxy of ours, and from nobody else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        said = {name: request.META.pop(name) for name in FORWARDED if name in request.META}
        if request.META.get("REMOTE_ADDR") in settings.PROXIES:
            request.META |= {name: said[name] for name in ("HTTP_X_FORWARDED_PROTO",) if name in said}
            # Each proxy adds who asked it at the end; only what one of ours has added is true.
            hops = [hop.strip() for hop in said.get("HTTP_X_FORWARDED_FOR", "").split(",")]
            asked = next((hop for hop in reversed(hops) if hop not in settings.PROXIES), "")
            request.META["REMOTE_ADDR"] = asked[:LONGEST_ADDRESS] or request.META["REMOTE_ADDR"]
        return get_response(request)

    return middleware


def request_id(get_response: View) -> View:
    """Give each request an id, and say who acts in it: the trace of changes and every problem carry it."""

    def middleware(request: HttpRequest) -> HttpResponse:
        with acting(lambda: _known_actor(request)) as identity:
            response = get_response(request)
            response["X-Request-ID"] = str(identity)
            return response

    return middleware


def read_at_once(get_response: View) -> View:
    """What a page asks for twice, while nothing is changed, is looked up once."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method not in negotiation.READING:
            return get_response(request)
        with remembering():
            return get_response(request)

    return middleware


def _known_actor(request: HttpRequest) -> int | None:
    """The contributor who acts, as far as it is known already.

    Triggers ask from inside of a statement, where looking somebody up would be a second one: the user of a session is
    known once a view has asked for them (`_cached_user`), that of a token once it was recognised.
    """
    user: Any = getattr(request, "user", None)
    if isinstance(user, LazyObject):
        user = getattr(request, "_cached_user", None)
    return getattr(user, "contributor_id", None)


def content_security_policy(get_response: View) -> View:
    """Nothing inline, nothing from elsewhere; a view may have set a stricter policy."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        policy = DOCUMENTATION if request.path == "/api/v1/docs" else PAGE
        policy = ENTRANCE if request.path.startswith("/accounts/") else policy
        response.setdefault("Content-Security-Policy", policy)
        if request.path.startswith(PERSONAL):
            response["Cache-Control"] = "no-store, private"
        return response

    return middleware


def bearer(get_response: View) -> View:
    """A script reads pages by its token, as it does the API; what claims to be one and is none is refused."""

    def middleware(request: HttpRequest) -> HttpResponse:
        header = request.META.get("HTTP_AUTHORIZATION")
        if header is None or request.path.startswith(KEYS_OF_THEIR_OWN):
            return get_response(request)
        try:
            negotiation.require_method(request, "GET")
            request.user = _bearer_of(header)
        except AtlasError as error:
            return refusals.of_script(request, error)
        response = get_response(request)
        response["Cache-Control"] = "no-store, private"
        return response

    return middleware


def _bearer_of(header: str) -> User:
    kind, _, shown = header.partition(" ")
    if kind.lower() != "bearer":
        raise BadCredential()
    token = tokens.recognise(shown.strip())
    person: Any = token.owner.contributor
    person.credential = Credential(frozenset(token.scopes), token.team_id)
    if Scope.READ not in token.scopes:
        raise InsufficientScope(scope=Scope.READ)
    return token.owner


class Refusals:
    """Whatever a page raises becomes a page, or a problem document for those who prefer JSON."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The view, unless PostgreSQL could not even be asked for the address."""
        if "\x00" in request.path:
            return refusals.refused(request, NoSuchAddress(address=request.path[:200]))
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Ours are shown, and what the machine lacks; all others are Django's to handle."""
        if not isinstance(error, AtlasError):
            known = shortages.named(error)
            if known is None:
                return None
            error = known
        if error.fault == "ours":
            log.error("%s: %s", request.path, error)
        return refusals.refused(request, error)


def own_password_first(get_response: View) -> View:
    """Somebody whose password was printed somewhere chooses another before anything else."""

    def middleware(request: HttpRequest) -> HttpResponse:
        temporary = getattr(request.user, "password_is_temporary", False)
        if not temporary or request.path.startswith(WITH_A_TEMPORARY_PASSWORD):
            return get_response(request)
        if negotiation.prefers_page(request):
            return redirect(f"/accounts/password?{urlencode({'next': request.get_full_path()})}")
        return refusals.refused(request, PasswordIsTemporary())

    return middleware
