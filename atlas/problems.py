"""Errors as the world sees them: one problem document (RFC 9457) for pages, API and commands alike."""

from collections.abc import Iterator
from typing import Any

from atlas.acting import current_request
from atlas.canonical import SAFE_INTEGER
from atlas.discretion import discreet
from atlas.errors import AtlasError

MEDIA_TYPE = "application/problem+json"
LONGEST = 200  # characters of any fact that is repeated


def document(error: AtlasError) -> dict[str, Any]:
    """The problem document: type, title, status, detail, instance, `errors` with JSON pointers, and the facts."""
    body: dict[str, Any] = {
        "type": f"/problems/{error.slug()}",
        "title": error.title(),
        "status": error.status,
        "detail": str(error),
        "instance": f"urn:uuid:{current_request.get()}",
    }
    if error.errors:
        body["errors"] = error.errors
    facts = {
        name: value if name in error.structured else _fact(value)
        for name, value in error.facts.items()
        if name not in ("errors", "summary", "count")
    }
    found: dict[str, Any] = discreet({**facts, **body})
    return found


def headers(error: AtlasError) -> dict[str, str]:
    """The headers an error calls for."""
    found = {"Cache-Control": "no-store"}
    if error.status == 401:
        found["WWW-Authenticate"] = 'Bearer realm="atlas"'
    if "retry_after" in error.facts:
        found["Retry-After"] = str(error.facts["retry_after"])
    if error.status == 405:
        found["Allow"] = str(error.facts["allowed"])
    return found


def kinds() -> Iterator[type[AtlasError]]:
    """Every kind of problem, by slug: each has a page at its type's address."""
    found, waiting = [], list(AtlasError.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        found.append(kind)
    yield from sorted(set(found), key=lambda kind: kind.slug())


def _fact(value: Any) -> Any:
    if isinstance(value, bool | None) or (isinstance(value, int) and abs(value) <= SAFE_INTEGER):
        return value
    return str(value)[:LONGEST]
