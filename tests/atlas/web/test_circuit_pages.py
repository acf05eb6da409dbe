"""Circuits as figures on their pages, in papers and under somebody's hands; all of it without a script."""

import io
import json
from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from atlas.models import Connection, Foothold, Job
from atlas.services import artifacts, catalog, footholds, jobs
from atlas.services import workers as presence
from atlas.services.connections import Measured, writing
from atlas.services.jobs import Shown
from atlas.services.questions import ask
from tests.atlas.web.conftest import png
from tests.atlas.web.reading import at_the_desk, faults, read, shown
from tests.claims import revise

pytestmark = pytest.mark.django_db
EDGES = (
    Measured("edges:1", "mixed:9", "expanded", norm=0.5, sign="+", share=0.25),
    Measured("edges:2", "mixed:9", "expanded", norm=0.25, sign="-", share=0.0625),
    Measured("edges:3", "mixed:9", "expanded", norm=0.125, sign="mixed", share=0.015),
)
REFERENCE = {"reference": {"title": "Zoom In", "doi": "10.23915/distill.00024.001"}}


@pytest.fixture
def measured(measure, checkpoint, ana):
    return measure(checkpoint, ana, "mixed:9", *EDGES)


@pytest.fixture
def make(checkpoint, lab, ana):
    """Circuits of the lab's."""

    def made(nodes=("edges:1", "mixed:9"), *, edges=(), title="A curve", **more):
        content = {"title": title, "nodes": [{"unit": it} for it in nodes], "edges": list(edges), **more}
        return footholds.create(actor=ana, kind="circuit", checkpoint=checkpoint, team=lab, content=content)

    return made


def edge(job, source="edges:1", target="mixed:9"):
    return {"source": source, "target": target, "finding": job.fingerprint}


def rows(page):
    """The cells of the table of edges, row by row; it is the last one of its page."""
    cells = [it.text.strip() for it in page.all("td")]
    known = len([it for it in page.elements if it["data-unit"]]) * 2  # cells of the table of neurons
    return [cells[start : start + 6] for start in range(known, len(cells), 6)]


