"""A claim put to the test: the job that decides, what it decides, and that the claim says so."""

import pytest
from django.core.management import call_command

from atlas.dossiers import footholds as dossiers
from atlas.errors import Forbidden, IllegalStanding, PermissionRevoked, Validation
from atlas.models import ChangeSet, Job, Membership, Notification, ProbeKind, Request, Role, Trial, Watch
from atlas.services import catalog, footholds, jobs, predictions, standing, trials, workers
from atlas.services.trials import Unlisted, number_at
from tests.claims import PREDICTION, revise
from tests.conftest import SCHEMA

pytestmark = pytest.mark.django_db


@pytest.fixture
def bold(probe, describe):
    """A claim with a prediction."""
    return describe(predictions=[PREDICTION])


@pytest.fixture
def claimed(probe):
    """Lets a worker take every job that waits."""
    worker = workers.start(device="cpu", versions={})

    def taken():
        kinds = list(ProbeKind.objects.all())
        while some := jobs.claim(worker, limit=lambda head: 8, probes=kinds):
            yield from some

    return taken


@pytest.fixture
def answer(claimed):
    """Lets a worker answer every job that waits, with this maximum."""

    def answered(maximum):
        for job in claimed():
            jobs.finish(job, numbers={"pictures": [{"maximum": maximum}]}, provenance={}, shown=())

    return answered


def outcome(claim, actor=None):
    """What its page says of its only prediction."""
    [one] = dossiers.foothold(claim.accession, actor=actor).predictions
    return one.outcome, one.found


def publish_newer(version=2):
    """The same probe, of a later version."""
    catalog.publish(
        name="feature-visualization", version=version, summary="", description="", schema=SCHEMA, subjects=["unit"],
        site="pre_relu", example={}, seconds=1.0,
    )  # fmt: skip


def test_nothing_is_tested_by_itself(bold):
    assert outcome(bold) == ("not-yet-run", None)
    assert Job.objects.count() == 0


@pytest.mark.parametrize(
    ("found", "became", "flags"), [(1.0, "held", []), (2, "held", []), (0.99, "falsified", ["falsified"])]
)
def test_the_number_decides(bold, ana, answer, found, became, flags):
    predictions.test(actor=ana, foothold=bold)
    assert outcome(bold) == ("waiting", None)
    answer(found)
    assert outcome(bold) == (became, found)
    bold.refresh_from_db()
    assert bold.flags == flags
    assert [row.pk for row in dossiers.readable_by(None, flag="falsified")] == [bold.pk] * len(flags)


@pytest.mark.parametrize(
    ("least", "most", "found", "held"),
    [
        (225, 255, 240.0, True), (225, 255, 255.5, False), (345, 15, 350.0, True), (345, 15, 0, True),
        (345, 15, 15.0, True), (345, 15, 16.0, False), (-15, 15, 359.0, True), (-15, 15, 180.0, False),
        (350, 370, 5, True), (90, 90, 90.0, True), (90, 90, 91.0, False),
    ],
)  # fmt: skip
def test_an_angle_comes_round(least, most, found, held):
    """`argmax within 240° ± 15°`, and the same where 0° lies in between."""
    assert trials.holds({"least": least, "most": most, "period": 360}, found) is held


def test_a_claim_about_an_angle_is_decided_around_the_circle(probe, describe, ana, answer):
    around = {**PREDICTION, "least": 345, "most": 15, "period": 360, "says": "It points to the right, ± 15°."}
    claim = describe(predictions=[around])
    predictions.test(actor=ana, foothold=claim)
    answer(358.0)
    assert outcome(claim) == ("held", 358.0)


@pytest.mark.parametrize(
    "bounds", [{"least": 0, "most": 360}, {"most": 10}, {"least": 10}, {"least": -200, "most": 200}], ids=str
)
def test_a_whole_circle_predicts_nothing(probe, describe, bounds):
    foretold = {it: PREDICTION[it] for it in ("probe", "number")} | bounds | {"period": 360}
    with pytest.raises(Validation) as refused:
        describe(predictions=[foretold])
    assert [it["pointer"] for it in refused.value.errors] == ["/content/predictions/0/period"]


