"""A long day of everybody doing everything: who is told what, held against what each would find by looking."""

import random
from collections import Counter
from contextlib import suppress

import pytest

from atlas.dossiers import footholds as dossiers
from atlas.errors import AtlasError
from atlas.models import Contributor, Foothold, Notification, Role, Team, Visibility, Watch
from atlas.services import comments, evidence, footholds, reviews, watches
from tests.claims import DISPUTE, RATIONALE, WORD, member, revise

pytestmark = pytest.mark.django_db
STEPS = 50


def finds(person, foothold):
    """The dossier that somebody finds, or None: the slow way to know what they may know."""
    with suppress(AtlasError):
        return dossiers.foothold(foothold.accession, actor=Contributor.objects.get(pk=person.pk))
    return None


def may_know(person, told):
    """Whether somebody who looks finds what a notification is about."""
    found = finds(person, told.foothold)
    of_verdict = told.reason in ("verdict", "decision")
    return bool(
        found
        and not (of_verdict and found.judgement.hidden)
        and (told.evidence is None or finds(person, told.evidence))
    )


def watching(foothold):
    """Who wants to hear of a foothold."""
    return {row.contributor for row in Watch.objects.filter(foothold=foothold, level="everything")}


def muted(foothold):
    """Who wants to hear nothing of it."""
    return {row.contributor for row in Watch.objects.filter(foothold=foothold, level="mute")}


VERBS = {
    "speak": lambda it, who, row: comments.write(actor=who, foothold=row, body=f"@{it['someone'].handle}, look."),
    "answer": lambda it, who, row: comments.write(actor=who, foothold=row, body="Yes.", reply_to=row.comments.last()),
    "revise": lambda it, who, row: revise(row, who, title=f"Number {it['step']}"),
    "review": lambda it, who, row: reviews.review(
        actor=who, foothold=row, version=row.head_version, **(DISPUTE if it["step"] % 2 else {"verdict": "agree"})
    ),
    "resolve": lambda it, who, row: reviews.resolve(actor=who, foothold=row, outcome="upheld", rationale=RATIONALE),
    "evidence": lambda it, who, row: evidence.give(actor=who, claim=row, team=it["lab"], content=WORD),
    "watch": lambda it, who, row: watches.watch(actor=who, foothold=row, level="everything"),
    "mute": lambda it, who, row: watches.watch(actor=who, foothold=row, level="mute"),
    "flip": lambda it, who, row: Foothold.objects.filter(pk=row.pk).update(
        visibility=Visibility.TEAM if row.visibility == "public" else Visibility.PUBLIC
    ),
    "blind": lambda it, who, row: Team.objects.filter(pk=it["lab"].pk).update(blind_review=it["step"] % 2 == 0),
    "retract": lambda it, who, row: (
        footholds.retract(actor=who, foothold=row, reason="Made up.") if it["step"] > STEPS - 3 else None
    ),
}


@pytest.mark.parametrize("seed", range(2))
def test_everybody_is_told_exactly_what_they_would_find(seed, describe, lab, ana, bo, cy, curator, bob, operator):
    chance = random.Random(seed)
    people = [ana, bo, cy, curator, bob, operator, member("rea", lab, Role.READER)]
    claims = [describe(), describe(title="An arc")]
    done = Counter()
    for step in range(STEPS):
        who, verb = chance.choice(people), chance.choice([*VERBS])
        row = Foothold.objects.select_related("team", "checkpoint").get(pk=chance.choice(claims).pk)
        it = {"someone": chance.choice(people), "step": step, "lab": lab}
        last = Notification.objects.order_by("pk").last()
        before = (watching(row), muted(row))
        try:
            VERBS[verb](it, Contributor.objects.get(pk=who.pk), row)
        except AtlasError:
            continue
        fresh = list(Notification.objects.filter(pk__gt=last.pk if last else 0).select_related("foothold", "evidence"))
        done[verb] += bool(fresh)
        judge(fresh, who, row, before)
    assert len(done) >= 5, done
    rows = Notification.objects.values_list("recipient", "event")
    assert len(rows) == len(set(rows)) > 20


def judge(fresh, who, row, before):
    """Each is told once, may find it, and did not do it; and of who watches nobody is left out who may find it."""
    watchers, deaf = before
    assert len({told.event for told in fresh}) <= 1
    recipients = [told.recipient for told in fresh]
    assert len(recipients) == len(set(recipients))
    assert who not in recipients
    assert not deaf & set(recipients)
    for told in fresh:
        assert may_know(told.recipient, told), told
    for person in (watchers - {who} - set(recipients)) if fresh else ():
        assert not may_know(person, fresh[0]), (person, fresh[0])
