"""The kinds of claims: links and circuits, evidence, the vocabulary, and what was not saved."""

import pytest
from django.test import Client

from atlas.dossiers import agreement
from atlas.dossiers.walls import Wanted, wall
from atlas.errors import EditConflict, Validation
from atlas.models import Foothold, Support
from atlas.services import evidence, footholds, reviews, terms, unsaved
from tests.claims import WORD, revise

pytestmark = pytest.mark.django_db


class TestLinks:
    REFERENCE = {"rests_on": {"reference": {"title": "Zoom In", "doi": "10.23915/distill.00024.001"}}}

    @pytest.fixture
    def link(self, checkpoint, lab, ana):
        def made(source, target, relation="builds-from", **more):
            content = {"source": source, "target": target, "relation": relation, **self.REFERENCE, **more}
            return footholds.create(actor=ana, kind="link", checkpoint=checkpoint, team=lab, content=content)

        return made

    def test_a_link_runs_along_the_network(self, link):
        made = link("edges:1", "mixed:9")
        assert made.title == "edges:1 builds-from mixed:9"
        assert {row.role for row in made.neurons.all()} == {"source", "target"}

    @pytest.mark.parametrize(
        ("source", "target", "code"),
        [
            ("mixed:1", "edges:1", "FH0002"),
            ("mixed:1", "mixed_5x5:0", "FH0002"),
            ("mixed:8", "mixed_5x5:0", "FH0001"),
        ],
    )
    def test_impossible_links_are_refused_by_rule(self, link, source, target, code):
        with pytest.raises(Validation) as refused:
            link(source, target)
        assert code in [entry["code"] for entry in refused.value.errors]

    def test_neurons_of_one_layer_can_be_partners(self, link):
        assert link("mixed:1", "mixed:2", "equivariant-partner").state == "proposed"

    def test_it_rests_on_something(self, link):
        with pytest.raises(Validation) as refused:
            link("edges:1", "mixed:9", rests_on={})
        assert refused.value.errors[0]["pointer"] == "/content/rests_on"

    def test_a_circuit_is_made_of_links_between_its_nodes(self, link, checkpoint, lab, ana):
        made = link("edges:1", "mixed:9")
        edge = {"source": "edges:1", "target": "mixed_5x5:1", "link": made.accession.lower()}
        content = {"title": "Curves", "nodes": [{"unit": "edges:1"}, {"unit": "mixed:9"}], "edges": [edge]}
        circuit = footholds.create(actor=ana, kind="circuit", checkpoint=checkpoint, team=lab, content=content)
        assert circuit.revisions.get().content["edges"][0] == edge | {"target": "mixed:9", "link": made.accession}
        assert [row.target for row in circuit.references.all()] == [made]
        wrong = {**content, "edges": [{**edge, "source": "edges:2"}]}
        with pytest.raises(Validation) as refused:
            footholds.create(actor=ana, kind="circuit", checkpoint=checkpoint, team=lab, content=wrong)
        assert {entry["code"] for entry in refused.value.errors} == {"FH0005", "FH0006"}


class TestEvidence:
    @pytest.fixture
    def done(self, ana, checkpoint, probe, ask_for, answer_jobs):
        [job] = ask_for(checkpoint, ana, "mixed:9").jobs
        answer_jobs()
        job.refresh_from_db()
        return job

    def test_a_finding_is_evidence_in_one_step(self, claim, done, ana, lab):
        content = evidence.from_job(done, interpretation="Curved in every seed.")
        made = evidence.give(actor=ana, claim=claim, team=lab, content=content)
        assert made.title == "feature visualization"
        assert [(row.claim, row.role, row.claim_version) for row in made.speaks_of.all()] == [(claim, "supports", 1)]

    def test_a_job_that_is_not_done_is_no_evidence(self, claim, ana, lab, checkpoint, probe, ask_for):
        [job] = ask_for(checkpoint, ana, "mixed:9").jobs
        with pytest.raises(Validation) as refused:
            evidence.give(actor=ana, claim=claim, team=lab, content=evidence.from_job(job))
        assert refused.value.errors[0]["code"] == "not-done"

    def test_when_the_last_support_goes_the_claim_is_flagged_and_nothing_is_deleted(self, claim, ana, lab):
        made = evidence.give(actor=ana, claim=claim, team=lab, content=WORD)
        claim.refresh_from_db()
        assert claim.flags == []
        footholds.withdraw(actor=ana, foothold=made)
        claim.refresh_from_db()
        assert claim.flags == ["unsupported"]
        assert Support.objects.count() == 1

    def test_taking_it_back_flags_it_too_and_it_can_be_said_again(self, claim, ana, lab):
        made = evidence.give(actor=ana, claim=claim, team=lab, content=WORD)
        evidence.detach(actor=ana, evidence=made, claim=claim, role="supports")
        claim.refresh_from_db()
        assert claim.flags == ["unsupported"]
        evidence.attach(actor=ana, evidence=made, claim=claim)
        claim.refresh_from_db()
        assert claim.flags == []
        assert Support.objects.count() == 2

    def test_it_may_speak_of_several_claims_and_against_some(self, claim, describe, ana, lab):
        made = evidence.give(actor=ana, claim=claim, team=lab, content=WORD)
        other = describe(title="A corner")
        evidence.attach(actor=ana, evidence=made, claim=other, role="contradicts", facet="purity")
        evidence.attach(actor=ana, evidence=made, claim=other, role="contradicts", facet="purity")
        assert {(row.claim, row.role) for row in made.speaks_of.all()} == {(claim, "supports"), (other, "contradicts")}

    def test_its_words_may_be_revised_and_its_matter_not(self, claim, ana, lab):
        made = evidence.give(actor=ana, claim=claim, team=lab, content=WORD)
        revise(made, ana, interpretation="I looked at three hundred.")
        with pytest.raises(Validation):
            revise(made, ana, method="LT")

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            ({"method": "LT"}, "FH0090"),
            ({"method": "AU"}, "FH0091"),
            ({"method": "FV", "parameters": {"seed": 0}}, "FH0092"),
            ({"method": "AU", "interpretation": "x", "assertion": "automatic"}, "FH0093"),
        ],
    )
    def test_rules_keep_out_what_shows_nothing(self, claim, ana, lab, content, code):
        with pytest.raises(Validation) as refused:
            evidence.give(actor=ana, claim=claim, team=lab, content=content)
        assert code in [entry["code"] for entry in refused.value.errors]
        assert Foothold.objects.count() == 1


