"""Query strings, read strictly: every endpoint says which parameters it has, and nothing else is taken."""

from collections.abc import Callable, Mapping
from typing import Any

from django.core import signing
from django.http import HttpRequest

from atlas.errors import BadCursor, BadParameter, DuplicateParameter, UnknownParameter

Reader = Callable[[str], Any]  # raises ValueError saying what it wants
DEFAULT_LIMIT = 50
MOST = 200


def read(request: HttpRequest, readers: Mapping[str, Reader]) -> dict[str, Any]:
    """The parameters given, each by its reader; raises UnknownParameter, DuplicateParameter, BadParameter."""
    found: dict[str, Any] = {}
    for name, values in request.GET.lists():
        if name not in readers:
            raise UnknownParameter(parameter=name[:80], parameters=", ".join(sorted(readers)) or "none")
        if len(values) > 1:
            raise DuplicateParameter(parameter=name)
        if "\x00" in values[0] or "\ufffd" in values[0]:
            raise BadParameter(parameter=name, reason="contains characters that cannot be read")
        try:
            found[name] = readers[name](values[0])
        except ValueError as error:
            raise BadParameter(parameter=name, reason=str(error)) from None
    return found


def limit(text: str) -> int:
    """1 to 200."""
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= MOST):
        raise ValueError(f"must be a whole number from 1 to {MOST}")
    return int(text)


def text(value: str) -> str:
    """Up to 200 characters."""
    if not 0 < len(value) <= 200:
        raise ValueError("must have 1 to 200 characters")
    return value


def one_of(*choices: str) -> Reader:
    """One of a few words."""

    def chosen(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return chosen


PAGING: Mapping[str, Reader] = {"limit": limit, "cursor": text}


def cursor(request: HttpRequest, *, after: Any) -> str:
    """Where this very list, with these very filters, goes on."""
    return signing.dumps([_list(request), after], salt="cursor", compress=True)


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


def _list(request: HttpRequest) -> list[Any]:
    return [request.path, sorted([*pair] for pair in request.GET.items() if pair[0] not in PAGING)]
