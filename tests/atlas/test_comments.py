"""Discussions: who speaks, on what, who is told; and that no word is lost, nor one read that was taken back."""

from itertools import product

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from atlas.dossiers import comments as dossiers
from atlas.errors import CommentClosed, EditConflict, Forbidden, NoSuchComment, TextPolicy, Validation
from atlas.models import (
    Change,
    ChangeSet,
    Checkpoint,
    Comment,
    CommentVersion,
    Contributor,
    Foothold,
    InstanceRole,
    Notification,
    Role,
    User,
    Visibility,
)
from atlas.permissions import readable_footholds, readers_of
from atlas.services import comments, footholds, mentions, people, watches
from tests.claims import member, revise

pytestmark = pytest.mark.django_db


def said(claim, actor, body="So it is.", **more):
    """A comment."""
    return comments.write(actor=actor, foothold=claim, body=body, **more)


def told(person):
    """(event's kind, reason) of everything somebody was told, oldest first."""
    rows = Notification.objects.filter(recipient=person).order_by("pk")
    return [(row.event.partition(":")[0], row.reason) for row in rows]


def seen(claim, actor, one):
    """A comment as somebody reads it."""
    return dossiers.comment(claim, one, actor=actor).comment


class TestThreads:
    def test_a_thread_is_its_first_comment_and_all_that_answers(self, claim, ana, bo, cy):
        first = said(claim, ana)
        reply = said(claim, bo, reply_to=first)
        other = said(claim, cy)
        deep = said(claim, cy, reply_to=reply)
        found = dossiers.discussion(claim, actor=None).threads
        assert [[one.number for one in thread.comments] for thread in found] == [[1, 2, 4], [3]]
        assert [one.reply_to for one in found[0].comments] == [None, 1, 2]
        assert (reply.thread, deep.thread, other.thread) == (first, first, None)

    def test_a_chain_of_replies_is_as_flat_as_a_row_of_them(self, claim, ana, monkeypatch):
        monkeypatch.setattr(comments, "MOST_REPLIES", 40)
        last = said(claim, ana)
        for _ in range(40):
            last = said(claim, ana, reply_to=last)
        [thread] = dossiers.discussion(claim, actor=ana).threads
        assert [one.number for one in thread.comments] == [*range(1, 42)]
        with pytest.raises(Validation) as refused:
            said(claim, ana, reply_to=last)
        assert refused.value.errors[0]["pointer"] == "/reply_to"

    def test_it_costs_the_same_queries_however_long_it_is(self, claim, ana, bo):
        def cost():
            with CaptureQueriesContext(connection) as captured:
                dossiers.discussion(claim, actor=bo)
            return len(captured)

        said(claim, ana, body="@bo, look")
        cost()  # whose login is looked up once
        few = cost()
        for _ in range(5):
            said(claim, bo, body="@ana @bo", reply_to=said(claim, ana, body="@bo"))
        assert cost() == few <= 10

    def test_it_is_on_the_version_that_was_read(self, claim, ana, bo):
        early = said(claim, bo, quote="A curve")
        revise(claim, ana, title="An arc")
        late, on_first = said(claim, bo, quote="An  arc"), said(claim, bo, version=1, quote="A curve")
        assert [one.version for one in (early, late, on_first)] == [1, 2, 1]
        assert [seen(claim, None, one).outdated for one in (early, late, on_first)] == [True, False, True]
        assert late.quote == "An arc"

    def test_a_passage_is_found_as_it_is_read_and_as_it_was_written(self, describe, bo):
        claim = describe(body="It **fires** for\ncurves,\n\n* left\n* right")
        for passage in ("It fires for curves, left right", "**fires** for curves", "It **fires**\nfor"):
            assert said(claim, bo, quote=passage).quote == " ".join(passage.split())

    @pytest.mark.parametrize(
        ("given", "pointer"),
        [
            ({"body": ""}, "/body"),
            ({"body": " \n "}, "/body"),
            ({"body": "x" * 4_001}, "/body"),
            ({"body": "a\x00b"}, "/body"),
            ({"body": "\ud800"}, "/body"),
            ({"body": "a" + "\u0301" * 60}, "/body"),
            ({"body": "[x](https://a.example) " * 101}, "/body"),
            ({"body": " ".join(f"@p{index}" for index in range(26))}, "/body"),
            ({"version": 2}, "/version"),
            ({"quote": "A straight line"}, "/quote"),
            ({"quote": "A \x00curve"}, "/quote"),
            ({"quote": "\u202eA curve"}, "/quote"),
            ({"quote": "x" * 501}, "/quote"),
        ],
        ids=lambda given: str(given)[:24].encode("ascii", "backslashreplace").decode(),
    )
    def test_what_cannot_be_kept_is_refused_by_its_field_and_leaves_nothing(self, claim, bo, given, pointer):
        with pytest.raises(Validation) as refused:
            said(claim, bo, **given)
        assert {error["pointer"] for error in refused.value.errors} == {pointer}
        assert (Comment.objects.count(), told(claim.created_by)) == (0, [])

    def test_bidi_in_a_body_is_kept_and_turns_nothing_around_it(self, claim, bo):
        assert seen(claim, None, said(claim, bo, body="\u202eabc")).body == "\u202eabc"

    @pytest.mark.parametrize("number", ["0", "2", "-1", "01", "1.0", "１", "9" * 30, "1\x00", ""])
    def test_a_comment_is_named_by_its_number(self, claim, ana, number):
        said(claim, ana)
        with pytest.raises(NoSuchComment):
            comments.find(claim, number)


