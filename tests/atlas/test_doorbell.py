"""The bell: rung on a real Redis it leaves one empty message; a Redis that is away costs nobody their request."""

import json

import pytest
import redis

from atlas import doorbell
from atlas.models import Job
from atlas.services import jobs
from atlas.services.questions import ask


@pytest.fixture(autouse=True)
def fresh_sender():
    doorbell._sender.cache_clear()
    yield
    doorbell._sender.cache_clear()


def test_a_ring_carries_no_work(settings, redis_url):
    settings.BROKER = redis_url
    broker = redis.Redis.from_url(redis_url)
    broker.flushall()
    doorbell.ring()
    message = json.loads(broker.lpop("celery"))
    assert message["headers"]["task"] == "workers.drain"
    assert message["headers"]["argsrepr"] == "()"
    broker.close()


def test_a_broker_that_is_away_loses_no_request(settings, free_port, fresh_database, register_on, probe_on, caplog):
    from atlas.services import people

    settings.BROKER = f"redis://127.0.0.1:{free_port}/0"
    checkpoint, probe = register_on(), probe_on()
    actor = people.join(username="carol", password="correct horse battery").contributor
    questions = ask(checkpoint=checkpoint, probe=probe.name, subjects=["edges:0"], site=None, params={}, many=True)
    jobs.request(actor=actor, checkpoint=checkpoint, questions=questions)
    assert Job.objects.get().state == "queued"
    assert "the bell could not be rung" in caplog.text


def test_the_embedded_worker_needs_no_bell(settings):
    settings.BROKER = "memory://"
    doorbell.ring()
    assert doorbell._sender.cache_info().currsize == 0
