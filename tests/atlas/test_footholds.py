"""Claims: one versioned record, whose edits never lose anything and whose state nobody sets."""

import pytest
from django.db import DatabaseError, transaction

from atlas.errors import EditConflict, Forbidden, Gone, IllegalStanding, NoSuchFoothold, Validation
from atlas.models import Foothold, Revision, Role
from atlas.services import footholds, teams
from tests.claims import member, revise

pytestmark = pytest.mark.django_db


class TestMaking:
    def test_a_claim_has_a_name_a_version_and_a_state(self, claim, ana):
        found = footholds.find(claim.accession.lower(), actor=None)
        assert (found.head_version, found.state, found.title) == (1, "proposed", "A curve")
        assert found.version_tag == f"{claim.accession}.1"
        assert footholds.revision(found, 1).author == ana

    def test_other_spellings_of_its_neuron_are_recorded_in_the_canonical_one(self, describe):
        claim = describe(neuron="mixed_5x5:1")
        assert footholds.revision(claim, 1).content["neuron"] == "mixed:9"
        assert [(str(row.neuron.layer), row.neuron.channel) for row in claim.neurons.all()] == [("mixed", 9)]

    def test_equal_content_has_equal_hashes_whatever_was_spelled_out(self, describe):
        short, long = describe(), describe(body="", confidence=3, terms=[])
        assert short.revisions.get().content_sha256 == long.revisions.get().content_sha256

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"neuron": "mixed:12"}, "/content/neuron"),
            ({"neuron": "nowhere:1"}, "/content/neuron"),
            ({"neuron": "curves"}, "/content/neuron"),
            ({"title": ""}, "/content/title"),
            ({"title": "x" * 121}, "/content/title"),
            ({"body": "x" * 8001}, "/content/body"),
            ({"confidence": 6}, "/content/confidence"),
            ({"terms": [{"term": "curve", "polarity": "detects"}]}, "/content/terms/0/term"),
            ({"mood": "good"}, "/content/mood"),
            ({"title": "A curve \u202e evruc A"}, "/content/title"),
            ({"body": "\x07"}, "/content/body"),
            ({"parameters": [{"name": "a\nb", "value": 1, "unit": ""}]}, "/content/parameters/0/name"),
            ({"claims": {"family": "S00000000Z"}}, "/content/claims/family"),
            ({"predictions": [{"probe": "x", "number": "/a", "least": 1}]}, "/content/predictions/0/probe"),
            ({"predictions": [{"probe": "x", "number": "/a"}]}, "/content/predictions/0/least"),
        ],
    )
    def test_what_cannot_be_recorded_is_named(self, describe, fields, pointer):
        with pytest.raises(Validation) as refused:
            describe(**fields)
        assert pointer in [entry["pointer"] for entry in refused.value.errors]
        assert not Foothold.objects.exists()

    def test_who_is_no_annotator_of_the_team_makes_nothing(self, describe, bob):
        with pytest.raises(Forbidden):
            describe(actor=bob)

    def test_the_claim_about_a_teams_own_checkpoint_is_that_teams(self, describe, checkpoint, ana):
        checkpoint.visibility, checkpoint.team = "team", teams.found(actor=None, slug="other", name="Other", admin=ana)
        checkpoint.save()
        with pytest.raises(Validation) as refused:
            describe()
        assert refused.value.errors[0]["pointer"] == "/team"


