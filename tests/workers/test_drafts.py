"""From an upload over HTTP to a published checkpoint: the whole way, by a real worker and its real sandboxed child."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from django.db import connection
from django.db.models.functions import Now

from atlas.errors import LeaseLost, UploadReplaced
from atlas.models import Artifact, Checkpoint, Job, Membership, Neuron, Role, Team
from atlas.services import artifacts, checkpoints, drafts, jobs, people, references
from tests.api.conftest import Api
from tests.api.uploading import form
from tests.workers.conftest import ORGANISM, QUICK
from workers import registration
from workers.drain import Drain

WEIGHTS = (ORGANISM / "weights.safetensors").read_bytes()


@pytest.fixture
def stopping():
    return threading.Event()


@pytest.fixture
def drain(fresh_database, stopping):
    loop = Drain(stopping=stopping, device="cpu")
    yield loop
    loop.leave()


@pytest.fixture
def curator(drain):
    """Ada, curator of the lab, in front of the API."""
    ada = people.join(username="ada", password="correct horse battery").contributor
    lab = Team.objects.create(slug="lab", name="The lab")
    Membership.objects.create(team=lab, contributor=ada, role=Role.CURATOR)
    return Api(ada.login)


def uploaded(api, card, weights=WEIGHTS, **fields) -> Job:
    """The job of an upload that was accepted."""
    answer = api.send(form(card=card, weights=weights, **fields))
    assert answer.status_code in (200, 202)
    return Job.objects.get(fingerprint=answer["Location"].rpartition("/")[2])


def test_an_upload_becomes_a_checkpoint_that_can_be_asked(drain, curator, card, examined):
    job = uploaded(curator, {**card, "title": "Curves of ours", "aliases": {"bows": "curve"}}, slug="our-curves")
    draft = curator.get("checkpoints/our-curves").json()
    assert (draft["status"], draft["digest"], draft["layers"]) == ("draft", None, [])
    assert draft["registration"]["state"] == "queued"
    upload = Checkpoint.objects.get().upload
    assert drain.drain(seconds=60) == 1

    job.refresh_from_db()
    assert (job.state, job.of_steps) == ("done", 5), job.error
    assert 0 < job.done_steps < 5  # what is faster than a report is not reported
    facts, _ = examined
    neurons = sum(layer.channels for layer in facts.layers)
    published = curator.get("checkpoints/our-curves").json()
    assert (published["status"], published["digest"]) == ("published", facts.digest)
    assert (published["title"], published["team"]) == ("Curves of ours", "lab")
    assert published["registration"] is None
    assert published["neuron_count"] == Neuron.objects.count() == neurons
    assert job.finding.numbers == {
        "digest": facts.digest,
        "layers": len(facts.layers),
        "neurons": neurons,
        "parameters": facts.parameters,
    }
    assert Checkpoint.objects.filter(upload=None, card__isnull=True, question="").exists()
    if upload.pk != Checkpoint.objects.get().weights_id:
        upload.delete()  # nothing refers to it any more: PROTECT would say so

    question = {"checkpoint": "our-curves", "probe": "feature-visualization", "subject": "bows:0", "params": QUICK}
    asked = curator.post("jobs", question)
    assert asked.status_code == 202
    drain.drain(seconds=60)
    assert curator.get(asked["Location"]).json()["state"] == "done"


def test_the_same_upload_is_the_same_question_whatever_has_become_of_it(drain, curator, card):
    first = uploaded(curator, card)
    assert uploaded(curator, card) == first
    assert uploaded(curator, {**card, "summary": "Another."}) != first
    assert uploaded(curator, card) == first  # and is asked again, after the other took its place
    drain.drain(seconds=60)
    assert Job.objects.get(state="done") == first
    assert Job.objects.get(state="cancelled").subject_text == "curves"
    assert uploaded(curator, card) == first
    other = curator.send(form(card={**card, "title": "Other"}, weights=WEIGHTS))
    assert [fault["pointer"] for fault in other.json()["errors"]] == ["/slug"]


def test_what_is_registered_elsewhere_fails_and_says_where(drain, curator, card, organism_on):
    organism_on()
    job = uploaded(curator, card)
    drain.drain(seconds=60)
    job.refresh_from_db()
    assert (job.state, job.error["slug"], job.error["fault"]) == ("failed", "registered-elsewhere", "yours")
    assert "as curve-circuit" in job.error["detail"]
    Checkpoint.objects.filter(slug="curve-circuit").update(visibility="team")
    hidden = uploaded(curator, {**card, "summary": "Again."})
    drain.drain(seconds=60)
    hidden.refresh_from_db()
    assert hidden.error["slug"] == "registered-elsewhere"
    assert "curve-circuit" not in str(hidden.error)


def test_a_refused_upload_leaves_a_draft_that_takes_another(drain, curator, card, artifact_folder):
    job = uploaded(curator, card, WEIGHTS[:-100])
    stale = Checkpoint.objects.get().upload
    drain.drain(seconds=60)
    job.refresh_from_db()
    assert (job.state, job.error["slug"], job.error["fault"]) == ("failed", "checkpoint-truncated", "yours")
    assert Checkpoint.objects.get().status == "draft"
    assert not Neuron.objects.exists()
    assert uploaded(curator, card, WEIGHTS[:-100]) == job  # it fails for good: the same bytes are not looked at again
    uploaded(curator, card)
    Artifact.objects.filter(references.none_to(), pk=stale.pk).update(marked_at=Now())  # as collection does
    stale.delete()
    drain.drain(seconds=60)
    assert Checkpoint.objects.get().status == "published"
    assert list((artifact_folder / "tmp").iterdir()) == []


def at_the_first_step(job: Job, then) -> threading.Thread:
    """Does something as soon as the child has said something."""

    def watch() -> None:
        try:
            while not Job.objects.filter(pk=job.pk, state="running", done_steps__gt=0).exists():
                time.sleep(0.02)
            then()
        finally:
            connection.close()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


@pytest.fixture
def slow_child(tmp_path, monkeypatch):
    """A child that says its first line, and then nothing for a long time; yields where it notes its process id."""
    noted = tmp_path / "pid"
    script = tmp_path / "slow.py"
    script.write_text(
        f"import os, time\nfrom workers import examination\nopen({str(noted)!r}, 'w').write(str(os.getpid()))\n"
        "examination.attend()\nexamination.say('the header is in order')\ntime.sleep(120)\n"
    )
    real = registration._run
    monkeypatch.setattr(registration, "_run", lambda command, **more: real([command[0], str(script)], **more))
    return noted


def lives(pid: int) -> bool:
    """Whether a process runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_cancelled_registration_ends_its_child_and_publishes_nothing(drain, curator, card, slow_child):
    job = uploaded(curator, card)
    cancelling = at_the_first_step(job, lambda: curator.post(f"jobs/{job.fingerprint}/cancel"))
    drain.drain(seconds=60)
    cancelling.join()
    job.refresh_from_db()
    assert (job.state, Checkpoint.objects.get().status) == ("cancelled", "draft")
    assert not lives(int(slow_child.read_text()))