class TestVersions:
    def test_every_word_is_kept(self, claim, bo):
        one = said(claim, bo, body="First.")
        comments.edit(actor=bo, comment=one, body="Second.", based_on=one.version_tag)
        assert [it.body for it in dossiers.versions_of(one, actor=None)] == ["First.", "Second."]
        assert (seen(claim, None, one).body, seen(claim, None, one).edits) == ("Second.", 1)

    def test_of_two_edits_of_one_version_one_wins(self, claim, bo):
        one = said(claim, bo)
        again, tag = comments.find(claim, "1"), one.version_tag
        comments.edit(actor=bo, comment=one, body="Mine.", based_on=tag)
        for stale in (again, one):
            with pytest.raises(EditConflict) as refused:
                comments.edit(actor=bo, comment=stale, body="Theirs.", based_on=tag)
            assert refused.value.facts["current"] == one.version_tag
        assert one.versions.count() == 2

    def test_an_edit_that_changes_nothing_is_refused(self, claim, bo):
        one = said(claim, bo, body="@ana, look.")
        with pytest.raises(Validation):
            comments.edit(actor=bo, comment=one, body=" @Ana, look. ", based_on=one.version_tag)
        assert one.versions.count() == 1

    def test_only_who_wrote_it_mends_or_removes_it(self, claim, bo, ana, curator, operator):
        one = said(claim, bo)
        for other in (ana, curator, operator):
            with pytest.raises(Forbidden):
                comments.edit(actor=other, comment=one, body="No.", based_on=one.version_tag)
            with pytest.raises(Forbidden):
                comments.remove(actor=other, comment=one)

    def test_what_is_taken_back_leaves_its_place(self, claim, ana, bo, operator):
        one = said(claim, bo, body="Nonsense.", quote="A curve")
        said(claim, ana, reply_to=one)
        for _ in range(2):
            comments.remove(actor=bo, comment=one)
        for reader in (None, ana, bo):
            facts = seen(claim, reader, one)
            assert (facts.state, facts.body, facts.quote, facts.may_edit) == ("removed", "", "", False)
            assert {it.body for it in dossiers.versions_of(comments.find(claim, "1"), actor=reader)} == {""}
        assert len(dossiers.discussion(claim, actor=None).threads[0].comments) == 2
        assert ChangeSet.objects.filter(verb="comment.remove").count() == 1
        assert CommentVersion.objects.filter(body="Nonsense.").exists()
        with pytest.raises(CommentClosed):
            comments.edit(actor=bo, comment=one, body="Again.", based_on=one.version_tag)

    def test_what_is_hidden_its_author_and_moderators_read(self, claim, ana, bo, operator):
        one = said(claim, bo, body="Buy this.")
        with pytest.raises(Forbidden):
            comments.moderate(actor=ana, comment=one, to="hidden", reason="Rude.")
        comments.moderate(actor=operator, comment=one, to="hidden", reason="An advertisement.")
        assert [seen(claim, who, one).body for who in (None, ana, bo, operator)] == ["", "", "Buy this.", "Buy this."]
        entry = one.moderation_log.get()
        assert (entry.was, entry.now, entry.reason) == ("visible", "hidden", "An advertisement.")
        with pytest.raises(CommentClosed):
            comments.edit(actor=bo, comment=one, body="Buy that.", based_on=one.version_tag)
        comments.moderate(actor=operator, comment=one, to="visible", reason="It is none.")
        assert seen(claim, None, one).body == "Buy this."

    def test_the_feed_tells_no_word_and_nothing_of_what_is_hidden(self, claim, bo, operator):
        one = said(claim, bo, body="A word nobody else says.")
        public = Change.objects.filter(table="comment", row=one.pk, public=True).count()
        comments.moderate(actor=operator, comment=one, to="hidden", reason="Rude.")
        assert Change.objects.filter(table="comment", row=one.pk, public=True).count() == public
        assert not Change.objects.filter(table="commentmoderation", public=True).exists()
        assert "nobody else" not in str(list(Change.objects.values_list("before", "after")))
        assert "nobody else" not in str(list(ChangeSet.objects.values_list("facts", "subject")))


