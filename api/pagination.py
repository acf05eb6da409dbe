"""Lists in pages: an object with `items` and `next`, and the same next page in a Link header."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import Q
from rest_framework.request import Request
from rest_framework.response import Response

from api import query
from atlas.dossiers.bodies import body


def page(request: Request, items: Sequence[Any], *, after: Any = None) -> Response:
    """A page whose last item lies at `after` in the list's order; None when it is the last page."""
    following = None
    if after is not None:
        asked = {name: value for name, value in request.GET.items() if name != "cursor"}
        asked["cursor"] = query.cursor(request, after=after)
        following = f"{request.path}?{urlencode(asked)}"
    headers = {"Link": f'<{following}>; rel="next"'} if following else {}
    return Response({"items": body(list(items)), "next": following}, headers=headers)


def window(rows: Any, *, by: str, asked: dict[str, Any], request: Request) -> tuple[list[Any], Any]:
    """The rows of this page in the order of the unique column `by` (`-by` descending), and where the next begins."""
    column, size = by.removeprefix("-"), asked.get("limit", query.DEFAULT_LIMIT)
    after = query.position(request, asked.get("cursor"))
    if after is not None:
        rows = rows.filter(**{f"{column}__{'lt' if by.startswith('-') else 'gt'}": after})
    found = list(rows.order_by(by)[: size + 1])
    more = len(found) > size
    return found[:size], getattr(found[size - 1], column) if more else None


def ranked(rows: Any, *, by: str, asked: dict[str, Any], request: Request) -> tuple[list[Any], Any]:
    """The rows of this page in the order of a column that several may share, equals by id; where the next begins."""
    column, size = by.removeprefix("-"), asked.get("limit", query.DEFAULT_LIMIT)
    beyond = "lt" if by.startswith("-") else "gt"
    after = query.position(request, asked.get("cursor"))
    if after is not None:
        value, last = after
        rows = rows.filter(Q(**{f"{column}__{beyond}": value}) | Q(**{column: value, "id__gt": last}))
    found = list(rows.order_by(by, "id")[: size + 1])
    more = len(found) > size
    return found[:size], [getattr(found[size - 1], column), found[size - 1].pk] if more else None


def span(count: int, *, asked: dict[str, Any], request: Request) -> tuple[int, int, int | None]:
    """For a list of `count` that never changes its order: this page's start and stop, and where the next begins."""
    start: int = query.position(request, asked.get("cursor")) or 0
    stop = min(start + asked.get("limit", query.DEFAULT_LIMIT), count)
    return start, stop, stop if stop < count else None
