"""What every endpoint shares: who asks, strict query parameters, bodies judged by a schema, and how it is cached."""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

from django.http import HttpResponse, HttpResponseBase, HttpResponseNotModified
from django.utils.cache import set_response_etag
from django.utils.http import parse_etags
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api import query
from atlas import limits, validation
from atlas.belonging import credential_of
from atlas.errors import AuthenticationRequired, InsufficientScope, Malformed, Validation
from atlas.models import Contributor, Scope

READING = ("GET", "HEAD", "OPTIONS")
NOTHING: Mapping[str, Any] = {"type": "object", "additionalProperties": False, "properties": {}}


class Endpoint(APIView):
    """A resource. `parameters` are the query parameters it reads; all others are refused.

    `counted` says as what its methods are counted, where that is not `read` for reading and `write` for the rest.
    """

    parameters: ClassVar[Mapping[str, query.Parameter]] = {}
    counted: ClassVar[Mapping[str, str]] = {}
    streams: ClassVar[bool] = False  # a file, which is written while it is read
    asked: dict[str, Any]
    count: limits.Count | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Read the query string before anything else."""
        super().initial(request, *args, **kwargs)
        reads = request.method in READING
        self.count = limits.count(request, self.counted.get(str(request.method), "read" if reads else "write"))
        credential = credential_of(self.actor)
        if reads and credential is not None and Scope.READ not in credential.scopes:
            raise InsufficientScope(scope=Scope.READ)
        if request.method not in self.allowed_methods:  # before its parameters are found strange
            self.http_method_not_allowed(request)
        self.asked = query.read(request, self.parameters if request.method in ("GET", "HEAD") else {})

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Only what is allowed; the schema says the rest."""
        return HttpResponse(status=204, headers={"Allow": ", ".join(self.allowed_methods)})

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Answers are kept only to be asked about again: they depend on the moment, and on who reads."""
        found = super().finalize_response(request, response, *args, **kwargs)
        found.headers.setdefault("Cache-Control", "private, no-cache")
        for name, value in (self.count.headers if self.count else {}).items():
            found.headers[name] = value
        if request.method in ("GET", "HEAD") and found.status_code == 200 and isinstance(found, Response):
            found.add_post_render_callback(partial(_unless_known, request))
        return found

    @property
    def actor(self) -> Contributor | None:
        """Who asks; None for anybody."""
        return getattr(self.request.user, "contributor", None)

    @property
    def person(self) -> Contributor:
        """Who wants something done; raises AuthenticationRequired for anybody."""
        if self.actor is None:
            raise AuthenticationRequired()
        return self.actor

    def identity(self) -> Any:
        """What makes two bodies the same request, for who repeats one under its Idempotency-Key."""
        return self.request.data

    def given(self, schema: Mapping[str, Any] = NOTHING) -> dict[str, Any]:
        """The body, once `schema` has nothing against it; raises Malformed, or Validation with all its faults."""
        length = self.request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) == 0:
            if schema is NOTHING:
                return {}
            raise Malformed(detail="There is no body: send JSON, with its Content-Length.")
        given = self.request.data
        if errors := validation.faults(given, dict(schema)):
            raise Validation(errors=errors)
        return dict(given)


def _unless_known(request: Request, response: HttpResponse) -> HttpResponse | None:
    """304 for who has these very bytes already: the tag is their hash, so it names version, state and reader."""
    tag = set_response_etag(response).headers["ETag"]
    if tag not in parse_etags(request.headers.get("If-None-Match", "")):
        return None
    unchanged = HttpResponseNotModified()
    for name in ("ETag", "Cache-Control", "Vary"):
        if name in response:
            unchanged[name] = response[name]
    return unchanged
