"""Who argues about claims in tests: a team with somebody in each role, and the claims they make."""

import pytest

from atlas.models import Contributor, Membership, Role
from atlas.services import comments, evidence, footholds, people, reviews, teams, terms

DISPUTE = {"verdict": "dispute", "reason": "wrong", "text": "It also fires for straight lines, see seed 3."}
WORD = {"method": "AU", "interpretation": "I looked at two hundred of its strongest examples."}
PREDICTION = {"probe": "feature-visualization", "number": "/pictures/0/maximum", "least": 1.0}
RATIONALE = "Seed 3 was made before the padding was mended; the newer ones show no lines."


def member(handle, team, role):
    """Somebody with a role in a team."""
    person = people.join(username=handle, password="correct horse battery").contributor
    Membership.objects.create(team=team, contributor=person, role=role)
    return Contributor.objects.get(pk=person.pk)


@pytest.fixture
def lab(db):
    return teams.found(actor=None, slug="lab", name="The lab", admin=None)


@pytest.fixture
def ana(lab):
    return member("ana", lab, Role.ANNOTATOR)


@pytest.fixture
def bo(lab):
    return member("bo", lab, Role.REVIEWER)


@pytest.fixture
def cy(lab):
    return member("cy", lab, Role.REVIEWER)


@pytest.fixture
def curator(lab):
    return member("cleo", lab, Role.CURATOR)


@pytest.fixture
def describe(checkpoint, lab, ana):
    """Makes descriptions of a neuron of `toy`."""

    def made(*, actor=ana, neuron="mixed:9", title="A curve", draft=False, **more):
        content = {"neuron": neuron, "title": title, **more}
        return footholds.create(
            actor=actor, kind="description", checkpoint=checkpoint, team=lab, content=content, draft=draft
        )

    return made


@pytest.fixture
def claim(describe):
    return describe()


@pytest.fixture
def argued(claim, ana, bo, curator, operator, lab):
    """A claim about which everything has happened that can: evidence, a term, a dispute, its end, a moderator."""
    terms.create(actor=ana, slug="curve", label="curve")
    evidence.give(actor=ana, claim=claim, team=lab, content=WORD)
    revise(claim, ana, terms=[{"term": "curve", "polarity": "detects"}])
    reviews.review(actor=bo, foothold=claim, version=2, **DISPUTE)
    reviews.resolve(actor=curator, foothold=claim, outcome="upheld", rationale=RATIONALE)
    footholds.moderate(actor=operator, foothold=claim, to="visible", reason="Reviewed, and kept.")
    said = comments.write(actor=bo, foothold=claim, body="@ana, look at seed 3.")
    comments.moderate(actor=operator, comment=said, to="visible", reason="Reviewed, and kept.")
    return claim


def revise(claim, actor, based_on=None, **fields):
    """A revision of a claim that changes some of its fields."""
    based_on = based_on or claim.head_version
    content = footholds.revision(claim, based_on).content | fields
    return footholds.revise(actor=actor, foothold=claim, content=content, based_on=based_on)
