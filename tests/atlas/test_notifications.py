"""Who is told what: each event once, never to oneself, nothing that one may not read, and no hint of a blind review."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from atlas.dossiers import notifications as dossiers
from atlas.models import Checkpoint, Contributor, Foothold, Membership, Neuron, Notification, Role, Team, User, Watch
from atlas.services import comments, evidence, footholds, notifications, people, reviews, teams, watches
from tests.claims import DISPUTE, RATIONALE, WORD, member, revise

pytestmark = pytest.mark.django_db


def told(person):
    """The reasons for which somebody was told of events, oldest first."""
    return [*Notification.objects.filter(recipient=person).order_by("pk").values_list("reason", flat=True)]


def shown(person):
    """The reasons of what somebody may know of it today."""
    fresh = Contributor.objects.get(pk=person.pk)
    return [row.reason for row in notifications.shown_to(fresh).order_by("pk")]


@pytest.fixture
def neuron(checkpoint):
    return Neuron.objects.select_related("layer__checkpoint").get(layer__key="mixed", channel=9)


@pytest.fixture
def watcher(claim, bob):
    """Bob, who is in no team and watches the claim."""
    watches.watch(actor=bob, foothold=claim, level="everything")
    return bob


VERBS = {
    "comment": lambda it: comments.write(actor=it["cy"], foothold=it["claim"], body="So it is."),
    "version": lambda it: revise(it["claim"], it["cy"], title="An arc"),
    "verdict": lambda it: reviews.review(actor=it["cy"], foothold=it["claim"], version=1, verdict="agree"),
    "evidence": lambda it: evidence.give(actor=it["cy"], claim=it["claim"], team=it["lab"], content=WORD),
    "retracted": lambda it: footholds.retract(actor=it["curator"], foothold=it["claim"], reason="Made up."),
    "merged": lambda it: footholds.merge(
        actor=it["curator"], foothold=it["claim"], into=it["describe"](title="An arc"), reason="The same."
    ),
}


@pytest.fixture
def world(claim, describe, lab, ana, bo, cy, curator):
    return {"claim": claim, "describe": describe, "lab": lab, "ana": ana, "bo": bo, "cy": cy, "curator": curator}


@pytest.mark.parametrize("verb", VERBS)
def test_who_watches_is_told_once_and_who_did_it_is_not(verb, world, watcher):
    for actor in (world["cy"], world["curator"]):
        watches.watch(actor=actor, foothold=world["claim"], level="everything")
    VERBS[verb](world)
    reason = "decision" if verb in ("retracted", "merged") else verb
    assert told(watcher) == told(world["ana"]) == [reason]
    both = {person.handle: told(person) for person in (world["cy"], world["curator"])}
    assert sorted(both.values()) == [[], [reason]]
    row = Notification.objects.filter(recipient=watcher).get()
    assert both[row.actor.handle] == []
    assert notifications.said(row).startswith(row.actor.handle)


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_muted_tells_nothing_not_even_to_its_author(verb, world, watcher):
    for person in (watcher, world["ana"]):
        watches.watch(actor=person, foothold=world["claim"], level="mute")
    VERBS[verb](world)
    comments.write(actor=world["bo"], foothold=world["claim"], body="@ana @bob")
    assert told(watcher) == told(world["ana"]) == []


@pytest.mark.parametrize("verb", VERBS)
def test_who_may_not_read_it_any_more_is_not_told(verb, world, watcher):
    """At the moment it happens; and what was told before is not shown."""
    comments.write(actor=world["bo"], foothold=world["claim"], body="@bob")
    assert shown(watcher) == ["mention"]
    Foothold.objects.filter(pk=world["claim"].pk).update(visibility="team")
    world["claim"].refresh_from_db()
    VERBS[verb](world)
    assert told(watcher) == ["mention"]
    assert (shown(watcher), notifications.unread(watcher)) == ([], 0)
    assert dossiers.inbox(watcher).items == dossiers.inbox(watcher).watches == ()


def test_of_several_reasons_the_strongest_is_given_and_it_is_one_event(claim, ana, bo, cy):
    first = comments.write(actor=bo, foothold=claim, body="One.")
    comments.write(actor=cy, foothold=claim, body="@bo and @ana and @cy", reply_to=first)
    comments.write(actor=cy, foothold=claim, body="Again.", reply_to=first)
    assert told(bo) == ["mention", "reply"]
    assert told(ana) == ["comment", "mention", "comment"]
    assert told(cy) == []


def test_the_same_event_told_again_is_told_once(claim, ana, bo):
    made = comments.write(actor=bo, foothold=claim, body="One.")
    for _ in range(3):
        notifications.of_comment(made, mentioned=[ana.pk])
    assert told(ana) == ["comment"]


def test_who_writes_watches_until_they_say_otherwise(claim, ana, bo, cy):
    watches.watch(actor=cy, foothold=claim, level="mute")
    for person in (bo, cy):
        comments.write(actor=person, foothold=claim, body="So it is.")
    levels = dict(Watch.objects.values_list("contributor__handle", "level"))
    assert levels == {"ana": "everything", "bo": "everything", "cy": "mute"}
    assert told(bo) == ["comment"]
    assert watches.stop(actor=bo, foothold=claim)
    assert not watches.stop(actor=bo, foothold=claim)
    comments.write(actor=ana, foothold=claim, body="It is not.")
    assert told(bo) == ["comment"]


def test_what_is_claimed_of_a_neuron_reaches_who_watches_it(neuron, describe, lab, ana, bob, cy):
    for person in (ana, bob, cy):
        watches.watch_neuron(actor=person, neuron=neuron)
    describe(title="A line", neuron="mixed:8")
    describe(title="An arc")
    assert [told(person) for person in (ana, bob, cy)] == [[], ["claim"], ["claim"]]
    draft = describe(title="A bow", draft=True)
    assert [told(person) for person in (bob, cy)] == [["claim"], ["claim"] * 2]  # Cy reviews for the team
    footholds.propose(actor=ana, foothold=draft)
    assert [told(person) for person in (bob, cy)] == [["claim"] * 2] * 2
    assert [one.title for one in dossiers.inbox(bob).watches] == ["mixed:9 of toy"]


def test_evidence_that_one_may_not_read_is_no_news(claim, lab, ana, bo, watcher):
    made = evidence.give(actor=bo, claim=claim, team=lab, content=WORD)
    assert (shown(watcher), shown(ana)) == (["evidence"], ["evidence"])
    Foothold.objects.filter(pk=made.pk).update(visibility="team")
    assert (shown(watcher), shown(ana)) == ([], ["evidence"])
    made.refresh_from_db()
    other = footholds.create(
        actor=ana, kind="description", checkpoint=claim.checkpoint, team=lab,
        content={"neuron": "mixed:9", "title": "An arc"},
    )  # fmt: skip
    watches.watch(actor=watcher, foothold=other, level="everything")
    evidence.attach(actor=bo, evidence=made, claim=other)
    assert (told(watcher), told(ana)) == (["evidence"], ["evidence"] * 2)


def test_a_word_that_was_taken_back_or_hidden_is_not_shown(claim, ana, bo, operator):
    removed, hidden = (comments.write(actor=bo, foothold=claim, body=body) for body in ("One.", "Two."))
    comments.remove(actor=bo, comment=removed)
    comments.moderate(actor=operator, comment=hidden, to="hidden", reason="Rude.")
    assert (len(told(ana)), shown(ana)) == (2, [])


def test_a_deactivated_person_is_told_nothing(claim, watcher, bo):
    people.deactivate(actor=None, user=watcher.login)
    comments.write(actor=bo, foothold=claim, body="@bob")
    assert told(watcher) == []


class TestBlindReview:
    """Of a team that reviews blind, verdicts are told to who may see them, and nobody else learns that there is one."""

    @pytest.fixture
    def everybody(self, claim, lab, ana, bo, cy, curator, watcher, operator):
        Team.objects.filter(pk=lab.pk).update(blind_review=True)
        claim.refresh_from_db()
        found = [ana, bo, cy, curator, watcher, operator, member("dee", lab, Role.REVIEWER)]
        for person in found:
            watches.watch(actor=person, foothold=claim, level="everything")
        return {person.handle: person for person in found}

    def heard(self, everybody):
        return {handle for handle, person in everybody.items() if "verdict" in told(person)}

    def test_who_has_not_spoken_hears_nothing(self, claim, everybody, bo, cy):
        reviews.review(actor=bo, foothold=claim, version=1, **DISPUTE)
        assert self.heard(everybody) == {"ana", "operator"}
        unspoken = [everybody[handle] for handle in ("cy", "cleo", "bob", "dee")]
        assert {notifications.unread(person) for person in unspoken} == {0}
        reviews.review(actor=cy, foothold=claim, version=1, verdict="agree")
        assert self.heard(everybody) == {"ana", "operator", "bo"}

    def test_once_it_is_decided_everybody_hears(self, claim, everybody, lab, bo, cy):
        reviews.review(actor=bo, foothold=claim, version=1, verdict="agree")
        reviews.review(actor=cy, foothold=claim, version=1, verdict="agree")
        assert self.heard(everybody) == everybody.keys() - {"cy"}
        assert told(everybody["dee"]) == ["verdict"]  # of the one that decided, and not of the one before

    def test_what_was_told_is_not_shown_when_it_is_blind_again(self, claim, everybody, ana, bo, cy, curator):
        reviews.review(actor=bo, foothold=claim, version=1, **DISPUTE)
        reviews.resolve(actor=curator, foothold=claim, outcome="upheld", rationale=RATIONALE)
        assert shown(cy) == ["decision"]
        revise(claim, ana, title="An arc")
        assert shown(cy) == ["version"]
        assert shown(ana) == ["verdict", "decision"]
        reviews.review(actor=cy, foothold=claim, version=2, verdict="agree")
        assert shown(cy) == ["decision", "version"]


class TestReading:
    @pytest.fixture
    def many(self, claim, ana, bo):
        for number in range(5):
            comments.write(actor=bo, foothold=claim, body=f"Number {number}.")
        return list(Notification.objects.filter(recipient=ana).order_by("pk").values_list("pk", flat=True))

    def test_some_or_all_up_to_one_of_ones_own(self, many, ana, bo, cy):
        assert notifications.read(actor=cy, ids=many) == notifications.read(actor=cy, up_to=many[-1]) == 0
        assert notifications.read(actor=ana, ids=many[:2]) == 2
        assert notifications.read(actor=ana, up_to=many[3]) == 2
        assert notifications.unread(ana) == 1
        assert [one.read for one in dossiers.inbox(ana).items] == [False, True, True, True, True]

    def test_it_costs_the_same_queries_however_much_there_is(self, many, claim, ana, bo):
        def cost():
            with CaptureQueriesContext(connection) as captured:
                dossiers.inbox(ana)
            return len(captured)

        cost()  # whose login is looked up once
        before = cost()
        for _ in range(5):
            comments.write(actor=bo, foothold=claim, body="@ana")
        assert cost() == before <= 4
        with CaptureQueriesContext(connection) as captured:
            assert notifications.unread(ana) == 10
            assert notifications.unread(bo) == 0
        assert len(captured) == 2 + 1


def test_telling_a_hundred_costs_as_many_queries_as_telling_one(claim, bo, lab):
    def cost():
        with CaptureQueriesContext(connection) as captured:
            comments.write(actor=bo, foothold=claim, body="So it is.")
        return len(captured)

    cost()
    before = cost()
    crowd = Contributor.objects.bulk_create(Contributor(handle=f"p{n}", citation_name="P") for n in range(40))
    User.objects.bulk_create(User(username=one.handle, contributor=one) for one in crowd)
    Watch.objects.bulk_create(Watch(contributor=one, foothold=claim) for one in crowd)
    assert cost() == before
    assert {len(told(one)) for one in crowd} == {1}


def test_a_checkpoint_that_is_hidden_hides_what_was_told_of_its_neurons(neuron, describe, bob, checkpoint):
    watches.watch_neuron(actor=bob, neuron=neuron)
    describe(title="An arc")
    assert shown(bob) == ["claim"]
    owner = teams.found(actor=None, slug="other", name="Other", admin=None)
    Checkpoint.objects.filter(pk=checkpoint.pk).update(team=owner, visibility="team")
    assert (shown(bob), dossiers.inbox(bob).watches) == ([], ())
    Membership.objects.create(team=owner, contributor=bob, role=Role.READER)
    assert shown(bob) == ["claim"]
