"""Whose question is next: nobody's thousand delay another's first, and a probe that crashes waits for itself alone."""

from datetime import timedelta

import pytest
from django.db.models import F

from atlas.models import Breaker, Job, Share, Worker
from atlas.services import breakers, catalog, jobs, turns
from atlas.services import workers as presence
from atlas.services.instants import from_now
from atlas.services.questions import ask
from tests.conftest import SCHEMA

pytestmark = pytest.mark.django_db


@pytest.fixture
def request_jobs(checkpoint, probe):
    def requested(actor, *units, bulk=False, of=probe, **params):
        questions = ask(checkpoint=checkpoint, probe=of.name, subjects=list(units), site=None, params=params, many=True)
        return jobs.request(actor=actor, checkpoint=checkpoint, questions=questions, bulk=bulk).jobs

    return requested


@pytest.fixture
def worker(db):
    return presence.start(device="cpu", versions={})


@pytest.fixture
def take(worker, probe):
    def taken(*probes, limit=1):
        return jobs.claim(worker, limit=lambda head: limit, probes=list(probes or [probe]))

    return taken


def work(job, seconds=10.0):
    """Answer a claimed job as if it had taken so long."""
    Job.objects.filter(pk=job.pk).update(started_at=F("started_at") - timedelta(seconds=seconds))
    jobs.finish(job, numbers={}, provenance={}, shown=[])


def test_a_newcomer_is_next_however_many_others_wait(request_jobs, take, alice, bob):
    request_jobs(alice, *(f"mixed:{unit}" for unit in range(12)))
    for _ in range(3):
        [job] = take()
        work(job)
    [first] = request_jobs(bob, "edges:0")
    first.refresh_from_db()
    assert turns.ahead_of(first) <= 1
    assert [job.asker for job in take()] == [bob]


def test_a_clock_that_went_back_delays_nothing_for_longer_than_any_rest(request_jobs, take, alice):
    """Queued, or leased, an hour ahead of what the database takes for now."""
    job, other = request_jobs(alice, "edges:0", "edges:1")
    Job.objects.filter(pk=job.pk).update(run_at=from_now(450))
    assert take() == [other]
    assert take() == [], "it rests"
    Job.objects.filter(pk=job.pk).update(run_at=from_now(3600))
    assert take() == [job]
    Job.objects.filter(pk=job.pk).update(lease_until=from_now(3600))
    assert jobs.reap() == 1
    assert take() == [job]


def test_people_take_turns_by_what_their_questions_take(request_jobs, take, alice, bob):
    request_jobs(alice, *(f"mixed:{unit}" for unit in range(8)))
    request_jobs(bob, *(f"edges:{unit}" for unit in range(4)))
    order = []
    for _ in range(9):
        [job] = take()
        order.append(job.asker.handle)
        work(job, seconds=30.0 if job.asker == bob else 10.0)
    # Bob's take three times as long, so that he is asked a third as often.
    assert order.count("bob") in (2, 3)


def test_a_pause_saves_nothing_up(request_jobs, take, alice, bob):
    request_jobs(bob, "edges:0")
    [job] = take()
    work(job)
    request_jobs(alice, *(f"mixed:{unit}" for unit in range(12)))
    for _ in range(6):
        [job] = take()
        work(job, seconds=100)
    request_jobs(bob, *(f"mixed:{unit}" for unit in range(6)), steps=11)
    order = []
    for _ in range(8):
        [job] = take()
        order.append(job.asker.handle)
        work(job, seconds=100)
    assert order[0] == "bob", "the first of whoever comes waits for none"
    assert order.count("bob") in (4, 5)


def test_of_one_person_what_they_wait_for_comes_before_bulk(request_jobs, take, alice):
    request_jobs(alice, "edges:0", "edges:1", bulk=True)
    [wanted] = request_jobs(alice, "edges:2")
    assert take() == [wanted]


def test_who_still_wants_it_takes_the_turn_of_who_withdrew(request_jobs, alice, bob):
    [job] = request_jobs(alice, "edges:0")
    request_jobs(bob, "edges:0")
    jobs.cancel(actor=alice, job=job)
    job.refresh_from_db()
    assert (job.state, job.asker) == ("queued", bob)


def test_what_was_given_back_has_cost_no_turn(request_jobs, take, alice):
    request_jobs(alice, "edges:0")
    before = Share.objects.get(person=alice).turn
    [job] = take()
    assert Share.objects.get(person=alice).turn == before + job.estimate
    jobs.release(job)
    assert Share.objects.get(person=alice).turn == pytest.approx(before)


def test_what_was_asked_before_there_were_turns_is_answered(request_jobs, take, alice):
    [job] = request_jobs(alice, "edges:0")
    Job.objects.update(asker=None)
    assert take() == [job]


def crash(worker, job):
    """The process that computed this died, and is found."""
    jobs.reap(dead=[worker])
    Job.objects.filter(pk=job.pk).update(run_at=F("run_at") - timedelta(hours=1))


def test_a_probe_that_crashes_on_a_checkpoint_waits_and_others_do_not(request_jobs, take, worker, alice, probe):
    other = catalog.publish(
        name="other", version=1, summary="Other", description="Other.", schema=SCHEMA, subjects=["unit"],
        site="post_relu", example={}, seconds=1.0,
    )  # fmt: skip
    request_jobs(alice, "edges:0", "edges:1", "edges:2", "edges:3")
    for _ in range(breakers.DIFFERENT):
        [job] = take()
        crash(worker, job)
        Job.objects.filter(pk=job.pk).update(priority=9)  # so that each time another one crashes
    assert Breaker.objects.count() == 1
    assert take() == []
    [elsewhere] = request_jobs(alice, "edges:0", of=other)
    assert take(probe, other) == [elsewhere]
    # Later they are tried one by one, and an answer takes the breaker away.
    Breaker.objects.update(until=F("until") - timedelta(hours=1))
    [job] = take(limit=4)
    jobs.finish(job, numbers={}, provenance={}, shown=[])
    assert not Breaker.objects.exists()


def test_one_crash_of_many_together_opens_nothing(request_jobs, take, worker, alice):
    request_jobs(alice, "edges:0", "edges:1", "edges:2", "edges:3")
    assert len(take(limit=4)) == 4
    jobs.reap(dead=[worker])
    assert not Breaker.objects.exists()


def test_what_no_worker_could_answer_for_a_day_fails_and_may_be_asked_again(request_jobs, worker, alice, probe):
    [job] = request_jobs(alice, "edges:0")
    presence.serves(worker, [probe])
    Job.objects.filter(pk=job.pk).update(run_at=F("run_at") - timedelta(hours=25))
    assert jobs.strand() == 0, "somebody could have answered it"
    Worker.objects.update(seen_at=F("seen_at") - timedelta(hours=25))
    assert jobs.strand() == 1
    job.refresh_from_db()
    assert (job.state, job.error["slug"], job.error["fault"]) == ("failed", "no-worker", "ours")
    [again] = request_jobs(alice, "edges:0")
    assert (again.pk, again.state, again.generation) == (job.pk, "queued", 2)


def test_a_worker_that_may_not_serve_the_checkpoint_counts_for_nothing(request_jobs, worker, alice, probe, checkpoint):
    [job] = request_jobs(alice, "edges:0")
    presence.serves(worker, [probe])
    presence.report(worker, checkpoint, passed=False)
    Job.objects.filter(pk=job.pk).update(run_at=F("run_at") - timedelta(hours=25))
    assert jobs.strand() == 1
