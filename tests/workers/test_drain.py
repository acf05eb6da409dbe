"""Claim, compute, keep: what the loop does with answers, refusals, faults, cancellation and shutdown."""

import threading

import pytest
from django.db import transaction

from atlas.models import (
    Checkpoint,
    Finding,
    Job,
    JobEvent,
    Membership,
    ResponseReport,
    Role,
    Snapshot,
    Worker,
)
from atlas.services import artifacts, jobs, people, teams, workers
from workers.drain import Drain
from workers.interp.errors import InterpError


class Broken(InterpError):
    """The unit is broken."""

    fault = "yours"


@pytest.fixture
def stopping():
    return threading.Event()


@pytest.fixture
def drain(fresh_database, stopping):
    loop = Drain(stopping=stopping, device="cpu")
    yield loop
    loop.leave()


def test_a_question_becomes_pictures_numbers_and_provenance(drain, organism_on, wish, units):
    checkpoint = organism_on()
    [job] = wish(checkpoint, units(checkpoint)[0], steps=32, polarity="both")
    assert drain.drain(seconds=60) == 1
    job.refresh_from_db()
    assert job.state == "done"
    roles = list(job.finding.shown.values_list("role", flat=True))
    assert roles.count("image") == 2
    assert "thumbnail" in roles
    assert job.finding.provenance["device"] == "cpu"
    assert job.finding.provenance["versions"]["torch"]
    assert job.finding.provenance["plan"]
    for shown in job.finding.shown.all():
        assert len(artifacts.read(shown.artifact)) == shown.artifact.size
    assert Snapshot.objects.filter(job=job).exists()


def test_questions_that_share_a_pass_are_answered_each(drain, organism_on, wish, units):
    checkpoint = organism_on()
    asked = wish(checkpoint, *units(checkpoint)[:5])
    assert drain.drain(seconds=60) == 5
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    assert Finding.objects.count() == len(asked)


def test_a_cancelled_question_stops_and_publishes_nothing(drain, organism_on, wish, units):
    checkpoint = organism_on()
    [job] = wish(checkpoint, units(checkpoint)[0], steps=4096, size=128)
    thread = threading.Thread(target=lambda: cancel_once_running(job))
    thread.start()
    drain.drain(seconds=60)
    thread.join()
    job.refresh_from_db()
    assert job.state == "cancelled"
    assert not Finding.objects.exists()


def cancel_once_running(job):
    from django.db import connection

    try:
        while not Job.objects.filter(pk=job.pk, state="running", done_steps__gt=0).exists():
            threading.Event().wait(0.05)
        jobs.cancel(actor=job.requests.first().contributor, job=job)
    finally:
        connection.close()


def test_asked_to_stop_it_hands_back_and_no_start_is_spent(drain, stopping, organism_on, wish, units):
    checkpoint = organism_on()
    [job] = wish(checkpoint, units(checkpoint)[0], steps=4096, size=128)
    timer = threading.Timer(2.0, stopping.set)
    timer.start()
    drain.drain(seconds=60)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.handbacks) == ("queued", 1, 1)


def test_a_worker_that_computes_another_function_refuses_the_checkpoint(drain, organism_on, wish, units):
    checkpoint = organism_on()
    altered = {**checkpoint.response_check}
    layer = next(iter(altered["layers"]))
    altered["layers"] = {**altered["layers"], layer: nudge(altered["layers"][layer])}
    forge(checkpoint, response_check=altered)
    [job] = wish(checkpoint, units(checkpoint)[0])
    drain.drain(seconds=60)
    job.refresh_from_db()
    assert (job.state, job.handbacks) == ("queued", 1)
    report = ResponseReport.objects.get(checkpoint=checkpoint)
    assert not report.passed
    assert layer in report.detail
    assert workers.refusals(checkpoint).count() == 1
    assert drain.drain(seconds=60) == 0  # it does not try again


def nudge(recorded):
    """The recorded responses of one layer, moved by one standard deviation."""
    if isinstance(recorded, dict):
        return {name: nudge(value) for name, value in recorded.items()}
    if isinstance(recorded, list):
        return [nudge(value) for value in recorded]
    return recorded + 1.0


