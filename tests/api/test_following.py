"""Following a question as it comes along: what is told and when, and that no stream leaks or takes every thread."""

import json

import pytest

from api import events
from atlas import supervisor
from atlas.dossiers import jobs as dossiers
from atlas.models import Checkpoint
from atlas.services import holding, jobs, workers
from tests.api.conftest import Api, question

pytestmark = pytest.mark.django_db


@pytest.fixture
def asked(checkpoint, probe, as_alice):
    return as_alice.post("jobs", question()).json()["fingerprint"]


@pytest.fixture
def patient(settings):
    settings.STREAM_SECONDS = 60.0


@pytest.fixture(autouse=True)
def no_place_is_lost():
    """Whatever happens, every place is free again."""
    assert events.places.taken == 0
    yield
    assert events.places.taken == 0


def read(stream):
    """The next event: its name and what it says."""
    name, data = next(stream).decode().removesuffix("\n\n").split("\n")
    return name.removeprefix("event: "), json.loads(data.removeprefix("data: "))


def test_each_change_is_told_and_the_end_is_the_end(asked, patient, probe, alice):
    events.places.take("alice")
    stream = events.told(dossiers.glance(asked, actor=alice), actor=alice, who="alice")
    assert next(stream) == b"retry: 2000\n\n"
    assert read(stream)[1]["state"] == "queued"
    [job] = jobs.claim(workers.start(device="cpu", versions={}), limit=lambda head: 1, probes=[probe])
    assert read(stream)[1]["state"] == "running"
    holding.report(job, done=3, of=10)
    name, said = read(stream)
    assert (name, said["done_steps"], said["of_steps"]) == ("progress", 3, 10)
    jobs.finish(job, numbers={}, provenance={}, shown=[])
    name, said = read(stream)
    assert (name, said["state"]) == ("end", "done")
    assert list(stream) == []
    stream.close()
    stream.close()  # twice is once


def test_what_has_ended_is_told_at_once(asked, answer_jobs, anybody):
    answer_jobs()
    answer = anybody.get(f"jobs/{asked}/events")
    assert answer["Content-Type"] == "text/event-stream"
    assert answer.content.count(b"event: ") == 1
    assert b"event: end" in answer.content


def test_a_stream_ends_after_a_while_and_says_when_to_come_back(asked, anybody):
    content = anybody.get(f"jobs/{asked}/events").content
    assert content.startswith(b"retry: 2000")
    assert content.count(b"event: progress") == 1


def test_silence_is_broken(asked, patient, alice, monkeypatch):
    monkeypatch.setattr(events, "SILENCE", 0.0)
    monkeypatch.setattr(events, "LOOK", 0.0)
    stream = events.lines(dossiers.glance(asked, actor=alice), actor=alice)
    assert [next(stream) for _ in range(3)][2] == b": still here\n\n"


def test_who_may_not_know_of_it_any_more_is_told_nothing_more(asked, patient, checkpoint, bob):
    stream = events.lines(dossiers.glance(asked, actor=bob), actor=bob)
    next(stream), next(stream)
    Checkpoint.objects.filter(pk=checkpoint.pk).update(visibility="team")
    assert list(stream) == []


@pytest.fixture
def taking():
    """Takes places for somebody, and gives them back at the end."""
    taken = []

    def take(who, count):
        for _ in range(count):
            events.places.take(who)
            taken.append(who)

    yield take
    for who in taken:
        events.places.give_back(who)


def test_there_are_fewer_streams_than_threads(asked, anybody, taking):
    assert events.MOST < supervisor.THREADS
    for person in range(events.MOST // events.EACH):
        taking(f"user:{person + 1000}", events.EACH)
    refused = anybody.get(f"jobs/{asked}/events")
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/no-stream-left")
    assert refused["Retry-After"] == "5"


def test_nobody_takes_the_places_of_all_others(asked, as_alice, user, anybody, taking):
    taking(f"user:{user.pk}", events.EACH)
    refused = as_alice.get(f"jobs/{asked}/events")
    assert (refused.status_code, refused.json()["type"]) == (429, "/problems/too-many-streams")
    assert (refused["Retry-After"], f"{events.EACH} questions at once" in refused.json()["detail"]) == ("5", True)
    assert anybody.get(f"jobs/{asked}/events").status_code == 200


def test_what_is_not_there_takes_no_place(world, hidden, as_bob):
    assert as_bob.get(f"jobs/{'0' * 64}/events").status_code == 404
    assert Api(None).get(f"jobs/{hidden.done.fingerprint}/events").status_code == 404