def test_a_finding_without_the_number_tests_nothing(bold, ana, answer):
    predictions.test(actor=ana, foothold=bold)
    answer(None)
    [one] = dossiers.foothold(bold.accession, actor=None).predictions
    assert (one.outcome, one.reason) == ("failed", "The finding has no number at /pictures/0/maximum.")
    bold.refresh_from_db()
    assert bold.flags == ["evidence-failed"]


def test_a_job_that_fails_says_why_until_it_is_queued_again(bold, ana, operator, claimed, answer):
    [trial] = predictions.test(actor=ana, foothold=bold)
    for job in claimed():
        jobs.fail(job, error={"slug": "x", "detail": "The unit is silent.", "facts": {}, "fault": "yours"})
    [one] = dossiers.foothold(bold.accession, actor=None).predictions
    assert (one.outcome, one.reason) == ("failed", "The unit is silent.")
    bold.refresh_from_db()
    assert bold.flags == ["evidence-failed"]
    trial.job.refresh_from_db()
    jobs.requeue(actor=operator, job=trial.job)
    bold.refresh_from_db()
    assert (outcome(bold)[0], bold.flags) == ("waiting", [])
    answer(3)
    assert outcome(bold) == ("held", 3)


def test_what_is_cancelled_was_not_run(bold, ana):
    [trial] = predictions.test(actor=ana, foothold=bold)
    jobs.cancel(actor=ana, job=trial.job)
    assert outcome(bold) == ("not-yet-run", None)
    predictions.test(actor=ana, foothold=bold)
    assert outcome(bold) == ("waiting", None)
    assert Trial.objects.count() == 1


def test_other_bounds_are_held_against_what_is_known_and_it_is_said(bold, ana, answer):
    predictions.test(actor=ana, foothold=bold)
    answer(0.5)
    [one] = dossiers.foothold(bold.accession, actor=None).predictions
    assert (one.outcome, one.foretold) == ("falsified", True)
    revise(bold, ana, predictions=[PREDICTION | {"least": 0.1}])
    [one] = dossiers.foothold(bold.accession, actor=None).predictions
    assert (one.outcome, one.foretold) == ("held", False)
    bold.refresh_from_db()
    assert bold.flags == []
    # The version that was falsified stays so, and its bytes are what they were.
    [then] = dossiers.version(bold.accession, "1", actor=None).predictions
    assert then.outcome == "falsified"


def test_another_question_is_another_trial(bold, ana, answer):
    predictions.test(actor=ana, foothold=bold)
    answer(5)
    revise(bold, ana, predictions=[PREDICTION | {"params": {"steps": 20}}])
    assert outcome(bold) == ("not-yet-run", None)
    # A default that is spelled out is the same question.
    revise(bold, ana, predictions=[PREDICTION | {"params": {"steps": 10}}])
    assert outcome(bold) == ("held", 5)


def test_what_an_older_probe_found_stands_until_the_newer_has_answered(bold, ana, answer):
    predictions.test(actor=ana, foothold=bold)
    answer(5)
    publish_newer()
    predictions.test(actor=ana, foothold=bold)
    [one] = dossiers.foothold(bold.accession, actor=None).predictions
    assert (one.outcome, one.probe_version) == ("held", 1)
    answer(0.5)
    [one] = dossiers.foothold(bold.accession, actor=None).predictions
    assert (one.outcome, one.probe_version) == ("falsified", 2)


def test_a_known_answer_decides_at_once(bold, describe, ana, answer):
    predictions.test(actor=ana, foothold=bold)
    answer(0.5)
    other = describe(title="A line", predictions=[PREDICTION])
    predictions.test(actor=ana, foothold=other)
    other.refresh_from_db()
    assert (outcome(other), other.flags) == (("falsified", 0.5), ["falsified"])
    assert Job.objects.count() == 1


def test_a_link_is_tested_at_the_end_it_names(probe, checkpoint, lab, ana, answer):
    paper = {"reference": {"title": "Zoom In", "doi": "10.23915/distill.00024.001"}}
    content = {"source": "edges:1", "target": "mixed:9", "relation": "excites", "rests_on": paper, "sign": "+"}
    link = footholds.create(
        actor=ana, kind="link", checkpoint=checkpoint, team=lab,
        content=content | {"predictions": [PREDICTION, PREDICTION | {"of": "source"}]},
    )  # fmt: skip
    made = predictions.test(actor=ana, foothold=link)
    assert [trial.job.subject_text for trial in made] == ["mixed:9", "edges:1"]
    answer(2)
    found = dossiers.foothold(link.accession, actor=None).predictions
    assert [(one.subject, one.outcome) for one in found] == [("mixed:9", "held"), ("edges:1", "held")]


