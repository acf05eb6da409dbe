"""A claim reads the queue by its partial indexes, however many jobs have ended."""

import pytest

from atlas.services import jobs, people, turns
from atlas.services import workers as presence
from atlas.services.questions import ask
from tests import crowded

pytestmark = pytest.mark.django_db


@pytest.fixture
def crowd(checkpoint, probe):
    """Twenty thousand jobs that have ended, and a thousand that wait, of four people."""
    persons = [people.join(username=f"p{n}", password="correct horse battery").contributor for n in range(4)]
    questions = ask(checkpoint=checkpoint, probe=probe.name, subjects=["edges:0"], site=None, params={}, many=False)
    [template] = jobs.request(actor=persons[0], checkpoint=checkpoint, questions=questions).jobs
    crowded.fill(template, persons, count=1_000, state="queued", seed=1)
    crowded.fill(template, persons, count=20_000, state="failed", seed=2)


def test_a_claim_reads_no_job_that_has_ended(crowd, probe):
    worker, won = presence.start(device="cpu", versions={}), []
    jobs.claim(worker, limit=lambda head: 1, probes=[probe])
    steps = crowded.plans(lambda: won.extend(jobs.claim(worker, limit=lambda head: crowded.MATES, probes=[probe])))
    assert len(won) == crowded.MATES
    assert not [step for step in steps if crowded.reads_everything(step)], steps
    assert any(" queue " in f"{step} " for step in steps), "the head is found by the index of what waits"
    assert any("queue_by_batch" in step for step in steps), "and so are those that share its pass"


def test_what_every_worker_asks_twice_a_second_reads_no_job_that_has_ended(crowd):
    steps = crowded.plans(lambda: (presence.dead(), jobs.reap(), turns.anybody_waits()))
    assert not [step for step in steps if crowded.reads_everything(step)], steps
