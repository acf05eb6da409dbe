"""The ledger of device-seconds: held, settled or released once, never overdrawn, and clear about when it frees."""

import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from atlas.errors import AboveQuota, QuotaExceeded
from atlas.models import Contributor, InstanceRole, Job, LedgerEntry, Team
from atlas.services import catalog, jobs, ledger, people
from atlas.services import workers as presence
from atlas.services.questions import ask
from tests.conftest import SCHEMA


@pytest.fixture
def space(alice):
    return Team.objects.get(person=alice)


@pytest.fixture
def request_jobs(checkpoint, probe):
    def requested(actor, *units, bulk=False, **params):
        questions = ask(
            checkpoint=checkpoint, probe=probe.name, subjects=list(units), site=None, params=params, many=True
        )
        return jobs.request(actor=actor, checkpoint=checkpoint, questions=questions, bulk=bulk).jobs

    return requested


@pytest.fixture
def claim(probe):
    worker = presence.start(device="cpu", versions={})
    return lambda limit=1: jobs.claim(worker, limit=lambda head: limit, probes=[probe])


def after(job, seconds):
    """Let so much time have passed since the job was claimed."""
    Job.objects.filter(pk=job.pk).update(started_at=F("started_at") - timedelta(seconds=seconds))


def lines(team):
    return list(LedgerEntry.objects.filter(team=team).values_list("kind", "generation"))


def finish(job):
    jobs.finish(job, numbers={}, provenance={}, shown=[])


@pytest.mark.django_db
class TestTheLedger:
    def test_what_is_asked_is_held_and_what_is_answered_settled_at_what_it_took(
        self, request_jobs, claim, alice, space
    ):
        [job] = request_jobs(alice, "edges:0")
        assert ledger.held(space) == job.estimate == job.probe.seconds > 0
        [job] = claim()
        after(job, 40)
        finish(job)
        assert lines(space) == [("hold", 1), ("settle", 1)]
        assert ledger.held(space) == 0
        assert ledger.used(space) == pytest.approx(40, abs=1)

    def test_a_known_question_costs_nobody_anything(self, request_jobs, alice, bob, space):
        request_jobs(alice, "edges:0")
        request_jobs(bob, "edges:0")
        assert lines(Team.objects.get(person=bob)) == []
        assert len(lines(space)) == 1

    def test_a_pass_is_paid_for_in_equal_parts(self, request_jobs, claim, alice, space):
        request_jobs(alice, "edges:0", "edges:1", "edges:2", "edges:3")
        for job in claim(limit=4):
            after(job, 40)
            finish(job)
        assert ledger.used(space) == pytest.approx(40, abs=1)

    def test_what_never_ran_is_released(self, request_jobs, alice, space):
        [job] = request_jobs(alice, "edges:0")
        jobs.cancel(actor=alice, job=job)
        assert lines(space) == [("hold", 1), ("release", 1)]
        assert (ledger.held(space), ledger.used(space)) == (0, 0)

    def test_what_is_stopped_is_paid_for_as_far_as_it_came(self, request_jobs, claim, alice, space):
        request_jobs(alice, "edges:0")
        [job] = claim()
        after(job, 7)
        jobs.cancel(actor=alice, job=job)
        assert jobs.stop(job)
        assert ledger.used(space) == pytest.approx(7, abs=1)

    @pytest.mark.parametrize(("fault", "paid"), [("yours", True), ("ours", False)])
    def test_a_fault_of_ours_costs_nobody_anything(self, request_jobs, claim, alice, space, fault, paid):
        request_jobs(alice, "edges:0")
        [job] = claim()
        after(job, 5)
        jobs.fail(job, error={"slug": "x", "detail": "x", "facts": {}, "fault": fault})
        assert lines(space) == [("hold", 1), ("settle" if paid else "release", 1)]

    def test_asked_again_it_is_held_again(self, request_jobs, alice, bob, space):
        [job] = request_jobs(alice, "edges:0")
        jobs.cancel(actor=alice, job=job)
        request_jobs(bob, "edges:0")
        assert lines(Team.objects.get(person=bob)) == [("hold", 2)]
        assert lines(space) == [("hold", 1), ("release", 1)]

    def test_a_question_about_a_teams_checkpoint_is_paid_by_the_team(self, request_jobs, checkpoint, lab, ana):
        checkpoint.team = lab
        checkpoint.save()
        [job] = request_jobs(ana, "edges:0")
        assert job.payer == lab

    def test_the_next_is_expected_to_take_what_the_last_ones_took(self, request_jobs, claim, alice, checkpoint, probe):
        request_jobs(alice, "edges:0", "edges:1", "edges:2")
        for seconds in (10, 20, 90):
            [job] = claim()
            after(job, seconds)
            finish(job)
        [job] = request_jobs(alice, "edges:3")
        assert job.estimate == pytest.approx(20, abs=1)


