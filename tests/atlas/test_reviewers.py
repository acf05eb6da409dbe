"""Agreement of reviewers out of the record: of the verdicts that count for it the same as by hand, and of no others."""

import pytest

from atlas.dossiers import agreement as dossiers
from atlas.models import Role, Team
from atlas.services import footholds, reviews, terms
from tests.claims import DISPUTE, member, revise

pytestmark = pytest.mark.django_db
AGREE = {"verdict": "agree"}


@pytest.fixture
def judged(describe, bo, cy):
    """Four claims: both agree on two, both dispute one, and differ on the last; and one that bo alone judged."""
    claims = [describe(neuron=f"mixed:{channel}", title=f"Claim {channel}") for channel in range(5)]
    for claim, (first, second) in zip(
        claims, [(AGREE, AGREE)] * 2 + [(DISPUTE, DISPUTE), (AGREE, DISPUTE)], strict=False
    ):
        reviews.review(actor=bo, foothold=claim, version=1, **first)
        reviews.review(actor=cy, foothold=claim, version=1, **second)
    reviews.review(actor=bo, foothold=claims[4], version=1, **AGREE)
    return claims


def test_by_hand(judged):
    """Observed 3/4; bo agrees on 3/4, cy on 2/4: chance 3/8 + 1/8 = 1/2, so that κ is 1/2.

    α: of 8 verdicts 5 agree and 3 dispute; expected disagreement 2·5·3/(8·7) = 30/56, observed 2/8: 1 − 14/30.
    """
    found = dossiers.of_checkpoint("toy", actor=None)
    assert (found.raw.value, found.raw.items, found.raw.verdicts) == (0.75, 4, 8)
    assert found.alpha.value == pytest.approx(1 - 14 / 30)
    [pair] = found.pairs
    assert (pair.first, pair.second, pair.kappa.items) == ("bo", "cy", 4)
    assert pair.kappa.value == pytest.approx(0.5)
    assert pair.kappa.interval[0] < 0.5 < pair.kappa.interval[1]


def test_the_first_verdict_counts_and_a_version_is_an_item(judged, bo, ana):
    reviews.review(actor=bo, foothold=judged[3], version=1, **DISPUTE)
    assert dossiers.of_checkpoint("toy", actor=None).raw.value == 0.75
    revise(judged[3], ana, title="Another")
    reviews.review(actor=bo, foothold=judged[3], version=2, **DISPUTE)
    assert dossiers.of_checkpoint("toy", actor=None).raw.items == 4


def test_of_a_layer_and_of_a_term(judged, ana, bo, cy):
    assert dossiers.of_checkpoint("toy", actor=None, layer="edges").raw.value is None
    assert dossiers.of_checkpoint("toy", actor=None, layer="mixed").raw.items == 4
    terms.create(actor=ana, slug="curve", label="curve")
    revise(judged[0], ana, terms=[{"term": "curve", "polarity": "detects"}])
    for person in (bo, cy):
        reviews.review(actor=person, foothold=judged[0], version=2, **AGREE)
    found = dossiers.of_checkpoint("toy", actor=None, term="curve")
    assert (found.raw.items, found.alpha.value) == (2, None)
    assert "Only one verdict" in found.alpha.reason


def test_what_is_hidden_from_somebody_is_left_out(judged, lab, bo, cy, operator):
    Team.objects.filter(pk=lab.pk).update(blind_review=True)
    late = member("late", lab, Role.REVIEWER)
    decided = dossiers.of_checkpoint("toy", actor=late).raw.items
    assert (decided, dossiers.of_checkpoint("toy", actor=operator).raw.items) == (2, 4)
    assert dossiers.of_checkpoint("toy", actor=None, blind=True).raw.items == 0


def test_what_one_may_not_read_is_left_out(judged, curator):
    footholds.retract(actor=curator, foothold=judged[0], reason="Made up.")
    assert dossiers.of_checkpoint("toy", actor=None).raw.items == 4
    type(judged[0]).objects.update(visibility="team")
    assert dossiers.of_checkpoint("toy", actor=None).raw.value is None


def test_its_page(judged, client):
    page = client.get("/agreement?checkpoint=toy&blind=on")
    assert page.status_code == 200
    assert "No item was judged by two people." in page.content.decode()
    assert "Cohen’s κ of bo and cy" in client.get("/agreement?checkpoint=toy").content.decode()
    assert client.get("/agreement?checkpoint=nowhere").status_code == 404