def test_watchers_hear_of_it_once_and_so_does_who_asked(bold, ana, bo, answer):
    Watch.objects.create(contributor=bo, foothold=bold)
    predictions.test(actor=ana, foothold=bold)
    assert not Notification.objects.filter(reason="trial")
    answer(0.5)
    predictions.test(actor=ana, foothold=bold)
    told = Notification.objects.filter(reason="trial").values_list("recipient__handle", flat=True)
    assert sorted(told) == ["ana", "bo"], "she watches what she wrote, and a worker has answered"


def test_what_was_asked_is_not_asked_again(bold, ana, answer):
    predictions.test(actor=ana, foothold=bold)
    answer(3)
    before = ChangeSet.objects.count(), Request.objects.count()
    [trial] = predictions.test(actor=ana, foothold=bold)
    assert trial.job.state == "done"
    assert (ChangeSet.objects.count(), Request.objects.count()) == before


def test_what_cannot_be_tested_is_refused(claim, bold, ana, probe):
    with pytest.raises(Validation):
        predictions.test(actor=ana, foothold=claim)
    footholds.withdraw(actor=ana, foothold=bold, reason="")
    with pytest.raises(IllegalStanding):
        predictions.test(actor=ana, foothold=bold)
    assert Job.objects.count() == 0


def test_the_flags_are_what_the_record_says(bold, ana, answer):
    """Computed again from scratch, nothing changes."""
    predictions.test(actor=ana, foothold=bold)
    answer(0.5)
    bold.refresh_from_db()
    assert standing.flags_of(bold, stale=False) == bold.flags == ["falsified"]
    assert [one.outcome for one in trials.of(bold, bold.revisions.get().content)] == ["falsified"]


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("/a/0/b", 1), ("/x~1y", 2), ("/t~0z", 3), ("/", 4), ("/a/1", None), ("/a/00/b", None), ("/a/-", None),
        ("/a/٠/b", None), ("/flag", None), ("/none", None), ("/text", None), ("/a", None), ("", None),
        ("/a/0/b/c", None),
    ],
)  # fmt: skip
def test_pointers_lead_to_numbers_only(pointer, found):
    numbers = {"a": [{"b": 1}], "x/y": 2, "t~z": 3, "": 4, "flag": True, "none": None, "text": "5"}
    assert number_at(pointer, numbers) == found


EDGES = [{"source": "edges:2", "norm": 0.5, "balance": 1.0}, {"source": "edges:1", "norm": 0.25, "balance": -0.5}]


@pytest.mark.parametrize(
    ("pointer", "found"),
    [
        ("/edges/source=edges:1/norm", 0.25), ("/edges/source=edges:1", 2), ("/edges/source=edges:2", 1),
        ("/edges/source=edges:3", Unlisted(2)), ("/edges/source=edges:3/norm", None), ("/edges/norm=0.5", Unlisted(2)),
        ("/edges/source=", None), ("/edges/=edges:1", None), ("/edges/source=edges:1/source", None),
        ("/empty/source=edges:1", Unlisted(0)), ("/a=b", 7), ("/source=edges:1", None),
    ],
)  # fmt: skip
def test_an_item_is_named_by_a_member(pointer, found):
    assert number_at(pointer, {"edges": EDGES, "empty": [], "a=b": 7}) == found


