"""The state machine: every edge by its guard, no other edge, and one winner whoever races."""

import itertools
import threading

import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from atlas.errors import AuthenticationRequired, Forbidden, IllegalTransition, LeaseLost
from atlas.models import Finding, Job, JobEvent, Request
from atlas.services import artifacts, holding, jobs
from atlas.services import workers as presence
from atlas.services.jobs import MOST_CRASHES, MOST_STARTS, Shown
from atlas.services.questions import ask


@pytest.fixture
def request_jobs(checkpoint, probe):
    def requested(actor, *units, bulk=False, **params):
        questions = ask(
            checkpoint=checkpoint, probe=probe.name, subjects=list(units), site=None, params=params, many=True
        )
        return jobs.request(actor=actor, checkpoint=checkpoint, questions=questions, bulk=bulk)

    return requested


@pytest.fixture
def worker(db):
    return presence.start(device="cpu", versions={})


@pytest.fixture
def claim(worker, probe):
    def claimed(limit=1, by=worker):
        return jobs.claim(by, limit=lambda head: limit, probes=[probe])

    return claimed


def lapse(job):
    """Let the lease end, as far as the database can tell."""
    Job.objects.filter(pk=job.pk).update(lease_until=F("lease_until") - jobs.timedelta(hours=1))


def answer(job):
    picture = artifacts.keep(b"picture of " + job.fingerprint.encode(), media_type="image/png")
    return jobs.finish(job, numbers={"achieved": 3.5}, provenance={}, shown=[Shown("image", picture, {"seed": 0})])


def kinds(job):
    return list(JobEvent.objects.filter(job=job).values_list("kind", flat=True))


@pytest.mark.django_db
class TestAsking:
    def test_a_question_is_queued_and_the_same_question_is_the_same_job(self, request_jobs, alice, bob):
        first = request_jobs(alice, "edges:0")
        second = request_jobs(bob, "edges:0", steps=10)
        assert first.jobs == second.jobs
        assert first.new == {first.jobs[0].fingerprint}
        assert not second.new
        assert Request.objects.count() == 2

    def test_reading_is_free_but_computing_needs_a_name(self, request_jobs):
        with pytest.raises(AuthenticationRequired):
            request_jobs(None, "edges:0")
        assert Job.objects.count() == 0

    def test_a_reader_may_not_compute(self, request_jobs, alice):
        alice.memberships.update(role=10)
        with pytest.raises(Forbidden):
            request_jobs(alice, "edges:0")

    def test_somebody_waiting_pulls_a_bulk_question_forward(self, request_jobs, claim, alice, bob):
        request_jobs(alice, "edges:0", "edges:1", "edges:2", bulk=True)
        [wanted] = request_jobs(bob, "edges:2").jobs
        assert claim() == [wanted]

    def test_a_failed_question_stays_failed_when_asked_again(self, request_jobs, claim, alice):
        request_jobs(alice, "edges:0")
        [job] = claim()
        jobs.fail(job, error={"slug": "dead-unit", "detail": "", "facts": {}, "fault": "yours"})
        [again] = request_jobs(alice, "edges:0").jobs
        assert again.state == "failed"
        assert claim() == []


