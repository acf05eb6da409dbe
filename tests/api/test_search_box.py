"""The search box at the door: no text breaks it, pages and API find the same, and much costs no more than little."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atlas.models import Term

pytestmark = pytest.mark.django_db


@given(
    st.one_of(
        st.text(max_size=40),
        st.lists(
            st.sampled_from(["curve", " OR ", "-", "(", ")", '"', "'", "mixed:9", "upstream(", "*", "term:",
                             "%", "\\", "é", ":",
                             "NEAR(", "^", "{", "created:2026", "曲", "\ue0001", "<->", "&", "|", "!", "author:", "k"]),
            max_size=12,
        ).map("".join),
    )
)  # fmt: skip
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_no_text_breaks_anything(claim, client, text):
    for address in ("/api/v1/search", "/search", "/search.json"):
        answer = client.get(address, {"q": text})
        assert answer.status_code in (200, 400), (address, text)


def test_the_largest_queries_are_answered(claim, client, ana):
    """As many things, as deep, and as many names for one of them as there may be."""
    for number in range(150):
        Term.objects.create(slug=f"bend-{number}", label=f"bend {number}")
    call_command("reindex", "--missing")
    deep = "-(x1 OR (k1 " * 6 + "y1" + "))" * 6
    wide = " ".join(f"-(w{n} OR -kind:link)" for n in range(25))
    for q in (deep, wide, " OR ".join(f"w{n} mixed:{n}" for n in range(25)), "bend* " * 50, "ben* OR bend"):
        answer = client.get("/api/v1/search", {"q": q})
        assert answer.status_code == 200, answer.content
    assert client.get("/api/v1/search", {"q": "a" * 1_001}).json()["type"] == "/problems/bad-parameter"


def test_it_costs_the_same_however_much_is_found(describe, client, ana):
    def queries(q):
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/api/v1/search", {"q": q, "limit": 20}).status_code == 200
        return len(captured)

    describe(title="A curve", body="bent")
    asked = (
        "curve -straight OR 45",
        "curv*",
        "layer:mixed curve",
        "author:ana",
        "mixed:9",
        "upstream(mixed:9) OR curve",
    )
    few = [queries(q) for q in asked]
    for number in range(8):
        describe(title=f"Curve {number}", neuron=f"mixed:{number}")
    assert [queries(q) for q in asked] == few
    assert max(few) <= 20


def test_the_page_shows_the_fault_and_how_to_search(claim, client):
    answer = client.get("/search?q=kind:descripton")
    assert answer.status_code == 400
    assert "Did you mean description?" in answer.content.decode()
    assert client.get("/search.json?q=kind:descripton").json()["did_you_mean"] == ["description"]
    assert "How to search" in client.get("/search").content.decode()
    assert client.get("/search?q=curve&after=9").status_code == 400


def test_pages_and_api_find_the_same(describe, client):
    for number in range(6):
        describe(title=f"Curve {number}", body="an edge")
    by_page = client.get("/search.json?q=curve").json()
    assert by_page["items"] == client.get("/api/v1/search?q=curve&limit=20").json()["items"] != []
    first = client.get("/api/v1/search?q=curve&limit=2").json()
    rest = client.get(first["next"]).json()
    assert [*first["items"], *rest["items"]] == client.get("/api/v1/search?q=curve").json()["items"][:4]
    assert client.get(first["next"].replace("curve", "edge")).json()["type"] == "/problems/bad-cursor"
