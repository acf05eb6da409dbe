"""From the question about a unit's weights to rows that lists read: the same numbers everywhere, to the digit."""

import io

import pytest
from django.test import Client

from atlas.labels import Labels
from atlas.models import Connection
from atlas.services import artifacts, gathering, jobs, people
from atlas.services.questions import ask
from tests.archived import GOOD, archive


@pytest.fixture
def asked(drain, organism_on):
    """Has the connections of some units measured, and returns their jobs."""
    checkpoint = organism_on()
    actor = people.join(username="asker", password="correct horse battery").contributor

    def answered(*units, **params):
        questions = ask(checkpoint=checkpoint, probe="connections", subjects=list(units), site=None, params=params,
                        many=True)  # fmt: skip
        found = jobs.request(actor=actor, checkpoint=checkpoint, questions=questions).jobs
        assert drain.drain(seconds=60) == len(found)
        for job in found:
            job.refresh_from_db()
        return found

    return answered


def test_a_finding_its_rows_and_the_list_say_the_same(asked):
    curve, gabor = asked("curve:0", "gabor:3", top=4)
    assert (curve.state, gabor.state) == ("done", "done")
    numbers = curve.finding.numbers
    told = [(it["source"], it["target"], it["norm"], it["sign"], it["share"])
            for side in ("upstream", "downstream") for it in numbers[side]["edges"]]  # fmt: skip
    rows = Connection.objects.filter(finding=curve.finding).select_related("source__layer", "target__layer")
    assert [(_unit(it.source), _unit(it.target), it.norm, it.sign, it.share) for it in rows] == told
    listed = Client().get("/api/v1/checkpoints/curve-circuit/layers/curve/neurons/0/connections").json()["items"]
    assert sorted((it["source"], it["target"], it["norm"], it["sign"], it["share"]) for it in listed) == sorted(told)
    # The colours of the picture are no neurons.
    ends = {_unit(it.source) for it in gabor.finding.connections.all()}
    assert ends == {"gabor:3"}
    roles = [it.role for it in curve.finding.shown.all()]
    assert roles.count("kernel") == len(told)
    assert roles.count("matrix") == 2
    for shown in curve.finding.shown.all():
        assert len(artifacts.read(shown.artifact)) == shown.artifact.size


def test_what_cannot_be_asked_fails_by_name_with_the_field(asked):
    nowhere, back = asked("curve:0", layer="nowhere"), asked("curve:0", layer="line", direction="downstream")
    assert nowhere[0].error["slug"] == "no-such-layer"
    assert back[0].error["slug"] == "no-path"
    assert {job[0].error["facts"]["field"] for job in (nowhere, back)} == {"layer"}
    assert not Connection.objects.exists()


def _unit(neuron):
    return f"{neuron.layer.key}:{neuron.channel}"


def test_pages_show_kernels_between_the_pictures_of_both_ends(asked, wish, drain):
    [curve] = asked("curve:0", top=3)
    wish(curve.checkpoint, "line:3", "curve:0")
    assert drain.drain(seconds=60) == 2
    edges = curve.finding.numbers["upstream"]["edges"] + curve.finding.numbers["downstream"]["edges"]
    kernels = [it.artifact_id for it in curve.finding.shown.all() if it.role == "kernel"]
    for address in (f"/j/{curve.fingerprint}", "/c/curve-circuit/curve/0", f"/j/{curve.fingerprint}/progress"):
        page = Client().get(address).content.decode()
        for edge, kernel in zip(edges, kernels, strict=True):
            assert f'src="/a/{kernel}.png"' in page
            for name in ("norm", "share", "sum"):
                assert f'<data value="{edge[name]!r}">' in page
        assert "Picture optimised so that it excites line:3" in page
        assert "Picture optimised so that it excites curve:0" in page
        assert "Excited here, inhibited there by" in page
    listed = Client().get(f"/j/{curve.fingerprint}.json").json()
    assert listed["finding"]["numbers"] == curve.finding.numbers


def test_the_ends_of_the_network_and_the_colours_of_its_input_have_a_page(asked):
    first, last = asked("gabor:3", "readout:0")
    page = Client().get(f"/j/{first.fingerprint}").content.decode()
    assert "the picture itself" in page
    assert all(f"<figcaption>{colour}</figcaption>" in page for colour in ("red", "green", "blue"))
    assert "this is an end of the network" in Client().get(f"/j/{last.fingerprint}").content.decode()


def test_cancelling_paths_are_warned_of(asked):
    [line] = asked("line:0", layer="input")
    page = Client().get(f"/j/{line.fingerprint}").content.decode()
    assert "Paths cancel." in page
    assert "% cancels" in page


def test_pictures_of_both_ends_cost_no_query_for_each(asked, django_assert_max_num_queries):
    few, many = asked("curve:0", top=1), asked("curve:1", top=50)
    for [job] in (few, many):
        with django_assert_max_num_queries(12):
            Client().get(f"/j/{job.fingerprint}")


def test_expected_weights_over_a_dataset_are_rows_and_a_page_like_the_others(asked):
    found = gathering.from_archive(io.BytesIO(archive(GOOD)), labels=Labels())
    dataset, _ = gathering.add(actor=None, gathered=found, slug="photos", title="Photographs")
    [curve] = asked("curve:0", kind="expected", dataset=dataset.digest, top=2, direction="upstream")
    assert (curve.state, curve.dataset) == ("done", dataset)
    numbers = curve.finding.numbers
    assert (numbers["dataset"], numbers["n"]) == (dataset.digest, 3)
    at = "/api/v1/checkpoints/curve-circuit/layers/curve/neurons/0/connections"
    listed = Client().get(f"{at}?kind=expected").json()["items"]
    told = [(edge["source"], edge["norm"]) for edge in numbers["upstream"]["edges"]]
    assert [(it["source"], it["norm"]) for it in listed] == told
    assert Client().get(f"{at}?kind=expanded").json()["items"] == []
    page = Client().get(f"/j/{curve.fingerprint}").content.decode()
    assert "over positions and 3 pictures of" in page
    assert page.count(f'href="/d/{dataset.digest}"') == 2  # by the figure, and among the parameters
    assert "more paths than" not in page