@pytest.mark.parametrize(
    ("number", "bounds", "became"),
    [
        ("/edges/source=edges:1", {"most": 10}, ("held", 2)),
        ("/edges/source=edges:1", {"most": 1}, ("falsified", 2)),
        ("/edges/source=edges:2/balance", {"least": 0.33}, ("held", 1.0)),
        ("/edges/source=edges:1/balance", {"least": 0.33}, ("falsified", -0.5)),
        ("/edges/source=edges:3", {"most": 2}, ("falsified", None)),
        ("/edges/source=edges:3", {"most": 3}, ("failed", None)),
        ("/edges/source=edges:3", {"least": 3}, ("held", None)),
        ("/edges/source=edges:3", {"least": 4}, ("failed", None)),
        ("/edges/source=edges:3", {"least": 1, "most": 2, "period": 9}, ("failed", None)),
        ("/edges/source=edges:3/balance", {"least": 0.33}, ("failed", None)),
    ],
)
def test_the_source_is_in_the_top_ten_and_excites(probe, describe, ana, claimed, number, bounds, became):
    """An absent one is past the end of the list: that decides a place, unless the bound lies past the end, too."""
    claim = describe(predictions=[{"probe": "feature-visualization", "number": number, **bounds}])
    predictions.test(actor=ana, foothold=claim)
    for job in claimed():
        jobs.finish(job, numbers={"edges": EDGES}, provenance={}, shown=())
    assert outcome(claim) == became
    [one] = dossiers.foothold(claim.accession, actor=None).predictions
    assert one.foretold is (None if became[0] == "failed" else True)
    assert bool(one.reason) == (became[1] is None)


@pytest.mark.parametrize(
    ("unit", "why"),
    [
        ("edges:99", "there is no neuron 99"), ("kinks:1", "has no layer kinks"),
        ("mixed_5x5:0", "Findings call it mixed:8"), ("edges", "A unit is layer:channel"),
    ],
)  # fmt: skip
def test_a_claim_does_not_fall_over_a_slip_of_the_pen(probe, describe, unit, why):
    pointer = f"/edges/source={unit}/norm"
    with pytest.raises(Validation) as refused:
        describe(predictions=[{**PREDICTION, "number": pointer}])
    [error] = refused.value.errors
    assert (error["pointer"], error["code"]) == ("/content/predictions/0/number", "FH0013")
    assert why in error["detail"]


def test_who_may_not_compute_may_not_test_even_what_is_known(bold, ana, answer):
    predictions.test(actor=ana, foothold=bold)
    answer(3)
    Membership.objects.filter(contributor=ana).update(role=Role.READER)
    with pytest.raises(Forbidden):
        predictions.test(actor=ana, foothold=bold)


def test_what_failed_for_want_of_a_permission_is_asked_again(bold, ana, claimed, answer):
    predictions.test(actor=ana, foothold=bold)
    for job in claimed():
        jobs.fail(job, error={"slug": PermissionRevoked.slug(), "detail": "", "facts": {}, "fault": "yours"})
    assert outcome(bold) == ("failed", None)
    predictions.test(actor=ana, foothold=bold)
    assert outcome(bold) == ("waiting", None)
    answer(3)
    assert outcome(bold) == ("held", 3)


def test_it_is_offered_where_asking_would_change_something(bold, claim, ana, answer):
    def offered(one=bold, actor=ana):
        return dossiers.foothold(one.accession, actor=actor).may_test

    assert offered()
    assert not offered(claim), "it predicts nothing"
    assert not offered(actor=None)
    [trial] = predictions.test(actor=ana, foothold=bold)
    assert not offered(), "it is on its way"
    jobs.cancel(actor=ana, job=trial.job)
    assert offered()
    predictions.test(actor=ana, foothold=bold)
    answer(0.5)
    assert not offered(), "falsified is falsified"
    publish_newer()
    assert offered()
    predictions.test(actor=ana, foothold=bold)
    answer(3)
    footholds.withdraw(actor=ana, foothold=bold, reason="")
    publish_newer(version=3)
    assert not offered()


def test_every_night_what_was_tested_is_tested_again_by_newer_probes(bold, describe, ana, answer, capsys):
    untested = describe(title="Nobody has asked", neuron="mixed:8", predictions=[PREDICTION])
    gone = describe(title="Taken back", predictions=[PREDICTION])
    for one in (bold, gone):
        predictions.test(actor=ana, foothold=one)
    answer(3)
    footholds.withdraw(actor=ana, foothold=gone, reason="")
    call_command("run_predictions")
    assert capsys.readouterr().out == f"{bold.version_tag} tested by 1 jobs\n"
    assert Job.objects.count() == 1, "what is known is not asked again"
    publish_newer()
    Membership.objects.filter(contributor=ana).update(role=Role.READER)
    call_command("run_predictions")
    assert capsys.readouterr().out.startswith(f"{bold.version_tag} not tested: ")
    Membership.objects.filter(contributor=ana).update(role=Role.ANNOTATOR)
    call_command("run_predictions")
    assert Job.objects.count() == 2
    assert not untested.trials.exists()