class TestTerms:
    def test_a_merged_term_leads_to_the_one_that_is_left(self, describe, ana, curator):
        bend = terms.create(actor=ana, slug="bend", label="bend")
        curve = terms.create(actor=ana, slug="curve", label="curve")
        before = describe(terms=[{"term": "bend", "polarity": "detects"}])
        terms.merge(actor=curator, term=bend, into=curve)
        after = describe(terms=[{"term": "bend", "polarity": "does-not-detect"}])
        assert [str(use.term) for use in before.terms.all()] == ["curve"]
        assert before.revisions.get().content["terms"][0]["term"] == "bend"  # what was written stays
        assert after.revisions.get().content["terms"][0]["term"] == "curve"
        with pytest.raises(Validation):
            terms.merge(actor=curator, term=curve, into=bend)

    def test_lists_know_a_merged_term_by_its_old_address(self, describe, ana, bo, curator):
        """A script, a bookmark or a paper that asks for the old word finds what the new one finds, not nothing."""
        bend = terms.create(actor=ana, slug="bend", label="bend")
        claim = describe(terms=[{"term": "bend", "polarity": "detects"}])
        reviews.review(actor=bo, foothold=claim, version=1, verdict="agree")
        reviews.review(actor=curator, foothold=claim, version=1, verdict="agree")
        terms.merge(actor=curator, term=bend, into=terms.create(actor=ana, slug="curve", label="curve"))
        for slug in ("bend", "curve"):
            listed = Client().get(f"/api/v1/footholds?term={slug}").json()["items"]
            assert [it["accession"] for it in listed] == [claim.accession]
            assert [it.tile.channel for it in wall("toy", "mixed", actor=None, wanted=Wanted(term=slug)).tiles] == [9]
            assert agreement.of_checkpoint("toy", actor=None, term=slug).raw.verdicts == 2
        assert Client().get("/api/v1/footholds?term=nothing").json()["items"] == []

    def test_a_renamed_term_keeps_its_slug_and_its_old_name(self, ana, curator):
        bend = terms.create(actor=ana, slug="bend", label="bend")
        terms.rename(actor=curator, term=bend, based_on="bend.1", label="Curve", definition="", synonyms=[])
        assert (bend.slug, bend.label, bend.synonyms) == ("bend", "Curve", ["bend"])
        with pytest.raises(EditConflict):
            terms.rename(actor=curator, term=bend, based_on="bend.1", label="Arc", definition="", synonyms=[])


class TestUnsaved:
    def test_it_is_kept_for_one_person_and_one_item(self, ana, bo):
        unsaved.keep(actor=ana, item="new:description:toy:mixed:9", content={"title": "A cur"})
        unsaved.keep(actor=ana, item="new:description:toy:mixed:9", content={"title": "A curve"})
        assert unsaved.find(actor=ana, item="new:description:toy:mixed:9").content == {"title": "A curve"}
        assert unsaved.find(actor=bo, item="new:description:toy:mixed:9") is None
        assert unsaved.discard(actor=ana, item="new:description:toy:mixed:9")
        assert not unsaved.discard(actor=ana, item="new:description:toy:mixed:9")

    def test_too_much_is_refused(self, ana):
        with pytest.raises(Validation):
            unsaved.keep(actor=ana, item="x", content={"title": "x" * 70_000})


def test_evidence_is_the_claims_teams_unless_its_giver_does_not_write_there(claim, ana, alice, lab):
    """By page and by script alike: of a team's own claim nobody else in it could read what is one's own."""
    assert evidence.give(actor=ana, claim=claim, content=WORD).team == lab
    assert evidence.give(actor=alice, claim=claim, content=WORD).team == alice.personal_space