@pytest.mark.django_db
class TestWorking:
    def test_claim_takes_batch_mates_and_nobody_else(self, request_jobs, claim, alice):
        request_jobs(alice, "edges:0", "mixed:0", "edges:1", "edges:2")
        assert [job.subject_text for job in claim(limit=2)] == ["edges:0", "edges:1"]
        assert [job.subject_text for job in claim(limit=2)] == ["mixed:0"]
        assert [job.subject_text for job in claim(limit=2)] == ["edges:2"]
        assert claim() == []

    def test_a_claim_is_a_start_a_fence_and_a_lease(self, request_jobs, claim, alice, worker):
        request_jobs(alice, "edges:0")
        [job] = claim()
        assert (job.state, job.attempts, job.fence, job.owner) == ("running", 1, 1, worker)
        assert job.lease_until > job.started_at

    def test_finish_publishes_one_finding(self, request_jobs, claim, alice):
        request_jobs(alice, "edges:0")
        [job] = claim()
        finding = answer(job)
        job.refresh_from_db()
        assert (job.state, job.lease_until, job.owner) == ("done", None, None)
        assert finding.shown.get().role == "image"
        assert kinds(job) == ["request", "claim", "finish"]

    def test_a_superseded_worker_publishes_nothing(self, request_jobs, claim, alice, worker, probe):
        request_jobs(alice, "edges:0")
        [stale] = claim()
        lapse(stale)
        assert jobs.reap() == 1
        [fresh] = claim(by=presence.start(device="cpu", versions={}))
        for write in (
            lambda: answer(stale),
            lambda: jobs.fail(stale, error={}),
        ):
            with pytest.raises(LeaseLost):
                write()
        assert not jobs.release(stale)
        assert not jobs.stop(stale)
        assert jobs.renew([stale]) == (set(), set())
        holding.report(stale, done=7, of=9)
        fresh.refresh_from_db()
        assert (fresh.state, fresh.done_steps) == ("running", 0)
        answer(fresh)
        assert Finding.objects.count() == 1

    def test_renewing_keeps_the_lease_and_hears_of_cancellation(self, request_jobs, claim, alice):
        request_jobs(alice, "edges:0", "edges:1")
        held = claim(limit=2)
        jobs.cancel(actor=alice, job=held[0])
        assert jobs.renew(held) == ({job.pk for job in held}, {held[0].pk})
        assert holding.unwanted(held) == {held[0].pk}

    def test_a_question_given_back_rests_and_is_claimed_again(self, request_jobs, claim, alice):
        request_jobs(alice, "edges:0")
        [job] = claim()
        jobs.release(job, after=600, why="transient")
        assert claim() == []
        Job.objects.update(run_at=Now())
        [again] = claim()
        assert (again.attempts, again.fence) == (2, 3)

    def test_starts_are_bounded_and_handbacks_cost_none(self, request_jobs, claim, alice):
        request_jobs(alice, "edges:0")
        for _ in range(3):
            [job] = claim()
            jobs.release(job, handback=True)
        for _ in range(MOST_STARTS):
            [job] = claim()
            jobs.release(job, why="ours")
        job.refresh_from_db()
        assert (job.state, job.attempts, job.handbacks) == ("quarantined", 8, 3)
        assert job.error["slug"] == "quarantined"
        assert claim() == []

    def test_a_worker_does_not_claim_what_it_refuses_or_cannot_compute(self, request_jobs, worker, probe, alice):
        [job] = request_jobs(alice, "edges:0").jobs
        presence.report(worker, job.checkpoint, passed=False, detail="another function")
        assert jobs.claim(worker, limit=lambda head: 1, probes=[probe]) == []
        other = presence.start(device="cpu", versions={})
        assert jobs.claim(other, limit=lambda head: 1, probes=[]) == []
        assert jobs.claim(other, limit=lambda head: 1, probes=[probe]) == [job]


