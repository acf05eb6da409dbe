"""Query strings, read strictly: every endpoint says which parameters it has, and nothing else is taken."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.core import signing
from django.http import HttpRequest

from atlas import canonical
from atlas.errors import BadCursor, BadParameter, DuplicateParameter, UnknownParameter

DEFAULT_LIMIT = 50
MOST = 200
LONGEST = 200  # characters of a value


@dataclass(frozen=True)
class Parameter:
    """A query parameter: what it does and may be, for the schema; `read` raises ValueError saying what it wants."""

    description: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]


def read(request: HttpRequest, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    """The parameters given, each as it is read; raises UnknownParameter, DuplicateParameter, BadParameter."""
    found: dict[str, Any] = {}
    for name, values in request.GET.lists():
        if name not in parameters:
            raise UnknownParameter(parameter=name[:80], parameters=", ".join(sorted(parameters)) or "none")
        if len(values) > 1:
            raise DuplicateParameter(parameter=name)
        if "\x00" in values[0] or "\ufffd" in values[0]:
            raise BadParameter(parameter=name, reason="contains characters that cannot be read")
        try:
            found[name] = parameters[name].read(values[0])
        except ValueError as error:
            raise BadParameter(parameter=name, reason=str(error)) from None
    return found


def text(description: str, *, longest: int = LONGEST) -> Parameter:
    """Any text that is not empty."""

    def plain(value: str) -> str:
        if not 0 < len(value) <= longest:
            raise ValueError(f"must have 1 to {longest} characters")
        return value

    return Parameter(description, {"type": "string", "minLength": 1, "maxLength": longest}, plain)


def one_of(description: str, *choices: str) -> Parameter:
    """One of a few words."""

    def chosen(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return Parameter(description, {"type": "string", "enum": list(choices)}, chosen)


def number(description: str) -> Parameter:
    """A whole number from 0 on."""

    def whole(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) <= 15):
            raise ValueError("must be a whole number of at most 15 digits")
        return int(value)

    return Parameter(description, {"type": "integer", "minimum": 0}, whole)


def _limit(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 5 and 1 <= int(value) <= MOST):
        raise ValueError(f"must be a whole number from 1 to {MOST}")
    return int(value)


PAGING: Mapping[str, Parameter] = {
    "limit": Parameter(
        "Items on a page.", {"type": "integer", "minimum": 1, "maximum": MOST, "default": DEFAULT_LIMIT}, _limit
    ),
    "cursor": text("Where to go on; `next` holds it."),
}


def cursor(request: HttpRequest, *, after: Any) -> str:
    """Where this very list, with these very filters, goes on. As long for many filters as for none."""
    return signing.dumps([_list(request), after], salt="cursor")


def position(request: HttpRequest, given: str | None) -> Any:
    """What a cursor of this list says; raises BadCursor for one of another list, or of nobody."""
    if given is None:
        return None
    try:
        of, after = signing.loads(given, salt="cursor")
    except (signing.BadSignature, ValueError, TypeError):
        raise BadCursor() from None
    if of != _list(request):
        raise BadCursor()
    return after


def _list(request: HttpRequest) -> str:
    """The list that is asked for: its address and its filters, not the place in it."""
    filters = sorted([*pair] for pair in request.GET.items() if pair[0] not in PAGING)
    return canonical.sha256([request.path, filters])[:16]
