"""Questions over REST: asked once, found again, refused with a pointer, withdrawn and queued again."""

import pytest

from atlas.models import Job, Request
from atlas.services import jobs, workers
from tests.api.conftest import question, rows

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def catalogue(checkpoint, probe):
    """`toy` and a probe are there."""


def test_a_new_question_is_accepted_and_a_known_one_found(as_alice, as_bob):
    first = as_alice.post("jobs", question())
    assert first.status_code == 202
    job = first.json()
    assert first["Location"] == f"/api/v1/jobs/{job['fingerprint']}"
    assert (job["state"], job["subject"], job["params"]["steps"]) == ("queued", "edges:1", 10)
    assert as_alice.get(first["Location"]).json() == job
    again = as_bob.post("jobs", question(params={"steps": 10.0}, site="pre_relu"))
    assert (again.status_code, again["Location"], again.json()) == (200, first["Location"], job)
    assert Job.objects.count() == 1


def test_a_known_answer_comes_at_once(as_alice, answer_jobs):
    as_alice.post("jobs", question())
    answer_jobs()
    found = as_alice.post("jobs", question()).json()
    assert (found["state"], found["finding"]["shown"][0]["role"]) == ("done", "image")


def test_several_subjects_are_one_request(as_alice, anybody):
    asked = as_alice.post("jobs", question(subjects=["edges:0", "mixed_5x5:1", [{"unit": "edges:1", "weight": -2}]]))
    assert asked.status_code == 202
    assert asked["Location"] == asked.json()["url"] == f"/api/v1/requests/{asked.json()['id']}"
    assert [job["subject"] for job in asked.json()["jobs"]] == ["edges:0", "mixed:9", "− 2·edges:1"]
    assert anybody.get(asked["Location"]).json() == asked.json()
    again = as_alice.post("jobs", question(subjects=["mixed:9", "edges:0"]))
    assert (again.status_code, again.json()["id"] == asked.json()["id"]) == (200, False)
    mixed = as_alice.post("jobs", question(subjects=["mixed:9", "edges:3"]))
    assert mixed.status_code == 202


def test_one_of_a_list_is_a_request_still(as_alice):
    assert as_alice.post("jobs", question(subjects=["edges:0"]))["Location"].startswith("/api/v1/requests/")


def test_a_subject_named_twice_is_one_job(as_alice):
    asked = as_alice.post("jobs", question(subjects=["mixed:9", "mixed_5x5:1", "mixed:9"]))
    assert [job["subject"] for job in asked.json()["jobs"]] == ["mixed:9"]


@pytest.mark.parametrize("layer", ["mixed", "mixed_5x5"])
def test_a_whole_layer_is_a_request_that_waits_behind_people(as_alice, layer):
    asked = as_alice.post("jobs", question(subject={"layer": layer}))
    assert asked.status_code == 202
    assert [job["subject"] for job in asked.json()["jobs"]] == [f"mixed:{channel}" for channel in range(12)]
    assert set(Job.objects.values_list("priority", flat=True)) == {1}


def test_layers_and_units_go_together(as_alice):
    asked = as_alice.post("jobs", question(subjects=[{"layer": "edges"}, "mixed:0"]))
    assert len(asked.json()["jobs"]) == 5


def test_more_questions_than_a_request_may_have_are_refused(as_alice):
    before = rows()
    answer = as_alice.post("jobs", question(subjects=[{"layer": "mixed"}] * 420))
    assert answer.json()["errors"][0]["code"] == "too-many"
    assert answer.json()["errors"][0]["pointer"] == "/subjects/416"  # 417 × 12 > 5,000
    assert rows() == before


def test_a_weighted_sum_of_long_names_is_kept(as_alice, checkpoint):
    """Its words are cut to what the column holds; its units are not."""
    layer = checkpoint.layers.create(
        key="k" * 110, kind="conv", index=2, channels=9, receptive_field=[1, 1], positions=[1, 1], sites=["pre_relu"]
    )
    terms = [{"unit": f"{layer.key}:{channel}", "weight": 0.123456 + channel} for channel in range(8)]
    found = as_alice.post("jobs", question(subject=terms))
    assert found.status_code == 202
    assert len(found.json()["subject"]) == 400
    assert found.json()["units"] == [[term["unit"], term["weight"]] for term in terms]


def wrong(**asked):
    """A question with something wrong with it."""
    return {name: value for name, value in question(**asked).items() if value is not ...}


