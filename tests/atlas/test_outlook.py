"""When a question begins and ends: by those before it, the workers there are, and its own pace once it is computed."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now

from atlas.models import Job
from atlas.services import jobs, outlook, workers

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue(ask_for, checkpoint, alice):
    """Five questions, of 10 s each, the first of them first."""
    found = ask_for(checkpoint, alice, *(f"mixed:{unit}" for unit in range(5))).jobs
    Job.objects.update(estimate=10.0)
    return [Job.objects.get(pk=job.pk) for job in found]


@pytest.fixture
def claim(probe):
    def claimed(worker):
        [job] = jobs.claim(worker, limit=lambda head: 1, probes=[probe])
        return job

    return claimed


def told(job):
    found = outlook.of(Job.objects.get(pk=job.pk))
    return [found.ahead, *(it if it is None else round(it) for it in (found.begins, found.ends))]


def test_without_a_worker_nobody_can_say(queue):
    assert told(queue[0]) == [0, None, None]
    assert told(queue[4]) == [4, None, None]


def test_it_waits_for_what_is_before_it_and_for_what_is_computed(queue, claim):
    worker = workers.start(device="cpu", versions={})
    assert told(queue[0]) == [0, 0, 10]
    assert told(queue[4]) == [4, 40, 50]
    assert claim(worker) == queue[0]
    assert told(queue[1]) == [0, 10, 20]
    assert told(queue[4]) == [3, 40, 50]


def test_workers_share_the_queue(queue, claim):
    first, _ = (workers.start(device="cpu", versions={}) for _ in range(2))
    claim(first)
    assert told(queue[1]) == [0, 0, 10]
    assert told(queue[4]) == [3, 20, 30]


def test_what_is_computed_goes_on_at_its_own_pace(queue, claim):
    job = claim(workers.start(device="cpu", versions={}))
    assert told(job) == [0, None, 10]
    Job.objects.filter(pk=job.pk).update(started_at=Now() - timedelta(seconds=30))
    assert told(job) == [0, None, None]  # longer than expected, and nobody knows how much
    Job.objects.filter(pk=job.pk).update(done_steps=3, of_steps=4)
    assert told(job) == [0, None, 10]
    Job.objects.filter(pk=job.pk).update(estimate=40.0, done_steps=1, of_steps=100)
    ahead, begins, ends = told(job)
    assert (ahead, begins, ends) == (0, None, pytest.approx(158, abs=5))  # by its pace 2,970 s, as expected 10 s
    jobs.finish(job, numbers={}, provenance={}, shown=[])
    assert told(job) == [0, None, None]