def test_asked_to_stop_the_worker_hands_the_upload_back(drain, stopping, curator, card, slow_child):
    job = uploaded(curator, card)
    stopper = at_the_first_step(job, stopping.set)
    drain.drain(seconds=60)
    stopper.join()
    job.refresh_from_db()
    assert (job.state, job.attempts, job.handbacks) == ("queued", 1, 1)
    assert not lives(int(slow_child.read_text()))


def test_what_replaces_an_upload_at_work_stops_it(drain, curator, card, slow_child):
    job = uploaded(curator, card)
    replacing = at_the_first_step(job, lambda: uploaded(curator, {**card, "title": "Better"}))
    drain.drain(seconds=0.1)
    replacing.join()
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert Checkpoint.objects.get().question != job.fingerprint


def test_an_answer_to_a_former_upload_publishes_nothing(drain, curator, card, examined):
    """Even when it comes after all checks: the database says which question the draft asks."""
    job = uploaded(curator, card)
    [claimed] = jobs.claim(drain.worker, limit=lambda head: 1, probes=drain.probes)
    Checkpoint.objects.update(question="0" * 64)
    facts, weights = examined
    with pytest.raises(UploadReplaced):
        drafts.publish(claimed, facts=facts, weights=weights, provenance={}, acting_for=None)
    job.refresh_from_db()
    assert (job.state, Checkpoint.objects.get().digest) == ("running", None)


def test_a_superseded_worker_publishes_nothing(drain, curator, card, examined):
    uploaded(curator, card)
    [claimed] = jobs.claim(drain.worker, limit=lambda head: 1, probes=drain.probes)
    jobs.release(claimed)
    facts, weights = examined
    with pytest.raises(LeaseLost):
        drafts.publish(claimed, facts=facts, weights=weights, provenance={}, acting_for=None)
    assert Checkpoint.objects.get().digest is None


def test_the_child_does_not_outlive_a_worker_that_is_killed(tmp_path):
    """Not even by `kill -9`: the end of its standard input tells it."""
    noted = tmp_path / "pid"
    child = f"import os, time; from workers import examination; examination.attend(); open({str(noted)!r}, 'w')" + (
        ".write(str(os.getpid())); time.sleep(120)"
    )
    worker = (
        "import django; django.setup(); import sys; from pathlib import Path; from workers import registration; "
        f"registration._run([sys.executable, '-c', {child!r}], log=Path({str(tmp_path / 'log')!r}), progress=print)"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    parent = subprocess.Popen([sys.executable, "-c", worker], env=environment)
    while not (noted.exists() and noted.read_text()):
        assert parent.poll() is None
        time.sleep(0.05)
    pid = int(noted.read_text())
    assert lives(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    while lives(pid):  # until it has noticed; a child that does not hangs this test, and fails by its timeout
        time.sleep(0.05)


def test_a_lost_upload_is_our_fault_and_is_tried_again(drain, curator, card, artifact_folder):
    job = uploaded(curator, card)
    for path in artifact_folder.glob("??/*"):
        path.unlink()
    drain.drain(seconds=60)
    job.refresh_from_db()
    assert (job.state, job.attempts) == ("queued", 1)


def test_the_door_and_the_science_agree_on_the_largest_file():
    from atlas import uploads
    from workers.interp import header

    assert uploads.LARGEST == header.LARGEST_FILE == registration.LARGEST_FILE


def test_a_card_says_the_same_however_it_is_written(card):
    import json

    text = json.dumps(card)
    assert checkpoints.parse_card(text) == checkpoints.parse_card(json.dumps(card, indent=2)) == card


def test_the_file_of_a_draft_is_served_to_nobody(curator, card):
    uploaded(curator, card)
    [kept] = Artifact.objects.all()
    assert artifacts.read(kept) == WEIGHTS
    assert curator.get(f"artifacts/{kept.sha256}").status_code == 404
