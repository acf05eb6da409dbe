"""A circuit over HTTP: as JSON, GraphML or DOT as Accept says, and a version of it the same for ever."""

import io
from dataclasses import replace

import networkx
import pytest

from atlas.services import footholds, reviews
from atlas.services.connections import Measured
from tests.claims import DISPUTE, revise

pytestmark = pytest.mark.django_db
GRAPHML, DOT = "application/graphml+xml", "text/vnd.graphviz"
MEASURED = Measured("edges:1", "mixed:3", "expanded", norm=0.5, sign="-", share=0.25)
WORK = {"rests_on": {"reference": {"title": "Curve Circuits", "doi": "10.23915/distill.00024.006"}}}


@pytest.fixture
def make(world, alice):
    """Makes footholds of Alice's about `toy`."""
    team = world.foothold.team

    def made(kind, **content):
        return footholds.create(actor=alice, kind=kind, checkpoint=world.checkpoint, team=team, content=content)

    return made


@pytest.fixture
def link(make):
    return make("link", source="edges:1", target="mixed:3", relation="excites", sign="+", **WORK)


@pytest.fixture
def measuring(measure, world, alice):
    """A job that measured how edges:1 acts on mixed:3."""
    return measure(world.checkpoint, alice, "mixed:3", MEASURED)


@pytest.fixture
def circuit(make, link, measuring):
    nodes = [{"unit": "edges:1", "label": 'a "b" & <c>', "x": 0.5, "y": 1}, {"unit": "mixed:3", "group": "曲"}]
    edges = [
        {"source": "edges:1", "target": "mixed:3", "link": link.accession},
        {"source": "edges:1", "target": "mixed:3", "finding": measuring.fingerprint},
    ]
    return make("circuit", title="Two & two", nodes=nodes, edges=edges)


def edges_of(answer):
    return [(it["link"], it["link_version"], it["sign"], it["state"]) for it in answer.json()["edges"]]


def test_the_three_forms_say_the_same(circuit, link, measuring, anybody):
    at = f"footholds/{circuit.accession}/graph"
    found = anybody.get(at).json()
    assert [node["unit"] for node in found["nodes"]] == ["edges:1", "mixed:3"]
    assert found["nodes"][1]["url"] == "/c/toy/mixed/3"
    assert edges_of(anybody.get(at)) == [(link.accession, 1, "+", "proposed"), ("", None, "", "")]
    assert found["edges"][1]["finding"] == measuring.fingerprint
    xml = anybody.get(at, headers={"Accept": GRAPHML})
    assert xml["Content-Type"] == f"{GRAPHML}; charset=utf-8"
    assert f'filename="{circuit.accession}.v1.graphml"' in xml["Content-Disposition"]
    drawn = networkx.read_graphml(io.BytesIO(xml.content))
    assert drawn.nodes["edges:1"]["label"] == 'a "b" & <c>'
    assert drawn.number_of_edges("edges:1", "mixed:3") == 2
    dot = anybody.get(at, headers={"Accept": DOT})
    assert (
        f'[label="measured -", URL="http://testserver/j/{measuring.fingerprint}", color="#2166ac"'
        in dot.content.decode()
    )
    assert dot.content.decode().startswith(f'digraph "{circuit.accession}" {{')
    tag = dot["ETag"]
    assert anybody.get(at, headers={"Accept": DOT, "If-None-Match": tag}).status_code == 304
    assert anybody.get(at, headers={"Accept": "application/xml"}).status_code == 406


def test_edges_carry_the_measurement_they_rest_on(circuit, make, measuring, anybody):
    """By a job, or by a link that rests on one; a link that rests on literature has been measured by nobody."""
    told = ("weights", "measured", "norm", "share")
    by_literature, by_job = anybody.get(f"footholds/{circuit.accession}/graph").json()["edges"]
    assert [by_literature[it] for it in told] == ["", "", None, None]
    assert [by_job[it] for it in told] == ["expanded", "-", 0.5, 0.25]
    ends = {"source": "edges:1", "target": "mixed:3"}
    measured = make("link", **ends, relation="inhibits", sign="-", rests_on={"finding": measuring.fingerprint})
    [edge] = anybody.get(f"footholds/{measured.accession}/versions/1/graph").json()["edges"]
    assert [edge[it] for it in told] == ["expanded", "-", 0.5, 0.25]
    for said in (f"footholds/{measured.accession}", f"footholds/{measured.accession}/versions/1"):
        found = anybody.get(said).json()["measured"]
        assert (found["job"], found["sign"], found["norm"], found["share"]) == (measuring.fingerprint, "-", 0.5, 0.25)
    xml = anybody.get(f"footholds/{circuit.accession}/graph", headers={"Accept": GRAPHML}).content
    drawn = networkx.read_graphml(io.BytesIO(xml), force_multigraph=True)
    assert sorted(it.get("norm", 0.0) for *_, it in drawn.edges(data=True)) == [0.0, 0.5]
    page = anybody.client.get(f"/f/{measured.accession}", headers={"Accept": "text/html"}).content.decode()
    assert f'<a href="/j/{measuring.fingerprint}">expanded weights</a>' in page
    assert ">0.5</data>" in page