def forge(checkpoint, **columns):
    """Change what never changes, as only the owner of the database could."""
    from django.db import connection

    from atlas.models import Checkpoint, guards

    on = ' ON "atlas_checkpoint"' if connection.vendor == "postgresql" else ""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'DROP TRIGGER "atlas_checkpoint_never_changed"{on}')
        Checkpoint.objects.filter(pk=checkpoint.pk).update(**columns)
        guards.install(connection)
    checkpoint.refresh_from_db()


def test_a_fault_of_the_question_fails_it_alone(drain, organism_on, wish, units, monkeypatch):
    """A probe of our own making that breaks on one unit and answers the other."""
    from workers import drain as module
    from workers.interp.probe import Failure

    checkpoint = organism_on()
    first, second = wish(checkpoint, *units(checkpoint)[:2])
    real = module.PROBES["feature-visualization"]

    class Picky:
        version = real.version

        def run(self, lens, subjects, params, **more):
            for subject in subjects:
                if str(subject) == first.subject_text:
                    yield Failure(subject, Broken())
                else:
                    yield from real.run(lens, [subject], params, **more)

    monkeypatch.setattr(module, "PROBES", {"feature-visualization": Picky()})
    drain.drain(seconds=60)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, first.error["slug"], first.error["fault"]) == ("failed", "broken", "yours")
    assert second.state == "done"


def test_a_fault_of_ours_is_tried_again_later_and_not_for_ever(drain, organism_on, wish, units, monkeypatch, caplog):
    from workers import drain as module

    checkpoint = organism_on()
    [job] = wish(checkpoint, units(checkpoint)[0])

    class Exploding:
        def run(self, *args, **more):
            raise ZeroDivisionError("ours")

    monkeypatch.setattr(module, "PROBES", {"feature-visualization": Exploding()})
    for _ in range(jobs.MOST_STARTS):
        Job.objects.filter(state="queued").update(run_at=job.run_at)
        drain.drain(seconds=60)
    job.refresh_from_db()
    assert job.state == "quarantined"
    assert "ZeroDivisionError" in caplog.text
    assert JobEvent.objects.filter(job=job, kind="release").count() == jobs.MOST_STARTS - 1


def test_leaving_says_goodbye(fresh_database, stopping):
    loop = Drain(stopping=stopping, device="cpu")
    assert workers.alive().count() == 1
    loop.leave()
    assert workers.alive().count() == 0
    assert Worker.objects.get().stopped_at


class TestWarrants:
    """A20: what somebody may not ask any more is not computed for them; what others want too, is."""

    def test_a_question_fails_when_nobody_who_asked_may_ask_any_more(self, drain, organism_on, wish, units):
        checkpoint = organism_on()
        mine, ours = wish(checkpoint, *units(checkpoint)[:2], steps=1)
        other = people.join(username="other", password="correct horse battery").contributor
        wish(checkpoint, units(checkpoint)[1], steps=1, actor=other)
        people.deactivate(actor=None, user=people.find("asker"))
        drain.drain(seconds=60)
        mine.refresh_from_db()
        ours.refresh_from_db()
        assert (mine.state, mine.error["slug"]) == ("failed", "permission-revoked")
        assert ours.state == "done"

    def test_somebody_who_may_asks_it_again(self, drain, organism_on, wish, units):
        checkpoint = organism_on()
        [job] = wish(checkpoint, units(checkpoint)[0], steps=1)
        people.deactivate(actor=None, user=people.find("asker"))
        drain.drain(seconds=60)
        other = people.join(username="other", password="correct horse battery").contributor
        assert wish(checkpoint, units(checkpoint)[0], steps=1, actor=other) == [job]
        drain.drain(seconds=60)
        job.refresh_from_db()
        assert job.state == "done"

    def test_a_role_lost_in_a_team_is_enough(self, drain, organism_on, wish, units):
        checkpoint = organism_on()
        lab = teams.found(actor=None, slug="lab", name="The lab")
        asker = people.join(username="asker", password="correct horse battery").contributor
        role = Membership.objects.create(team=lab, contributor=asker, role=Role.ANNOTATOR)
        Checkpoint.objects.filter(pk=checkpoint.pk).update(team=lab, visibility="team")
        checkpoint.refresh_from_db()
        [job] = wish(checkpoint, units(checkpoint)[0], steps=1)
        role.delete()
        drain.drain(seconds=60)
        job.refresh_from_db()
        assert (job.state, job.error["slug"]) == ("failed", "permission-revoked")
