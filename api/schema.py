"""What the API says of itself: parameters as they are read, refusals as they are made, bodies as they are judged."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers

from api import shapes

PLACES: Mapping[str, str] = {
    "slug": "A checkpoint's slug.",
    "layer": "A layer's key, or another name of it.",
    "channel": "The neuron's channel in the layer, from 0.",
    "other": "Another neuron: `layer:channel` of the same checkpoint, or `checkpoint:layer:channel`.",
    "name": "A probe's name.",
    "fingerprint": "The job's fingerprint: 64 hexadecimal digits.",
    "digest": "The dataset's digest: 64 hexadecimal digits.",
    "import_id": "The import's UUID.",
    "request_id": "The request's UUID.",
    "sha256": "The artifact's SHA-256: 64 hexadecimal digits.",
    "team": "A team's slug.",
    "handle": "A person's handle.",
    "accession": "A foothold's accession; case does not matter.",
    "version": "A version's number, from 1.",
    "number": "A comment's number on its foothold, from 1.",
    "search": "A saved search's number.",
    "item": "For what it was typed.",
    "term": "A term's slug.",
    "prefix": "The public part of a token or an invitation: what stands between its underscores.",
}
STATED: Mapping[int, str] = {
    400: "The query string or the body cannot be read.",
    401: "Sign in first; or what you show opens nothing.",
    403: "You may not: a role is missing, the CSRF token is, or your password is still the printed one.",
    404: "There is no such thing, or you may not know of it.",
    406: "There is no such form of it.",
    410: "A moderator took it away.",
    409: "Its state forbids it; or the same is being done right now.",
    412: "It was changed since you read it.",
    413: "The body is too large.",
    415: "The body is of a type that is not read here.",
    422: "Understood, and not acceptable; `errors` says where.",
    428: "Say in If-Match which version you are changing.",
    429: "That is too much for now; Retry-After says when to go on.",
    503: "That cannot be had now; Retry-After says when to come back.",
}
SAID: Mapping[int, str] = {
    200: "As it stands.",
    201: "Made.",
    202: "Something new is to be computed.",
    204: "Done.",
}
LACKING = "503 or 507: the machine lacks a database, a disk or room on it. Retry-After says when to come back."
ALWAYS = (400, 401, 403, 406, 429)
WRITING = (413, 415, 422)


class Schema(AutoSchema):
    """An endpoint's own declarations, read for the document."""

    def get_override_parameters(self) -> list[OpenApiParameter]:
        """Its places and query parameters, the token that writing needs, and the headers of its answers."""
        places = [parameter(name, PLACES[name], "path") for name in PLACES if f"{{{name}}}" in self.path]
        if self.method != "GET":
            return [*places, parameter("X-CSRFToken", "The CSRF token of your session.", "header")]
        read = self.view.parameters
        asked = [parameter(name, it.description, "query", type=dict(it.schema)) for name, it in read.items()]
        following = [parameter("Link", 'The next page, as `rel="next"`.', "header", response=[200])]
        tag = parameter("ETag", "Send it as If-None-Match to hear of changes only.", "header", response=[200, 304])
        return [*places, *asked, *(following if "cursor" in read else []), *([] if self.view.streams else [tag])]

    def get_auth(self) -> list[dict[str, list[str]]]:
        """Anybody reads; who writes is signed in."""
        signed_in, anybody = super().get_auth(), {}
        return [*signed_in, anybody] if self.method == "GET" else signed_in


class Token(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How the document names what scripts show."""

    target_class = "api.authentication.Bearer"
    name = "token"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, str]:
        """A token in the Authorization header."""
        return {"type": "http", "scheme": "bearer", "bearerFormat": "fh_…"}


class Written(serializers.Serializer):
    """A body whose JSON Schema is written out, because it is what judges the body as well."""

    judged_by: Mapping[str, Any]


class WrittenSchema(OpenApiSerializerExtension):
    """The schema of a `Written` body is the one it was written in."""

    target_class = Written
    match_subclasses = True

    def map_serializer(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        """The schema as it stands; a copy, because the generator writes into what it is given."""
        return copy.deepcopy(dict(self.target.judged_by))


def operation(
    name: str,
    shape: Any,
    *problems: int,
    codes: Sequence[int] = (200,),
    moves: bool = False,
    given: type[Written] | None = None,
    media_type: str = "application/json",
    forms: Sequence[str] = (),
    examples: Sequence[OpenApiExample] = (),
    writes: bool = False,
    waits: bool = False,
    secret: bool = False,
    form: str = "",
) -> Callable[[Any], Any]:
    """Describes a method: its id, the shape of its answers, and by which problems it may refuse.

    What makes something (201, 202) takes an Idempotency-Key, unless its answer holds a secret that is kept nowhere;
    what refuses with 428 takes an If-Match. `forms` are the media types in which the answer comes as text, too. What
    answers in a `form` that is not JSON, and in no other, is streamed and has no tag.
    """
    keyed = bool({201, 202} & set(codes)) and not secret
    answers: dict[Any, Any] = {
        (code, form) if form else code: OpenApiResponse(shape, description=SAID[code]) for code in codes
    }
    if forms:  # then each form is said by itself
        answers = {(code, "application/json"): it for code, it in answers.items()}
        answers |= {(code, text): OpenApiResponse(str, description=SAID[code]) for code in codes for text in forms}
    answers |= {308: OpenApiResponse(description="The same thing at its canonical address.")} if moves else {}
    answers |= {} if writes or form else {304: OpenApiResponse(description="What you have is what there is.")}
    refused = {*ALWAYS, *problems, *(WRITING if writes else ()), *((409,) if keyed else ())}
    answers |= {
        (status, "application/problem+json"): OpenApiResponse(shapes.Problem, description=STATED[status])
        for status in sorted(refused)
    }
    answers["default", "application/problem+json"] = OpenApiResponse(shapes.Problem, description=LACKING)
    headers = [
        *(_sent(conditional=428 in problems, keyed=keyed, waits=waits)),
        *_answered(codes, moves=moves, dated=bool(form) and name.startswith("export")),
    ]
    return extend_schema(
        operation_id=name,
        request={media_type: given} if given else None,
        responses=answers,
        examples=[*examples],
        parameters=headers or None,
    )


def _sent(*, conditional: bool, keyed: bool, waits: bool) -> Iterator[OpenApiParameter]:
    """The headers that a method understands."""
    if conditional:
        yield parameter("If-Match", "The version_tag you saw, in quotes.", "header")
    if keyed:
        yield parameter("Idempotency-Key", "Asked again with the same key, it is done once.", "header")
    if waits:
        yield parameter("Prefer", "`wait=n`: answer when the job has ended, or after n seconds, at most 30.", "header")


def _answered(codes: Sequence[int], *, moves: bool, dated: bool) -> Iterator[OpenApiParameter]:
    """The headers that answers carry."""
    if moves:
        yield parameter("Location", "Where it is.", "header", response=[308])
    if dated:
        says = "Of what was written up to this change everything is in the file: go on at /changes?after=…"
        yield parameter("As-Of-Change", says, "header", response=[*codes])
    if 202 in codes:
        yield parameter("Location", "The job, or the request that holds the jobs.", "header", response=[*codes])


def parameter(
    name: str, description: str, location: Literal["path", "query", "header"], *, type: Any = str, **more: Any
) -> OpenApiParameter:
    """A parameter or a header, for the document."""
    return OpenApiParameter(name, type, location, required=location == "path", description=description, **more)