WRONG = [
    (wrong(subject=...), "/subject", "required"),
    ({**question(), "subjects": ["edges:0"]}, "/subject", "required"),
    (wrong(probe=...), "/probe", "required"),
    (wrong(checkpoint=...), "/checkpoint", "required"),
    (wrong(checkpoint=7), "/checkpoint", "not-type"),
    (wrong(checkpoint="nowhere"), "/checkpoint", "no-such-checkpoint"),
    (wrong(probe="mind-reading"), "/probe", "no-such-probe"),
    (wrong(probe=["feature-visualization"]), "/probe", "not-type"),
    (wrong(colour="red"), "/colour", "unknown-field"),
    (wrong(**{"a/b~c": 1}), "/a~1b~0c", "unknown-field"),
    (wrong(subject="edges:4"), "/subject", "no-such-neuron"),
    (wrong(subject="edgez:0"), "/subject", "no-such-layer"),
    (wrong(subject="edges"), "/subject", "wrong-subject"),
    (wrong(subject="edges:１"), "/subject", "not-a-unit"),
    (wrong(subject=7), "/subject", "not-type"),
    (wrong(subject=None), "/subject", "not-type"),
    (wrong(subject=[]), "/subject", "not-minitems"),
    (wrong(subject=["edges:0"]), "/subject/0", "not-type"),
    (wrong(subject=[{"unit": "edges:0"}]), "/subject/0/weight", "required"),
    (wrong(subject=[{"unit": "edges:9", "weight": 1}]), "/subject", "no-such-neuron"),
    (wrong(subject=[{"unit": "edges:0", "weight": 1e9}]), "/subject/0/weight", "out-of-range"),
    (wrong(subject=[{"unit": "edges:0", "weight": 1}] * 9), "/subject", "not-maxitems"),
    (wrong(subject=[{"unit": "edges:0", "weight": 1}] * 2), "/subject", "repeated"),
    (wrong(subject={"layer": "edgez"}), "/subject/layer", "no-such-layer"),
    (wrong(subject={"layer": 3}), "/subject/layer", "not-type"),
    (wrong(subject={"layer": "edges", "x": 1}), "/subject/x", "unknown-field"),
    (wrong(subject={}), "/subject/layer", "required"),
    (wrong(subjects=[]), "/subjects", "not-minitems"),
    (wrong(subjects="edges:0"), "/subjects", "not-type"),
    (wrong(subjects=["edges:0"] * 2_001), "/subjects", "not-maxitems"),
    (wrong(subjects=["edges:0", "edges:7"]), "/subjects/1", "no-such-neuron"),
    (wrong(subjects=["edges:0", {"layer": "edgez"}]), "/subjects/1/layer", "no-such-layer"),
    (wrong(subjects=["edges:0", [{"unit": "edges:0", "weight": "1"}]]), "/subjects/1/0/weight", "not-type"),
    (wrong(site="sideways"), "/site", "no-such-site"),
    (wrong(site=1), "/site", "not-type"),
    (wrong(params=[]), "/params", "not-type"),
    (wrong(params={"steps": 10**9}), "/params/steps", "out-of-range"),
    (wrong(params={"steps": "10"}), "/params/steps", "not-type"),
    (wrong(params={"steps": True}), "/params/steps", "not-type"),
    (wrong(params={"steps": 1.5}), "/params/steps", "not-type"),
    (wrong(params={"seeds": [1, 1.0]}), "/params/seeds", "not-uniqueitems"),
    (wrong(params={"seeds": [[1], [1]]}), "/params/seeds", "not-uniqueitems"),
    (wrong(params={"seeds": []}), "/params/seeds", "not-minitems"),
    (wrong(params={"seeds": [0, -1]}), "/params/seeds/1", "out-of-range"),
    (wrong(params={"polarity": "sideways"}), "/params/polarity", "not-enum"),
    (wrong(params={"colour": 1}), "/params/colour", "unknown-field"),
]


def test_what_is_wrong_is_said_with_its_pointer(as_alice):
    before = rows()
    for body, pointer, code in WRONG:
        answer = as_alice.post("jobs", body)
        assert answer.status_code == 422, body
        assert (pointer, code) in {(error["pointer"], error["code"]) for error in answer.json()["errors"]}, body
    assert rows() == before


def test_everything_that_is_wrong_is_said_at_once(as_alice):
    answer = as_alice.post("jobs", question(subjects=["edges:9", "mixed:0", "nowhere:1"], params={"steps": 0}))
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert pointers == ["/params/steps", "/subjects/0", "/subjects/2"]