class TestFigure:
    def test_it_is_drawn_and_the_table_says_the_same(self, make, measured, answered, client):
        answered("edges:1")
        page = read(client, f"/f/{make(edges=[edge(measured)]).accession}")
        assert faults(page) == []
        assert ["edges:1", "mixed:9", "+", "0.5", "25.0 %", "expanded weights"] in rows(page)
        nodes = [it for it in page.elements if it["data-unit"]]
        assert [it["data-unit"] for it in nodes] == ["edges:1", "mixed:9"]
        assert "excites mixed:9" in nodes[0]["aria-label"]
        assert "excited by edges:1" in nodes[1]["aria-label"]
        [line] = [it for it in page.elements if it["data-ends"]]
        assert (line["class"], line["marker-end"]) == ("positive", "url(#tip-positive)")
        assert "no picture" in nodes[1].text
        assert "no picture" not in nodes[0].text

    def test_a_link_says_its_sign_and_is_dashed_until_it_is_measured(self, make, checkpoint, lab, ana, client, measure):
        said = {"source": "edges:1", "target": "mixed:9", "relation": "inhibits", "sign": "-", "rests_on": REFERENCE}
        link = footholds.create(actor=ana, kind="link", checkpoint=checkpoint, team=lab, content=said)
        circuit = make(edges=[{"source": "edges:1", "target": "mixed:9", "link": link.accession}])
        [line] = [it for it in read(client, f"/f/{circuit.accession}").elements if it["data-ends"]]
        assert line["class"] == "negative claimed"
        measure(checkpoint, ana, "mixed:9", *EDGES)
        page = read(client, f"/f/{circuit.accession}")
        [line] = [it for it in page.elements if it["data-ends"]]
        assert line["class"] == "negative"  # as it is claimed, whatever was measured
        said = ["edges:1", "mixed:9", "− inhibits", "0.5", "25.0 %", f"{link.accession}, expanded weights"]
        assert rows(page) == [said]

    def test_words_are_words_only(self, make, client):
        circuit = make(title="<b>&</b>", narrative="<script>x</script>")
        revise(circuit, circuit.created_by, nodes=[{"unit": "edges:1", "label": "</text><script>alert(1)</script>"}])
        html = read(client, f"/f/{circuit.accession}").html.partition("<main")[2]
        assert "<script>" not in html
        assert "<b>" not in html

    def test_a_page_takes_as_many_queries_however_large_it_is(self, make, measured, answered, client):
        answered("edges:1")
        small = make(edges=[edge(measured)])
        every = [*(f"edges:{it}" for it in range(4)), *(f"mixed:{it}" for it in range(12))]
        large = make(every, edges=[edge(measured, it.source) for it in EDGES])
        counts = []
        for circuit in (small, large):
            read(client, f"/f/{circuit.accession}")  # who wrote a version is found once
            with CaptureQueriesContext(connection) as queries:
                read(client, f"/f/{circuit.accession}")
            counts.append(len(queries))
        assert counts[0] == counts[1]

    def test_the_figure_of_an_older_version_stays_as_it_was(
        self, make, measured, answered, measure, checkpoint, ana, client
    ):
        circuit = make(edges=[edge(measured)])
        address = f"/f/{circuit.accession}/v1/graph.svg"
        before = client.get(address).content
        assert before == client.get(address).content
        revise(circuit, ana, title="Another")
        then = client.get(address).content
        answered("edges:1")
        measure(checkpoint, ana, "mixed:9", *EDGES, top=3)
        at_the_desk(ana).post(f"/f/{circuit.accession}/arrange", places(circuit, {"edges:1": [1, 999]}))
        assert client.get(address).content == then == before
        newest = client.get(f"/f/{circuit.accession}/v2/graph.svg").content
        assert b"data:image/png" in newest
        assert b"data:image/png" not in then


class TestPaper:
    def test_a_figure_for_a_paper_is_whole_and_never_active(self, make, measured, answered, client):
        answered("edges:1")
        address = f"/f/{make(edges=[edge(measured)]).accession}/v1"
        found = client.get(f"{address}/graph.svg")
        assert found["Content-Type"] == "image/svg+xml"
        assert found["Content-Security-Policy"].startswith("default-src 'none'; img-src data:;")
        assert "sandbox" in found["Content-Security-Policy"]
        assert found["X-Content-Type-Options"] == "nosniff"
        said = "".join(ElementTree.fromstring(found.content).itertext())
        assert f"http://testserver{address}" in said
        assert "https://creativecommons.org/licenses/by/4.0/" in said
        drawn = client.get(f"{address}/graph.png")
        with Image.open(io.BytesIO(drawn.content)) as picture:
            assert picture.text["Source"] == f"http://testserver{address}"
        assert f'filename="{address.split("/")[2]}.v1.png"' in drawn["Content-Disposition"]

    def test_what_is_no_figure_is_refused_with_what_there_is(self, make, client, monkeypatch):
        monkeypatch.setattr("atlas.graphs.drawing.MOST_NODES", 1)
        address = f"/f/{make().accession}"
        assert client.get(f"{address}/v1/graph.svg").status_code == 406
        assert client.get(f"{address}/v1/graph.gif").status_code == 406
        assert client.get(f"{address}/v7/graph.png").status_code == 404
        page = read(client, address)
        assert "too large for a figure" in page.text
        assert faults(page) == []

    def test_a_kernel_is_the_picture_of_its_own_edge(self, make, checkpoint, ana, client, measured):
        job = with_kernel(checkpoint, ana)
        circuit = make(("edges:1", "edges:2", "mixed:9"), edges=[edge(job, "edges:2"), edge(measured)])
        page = read(client, f"/f/{circuit.accession}")
        held = {row.finding.job.fingerprint for row in Connection.objects.select_related("finding__job")}
        assert held == {job.fingerprint, measured.fingerprint}
        kernel = job.finding.shown.get(role="kernel").artifact
        assert [it["href"] for it in page.elements if it.tag == "image"] == [f"/a/{kernel.sha256}.png"]


