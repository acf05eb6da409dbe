"""Measured connections are written with their finding or not at all, and claims rest on those that were measured."""

import pytest

from atlas.errors import LeaseLost, Validation
from atlas.models import Connection
from atlas.services import footholds, jobs
from atlas.services.connections import Measured, writing
from atlas.services.rules import RULES, broken
from atlas.services.settling import settle

pytestmark = pytest.mark.django_db
STRONG = Measured("edges:1", "mixed:3", "expanded", norm=0.5, sign="+", share=0.25)
WEAK = Measured("edges:2", "mixed:3", "expanded", norm=0.125, sign="-", share=0.0625)


@pytest.fixture
def done(measure, checkpoint, alice):
    return measure(checkpoint, alice, "mixed:3", STRONG, WEAK)


@pytest.fixture
def make(checkpoint, lab, ana):
    def made(kind, **content):
        return footholds.create(actor=ana, kind=kind, checkpoint=checkpoint, team=lab, content=content)

    return made


def link(job, source="edges:1", target="mixed:3"):
    return {"source": source, "target": target, "relation": "excites", "sign": "+",
            "rests_on": {"finding": job.fingerprint}}  # fmt: skip


def test_what_was_measured_is_written_in_order_with_its_finding(done):
    rows = list(done.finding.connections.select_related("source__layer", "target__layer"))
    assert [(it.source.layer.key, it.source.channel, it.target.channel) for it in rows] == [
        ("edges", 1, 3),
        ("edges", 2, 3),
    ]
    assert [(it.kind, it.norm, it.sign, it.share) for it in rows] == [
        ("expanded", 0.5, "+", 0.25),
        ("expanded", 0.125, "-", 0.0625),
    ]


def test_a_superseded_worker_leaves_no_connection(done):
    with pytest.raises(LeaseLost):
        jobs.finish(done, numbers={}, provenance={}, shown=[], rows=writing(STRONG))
    assert Connection.objects.count() == 2


def test_a_link_may_rest_on_a_job_that_measured_its_edge(done, make):
    assert make("link", **link(done)).head_version == 1


@pytest.mark.parametrize(("source", "target"), [("edges:0", "mixed:3"), ("edges:1", "mixed:4")])
def test_a_link_may_not_rest_on_a_job_that_measured_others(done, make, source, target):
    with pytest.raises(Validation) as refused:
        make("link", **link(done, source, target))
    [error] = refused.value.errors
    assert (error["pointer"], error["code"]) == ("/content/rests_on/finding", "FH0015")
    assert f"{source} to {target}" in error["detail"]


@pytest.mark.parametrize("unit", ["edges:1", "mixed:3", [{"unit": it, "weight": 1} for it in ("mixed:3", "mixed:4")]])
def test_a_link_may_rest_on_another_kind_of_finding_about_one_of_its_ends(
    make, checkpoint, alice, ask_for, answer_jobs, unit
):
    [pictured] = answer_jobs(*ask_for(checkpoint, alice, unit).jobs)
    assert make("link", **link(pictured)).head_version == 1


def test_a_link_may_not_rest_on_a_finding_about_neither_of_its_ends(make, checkpoint, alice, ask_for, answer_jobs):
    [pictured] = answer_jobs(*ask_for(checkpoint, alice, "mixed:4").jobs)
    with pytest.raises(Validation) as refused:
        make("link", **link(pictured))
    [error] = refused.value.errors
    assert (error["pointer"], error["code"]) == ("/content/rests_on/finding", "FH0015")
    assert "mixed:4" in error["detail"]


@pytest.mark.parametrize(
    ("claimed", "warned"),
    [
        ({"relation": "excites", "sign": "+"}, False),
        ({"relation": "unions-over", "sign": "mixed"}, False),
        ({"relation": "inhibits", "sign": "none"}, True),
        ({"relation": "builds-from", "sign": "-"}, True),
    ],
)
def test_it_is_remarked_where_the_other_sign_was_measured(done, make, claimed, warned):
    content = {**link(done), **claimed}
    assert make("link", **content).head_version == 1
    settled = settle(content, kind="link", checkpoint=done.checkpoint, actor=None)
    assert [it.rule.code for it in broken(settled)] == (["FH0017"] if warned else [])


def test_an_edge_of_a_circuit_rests_on_its_own_measurement(done, make):
    nodes = [{"unit": "edges:0"}, {"unit": "edges:1"}, {"unit": "mixed:3"}]
    edge = {"source": "edges:1", "target": "mixed:3", "finding": done.fingerprint}
    assert make("circuit", title="One", nodes=nodes, edges=[edge]).head_version == 1
    with pytest.raises(Validation) as refused:
        make("circuit", title="Two", nodes=nodes, edges=[edge, {**edge, "source": "edges:0"}])
    [error] = refused.value.errors
    assert (error["pointer"], error["code"]) == ("/content/edges/1/finding", "FH0016")


@pytest.mark.parametrize("ends", [("edges:1", "mixed:3"), ("edges:1", "edges:1"), ("mixed:3", "edges:1")])
def test_no_edge_of_a_circuit_rests_on_what_measured_no_connection(make, checkpoint, alice, ask_for, answer_jobs, ends):
    [pictured] = answer_jobs(*ask_for(checkpoint, alice, "edges:1").jobs)
    nodes = [{"unit": "edges:1"}, {"unit": "mixed:3"}]
    edge = {"source": ends[0], "target": ends[1], "finding": pictured.fingerprint}
    with pytest.raises(Validation) as refused:
        make("circuit", title="One", nodes=nodes, edges=[edge])
    [error] = refused.value.errors
    assert (error["pointer"], error["code"]) == ("/content/edges/0/finding", "FH0016")


def test_numbers_of_rules_are_given_once():
    assert len({rule.code for rule in RULES}) == len(RULES)
