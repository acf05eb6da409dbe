"""From the question about a unit's tuning to its page: one source of numbers, and a prediction that they decide."""

import threading
from xml.etree import ElementTree

import pytest
from django.test import Client
from safetensors.numpy import load

from atlas.dossiers import footholds as dossiers
from atlas.errors import Validation
from atlas.models import Contributor, Membership, Role
from atlas.services import artifacts, footholds, jobs, people, predictions, teams
from atlas.services.questions import ask
from workers.drain import Drain


@pytest.fixture
def lab(fresh_database, organism_on):
    """A checkpoint, somebody who may ask, and a worker."""
    checkpoint = organism_on()
    actor = people.join(username="asker", password="correct horse battery").contributor
    team = teams.found(actor=None, slug="lab", name="The lab")
    Membership.objects.create(team=team, contributor=actor, role=Role.ANNOTATOR)
    drain = Drain(stopping=threading.Event(), device="cpu")
    yield checkpoint, Contributor.objects.get(pk=actor.pk), team, drain
    drain.leave()


def asked(lab, unit, **params):
    """A finished job."""
    checkpoint, actor, _, drain = lab
    questions = ask(checkpoint=checkpoint, probe="tuning", subjects=[unit], site=None, params=params, many=False)
    [job] = jobs.request(actor=actor, checkpoint=checkpoint, questions=questions).jobs
    assert drain.drain(seconds=60) == 1
    job.refresh_from_db()
    assert job.state == "done", job.error
    return job


def test_page_json_and_artifact_say_the_same_to_the_digit(lab):
    one, two = asked(lab, "curve:1", steps=24), asked(lab, "curve:1", steps=8, second="radius", second_steps=3)
    quiet = asked(lab, "curve:1", family="disc", steps=3)
    for job in (one, two):
        numbers = job.finding.numbers
        shown = {it.role: it for it in job.finding.shown.all()}
        assert load(artifacts.read(shown["responses"].artifact))["responses"].tolist() == numbers["responses"]
        told = Client().get(f"/j/{job.fingerprint}.json").json()["finding"]
        assert told["numbers"] == numbers
        assert [it["alt"] for it in told["shown"] if it["role"] == "responses"] == ["Responses of curve:1, as numbers."]
        for address in (f"/j/{job.fingerprint}", "/c/curve-circuit/curve/1"):
            page = Client().get(address).content.decode()
            assert f'aria-label="{shown["curve"].facts["alt"]}"' in page
            for axis in numbers["axes"]:
                for name in ("argmax", "circular_mean", "vector_strength", "width_at_half_max", "echo"):
                    assert axis.get(name) is None or f'<data value="{axis[name]!r}">' in page
            assert all(
                f'="/a/{it.artifact_id}.webp"' in page for it in job.finding.shown.all() if it.role == "stimulus"
            )
    for job, plots in ((one, ("round", "curve")), (two, ("map",)), (quiet, ("curve",))):
        for name in plots:
            plot = Client().get(f"/j/{job.fingerprint}/plots/{name}.svg").content.decode()
            assert ElementTree.fromstring(plot).get("role") == "img"
            assert 'href="/' not in plot
            assert (name == "map") or "data:image/webp;base64," in plot
            assert "curve-circuit" in plot
    page = Client().get(f"/j/{one.fingerprint}").content.decode()
    assert "Tuning to curves, by orientation" in page
    assert "a curve (contrast 1, radius 12 px, span 90°, width 2 px) on grey" in page
    assert "largest response at" in page
    page = Client().get(f"/j/{two.fingerprint}").content.decode()
    assert page.count("<rect x=") == 24
    page = Client().get(f"/j/{quiet.fingerprint}").content.decode()
    assert "no response rises above 0" in page
    assert "largest response at" not in page


def test_a_claim_about_where_it_points_is_decided(lab):
    checkpoint, actor, team, drain = lab
    foretold = {"probe": "tuning", "number": "/axes/0/argmax", "params": {"steps": 24}, "least": 345, "most": 15,
                "period": 360}  # fmt: skip
    content = {"neuron": "curve:0", "title": "Opens to the right", "predictions": [foretold]}
    claim = footholds.create(actor=actor, kind="description", checkpoint=checkpoint, team=team, content=content)
    predictions.test(actor=actor, foothold=claim)
    assert drain.drain(seconds=60) == 1
    [one] = dossiers.foothold(claim.accession, actor=actor).predictions
    assert (one.outcome, one.found) == ("held", 0)
    page = Client().get(f"/f/{claim.accession}")
    assert "at least 345 at most 15, around a circle of 360" in page.content.decode()


@pytest.mark.parametrize(
    ("params", "pointer"),
    [({"family": "line", "radius": 3}, "/params/radius"), ({"family": "disc", "axis": "hue"}, "/params/axis"),
     ({"steps": 181, "second": "span"}, "/params/steps"), ({"family": "picture"}, "/params/picture"),
     ({"axis": "radius", "second": "radius"}, "/params/second"), ({"low": 30, "high": 10}, "/params/high"),
     ({"second": "span", "second_low": 90}, "/params/second_high"),
     ({"family": "gabor", "wavelength": 1.5}, "/params/wavelength")],
    ids=str,
)  # fmt: skip
def test_what_does_not_belong_together_is_refused_at_the_door(organism, params, pointer):
    with pytest.raises(Validation) as refused:
        ask(checkpoint=organism, probe="tuning", subjects=["curve:0"], site=None, params=params, many=False)
    assert [it["pointer"] for it in refused.value.errors] == [pointer]


def test_what_only_the_science_can_judge_fails_by_name(lab):
    checkpoint, actor, _, drain = lab
    questions = ask(checkpoint=checkpoint, probe="tuning", subjects=["curve:0"], site=None, many=False,
                    params={"axis": "contrast", "low": -1, "high": 1.5})  # fmt: skip
    [job] = jobs.request(actor=actor, checkpoint=checkpoint, questions=questions).jobs
    drain.drain(seconds=60)
    job.refresh_from_db()
    assert (job.state, job.error["slug"]) == ("failed", "bad-parameters")
    assert "/high" in job.error["detail"]