def with_kernel(checkpoint, actor) -> Job:
    """A finding whose second edge has its kernel's picture."""
    kept = artifacts.keep(png((9, 9, 200)), media_type="image/png")
    edges = [{"source": it.source, "target": it.target} for it in EDGES]
    picture = Shown("kernel", kept, {"direction": "upstream", "rank": 1, "width": 8, "height": 8, "alt": "Weights."})
    return found(checkpoint, actor, {"upstream": {"edges": edges}}, picture)


def found(checkpoint, actor, numbers, *shown) -> Job:
    """A question about the connections of mixed:9, answered with these numbers."""
    kind = catalog.newest("connections")
    about = {"subjects": ["mixed:9"], "site": None, "params": {"top": 7}, "many": False}
    jobs.request(actor=actor, checkpoint=checkpoint, questions=ask(checkpoint=checkpoint, probe=kind.name, **about))
    [job] = jobs.claim(presence.start(device="cpu", versions={}), limit=lambda head: 1, probes=[kind])
    jobs.finish(job, numbers=numbers, provenance={}, shown=shown, rows=writing(*EDGES))
    job.refresh_from_db()
    return job


def places(circuit, at, **more):
    """The form with which a layout is saved."""
    circuit.refresh_from_db()
    version = circuit.head_version
    arranged = circuit.arrangements.filter(version=version).first()
    return {
        "seen": f"{circuit.accession}.{version}.{arranged.number if arranged else 0}",
        "places": json.dumps(at),
        **more,
    }


class TestArranging:
    def test_what_is_saved_is_where_it_was_put_for_everybody(self, make, ana, bo, client):
        circuit = make()
        address = f"/f/{circuit.accession}"
        desk = at_the_desk(ana)
        page = read(desk, address)
        kept = {
            it["name"]: it["value"] for it in page.elements if it.tag == "input" and it["name"] in ("seen", "places")
        }
        desk.post(f"{address}/arrange", {**kept, "places": json.dumps({"edges:1": [0, 0], "mixed:9": [400, 250]})})
        assert "The layout is saved" in read(desk, address).text
        at = [it["transform"] for it in read(client, address).elements if it["data-unit"]]
        assert at == ["translate(62 58)", "translate(462 308)"]
        answer = at_the_desk(bo).post(f"{address}/arrange", kept, follow=True)
        assert "Yours was not saved" in shown(answer).text
        desk.post(f"{address}/arrange", {**places(circuit, {}), "tidy": "1"})
        assert at != [it["transform"] for it in read(client, address).elements if it["data-unit"]]
        assert circuit.revisions.count() == 1

    def test_who_may_not_revise_it_is_offered_nothing(self, make, client, alice):
        circuit = make()
        for desk in (client, at_the_desk(alice)):
            assert "Save this layout" not in read(desk, f"/f/{circuit.accession}").text
        assert at_the_desk(alice).post(f"/f/{circuit.accession}/arrange", places(circuit, {})).status_code == 403

    @pytest.mark.parametrize("given", ["", "[", "[" * 50_000, '{"edges:9": [1, 1]}', '{"edges:1": [1e999, 1]}', "1"])
    def test_what_cannot_be_read_is_said(self, make, ana, given):
        circuit = make()
        form = {**places(circuit, {}), "places": given}
        answer = at_the_desk(ana).post(f"/f/{circuit.accession}/arrange", form, follow=True)
        assert "The layout was not saved." in shown(answer).text


