"""`doctor --jobs` holds after a campaign over every edge, and finds each bug that is seeded into the protocol."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q

from atlas import invariants
from atlas.errors import AtlasError, Forbidden
from atlas.models import Artifact, Finding, Job, JobEvent, LedgerEntry, RequestedJob, Upload
from atlas.services import artifacts, collection, janitor, jobs, journal, ledger, references
from atlas.services import workers as presence
from atlas.services.jobs import Shown
from atlas.services.questions import ask
from atlas.storage import path_of
from tests.collecting import ask_with

pytestmark = pytest.mark.django_db


class Campaign:
    """Every edge of the state machine, on twelve questions, and a worker that comes back from the dead."""

    def __init__(self, checkpoint, probe, alice, curator):
        self.checkpoint, self.probe, self.alice, self.curator = checkpoint, probe, alice, curator
        self.worker = presence.start(device="cpu", versions={})

    def ask(self, *units):
        questions = ask(
            checkpoint=self.checkpoint, probe=self.probe.name, subjects=list(units), site=None, params={}, many=True
        )
        return jobs.request(actor=self.alice, checkpoint=self.checkpoint, questions=questions).jobs

    def claim(self, limit=1):
        Job.objects.filter(state="queued").update(run_at=F("run_at") - timedelta(hours=1))
        return jobs.claim(self.worker, limit=lambda head: limit, probes=[self.probe])

    def finish(self, job):
        picture = artifacts.keep(b"picture of " + job.fingerprint.encode(), media_type="image/png")
        jobs.finish(job, numbers={}, provenance={}, shown=[Shown("image", picture, {})])

    def attempt(self, act, *args, **more):
        """What the protocol refuses, it refuses."""
        try:
            act(*args, **more)
        except AtlasError:
            return False
        return True

    def run(self):
        self.ask(*(f"mixed:{unit}" for unit in range(5)))
        for job in self.claim(limit=2):
            self.finish(job)
        [failing] = self.claim()
        jobs.fail(failing, error={"slug": "x", "detail": "x", "facts": {}, "fault": "yours"})
        [zombie] = self.claim()
        Job.objects.filter(pk=zombie.pk).update(lease_until=F("lease_until") - timedelta(hours=1))
        jobs.reap()
        self.attempt(self.finish, zombie)  # it comes back and knows nothing
        [again] = self.claim()
        jobs.release(again, handback=True, why="asked to stop")
        [unwanted] = self.claim()
        jobs.cancel(actor=self.alice, job=unwanted)
        if not self.attempt(self.finish, unwanted):
            jobs.stop(unwanted)
        [waiting] = self.ask("edges:0")
        jobs.cancel(actor=self.alice, job=waiting)
        self.ask("edges:0")
        for _ in range(2 * jobs.MOST_STARTS):
            for job in self.claim(limit=9):
                jobs.release(job, why="our fault")
        for job in Job.objects.filter(state="quarantined")[:1]:
            jobs.requeue(actor=self.curator, job=job)
        for job in self.claim(limit=9):
            self.finish(job)

    def collect(self):
        """Two rounds of collection; what is kept again after them is wanted, and so is what a question names."""
        unwanted, asked = (artifacts.keep(data, media_type="image/png") for data in (b"unwanted", b"asked"))
        artifacts.keep(b"abandoned", media_type="image/png")
        ask_with(self.checkpoint, self.alice, asked)
        for _ in range(2):
            for _, _ in janitor.tidy():
                pass
            Artifact.objects.filter(pk=unwanted.pk).update(marked_at=F("marked_at") - timedelta(minutes=1))
        Upload.objects.create(
            artifact=artifacts.keep(b"unwanted", media_type="image/png"), uploaded_by=self.alice
        )  # fmt: skip


@pytest.fixture
def campaign(checkpoint, probe, alice, curator, settings, monkeypatch):
    monkeypatch.setattr(collection, "UNMARKED", timedelta(seconds=-1))
    return Campaign(checkpoint, probe, alice, curator)


def broken():
    return {it.name: it.shown for it in invariants.found() if it.count}


def test_everything_holds_after_every_edge(campaign, capsys):
    campaign.run()
    kinds = set(JobEvent.objects.values_list("kind", flat=True))
    assert kinds >= {"request", "claim", "finish", "fail", "reap", "release", "cancel", "stop", "quarantine", "requeue"}
    assert broken() == {}
    call_command("doctor", "--jobs")
    assert "BROKEN" not in capsys.readouterr().out


def a_worker_writes_without_its_fence(patch):
    patch.setattr(jobs, "held", lambda job: Job.objects.filter(pk=job.pk))


def a_cancelled_job_is_finished(patch):
    def accepted(job, **said):
        Job.objects.filter(pk=job.pk).update(cancel_requested_at=None)
        return finish(job, **said)

    finish = jobs.finish
    patch.setattr(jobs, "finish", accepted)


def a_start_is_not_counted(patch):
    def uncounted(worker, **said):
        claimed = claim(worker, **said)
        Job.objects.filter(pk__in=[job.pk for job in claimed]).update(attempts=0)
        return claimed

    claim = jobs.claim
    patch.setattr(jobs, "claim", uncounted)


def the_fence_does_not_rise(patch):
    def level(worker, **said):
        claimed = claim(worker, **said)
        for job in claimed:
            Job.objects.filter(pk=job.pk).update(fence=1)
            job.fence = 1
        return claimed

    claim = jobs.claim
    patch.setattr(jobs, "claim", level)


def starts_have_no_end(patch):
    patch.setattr(jobs, "MOST_STARTS", 99)


def an_edge_leaves_no_event(patch):
    patch.setattr(
        jobs, "note", lambda ids, kind, *args, **said: kind == "fail" or journal.note(ids, kind, *args, **said)
    )


def what_failed_goes_on(patch):
    def again(job, **said):
        fail(job, **said)
        Job.objects.filter(pk=job.pk).update(state="queued", finished_at=None)

    fail = jobs.fail
    patch.setattr(jobs, "fail", again)


def the_finding_is_forgotten(patch):
    class Forgotten:
        def bulk_create(self, rows):
            list(rows)

    patch.setattr(jobs.Finding.objects, "create", lambda **said: Finding(pk=0, **said))
    patch.setattr(jobs.FindingArtifact, "objects", Forgotten())
    patch.setattr(jobs.breakers, "answered", lambda job: None)


def nothing_is_held(patch):
    patch.setattr(jobs.ledger, "hold", lambda new, **said: None)


def nothing_is_closed(patch):
    patch.setattr(journal.ledger, "close", lambda ids, **said: None)


def time_runs_backwards(patch):
    patch.setattr(ledger, "took", lambda job: -5.0)


def a_wish_is_lost(patch):
    patch.setattr(RequestedJob.objects, "get_or_create", lambda **said: (None, False))


def a_row_comes_before_its_file(patch):
    def rowed(data, *, media_type):
        row = keep(data, media_type=media_type)
        artifacts.store().delete(path_of(row.sha256))
        return row

    keep = artifacts.keep
    patch.setattr(artifacts, "keep", rowed)


def files_are_written_in_place(patch):
    def torn(data, *, media_type):
        row = keep(data, media_type=media_type)
        with open(artifacts.store().path(path_of(row.sha256)), "r+b") as file:
            file.truncate(3)
        return row

    keep = artifacts.keep
    patch.setattr(artifacts, "keep", torn)


def something_happens_after_the_end(patch):
    def leased(job, **said):
        finding = finish(job, **said)
        JobEvent.objects.create(
            job=job, kind="renew", from_state="done", to_state="running", fence=job.fence, at=finding.created_at
        )
        return finding

    finish = jobs.finish
    patch.setattr(jobs, "finish", leased)


def a_file_goes_and_its_row_stays(patch):
    patch.setattr(collection, "forget", lambda sha256: True)
    patch.setattr(collection, "remove", lambda sha256: artifacts.store().delete(path_of(sha256)) or True)
    patch.setattr(collection, "grace", lambda: timedelta(seconds=-1))


def what_a_question_names_is_collected(patch):
    patch.setattr(references, "named", lambda hashes: set())
    patch.setattr(collection, "grace", lambda: timedelta(seconds=-1))


def a_mark_outlives_its_reason(patch):
    patch.setattr(artifacts, "unmark", lambda artifact: None)


def collection_takes_what_is_wanted(patch):
    patch.setattr(references, "none_to", lambda **apart: Q(pk__isnull=False))
    patch.setattr(collection, "grace", lambda: timedelta(seconds=-1))


def writing_ends_in_the_middle(patch):
    def begun(data, *, media_type):
        artifact = keep(data, media_type=media_type)
        torn = Path(artifacts.store().path("tmp/torn"))
        torn.write_bytes(b"half of it")
        os.utime(torn, (0, 0))
        return artifact

    keep = artifacts.keep
    patch.setattr(artifacts, "keep", begun)


MUTANTS = (
    a_worker_writes_without_its_fence,
    a_cancelled_job_is_finished,
    a_start_is_not_counted,
    the_fence_does_not_rise,
    starts_have_no_end,
    an_edge_leaves_no_event,
    what_failed_goes_on,
    the_finding_is_forgotten,
    nothing_is_held,
    nothing_is_closed,
    time_runs_backwards,
    a_wish_is_lost,
    a_row_comes_before_its_file,
    files_are_written_in_place,
    something_happens_after_the_end,
)
OF_COLLECTION = (
    a_file_goes_and_its_row_stays,
    what_a_question_names_is_collected,
    a_mark_outlives_its_reason,
    collection_takes_what_is_wanted,
    writing_ends_in_the_middle,
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_seeded_bug_is_found(campaign, monkeypatch, mutant):
    mutant(monkeypatch)
    try:
        campaign.run()
    except (IntegrityError, Forbidden):
        return  # a constraint or a permission stands in its way, which is better still
    monkeypatch.undo()
    assert broken(), "nobody noticed"


def test_everything_holds_after_collection(campaign):
    campaign.ask("mixed:0")
    [campaign.finish(job) for job in campaign.claim()]
    campaign.collect()
    assert broken() == {}


@pytest.mark.parametrize("mutant", OF_COLLECTION, ids=lambda mutant: mutant.__name__)
def test_a_seeded_bug_of_collection_is_found(campaign, monkeypatch, mutant):
    campaign.ask("mixed:0")
    [campaign.finish(job) for job in campaign.claim()]
    try:
        with monkeypatch.context() as patch, transaction.atomic():
            mutant(patch)
            campaign.collect()
            connection.check_constraints()  # which SQLite looks at when a transaction ends
    except IntegrityError:
        return
    assert broken(), "nobody noticed"


def test_what_is_found_is_said(campaign, capsys):
    campaign.run()
    job = Job.objects.exclude(payer=None).first()
    LedgerEntry.objects.create(kind="hold", job=job, generation=9, team=job.payer, seconds=1, at=job.created_at)
    with pytest.raises(SystemExit):
        call_command("doctor", "--jobs")
    said = capsys.readouterr().out
    assert "BROKEN every hold is closed once, when its job has ended: 1" in said
    assert f"job {job.pk} has ended, and its hold is open" in said