class TestFinding:
    def test_a_slip_of_the_pen_is_answered_with_what_may_be_meant(self, claim):
        letter = "Z" if claim.accession[4] != "Z" else "Y"
        with pytest.raises(NoSuchFoothold) as refused:
            footholds.find(claim.accession[:4] + letter + claim.accession[5:], actor=None)
        assert refused.value.facts["did_you_mean"] == [claim.accession]

    def test_what_may_not_be_read_is_not_meant(self, describe):
        draft = describe(draft=True)
        with pytest.raises(NoSuchFoothold) as refused:
            footholds.find(draft.accession[:8] + draft.accession[9] + draft.accession[8], actor=None)
        assert refused.value.facts["did_you_mean"] == []

    def test_a_draft_is_its_authors_and_the_teams_reviewers(self, describe, lab, ana, bo):
        draft = describe(draft=True)
        other = member("dora", lab, Role.ANNOTATOR)
        for reader in (ana, bo):
            assert footholds.find(draft.accession, actor=reader) == draft
        for stranger in (None, other):
            with pytest.raises(NoSuchFoothold):
                footholds.find(draft.accession, actor=stranger)

    def test_what_a_moderator_hid_is_gone_for_all_but_its_people(self, claim, operator, ana):
        footholds.moderate(actor=operator, foothold=claim, to="spam", reason="An advertisement.")
        with pytest.raises(Gone):
            footholds.find(claim.accession, actor=None)
        assert footholds.find(claim.accession, actor=ana) == claim
        footholds.moderate(actor=operator, foothold=claim, to="visible", reason="It was none.")
        assert footholds.find(claim.accession, actor=None) == claim
        assert [(row.was, row.now) for row in claim.moderation_log.all()] == [("visible", "spam"), ("spam", "visible")]

    def test_a_hidden_draft_was_never_there(self, describe, operator):
        draft = describe(draft=True)
        footholds.moderate(actor=operator, foothold=draft, to="spam", reason="An advertisement.")
        with pytest.raises(NoSuchFoothold):
            footholds.find(draft.accession, actor=None)


class TestRevising:
    def test_versions_are_gapless_and_keep_what_they_said(self, claim, ana, bo):
        revise(claim, ana, title="A curve at 45°")
        revise(claim, bo, body="Seen in seeds 0 to 2.")
        assert [row.version for row in claim.revisions.all()] == [1, 2, 3]
        assert [row.content["title"] for row in claim.revisions.all()] == ["A curve", *["A curve at 45°"] * 2]
        assert claim.title == "A curve at 45°"

    def test_who_came_second_gets_both_texts_and_a_merge_of_disjoint_fields(self, claim, ana, bo):
        revise(claim, ana, title="A curve at 45°")
        with pytest.raises(EditConflict) as refused:
            revise(claim, bo, based_on=1, body="Mine.")
        facts = refused.value.facts
        assert facts["base"]["content"]["title"] == "A curve"
        assert facts["theirs"]["content"]["title"] == "A curve at 45°"
        assert facts["mine"]["content"]["body"] == "Mine."
        assert facts["merge"]["title"] == "A curve at 45°"
        assert facts["merge"]["body"] == "Mine."
        assert facts["fields"] == {"mine": ["body"], "theirs": ["title"], "clashing": []}
        assert claim.revisions.count() == 2

    def test_two_who_changed_one_field_have_to_talk(self, claim, ana, bo):
        revise(claim, ana, title="A curve at 45°")
        with pytest.raises(EditConflict) as refused:
            revise(claim, bo, based_on=1, title="A corner")
        assert refused.value.facts["merge"] is None
        assert refused.value.facts["fields"]["clashing"] == ["title"]

    def test_the_subject_of_a_claim_never_changes(self, claim, ana):
        with pytest.raises(Validation) as refused:
            revise(claim, ana, neuron="mixed:1")
        assert refused.value.errors[0]["code"] == "read-only-field"

    def test_saying_the_same_again_is_no_version(self, claim, ana):
        with pytest.raises(Validation):
            revise(claim, ana, body="")
        assert claim.revisions.count() == 1

    def test_an_earlier_version_comes_back_as_a_new_one(self, claim, ana, bo):
        revise(claim, bo, title="A corner")
        back = footholds.restore(actor=ana, foothold=claim, version=1, based_on=2)
        assert (back.version, back.restores, back.content["title"]) == (3, 1, "A curve")

    def test_a_revision_is_immutable_whoever_tries(self, claim):
        for attempt in (
            lambda: Revision.objects.update(summary="Never mind."),
            lambda: Revision.objects.all().delete(),
            lambda: Foothold.objects.update(accession="D000000000"),
        ):
            with pytest.raises(DatabaseError), transaction.atomic():
                attempt()

    def test_what_has_ended_is_not_revised(self, claim, ana):
        footholds.withdraw(actor=ana, foothold=claim)
        with pytest.raises(IllegalStanding):
            revise(claim, ana, title="Yet again")
