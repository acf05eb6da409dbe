"""Putting a claim to the test: its predictions become questions, and what workers find decides."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from atlas.errors import IllegalStanding, Validation
from atlas.models import Contributor, Foothold, Job, Trial
from atlas.permissions import require
from atlas.services import changes, footholds, jobs, notifications, outcomes, trials
from atlas.services.questions import Question, ask


@transaction.atomic
def test(*, actor: Contributor, foothold: Foothold) -> list[Trial]:
    """Have the newest versions of their probes asked for every prediction of the newest version of a claim.

    What is known already decides at once, and what this claim has asked is not asked again. Raises Forbidden;
    Validation where nothing is predicted or a prediction cannot be asked; IllegalStanding for what has been taken back.
    """
    if foothold.standing not in (Foothold.Standing.DRAFT, Foothold.Standing.OPEN):
        raise IllegalStanding(accession=foothold.accession, standing=foothold.standing, verb="put to the test")
    assert foothold.checkpoint is not None
    require(actor, "job.request", foothold.checkpoint)
    questions = _questions(foothold)
    known = _tried(foothold, questions)
    if len(known) == len({question.fingerprint for question in questions}):
        return known
    # The jobs' rows first, then the claim's: a job that ends locks them in this order.
    asked = jobs.request(actor=actor, checkpoint=foothold.checkpoint, questions=questions, bulk=True)
    named = [job.pk for job in asked.jobs]
    held = Job.objects.select_for_update().filter(pk__in=named).order_by("pk")  # none ends unseen from here on
    made = [Trial.objects.get_or_create(foothold=foothold, job=job, defaults={"by": actor})[0] for job in held]
    outcomes.recompute(foothold)
    for trial in made:
        if trial.job.state in outcomes.TELLING:
            notifications.of_trial(trial)
    changes.record(actor, "foothold.test", foothold.accession, jobs=len(asked.jobs), new=len(asked.new))
    return made


def _tried(foothold: Foothold, questions: Sequence[Question]) -> list[Trial]:
    """The trials that ask these questions already, as far as asking again would change nothing."""
    named = Job.objects.filter(fingerprint__in=[question.fingerprint for question in questions])
    rows = Trial.objects.filter(foothold=foothold, job__in=named.exclude(jobs.STARTS_OVER))
    return list(rows.select_related("job"))


def _questions(foothold: Foothold) -> list[Question]:
    content = footholds.revision(foothold, foothold.head_version).content
    predictions = content.get("predictions", [])
    if not predictions:
        detail = "It predicts nothing that could be tested."
        raise Validation(errors=[{"pointer": "/content/predictions", "code": "required", "detail": detail}])
    return [
        question for place, it in enumerate(predictions) for question in _question(foothold, content, it, place)
    ]  # fmt: skip


def _question(foothold: Foothold, content: dict[str, Any], it: dict[str, Any], place: int) -> list[Question]:
    assert foothold.checkpoint is not None
    subject = trials.subject_of(content, it)
    params = it.get("params", {})
    try:
        return ask(
            checkpoint=foothold.checkpoint, probe=it["probe"], subjects=[subject], site=None, params=params, many=False
        )
    except Validation as error:
        at = f"/content/predictions/{place}"
        raise Validation(errors=[{**fault, "pointer": at + fault["pointer"]} for fault in error.errors]) from None