class TestResolving:
    def test_a_thread_is_ended_by_who_began_it_and_who_reviews(self, claim, bob, bo, ana, curator, operator):
        thread = said(claim, bob)
        reply = said(claim, ana, reply_to=thread)
        with pytest.raises(Forbidden):
            comments.resolve(actor=ana, comment=reply)
        for who in (bob, bo, curator, operator):
            comments.resolve(actor=who, comment=comments.find(claim, "2"))
            [found] = dossiers.discussion(claim, actor=None).threads
            assert (found.resolved, found.resolved_by) == (True, who.handle)
            comments.reopen(actor=who, comment=comments.find(claim, "1"))
        [found] = dossiers.discussion(claim, actor=None).threads
        assert (found.resolved, found.resolved_by, found.resolved_at) == (False, None, None)

    def test_ended_twice_it_is_ended_once(self, claim, bo, cy):
        one = said(claim, bo)
        comments.resolve(actor=bo, comment=one)
        comments.resolve(actor=cy, comment=one)
        assert dossiers.discussion(claim, actor=None).threads[0].resolved_by == "bo"
        assert ChangeSet.objects.filter(verb="comment.resolve").count() == 1


class TestMentions:
    @pytest.mark.parametrize(
        ("body", "named"),
        [
            ("@ana look", {"ana"}),
            ("(@ana), @bo.", {"ana", "bo"}),
            ("@ANA", {"ana"}),
            ("**@ana** _@bo_ @bo-", {"ana", "bo"}),
            ("mail ana@ana.example, x@bo, /@ana, @@ana, @anabo", set()),
            ("`@ana` and\n\n    @bo\n", set()),
            ("\\@ana", {"ana"}),
            ("@nobody-of-that-name @ana", {"ana"}),
            ("@" * 4_000, set()),
            ("@ana" * 1_000, set()),
            ("@ana " * 800, {"ana"}),
        ],
        # A set has no order to be named by: each process would name its test otherwise.
        ids=lambda given: str(sorted(given) if isinstance(given, set) else given)[:20],
    )
    def test_who_is_spoken_to(self, ana, bo, body, named):
        kept, places, spoken = mentions.taken_out(body)
        assert {person.handle for person in Contributor.objects.filter(pk__in=spoken)} == named
        version = CommentVersion(body=kept, mentions=places)
        assert mentions.put_back(version, mentions.handles_in([version])).lower() == body.lower()

    def test_whoever_may_not_read_it_hears_nothing_and_nothing_says_so(self, lab, checkpoint, describe, ana, bo, bob):
        claim = describe()
        Foothold.objects.filter(pk=claim.pk).update(visibility="team")
        claim.refresh_from_db()
        hidden, absent = said(claim, ana, body="@bob and @bo"), said(claim, ana, body="@bub and @bo")
        assert told(bob) == []
        assert [reason for _, reason in told(bo)] == ["mention", "mention"]
        texts = [seen(claim, ana, one).body.replace("bub", "bob") for one in (hidden, absent)]
        assert texts[0] == texts[1]

    def test_an_edit_tells_whom_it_adds_and_nobody_twice(self, claim, ana, bo, cy):
        one = said(claim, bo, body="@cy")
        comments.edit(actor=bo, comment=one, body="@cy @ana", based_on=one.version_tag)
        comments.edit(actor=bo, comment=one, body="@ana, @cy!", based_on=one.version_tag)
        assert told(cy) == [("comment", "mention")]
        assert told(ana) == [("comment", "comment")]  # as its author she knows of the comment already
        assert told(bo) == []

    def test_erasure_reaches_into_what_others_wrote(self, claim, ana, bo, cy):
        one = said(claim, bo, body="@cy was right, `@cy` too.")
        watches.watch(actor=cy, foothold=claim, level="everything")
        mine = said(claim, cy, body="I know.")
        left = people.erase(actor=cy, user=cy.login)
        assert seen(claim, None, one).body == f"@{left.handle} was right, `@{left.handle}` too."
        assert (seen(claim, None, mine).author, seen(claim, None, mine).body) == (left.handle, "I know.")
        assert not Notification.objects.filter(recipient=cy).exists()
        assert not cy.watches.exists()
        for row in CommentVersion.objects.all():
            assert "cy" not in row.body