@pytest.mark.django_db
class TestLimits:
    def test_more_than_is_left_is_refused_and_says_when_it_frees(self, request_jobs, claim, alice, space, probe):
        ledger.set_quota(team=space, seconds=100)
        request_jobs(alice, "edges:0")
        [job] = claim()
        after(job, 95)
        finish(job)
        with pytest.raises(QuotaExceeded) as refused:
            request_jobs(alice, "edges:1", steps=9)
        facts = refused.value.facts
        assert (facts["team"], facts["limit"]) == (space.slug, 100)
        assert facts["left"] == pytest.approx(5, abs=1)
        assert 86_000 < facts["retry_after"] <= 86_400
        assert Job.objects.count() == 1, "nothing of a refused request is queued"

    def test_more_than_is_ever_allowed_is_refused_for_good(self, request_jobs, alice, space, probe):
        ledger.set_quota(team=space, seconds=probe.seconds / 2)
        with pytest.raises(AboveQuota):
            request_jobs(alice, "edges:0")

    def test_a_known_question_is_answered_even_so(self, request_jobs, alice, bob, space):
        request_jobs(bob, "edges:0")
        ledger.set_quota(team=space, seconds=0)
        assert request_jobs(alice, "edges:0")

    def test_the_operator_is_not_bound(self, request_jobs, alice, space):
        people.set_instance_role(user=alice.login, role=InstanceRole.OPERATOR)
        ledger.set_quota(team=space, seconds=0)
        assert request_jobs(Contributor.objects.get(pk=alice.pk), "edges:0")

    def test_a_settled_day_is_over_after_a_day(self, request_jobs, claim, alice, space, settings):
        settings.QUOTA_SECONDS = 100.0
        request_jobs(alice, "edges:0")
        [job] = claim()
        after(job, 95)
        finish(job)
        earlier = LedgerEntry(**{
            field.name: getattr(LedgerEntry.objects.get(kind="settle"), field.name)
            for field in LedgerEntry._meta.concrete_fields
            if field.name != "id"
        })  # fmt: skip
        assert ledger.used(space) > 90
        earlier.generation, earlier.at = 0, earlier.at - timedelta(hours=25)
        earlier.save()
        assert ledger.used(space) < 100

    def test_the_operator_sets_it_by_a_command(self, alice, space, capsys):
        call_command("set_quota", space.slug, "50")
        assert "may use 50 device-seconds" in capsys.readouterr().out
        assert ledger.limit_of(space) == 50
        call_command("set_quota", space.slug, "default")
        assert ledger.limit_of(space) == 86_400

    @pytest.mark.parametrize("given", ["-1", "nan", "many", "1e99"])
    def test_what_is_no_number_of_seconds_is_refused(self, space, given):
        with pytest.raises(CommandError):
            call_command("set_quota", "--", space.slug, given)


def test_any_number_of_requests_at_once_never_overdraw(fresh_database, register_on):
    alice = people.join(username="alice", password="correct horse battery").contributor
    space = Team.objects.get(person=alice)
    probe = catalog.publish(
        name="paint", version=1, summary="Paints", description="Paints.", schema=SCHEMA, subjects=["unit"],
        site="post_relu", example={}, seconds=10.0,
    )  # fmt: skip
    checkpoint = register_on()
    ledger.set_quota(team=space, seconds=45)
    outcomes, together = [], threading.Barrier(8)

    def race(unit):
        questions = ask(
            checkpoint=checkpoint, probe=probe.name, subjects=[f"mixed:{unit}"], site=None, params={}, many=False
        )
        together.wait()
        try:
            jobs.request(actor=alice, checkpoint=checkpoint, questions=questions)
            outcomes.append("asked")
        except QuotaExceeded:
            outcomes.append("refused")
        finally:
            connection.close()

    threads = [threading.Thread(target=race, args=(unit,)) for unit in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["asked"] * 4 + ["refused"] * 4
    assert ledger.held(space) == 40