def test_what_a_link_rests_on_is_the_same_whatever_comes_after(
    make, measure, measuring, world, alice, operator, anybody
):
    """Other numbers of the same edge, a second version, an end: the first version says what it said, byte for byte."""
    ends = {"source": "edges:1", "target": "mixed:3"}
    link = make("link", **ends, relation="inhibits", sign="-", rests_on={"finding": measuring.fingerprint})
    first = f"/f/{link.accession}/v1"
    forms = [f"{first}{suffix}" for suffix in (".json", "/graph.json", "/graph.graphml", "/graph.dot", ".bib", ".ris")]
    before = [anybody.client.get(form).content for form in forms]
    newer = measure(world.checkpoint, alice, "mixed:3", replace(MEASURED, norm=9.0, sign="+"), top=2)
    revise(link, alice, rests_on={"finding": newer.fingerprint})
    assert anybody.get(f"footholds/{link.accession}").json()["measured"]["norm"] == 9.0
    footholds.retract(actor=operator, foothold=link, reason="It was measured anew.")
    assert [anybody.client.get(form).content for form in forms] == before


def test_a_version_says_what_its_links_said_then(circuit, link, alice, bob, anybody):
    at, first = f"footholds/{circuit.accession}/graph", f"footholds/{circuit.accession}/versions/1/graph"
    forms = [{"Accept": form} for form in ("application/json", GRAPHML, DOT)]
    before = [anybody.get(first, headers=it).content for it in forms]
    revise(link, alice, sign="mixed")
    revise(circuit, alice, title="Later")
    assert [anybody.get(first, headers=it).content for it in forms] == before
    assert edges_of(anybody.get(first))[0] == (link.accession, 1, "+", "")
    assert edges_of(anybody.get(at))[0] == (link.accession, 2, "mixed", "proposed")
    assert edges_of(anybody.get(f"footholds/{circuit.accession}/versions/2/graph"))[0][1] == 2


def test_what_a_reader_may_not_know_of_a_link_is_not_drawn(circuit, link, anybody, operator):
    footholds.moderate(actor=operator, foothold=link, to="hidden", reason="An advertisement.")
    assert edges_of(anybody.get(f"footholds/{circuit.accession}/graph"))[0] == (link.accession, None, "", "")


def test_a_blind_team_is_blind_here_too(circuit, link, lab, bo, anybody):
    reviews.review(actor=bo, foothold=link, version=1, **DISPUTE)
    assert edges_of(anybody.get(f"footholds/{circuit.accession}/graph"))[0][3] == "disputed"
    type(lab).objects.filter(pk=link.team_id).update(blind_review=True)
    assert edges_of(anybody.get(f"footholds/{circuit.accession}/graph"))[0][3] == "proposed"


def test_every_other_kind_is_its_neurons(link, make, world, anybody):
    family = make("collection", title="Lines", form="family", items=[{"unit": "edges:2"}, {"unit": "edges:0"}])
    word = world.foothold.support.get().evidence
    expected = {link.accession: (2, 1), family.accession: (2, 0), world.foothold.accession: (1, 0)}
    expected[word.accession] = (0, 0)
    for accession, sizes in expected.items():
        found = anybody.get(f"footholds/{accession}/graph").json()
        assert (len(found["nodes"]), len(found["edges"])) == sizes


def test_it_takes_as_many_queries_however_large_it_is(make, world, link, anybody, django_assert_num_queries):
    edge = {"source": "edges:1", "target": "mixed:3", "link": link.accession}
    small = make("circuit", title="Small", nodes=[{"unit": "edges:1"}, {"unit": "mixed:3"}], edges=[edge])
    units = [f"edges:{it}" for it in range(4)] + [f"mixed:{it}" for it in range(12)]
    large = make("circuit", title="Large", nodes=[{"unit": it} for it in units], edges=[edge] * 40)
    for one in (small, large):
        with django_assert_num_queries(4):
            anybody.get(f"footholds/{one.accession}/graph", headers={"Accept": GRAPHML})


def test_circuits_and_collections_have_their_lists(circuit, make, anybody):
    family = make("collection", title="Lines", form="family", items=[{"unit": "edges:2"}])
    assert [it["accession"] for it in anybody.walk("circuits?limit=1")] == [circuit.accession]
    assert [it["accession"] for it in anybody.walk("collections")] == [family.accession]
    assert anybody.get("circuits?author=alice&state=proposed").json()["items"]
    assert anybody.get("circuits?kind=circuit").status_code == 400
