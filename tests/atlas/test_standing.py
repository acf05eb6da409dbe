"""What a team believes of a claim: computed by one rule, from verdicts that count."""

import pytest

from atlas.errors import EditConflict, IllegalStanding, NoSuchFoothold, SelfReview, Validation
from atlas.models import ChangeSet, Review, Role
from atlas.services import footholds, reviews, standing, teams
from tests.claims import DISPUTE, RATIONALE, member, revise

pytestmark = pytest.mark.django_db


class TestStates:
    def test_a_quorum_accepts_and_an_edit_lapses_it(self, claim, ana, bo, cy):
        reviews.review(actor=bo, foothold=claim, version=1, verdict="agree")
        assert claim.state == "proposed"
        reviews.review(actor=cy, foothold=claim, version=1, verdict="agree")
        assert claim.state == "accepted"
        revise(claim, ana, title="A curve at 45°")
        claim.refresh_from_db()
        assert (claim.state, claim.flags) == ("proposed", ["stale-reviews"])

    def test_exactly_two_thirds_is_not_enough(self, claim, lab, bo, cy):
        for reviewer in (bo, cy):
            reviews.review(actor=reviewer, foothold=claim, version=1, verdict="agree")
        reviews.review(actor=member("di", lab, Role.REVIEWER), foothold=claim, version=1, **DISPUTE)
        assert claim.state == "disputed"
        reviews.review(actor=member("ed", lab, Role.REVIEWER), foothold=claim, version=1, verdict="agree")
        assert claim.state == "accepted"

    def test_a_person_has_one_verdict_and_all_are_kept(self, claim, bo):
        reviews.review(actor=bo, foothold=claim, version=1, **DISPUTE)
        reviews.review(actor=bo, foothold=claim, version=1, verdict="agree")
        assert claim.state == "proposed"
        assert Review.objects.count() == 2
        assert Review.objects.get(superseded_at=None).verdict == "agree"

    def test_nobody_judges_what_they_wrote(self, claim, bo):
        revise(claim, bo, title="A curve, I think")
        with pytest.raises(SelfReview):
            reviews.review(actor=bo, foothold=claim, version=2, verdict="agree")

    def test_a_verdict_is_on_the_text_that_was_read(self, claim, ana, bo):
        revise(claim, ana, title="A curve at 45°")
        with pytest.raises(EditConflict):
            reviews.review(actor=bo, foothold=claim, version=1, verdict="agree")

    def test_where_several_teams_review_one_of_each_counts(self, claim, lab, bo, cy):
        others = teams.found(actor=None, slug="others", name="Others", admin=None)
        other = member("olga", others, Role.REVIEWER)
        for reviewer in (bo, cy):
            reviews.review(actor=reviewer, foothold=claim, version=1, verdict="agree")
        assert claim.state == "proposed"
        found = standing.judgement(claim)
        assert [one.why for one in found.weighed] == ["", "Another of the same team counts already."]
        reviews.review(actor=other, foothold=claim, version=1, verdict="agree")
        assert claim.state == "accepted"

    def test_a_dispute_is_not_silenced_by_a_colleague(self, claim, bo, cy):
        teams.found(actor=None, slug="others", name="Others", admin=member("olga", claim.team, Role.READER))
        reviews.review(actor=bo, foothold=claim, version=1, verdict="agree")
        reviews.review(actor=cy, foothold=claim, version=1, **DISPUTE)
        assert claim.state == "disputed"

    def test_a_dispute_says_why(self, claim, bo):
        with pytest.raises(Validation) as refused:
            reviews.review(actor=bo, foothold=claim, version=1, verdict="dispute", text="No.")
        assert {entry["pointer"] for entry in refused.value.errors} == {"/reason", "/text"}

    def test_a_curator_resolves_until_somebody_disputes_again(self, claim, bo, cy, curator):
        reviews.review(actor=bo, foothold=claim, version=1, **DISPUTE)
        reviews.resolve(actor=curator, foothold=claim, outcome="upheld", rationale=RATIONALE)
        assert claim.state == "resolved"
        reviews.review(actor=cy, foothold=claim, version=1, **DISPUTE)
        assert claim.state == "disputed"

    def test_only_a_dispute_is_resolved_and_by_no_author(self, claim, curator, bo):
        with pytest.raises(IllegalStanding):
            reviews.resolve(actor=curator, foothold=claim, outcome="upheld", rationale="x" * 60)
        revise(claim, curator, title="Mine too")
        reviews.review(actor=bo, foothold=claim, version=2, **DISPUTE)
        with pytest.raises(SelfReview):
            reviews.resolve(actor=curator, foothold=claim, outcome="upheld", rationale="x" * 60)

    def test_withdrawn_and_retracted_stay_readable_with_their_reasons(self, describe, ana, curator):
        withdrawn, retracted = describe(), describe(title="Another")
        footholds.withdraw(actor=ana, foothold=withdrawn, reason="I mistook the layer.")
        footholds.retract(actor=curator, foothold=retracted, reason="Made up.")
        found = [footholds.find(it.accession, actor=None) for it in (withdrawn, retracted)]
        assert [(it.state, it.standing_reason) for it in found] == [
            ("withdrawn", "I mistook the layer."),
            ("retracted", "Made up."),
        ]

    def test_a_merged_one_names_its_successor_and_no_one_else_is_merged_into_it(self, describe, curator):
        one, other, third = describe(), describe(title="The same"), describe(title="A third")
        footholds.merge(actor=curator, foothold=one, into=other, reason="The same claim.")
        assert (one.state, one.replaced_by) == ("merged", other)
        with pytest.raises(Validation):
            footholds.merge(actor=curator, foothold=third, into=one, reason="The same claim.")

    def test_two_are_not_merged_into_each_other(self, describe, curator):
        """Who decides believes what was so when they looked: of two who decide at once the second is refused."""
        one, other = describe(), describe(title="The same")
        seen = footholds.find(one.accession, actor=curator), footholds.find(other.accession, actor=curator)
        footholds.merge(actor=curator, foothold=one, into=other, reason="The same claim.")
        with pytest.raises(Validation):
            footholds.merge(actor=curator, foothold=seen[1], into=seen[0], reason="The same claim.")

    def test_a_draft_that_is_withdrawn_is_not_published_by_that(self, describe, ana, bo):
        draft, claim = describe(draft=True), describe()
        for one in (draft, claim):
            footholds.withdraw(actor=ana, foothold=one)
        with pytest.raises(NoSuchFoothold):
            footholds.find(draft.accession, actor=None)
        assert footholds.find(draft.accession, actor=bo).state == "withdrawn"
        assert footholds.find(claim.accession, actor=None).visibility == "public"

    def test_every_verb_leaves_its_trace(self, claim, ana, bo):
        reviews.review(actor=bo, foothold=claim, version=1, verdict="agree")
        revise(claim, ana, title="A curve at 45°")
        verbs = list(ChangeSet.objects.filter(subject=claim.accession).values_list("verb", flat=True))
        assert verbs == ["foothold.create", "foothold.review", "foothold.revise"]
