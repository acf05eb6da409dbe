"""The checked-in OpenAPI document as a judge: whatever the API answers has to be what it says it answers."""

import copy
import json
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.conf import settings
from django.http import HttpResponse
from jsonschema import Draft202012Validator

from atlas import problems

FILE = Path(__file__).parent.parent.parent / "docs" / "openapi.yaml"
LACKING = (503, 507)  # what the machine lacks: said once, as the default of every address
PROBLEM = "application/problem+json"
ECHO = 200  # characters of what was sent that may come back in one piece


@cache
def document() -> dict[str, Any]:
    """The document as it is checked in."""
    return yaml.safe_load(FILE.read_text())


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path template, method and operation of all that is documented."""
    for template, item in document()["paths"].items():
        for method, operation in item.items():
            yield template, method.upper(), operation


def operation_at(method: str, path: str) -> dict[str, Any] | None:
    """The operation that an address belongs to."""
    for template, verb, operation in operations():
        pattern = re.sub(r"\{\w+\}", "[^/]+", template)
        if verb == method and re.fullmatch(pattern, path, flags=re.DOTALL):
            return operation
    return None


def require_problem(response: HttpResponse, *, sent: Iterable[str] = ()) -> dict[str, Any]:
    """A refusal is a problem document that says what, where to read about it, and which request it was.

    And nothing else: no secret of the service, and of what was `sent` no more than a few words.
    """
    assert response.status_code < 500 or response.status_code in LACKING, response.content[:500]
    assert response["Content-Type"] == PROBLEM, response["Content-Type"]
    assert "no-store" in response["Cache-Control"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.status_code not in (429, *LACKING) or response["Retry-After"]
    body = json.loads(response.content)
    faults = list(_judge("Problem").iter_errors(body))
    assert not faults, faults
    assert body["status"] == response.status_code
    assert body["type"] in slugs(), body["type"]
    assert body["instance"] == f"urn:uuid:{response['X-Request-ID']}"
    assert bool(body.get("errors")) == (body["type"] in ("/problems/validation", "/problems/text-policy"))
    text = response.content.decode()
    assert not re.search(r"Traceback|File \\?\"/|SELECT |atlas_|django\.|\.py\b", text), text
    assert str(settings.HOME) not in text
    assert str(settings.BASE_DIR) not in text
    assert re.search(r"[\x00-\x1f\x7f-\x9f]", text) is None
    assert [one for one in strings(body) if len(one) > ECHO and _echoes(one, sent)] == []
    return body


@cache
def slugs() -> frozenset[str]:
    """The closed list: the types of all problems there are, each of which has a page."""
    return frozenset(f"/problems/{kind.slug()}" for kind in problems.kinds())


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value, its keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)


def _echoes(said: str, sent: Iterable[str]) -> bool:
    """Whether somewhere more than ECHO characters in a row are what was sent."""
    pieces = {said[start : start + ECHO + 1] for start in range(len(said) - ECHO)}
    return any(piece in text for piece in pieces for text in sent if len(text) > ECHO)


def require_documented(method: str, path: str, response: HttpResponse) -> None:
    """The status, the media type and the body are those the document promises at this address."""
    operation = operation_at(method, path)
    if operation is None or response.status_code == 405:
        return
    said = operation["responses"].get(str(response.status_code))
    if response.status_code in LACKING:
        said = said or operation["responses"]["default"]
    assert said, f"{operation['operationId']} does not say that it answers {response.status_code}"
    for name, header in said.get("headers", {}).items():
        assert name in response or not header.get("required"), f"{response.status_code} has no {name}"
    if "content" not in said:
        assert response.content == b""
        return
    media_type = response["Content-Type"].removesuffix("; charset=utf-8")
    content = said["content"][media_type]
    if "$ref" not in content["schema"]:  # a file of some other form
        return
    faults = list(_judge(content["schema"]["$ref"].rpartition("/")[2]).iter_errors(json.loads(response.content)))
    assert not faults, [f"{list(fault.path)}: {fault.message[:200]}" for fault in faults[:5]]


@cache
def _judge(component: str) -> Draft202012Validator:
    """A component's schema, closed: a member that the document does not name is a fault too."""
    components = copy.deepcopy(document()["components"])
    for name, schema in components["schemas"].items():
        if "properties" in schema and name != "Problem":
            schema.setdefault("additionalProperties", False)
    return Draft202012Validator({"$ref": f"#/components/schemas/{component}", "components": components})
