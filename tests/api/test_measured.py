"""Connections over HTTP: the strongest first, page by page, by direction, kind and layer, each edge once."""

import pytest

from atlas.services.connections import Measured

pytestmark = pytest.mark.django_db
AT = "checkpoints/toy/layers/mixed/neurons/3/connections"


def measured(source, target, norm, kind="expanded", sign="+"):
    return Measured(source, target, kind, norm=norm, sign=sign, share=norm / 8)


@pytest.fixture
def jobs(measure, world, alice):
    """Two questions about mixed:3, of which the second has one edge in common with the first."""
    upstream = [measured(f"edges:{channel}", "mixed:3", 1 + channel % 2) for channel in range(4)]
    first = measure(world.checkpoint, alice, "mixed:3", *upstream, measured("mixed:3", "mixed:5", 0.5, sign="mixed"))
    again = measure(world.checkpoint, alice, "mixed:3", measured("edges:3", "mixed:3", 2), top=1)
    best = measured("edges:0", "mixed:3", 9, kind="best-case")
    return first, again, measure(world.checkpoint, alice, "mixed:3", best, top=2)


def listed(api, path):
    return [(it["source"], it["target"], it["norm"]) for it in api.walk(path)]


def test_the_strongest_come_first_and_every_edge_once(jobs, anybody):
    found = listed(anybody, f"{AT}?direction=upstream&kind=expanded")
    assert [norm for *_, norm in found] == [2, 2, 1, 1]
    assert {source for source, *_ in found} == {f"edges:{channel}" for channel in range(4)}
    everything = anybody.walk(AT)
    assert [it["kind"] for it in everything] == ["best-case", *["expanded"] * 5]
    assert next(it["job"] for it in everything if it["source"] == "edges:3") == jobs[1].fingerprint


@pytest.mark.parametrize("limit", [1, 2, 3, 200])
@pytest.mark.parametrize("ordering", ["norm", "-norm"])
def test_equals_are_neither_lost_nor_repeated_between_pages(jobs, anybody, limit, ordering):
    whole = anybody.get(f"{AT}?limit=200&ordering={ordering}").json()["items"]
    assert anybody.walk(f"{AT}?limit={limit}&ordering={ordering}") == whole
    norms = [it["norm"] for it in whole]
    assert norms == sorted(norms, reverse=ordering == "-norm")


def test_filters(jobs, anybody):
    assert listed(anybody, f"{AT}?direction=downstream") == [("mixed:3", "mixed:5", 0.5)]
    assert listed(anybody, f"{AT}?kind=best-case") == [("edges:0", "mixed:3", 9)]
    assert listed(anybody, f"{AT}?layer=mixed") == [("mixed:3", "mixed:5", 0.5)]
    assert listed(anybody, f"{AT}?layer=edges&kind=expanded&direction=downstream") == []
    assert listed(anybody, "checkpoints/toy/layers/edges/neurons/2/connections") == [("edges:2", "mixed:3", 1)]
    assert listed(anybody, "checkpoints/toy/layers/mixed/neurons/0/connections") == []


def test_it_says_who_measured_it(jobs, anybody):
    found = anybody.walk(f"{AT}?direction=downstream")
    assert found == [
        {"source": "mixed:3", "target": "mixed:5", "kind": "expanded", "norm": 0.5, "sign": "mixed", "share": 0.0625,
         "job": jobs[0].fingerprint, "url": f"/j/{jobs[0].fingerprint}"}
    ]  # fmt: skip


@pytest.mark.parametrize("asked", ["direction=sideways", "kind=cooked", "layer=nowhere", "ordering=share", "limit=0"])
def test_what_cannot_be_asked_is_refused_by_name(jobs, anybody, asked):
    answer = anybody.get(f"{AT}?{asked}")
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-parameter")
    assert answer.json()["parameter"] == asked.partition("=")[0]
    assert not answer.json()["detail"].endswith("..")


def test_another_name_of_the_neuron_leads_to_it(jobs, anybody):
    moved = anybody.get("checkpoints/toy/layers/mixed_5x5/neurons/1/connections")
    assert moved.status_code == 308
    assert moved["Location"].endswith("/layers/mixed/neurons/9/connections")


def test_it_takes_as_many_queries_for_many_as_for_one(jobs, anybody, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        anybody.get(f"/api/v1/{AT}")
