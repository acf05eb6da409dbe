"""The queue of what awaits somebody's review: whose it is, in which order, what it tells, and that it goes on."""

import pytest

from atlas.dossiers.queue import queue
from atlas.models import Review, Role, Team
from atlas.services import evidence, footholds, reviews, teams
from tests.atlas.web.reading import at_the_desk, faults, read, shown
from tests.claims import DISPUTE, WORD, member, revise

pytestmark = pytest.mark.django_db


def waiting(actor, **narrowed) -> list[str]:
    """The titles that await somebody."""
    return [it.title for it in queue(actor=actor, **narrowed).items]


def test_it_holds_what_is_mine_to_judge_and_nothing_else(describe, ana, bo, cy, curator, lab):
    first, second = describe(title="First"), describe(title="Second")
    describe(title="Draft", draft=True)
    describe(actor=bo, title="Bo's own")
    gone = describe(title="Withdrawn")
    footholds.withdraw(actor=ana, foothold=gone)
    evidence.give(actor=ana, claim=first, team=lab, content=WORD)
    assert waiting(bo) == ["First", "Second"]
    assert waiting(cy) == ["First", "Second", "Bo's own"]
    assert waiting(ana) == []  # who annotates reviews nothing
    reviews.review(actor=bo, foothold=first, version=1, verdict="agree")
    assert waiting(bo) == ["Second"]
    revise(first, ana, title="First, mended")
    assert waiting(bo) == ["First, mended", "Second"]
    for person in (cy, curator):
        reviews.review(actor=person, foothold=second, version=1, verdict="agree")
    assert waiting(bo) == ["First, mended"]  # the other is accepted
    assert waiting(bo, kind="evidence") == ["author's word"]
    assert waiting(bo, checkpoint="nowhere") == waiting(bo, team="nobody") == []


def test_of_other_teams_it_holds_what_is_public(describe, claim, ana, lab, checkpoint):
    other = teams.found(actor=None, slug="other", name="Others", admin=None)
    eve = member("eve", other, Role.REVIEWER)
    content = {"neuron": "mixed:1", "title": "For the team"}
    about = {"kind": "description", "checkpoint": checkpoint, "team": lab, "content": content}
    footholds.create(actor=ana, visibility="team", **about)
    assert waiting(eve) == ["A curve"]
    assert queue(actor=eve).teams == ("other",)


def test_what_is_disputed_comes_first_unless_its_team_reviews_blind(describe, bo, cy, lab):
    describe(title="Calm")
    disputed = describe(title="Disputed")
    reviews.review(actor=bo, foothold=disputed, version=1, **DISPUTE)
    assert waiting(cy) == ["Disputed", "Calm"]
    assert waiting(cy, order="oldest") == ["Calm", "Disputed"]
    Team.objects.filter(pk=lab.pk).update(blind_review=True)
    assert waiting(cy) == ["Calm", "Disputed"]
    desk = at_the_desk(cy)
    page = read(desk, f"/review?at={disputed.accession}")
    told = page.html + desk.get("/review.json").content.decode()
    assert DISPUTE["text"] not in told
    assert "disputes" not in page.text
    assert "stand disputed" not in told
    assert "This team reviews blind" in page.text


def test_a_verdict_leads_on_to_the_next_and_the_last_to_the_end(describe, bo):
    one, two = describe(title="One"), describe(title="Two")
    desk = at_the_desk(bo)
    page = read(desk, "/review")
    assert (faults(page), "2 await you" in page.text, "1 of 2" in page.text) == ([], True, True)
    keys = {one["data-key"]: one["aria-keyshortcuts"] for one in page.elements if one["data-key"] not in ("", "/")}
    assert keys == {key: key for key in ("j", "a", "d", "c")}
    assert "k" in {one["data-key"] for one in read(desk, f"/review?at={two.accession}").elements}
    at = f"/review?at={one.accession}"
    said = {"accession": one.accession, "version": 1}
    answer = desk.post(at, {**said, "verdict": "dispute", "text": "No.", "reason": "wrong"})
    page = shown(answer)
    assert (answer.status_code, faults(page)) == (422, [])
    assert [one.text.strip() for one in page.all("textarea") if one["name"] == "text"] == ["No."]
    answer = desk.post(at, {**said, "verdict": "dispute", "text": DISPUTE["text"], "reason": "wrong"})
    assert answer["Location"] == f"/review?at={two.accession}#claim"
    last = desk.post(f"/review?at={two.accession}", {"accession": two.accession, "version": 1, "verdict": "agree"})
    assert last["Location"] == "/review#claim"
    assert set(Review.objects.values_list("verdict", flat=True)) == {"agree", "dispute"}
    page = read(desk, "/review")
    assert "Nothing awaits your review" in page.text
    assert "What else helps" in page.text
    assert "takes no verdict" not in page.text


def test_a_verdict_on_what_has_changed_since_is_not_lost(claim, ana, bo):
    revise(claim, ana, title="Another")
    desk, said = at_the_desk(bo), {"accession": claim.accession, "version": 1, "verdict": "agree", "text": "So it is."}
    answer = desk.post(f"/review?at={claim.accession}", said)
    assert (answer.status_code, "So it is." in answer.content.decode()) == (422, True)


def test_why_it_is_disputed_lists_what_counts_before_what_does_not(claim, ana, bo, cy):
    reviews.review(actor=bo, foothold=claim, version=1, verdict="agree")
    reviews.review(actor=bo, foothold=claim, version=1, **DISPUTE)
    page = read(at_the_desk(cy), f"/review?at={claim.accession}")
    assert (faults(page), "Why it is disputed" in page.text) == ([], True)
    counted, idle = [one.text for one in page.all("ul") if one["class"] == "verdicts"]
    assert ("it is wrong" in counted, DISPUTE["text"] in counted) == (True, True)
    assert "Superseded by a later one, or taken back." in idle


@pytest.mark.parametrize("query", ["order=newest", "at=D000000000"])
def test_what_there_is_none_of_is_refused(claim, bo, query):
    assert at_the_desk(bo).get(f"/review?{query}").status_code in (400, 404)


def test_the_queue_costs_a_fixed_number_of_queries(describe, bo, django_assert_num_queries):
    describe()
    queue(actor=bo)  # who they are is known from here on
    with django_assert_num_queries(7):
        queue(actor=bo)
    for number in range(4):
        describe(title=f"Number {number}", neuron=f"mixed:{number}")
    with django_assert_num_queries(7):
        queue(actor=bo)
