"""However much there is to show, it is read in the same number of queries."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.routes import ROUTES, allowed, at
from tests.api.test_matrix import NEURON

pytestmark = pytest.mark.django_db
READING = sorted(route for route in ROUTES if allowed(route) and "GET" in allowed(route))


def count(api, path: str) -> int:
    """Queries of a GET that is not the first: who wrote a version is found once."""
    api.get(path)
    with CaptureQueriesContext(connection) as captured:
        assert api.get(path).status_code == 200
    return len(captured)


def test_no_list_costs_more_when_it_is_longer(world, register, ask_for, answer_jobs, alice, as_alice):
    places = {**world.places, "fingerprint": world.done.fingerprint, "channel": "0"}  # what has a picture already
    few = {route: count(as_alice, at(route, places)) for route in READING}
    for name in "bcd":
        ask_for(register(f"toy-{name}", name), alice, "edges:0")
    for steps in (3, 4):
        ask_for(world.checkpoint, alice, *[f"edges:{channel}" for channel in range(4)], steps=steps)
        answer_jobs()
    ask_for(world.checkpoint, alice, *[f"mixed:{channel}" for channel in range(12)])
    while answer_jobs():
        pass
    many = {route: count(as_alice, at(route, places)) for route in READING}
    assert many == few
    two = many.pop(f"{NEURON}/compare/<str:other>")  # reads two neurons, and the connections of both
    assert max(many.values()) <= 24
    assert two <= 2 * (many[NEURON] + 4)