@pytest.mark.django_db
class TestClearingUp:
    def test_a_lapsed_lease_returns_to_the_queue(self, request_jobs, claim, alice):
        request_jobs(alice, "edges:0")
        [job] = claim()
        assert jobs.reap() == 0
        lapse(job)
        assert jobs.reap() == 1
        assert jobs.reap() == 0
        job.refresh_from_db()
        assert (job.state, job.crashes, job.fence) == ("queued", 0, 2)

    def test_crashes_quarantine_a_question_and_need_no_lapse(self, request_jobs, claim, alice, worker):
        [job] = request_jobs(alice, "edges:0").jobs
        for _ in range(MOST_CRASHES):
            assert claim() == [job]
            assert jobs.reap(dead=[worker]) == 1
        job.refresh_from_db()
        assert (job.state, job.crashes) == ("quarantined", MOST_CRASHES)

    def test_after_a_crash_a_question_is_claimed_alone(self, request_jobs, claim, alice, worker):
        request_jobs(alice, "edges:0", "edges:1", "edges:2")
        assert len(claim(limit=3)) == 3
        jobs.reap(dead=[worker])
        assert [len(claim(limit=3)) for _ in range(3)] == [1, 1, 1]

    def test_cancel_waits_for_the_last_who_asked(self, request_jobs, alice, bob):
        [job] = request_jobs(alice, "edges:0").jobs
        request_jobs(bob, "edges:0")
        assert jobs.cancel(actor=alice, job=job).state == "queued"
        assert jobs.cancel(actor=bob, job=job).state == "cancelled"

    def test_nothing_is_published_after_a_cancel(self, request_jobs, claim, alice):
        request_jobs(alice, "edges:0")
        [job] = claim()
        assert jobs.cancel(actor=alice, job=job).cancel_requested_at
        with pytest.raises(LeaseLost):
            answer(job)
        assert jobs.stop(job)
        job.refresh_from_db()
        assert (job.state, job.owner) == ("cancelled", None)
        assert Finding.objects.count() == 0

    def test_a_worker_that_ignores_a_cancel_loses_the_job(self, request_jobs, claim, alice):
        request_jobs(alice, "edges:0")
        [job] = claim()
        jobs.cancel(actor=alice, job=job)
        assert jobs.reap() == 0
        Job.objects.update(cancel_requested_at=F("cancel_requested_at") - jobs.timedelta(minutes=1))
        assert jobs.reap() == 1
        job.refresh_from_db()
        assert job.state == "cancelled"

    def test_asking_again_revives_a_cancelled_question(self, request_jobs, claim, alice, bob):
        [job] = request_jobs(alice, "edges:0").jobs
        jobs.cancel(actor=alice, job=job)
        revived = request_jobs(bob, "edges:0")
        assert revived.new == {job.fingerprint}
        [again] = claim()
        assert (again.pk, again.generation) == (job.pk, 2)

    def test_asking_for_a_job_about_to_stop_keeps_it_running(self, request_jobs, claim, alice, bob):
        request_jobs(alice, "edges:0")
        [job] = claim()
        jobs.cancel(actor=alice, job=job)
        request_jobs(bob, "edges:0")
        assert answer(job)

    def test_only_who_asked_may_cancel(self, request_jobs, alice, bob, operator):
        [job] = request_jobs(alice, "edges:0").jobs
        with pytest.raises(Forbidden):
            jobs.cancel(actor=bob, job=job)
        with pytest.raises(AuthenticationRequired):
            jobs.cancel(actor=None, job=job)

    def test_the_operator_cancels_whoever_asked(self, request_jobs, alice, operator):
        [job] = request_jobs(alice, "edges:0").jobs
        assert jobs.cancel(actor=operator, job=job).state == "cancelled"

    def test_requeue_is_for_the_ended_and_by_a_curator(self, request_jobs, claim, alice, operator):
        request_jobs(alice, "edges:0")
        [job] = claim()
        with pytest.raises(IllegalTransition):
            jobs.requeue(actor=operator, job=job)
        jobs.fail(job, error={"slug": "x", "detail": "", "facts": {}, "fault": "ours"})
        with pytest.raises(Forbidden):
            jobs.requeue(actor=alice, job=job)
        again = jobs.requeue(actor=operator, job=job)
        assert (again.state, again.generation, again.attempts, again.error) == ("queued", 2, 0, None)


@pytest.mark.django_db
def test_the_database_itself_refuses_a_lease_without_running(request_jobs, alice):
    request_jobs(alice, "edges:0")
    with pytest.raises(DatabaseError), transaction.atomic():
        Job.objects.update(lease_until=Now())


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["done", "failed", "cancelled", "quarantined"])
def test_an_ended_job_is_left_by_no_worker_edge(request_jobs, claim, alice, state):
    request_jobs(alice, "edges:0")
    [job] = claim()
    Job.objects.update(state=state, owner=None, lease_until=None)
    for edge in (lambda: answer(job), lambda: jobs.fail(job, error={})):
        with pytest.raises(LeaseLost):
            edge()
    assert not jobs.release(job)
    assert jobs.reap() == 0
    assert claim() == []


def test_every_question_is_claimed_by_exactly_one_of_racing_workers(fresh_database, register_on, probe_on):
    """8 threads, 120 questions, batches of 5: no question lost, none claimed twice, and none left behind."""
    from atlas.services import people

    checkpoint, probe = register_on(), probe_on()
    actor = people.join(username="racer", password="correct horse battery").contributor
    units = [f"mixed:{channel}" for channel in range(12)]
    for steps in range(1, 11):
        questions = ask(
            checkpoint=checkpoint, probe=probe.name, subjects=units, site=None, params={"steps": steps}, many=True
        )
        jobs.request(actor=actor, checkpoint=checkpoint, questions=questions)
    claimed: list[list[int]] = [[] for _ in range(8)]

    def race(mine: list[int]) -> None:
        try:
            worker = presence.start(device="cpu", versions={})
            while batch := jobs.claim(worker, limit=lambda head: 5, probes=[probe]):
                mine.extend(job.pk for job in batch)
        finally:
            connection.close()

    racers = [threading.Thread(target=race, args=(mine,)) for mine in claimed]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    everything = sorted(itertools.chain.from_iterable(claimed))
    assert len(everything) == len(set(everything)) == 120
    assert set(Job.objects.values_list("attempts", flat=True)) == {1}