def test_true_and_one_are_two_items(as_alice):
    codes = {error["code"] for error in as_alice.post("jobs", question(params={"seeds": [1, True]})).json()["errors"]}
    assert codes == {"not-type"}


def test_a_reader_is_told_which_role_it_takes(as_bob, bob):
    bob.memberships.update(role=10)
    answer = as_bob.post("jobs", question())
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/forbidden")
    assert "annotator" in answer.json()["detail"]


class TestWithdrawing:
    def test_my_wish(self, as_alice):
        job = as_alice.post("jobs", question()).json()
        cancelled = as_alice.post(f"jobs/{job['fingerprint']}/cancel")
        assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
        assert as_alice.post(f"jobs/{job['fingerprint']}/cancel", {}).status_code == 200
        assert as_alice.post("jobs", question()).status_code == 202, "asked again, it starts over"

    def test_not_somebody_elses(self, as_alice, as_bob):
        job = as_alice.post("jobs", question()).json()
        before = rows()
        assert as_bob.post(f"jobs/{job['fingerprint']}/cancel").status_code == 403
        assert rows() == before
        as_bob.post("jobs", question())
        assert as_bob.post(f"jobs/{job['fingerprint']}/cancel").json()["state"] == "queued", "Alice waits for it"

    def test_not_what_has_ended(self, as_alice, answer_jobs):
        job = as_alice.post("jobs", question()).json()
        answer_jobs()
        answer = as_alice.post(f"jobs/{job['fingerprint']}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (409, "done")

    def test_what_runs_stops_at_its_next_step(self, as_alice, probe):
        job = as_alice.post("jobs", question()).json()
        jobs.claim(workers.start(device="cpu", versions={}), limit=lambda head: 1, probes=[probe])
        answer = as_alice.post(f"jobs/{job['fingerprint']}/cancel").json()
        assert (answer["state"], answer["cancelling"]) == ("running", True)


class TestQueueingAgain:
    @pytest.fixture
    def failed(self, as_alice, probe):
        """A question that could not be answered."""
        as_alice.post("jobs", question())
        [job] = jobs.claim(workers.start(device="cpu", versions={}), limit=lambda head: 1, probes=[probe])
        jobs.fail(job, error={"slug": "dead-unit", "detail": "It never fires.", "facts": {}, "fault": "yours"})
        return job

    def test_by_who_mended_the_cause(self, failed, as_operator):
        said = as_operator.get(f"jobs/{failed.fingerprint}").json()
        assert (said["state"], said["error"]["slug"]) == ("failed", "dead-unit")
        again = as_operator.post(f"jobs/{failed.fingerprint}/requeue").json()
        assert (again["state"], again["generation"], again["error"]) == ("queued", 2, None)
        assert [event["kind"] for event in again["events"]] == ["request", "claim", "fail", "requeue"]

    def test_not_by_anybody(self, failed, as_alice, as_bob, anybody):
        before = rows()
        assert as_bob.post(f"jobs/{failed.fingerprint}/requeue").status_code == 403
        assert as_alice.post(f"jobs/{failed.fingerprint}/requeue").status_code == 403
        assert anybody.post(f"jobs/{failed.fingerprint}/requeue").status_code == 401
        assert rows() == before

    def test_not_what_has_not_failed(self, as_alice, as_operator):
        job = as_alice.post("jobs", question()).json()
        assert as_operator.post(f"jobs/{job['fingerprint']}/requeue").status_code == 409


def test_a_request_counts_what_has_ended(as_alice, anybody, answer_jobs):
    place = as_alice.post("jobs", question(subjects=["edges:0", "edges:1", "mixed:0"]))["Location"]
    assert anybody.get(place).json()["ended"] == 0
    answer_jobs()
    found = anybody.get(place).json()
    assert (found["ended"], [job["state"] for job in found["jobs"]]) == (2, ["done", "done", "queued"])
    assert Request.objects.count() == 1


def test_an_artifact_says_where_its_bytes_are(world, anybody, client):
    found = anybody.get(f"artifacts/{world.artifact.sha256}").json()
    assert (found["media_type"], found["size"]) == ("image/png", 64)
    assert b"".join(client.get(found["url"])) == world.done.fingerprint.encode()


def test_probes_say_what_can_be_asked(as_alice, anybody):
    [probe] = anybody.walk("probes")
    assert anybody.get(f"probes/{probe['name']}").json() == probe
    asked = question(probe=probe["name"], params=probe["example"])
    assert as_alice.post("jobs", asked).status_code == 202