@pytest.mark.parametrize("visibility", Visibility.values)
@pytest.mark.parametrize("published", [True, False])
def test_readers_are_exactly_those_who_may_read(visibility, published, claim, checkpoint, lab, ana, bo, bob, operator):
    """The set-wise rule is the personal rule, for everybody, in every state: judged one by one as the slow oracle."""
    people.join(username="mod", password="correct horse battery", role=InstanceRole.MODERATOR)
    gone = member("gone", lab, Role.ADMIN)
    for role in (Role.READER, Role.CURATOR):
        member(f"a-{role.label}", lab, role)
    people.deactivate(actor=None, user=gone.login)
    home = people.join(username="elsewhere", password="correct horse battery")
    owner = {"team": home.contributor.personal_space, "visibility": "team"} if not published else {"team": None}
    Checkpoint.objects.filter(pk=checkpoint.pk).update(**owner)
    everybody = Contributor.objects.select_related("login")
    for standing, moderation in product(Foothold.Standing.values[:3], Foothold.Moderation.values):
        Foothold.objects.filter(pk=claim.pk).update(
            visibility=visibility, standing=standing, moderation=moderation, created_by=ana
        )
        alone = {
            one.handle
            for one in everybody
            if one.login.is_active and Foothold.objects.filter(readable_footholds(one), pk=claim.pk).exists()
        }
        assert {one.handle for one in readers_of(claim)} == alone, (standing, moderation)
    assert User.objects.count() > 8


@pytest.mark.parametrize("role", [None, *Role], ids=str)
def test_who_may_speak(role, claim, lab, operator):
    """On what everybody reads anybody who annotates somewhere, if only in a space of their own; else in its team."""
    someone = people.join(username="someone", password="correct horse battery").contributor
    if role is not None:
        someone = member("somebody", lab, role)
    assert said(claim, someone)
    Foothold.objects.filter(pk=claim.pk).update(visibility="team")
    claim.refresh_from_db()
    if (role or 0) >= Role.ANNOTATOR:
        assert said(claim, someone)
    else:
        with pytest.raises(Forbidden):
            said(claim, someone)


def test_a_passage_that_misleads_is_no_passage(claim, bo):
    with pytest.raises(TextPolicy):
        said(claim, bo, quote="\u202eA curve")


def test_a_draft_is_spoken_of_by_who_may_read_it(describe, ana, bo, bob):
    draft = describe(draft=True)
    assert said(draft, bo, body="@bob @ana")
    assert (told(ana), told(bob)) == ([("comment", "mention")], [])
    with pytest.raises(Forbidden):
        said(draft, bob)
    footholds.propose(actor=ana, foothold=draft)
    assert said(draft, bob)
