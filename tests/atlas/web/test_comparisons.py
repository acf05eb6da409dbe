"""Two neurons side by side: what they share stands beside each other, on one scale, as far as one may read it."""

import pytest

from atlas.models import Checkpoint
from atlas.services import catalog, jobs
from atlas.services.connections import Measured
from atlas.services.questions import ask
from tests.atlas.web.conftest import MADE
from tests.atlas.web.reading import faults, read

pytestmark = pytest.mark.django_db
ASKED = "/compare?a=toy/mixed/1&b=mixed:2"
TURN = {"name": "orientation", "title": "Orientation", "unit": "°", "period": 360, "values": [0.0, 90.0, 180.0, 270.0]}
AXIS = {**TURN, "argmax": 90.0, "circular_mean": None, "vector_strength": None, "width_at_half_max": None, "echo": None}
SAME = {
    "family": "curve",
    "site": "pre_relu",
    "reading": "centre",
    "fixed": {},
    "axes": [AXIS],
    "position": [0, 0],
    "field": 9,
}


@pytest.fixture
def found(checkpoint, alice, worker):
    """Has a worker answer a probe's question about a unit with these numbers."""

    def answered(unit: str, probe: str, numbers: dict, **params) -> None:
        kind = catalog.publish(
            name=probe, version=1, summary=probe, description=probe, schema={"type": "object", "properties": {}},
            subjects=["unit"], site="pre_relu", example={}, seconds=1.0,
        )  # fmt: skip
        questions = ask(checkpoint=checkpoint, probe=probe, subjects=[unit], site=None, params=params, many=False)
        jobs.request(actor=alice, checkpoint=checkpoint, questions=questions)
        [job] = jobs.claim(worker, limit=lambda head: 1, probes=[kind])
        jobs.finish(job, numbers=numbers, provenance=MADE, shown=[])

    return answered


def tuning(*responses: float) -> dict:
    extremes = {"maximum": max(responses), "minimum": min(responses), "ground": 0.0, "silent": False, "n": 4}
    return {**SAME, **extremes, "responses": [*responses]}


def edge(source: str, target: str, share: float, sign: str = "+") -> Measured:
    return Measured(source, target, "expanded", 1.0, sign, share)


def test_what_both_share_stands_beside_each_other(
    client, checkpoint, alice, answered, measure, found, describe, django_assert_max_num_queries
):
    answered("mixed:1")
    answered("mixed:2")
    describe(neuron="mixed:2", title="A curve")
    measure(checkpoint, alice, "mixed:1", edge("edges:0", "mixed:1", 0.5), edge("edges:1", "mixed:1", 0.25, "-"))
    measure(checkpoint, alice, "mixed:2", edge("edges:2", "mixed:2", 0.75), edge("edges:1", "mixed:2", 0.125))
    found("mixed:1", "tuning", tuning(0.0, 4.0, 1.0, -1.0))
    found("mixed:2", "tuning", tuning(0.0, 1.0, 2.0, 0.0))
    listed = {
        "by": "weights",
        "measure": "cosine",
        "n": 9,
        "checkpoint": checkpoint.digest,
        "layers": ["mixed"],
        "of": 11,
    }
    like = {"rank": 1, "unit": "mixed:1", "value": 0.8125, "aligned": None, "shift": None}
    found("mixed:2", "similarity", {**listed, "of": 11, "undefined": 0, "counterparts": [like]})
    with django_assert_max_num_queries(80):
        page = read(client, ASKED)
    assert faults(page) == []
    for says in ("0.812, the cosine by weights (n = 9)", "edges:1 − 25.0 % + 12.5 %", "A curve", "on one scale"):
        assert says in page.text
    body = client.get(ASKED.replace("compare", "compare.json")).json()
    assert [(one["unit"], bool(one["a"]), bool(one["b"])) for one in body["inputs"]] == [
        ("edges:1", True, True), ("edges:2", False, True), ("edges:0", True, False),
    ]  # fmt: skip
    [told] = body["tunings"]
    assert (told["a"], told["b"]) == ([0.0, 4.0, 1.0, -1.0], [0.0, 1.0, 2.0, 0.0])
    # Both in one frame, from −1 to 4: what is largest of the first is at the top, and half of that is half as high.
    lines = [one["points"] for one in page.elements if one.tag == "polyline"]
    assert [line.split()[1] for line in lines] == ["167.0,14.0", "167.0,107.6"]
    assert "/compare?a=toy/mixed:2&b=toy/mixed/1" in {one["href"] for one in read(client, "/c/toy/mixed/2").all("a")}


@pytest.mark.parametrize(
    ("asked", "status", "says"),
    [
        ("a=toy/mixed/1&b=nothing", 400, "b must name a neuron, as checkpoint/layer/channel"),
        ("a=mixed:1&b=mixed:2", 400, "a must name a neuron"),
        ("a=toy/mixed/1&b=mixed:99", 404, "mixed of toy has 12 neurons, 0 to 11; there is no neuron 99."),
        ("a=nope/mixed/1&b=mixed:2", 404, "There is no checkpoint nope."),
        ("a=toy/mixed/1", 200, "Compare two neurons"),
        ("a=http://x.org/c/toy/mixed/1&b=/c/toy/edges:003", 200, "Channel 3 of 4"),
        ("a=%00x&b=%00y", 400, "must name a neuron"),
    ],
)
def test_what_is_no_neuron_is_said_above_the_form(client, checkpoint, asked, status, says):
    page = read(client, f"/compare?{asked}", status)
    assert faults(page) == []
    assert says in page.text


def test_who_may_not_read_one_of_them_is_told_that_it_is_not_there(client, register, signed_in):
    register()
    register("other", name="b")
    assert client.get("/compare?a=toy/mixed/1&b=other/mixed/1").status_code == 200
    Checkpoint.objects.filter(slug="other").update(visibility="team")
    for asked in ("a=toy/mixed/1&b=other/mixed/1", "a=other/mixed/1&b=toy/mixed/1"):
        assert "There is no checkpoint other." in read(client, f"/compare?{asked}", 404).text
        assert client.get(f"/compare.json?{asked}").status_code == 404
