"""Every route of the API, with its methods and an address in the world; and tests that hold on each of them."""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest
from django.db import transaction

from api import urls

ROUTES = {str(route.pattern): route.callback.cls for route in urls.urlpatterns}
NOWHERE = "/nowhere/at/all"
WORLDS = 4  # that a test is shown; making one costs as much as a dozen requests


def at(route: str, places: dict[str, str]) -> str:
    """The address of a route; a placeholder that the world has nothing for fails here."""
    return re.sub(r"<str:(\w+)>", lambda found: places[found[1]], route) or NOWHERE.strip("/")


def allowed(route: str) -> list[str]:
    """The methods a route understands."""
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    return [method for method in methods if hasattr(ROUTES[route], method.lower())] if route else []


def every_route(test: Callable[..., None]) -> Callable[..., None]:
    """The test, on each route by itself: what it wrote about one is undone before the next."""

    @wraps(test)
    def over(subtests: pytest.Subtests, part: list[str], **fixtures: Any) -> None:
        for route in part:
            with subtests.test(route or "nowhere"), undone():
                test(route, **fixtures)

    wanted = [it for it in inspect.signature(test).parameters.values() if it.name != "route"]
    own = [it for it in inspect.signature(over, follow_wrapped=False).parameters.values() if it.name != "fixtures"]
    over.__signature__ = inspect.Signature([*own, *wanted])
    parts = [list(ROUTES)[start::WORLDS] for start in range(WORLDS)]
    return pytest.mark.parametrize("part", parts, ids=[f"part{number}" for number in range(WORLDS)])(over)


@contextmanager
def undone() -> Iterator[None]:
    """Whatever is written within is gone afterwards."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
