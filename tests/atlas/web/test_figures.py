"""Figures: each says how it was made and is cited, by a name that says what it is; plots leave with all they need."""

from xml.etree import ElementTree

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from atlas.models import Checkpoint
from atlas.web import curves
from tests.atlas.web.reading import faults, read

pytestmark = pytest.mark.django_db


def test_a_picture_says_how_it_was_made_and_is_cited(client, answered):
    job = answered("edges:0")
    held = job.finding.shown.filter(role="image").last()
    page = read(client, f"/figures/{held.artifact_id}")
    assert faults(page) == []
    for said in (
        job.checkpoint.digest,
        job.fingerprint,
        "feature-visualization version 1",
        "steps = 10",
        "seed 2",
        "− negative",
        held.artifact_id,
        job.checkpoint.licence,
    ):
        assert said in page.text  # fmt: skip
    [download] = [link for link in page.all("a") if link["download"].endswith(".png")]
    assert download["download"] == (
        f"toy-edges-0-feature-visualization-image-negative-seed2-{held.artifact_id[:8]}.png"
    )
    cited = client.get(f"/figures/{held.artifact_id}.csl.json").json()
    assert "Image of edges:0 of toy, by feature-visualization version 1" in str(cited)
    assert held.artifact_id in client.get(f"/figures/{held.artifact_id}.bib").content.decode()


def test_every_picture_of_a_neuron_leads_to_how_it_was_made(client, answered):
    answered("edges:0")
    page = read(client, "/c/toy/edges/0")
    pictures = {one["src"].split("/")[2].split(".")[0] for one in page.all("img") if one["src"].startswith("/a/")}
    assert pictures
    assert pictures <= {link["href"].rpartition("/")[2] for link in page.all("a")}


def test_it_costs_the_same_however_often_the_same_bytes_were_answered(client, answered):
    def costs(sha256):
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/figures/{sha256}").status_code == 200
        return len(captured)

    one = answered("edges:0").finding.shown.first()
    few = costs(one.artifact_id)
    again = answered("edges:1").finding
    type(one).objects.create(finding=again, position=99, role="image", artifact=one.artifact, facts=one.facts)
    assert costs(one.artifact_id) == few <= 12
    assert "more question" in client.get(f"/figures/{one.artifact_id}").content.decode()


def test_a_plot_leaves_with_its_citation_and_needs_nothing_from_anywhere(client, answered, ana):
    job = answered("edges:0")
    plot = client.get(f"/j/{job.fingerprint}/plots/objective.svg")
    assert plot["Content-Disposition"] == (
        f'attachment; filename="toy-edges-0-feature-visualization-objective-{job.fingerprint[:8]}.svg"'
    )
    drawing = ElementTree.fromstring(plot.content)
    cited = " ".join("".join(drawing.itertext()).split())
    assert f"http://testserver/j/{job.fingerprint} (checkpoint sha256:{job.checkpoint.digest})" in cited
    assert "var(" not in plot.content.decode()
    assert 'href="/' not in plot.content.decode()
    assert client.get(f"/j/{job.fingerprint}/plots/curve.svg").status_code == 404
    Checkpoint.objects.update(visibility="team")
    assert client.get(f"/j/{job.fingerprint}/plots/objective.svg").status_code == 404


def test_pages_have_copy_buttons_for_permalink_and_citation_apart(client, answered):
    held = answered("edges:0").finding.shown.first()
    for address in ("/c/toy", "/c/toy/edges/0", f"/figures/{held.artifact_id}"):
        page = read(client, address)
        buttons = [one for one in page.all("button") if one["data-copy-from"]]
        assert [one.text for one in buttons][:2] == ["Copy permalink", "Copy citation as Text"]
        ids = {element["id"] for element in page.elements}
        assert {one["data-copy-from"] for one in buttons} <= ids


def test_an_angle_just_short_of_a_turn_is_shown_as_none():
    assert curves.measured(curves.within(359.97, 360), "°") == "0°"
    assert curves.measured(curves.within(359.2, 360), "°") == "359°"
    assert curves.measured(curves.within(179.99, 180), "°") == "0°"
