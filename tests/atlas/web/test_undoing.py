"""Whatever is done about a claim is taken back by a button in its notice; or it says before that it is not."""

from itertools import takewhile

import pytest

from atlas.models import Comment, Foothold, Review
from atlas.services import comments, footholds, reviews
from tests.atlas.web.reading import at_the_desk, read, shown
from tests.claims import DISPUTE

pytestmark = pytest.mark.django_db


def did(desk, address, given=()):
    """What is on the page to which it leads."""
    return shown(desk.post(address, dict(given), follow=True))


def undo(desk, page):
    """Press the button of the notice; it needs no script, and the keyboard reaches it as any button."""
    [form] = [one for one in page.all("form") if "undo" in one["class"]]
    inside = page.elements[page.elements.index(form) + 1 :]
    hidden = list(takewhile(lambda one: one.tag == "input", inside))
    assert inside[len(hidden)].tag == "button"
    assert "Undo" in form.text
    return did(desk, form["action"], {one["name"]: one["value"] for one in hidden})


def standing(claim) -> tuple[str, str]:
    """Its standing and who reads it."""
    claim.refresh_from_db()
    return claim.standing, claim.visibility


def verdicts(claim) -> list[tuple[str, str]]:
    """The verdicts that stand."""
    return list(Review.objects.filter(foothold=claim, superseded_at=None).values_list("verdict", "text"))


def test_a_first_verdict_is_taken_back(claim, bo):
    desk, address = at_the_desk(bo), f"/f/{claim.accession}"
    page = undo(desk, did(desk, f"{address}/review", {"version": 1, **DISPUTE}))
    claim.refresh_from_db()
    assert (verdicts(claim), claim.state, Review.objects.count()) == ([], "proposed", 1)
    assert "Your verdict is taken back" in page.text
    undo(desk, page)
    assert [verdict for verdict, _ in verdicts(claim)] == ["dispute"]


def test_a_changed_verdict_is_as_it_was_with_its_words(claim, bo):
    reviews.review(actor=bo, foothold=claim, version=1, **DISPUTE)
    desk = at_the_desk(bo)
    undo(desk, did(desk, "/review", {"accession": claim.accession, "version": 1, "verdict": "agree"}))
    assert verdicts(claim) == [("dispute", DISPUTE["text"])]


def test_a_verdict_is_taken_back_from_the_page_of_its_claim_later_too(claim, bo):
    desk, address = at_the_desk(bo), f"/f/{claim.accession}"
    assert "Take my verdict back" not in read(desk, address).text
    reviews.review(actor=bo, foothold=claim, version=1, verdict="agree")
    assert "Take my verdict back" in read(desk, address).text
    did(desk, f"{address}/recant")
    did(desk, f"{address}/recant")
    assert verdicts(claim) == []


@pytest.mark.parametrize("draft", [True, False])
def test_what_was_withdrawn_stands_as_it_stood(draft, describe, ana):
    claim, desk = describe(draft=draft), at_the_desk(ana)
    before = standing(claim)
    page = did(desk, f"/f/{claim.accession}/withdraw", {"reason": "I was wrong."})
    assert standing(claim)[0] == "withdrawn"
    assert "Let it stand again" in page.text
    undo(desk, page)
    assert (standing(claim), claim.standing_reason) == (before, "")


def test_nobody_but_its_author_brings_it_back_and_what_stands_is_not_brought_back(claim, ana, curator):
    desk, address = at_the_desk(ana), f"/f/{claim.accession}/reinstate"
    assert desk.post(address).status_code == 422
    footholds.withdraw(actor=ana, foothold=claim)
    assert at_the_desk(curator).post(address).status_code == 403
    footholds.retract(actor=curator, foothold=claim, reason="Made up.")
    assert desk.post(address).status_code == 422
    assert standing(claim)[0] == "retracted"


def test_a_comment_is_taken_back_put_back_and_said_as_it_was(claim, bo, operator):
    desk, address = at_the_desk(bo), f"/f/{claim.accession}/comments"
    page = undo(desk, did(desk, address, {"body": "So it is, @ana.", "version": "1"}))
    one = Comment.objects.get()
    assert one.removed_at
    undo(desk, page)
    tag = f"{claim.accession}.c1.1"
    undo(desk, did(desk, f"{address}/1/edit", {"body": "So it is\nnot.", "version_tag": tag}))
    moderator = at_the_desk(operator)
    undo(moderator, did(moderator, f"{address}/1/moderate", {"to": "hidden", "body": "Rude."}))
    one.refresh_from_db()
    assert (one.removed_at, one.head_version, one.moderation) == (None, 3, "visible")
    assert one.versions.get(version=3).body == one.versions.get(version=1).body


def test_a_comment_that_its_author_removed_is_put_back_later_too(claim, bo, ana):
    said = comments.write(actor=bo, foothold=claim, body="First.")
    comments.remove(actor=bo, comment=said)
    at = f"/f/{claim.accession}/comments/1/put-back"
    assert [at in read(at_the_desk(who), f"/f/{claim.accession}").html for who in (bo, ana)] == [True, False]


def test_what_is_not_taken_back_says_so_before(claim, ana, bo, curator, describe):
    """Proposing, deciding, merging, retracting and publishing; a moderator's word is."""
    reviews.review(actor=bo, foothold=claim, version=1, **DISPUTE)
    Foothold.objects.filter(pk=claim.pk).update(visibility="team")
    page = read(at_the_desk(curator), f"/f/{claim.accession}").text
    assert page.count("It is not taken back") == 3
    assert "It does not go back" in page
    draft = describe(draft=True)
    assert "it does not become a draft again" in read(at_the_desk(ana), f"/f/{draft.accession}").text