class TestGrowing:
    def test_the_strongest_inputs_are_added_with_a_click(self, make, measured, ana):
        circuit, desk = make(edges=[edge(measured)]), at_the_desk(ana)
        address = f"/f/{circuit.accession}/inputs?unit=mixed:9"
        page = read(desk, address)
        assert faults(page) == []
        boxes = {it["value"]: it for it in page.all("input") if it["name"] == "input"}
        assert [it.split()[0] for it in boxes] == ["edges:1", "edges:2", "edges:3"]
        assert "disabled" in boxes[f"edges:1 {measured.fingerprint}"].attributes
        ticked = [value for value, it in boxes.items() if "checked" in it.attributes]
        answer = desk.post(f"/f/{circuit.accession}/inputs", {"unit": "mixed:9", "based_on": 1, "input": ticked})
        assert answer["Location"] == f"/f/{circuit.accession}"
        content = footholds.revision(circuit, 2).content
        assert [it["unit"] for it in content["nodes"]] == ["edges:1", "mixed:9", "edges:2", "edges:3"]
        assert [it["source"] for it in content["edges"]] == ["edges:1", "edges:2", "edges:3"]
        assert circuit.revisions.get(version=2).summary == "Adds the strongest inputs of mixed:9."

    def test_who_is_second_is_told_and_chooses_again(self, make, measured, ana):
        circuit, desk = make(), at_the_desk(ana)
        revise(circuit, ana, title="Meanwhile")
        chosen = {"unit": "mixed:9", "based_on": 1, "input": [f"edges:2 {measured.fingerprint}"]}
        answer = desk.post(f"/f/{circuit.accession}/inputs", chosen)
        assert answer.status_code == 412
        assert "ana saved version 2 meanwhile" in shown(answer).text
        assert circuit.revisions.count() == 2
        assert desk.post(f"/f/{circuit.accession}/inputs", {**chosen, "based_on": 2}).status_code == 302

    def test_nothing_and_nonsense_are_refused(self, make, measured, ana, lab):
        circuit, desk = make(), at_the_desk(ana)
        for given, status in (
            ([], 422),
            (["edges:2 " + "0" * 64], 422),
            (["x"], 422),
            ([f"edges:0 {measured.fingerprint}"], 422),
        ):
            form = {"unit": "mixed:9", "based_on": 1, "input": given}
            assert desk.post(f"/f/{circuit.accession}/inputs", form).status_code == status
        assert desk.get(f"/f/{circuit.accession}/inputs?unit=mixed:0").status_code == 404
        assert read(desk, f"/f/{circuit.accession}/inputs").all("li")

    def test_what_nobody_has_measured_is_asked_for(self, make, checkpoint, ana, measure):
        measure(checkpoint, ana, "edges:0", top=1)  # so that the probe is published
        circuit, desk = make(), at_the_desk(ana)
        address = f"/f/{circuit.accession}/inputs?unit=mixed:9"
        assert "Nobody has measured yet" in read(desk, address).text
        answer = desk.post(f"/f/{circuit.accession}/inputs", {"unit": "mixed:9", "measure": "1"})
        assert answer["Location"] == f"/f/{circuit.accession}/inputs?unit=mixed%3A9"
        job = Job.objects.get(state="queued")
        assert job.subject_text == "mixed:9"
        assert f"/j/{job.fingerprint}" in read(desk, address).html

    def test_a_circuit_begins_with_what_was_measured_of_a_neuron(self, measured, checkpoint, ana):
        side = {"layers": ["edges"], "left_out": [], "of": 4, "edges": []}
        found(checkpoint, ana, {"kind": "expanded", "scale": 1.0, "cancels": False, "upstream": side})
        desk = at_the_desk(ana)
        page = read(desk, "/c/toy/mixed/9")
        [link] = [it for it in page.all("a") if it.text == "Begin a circuit with these"]
        form = read(desk, link["href"])
        typed = {it["name"]: it.text for it in form.all("textarea")}
        assert typed["content.nodes"].split() == ["mixed:9", "edges:1", "edges:2", "edges:3"]
        posted = {**typed, "content.title": "Begun", "team": "lab", "kind": "circuit", "checkpoint": "toy"}
        assert desk.post(link["href"], posted).status_code == 302
        made = Foothold.objects.get(kind="circuit")
        assert len(footholds.revision(made, 1).content["edges"]) == 3
