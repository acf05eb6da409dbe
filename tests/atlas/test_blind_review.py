"""A team that reviews blind: nobody is told what others think before they have said what they think themselves."""

import pytest
from django.core.management import call_command
from django.test import Client

from atlas.dossiers import changes, search
from atlas.dossiers import footholds as dossiers
from atlas.errors import PersonalSpace, Validation
from atlas.models import ChangeSet, Role, Team
from atlas.services import footholds, reviews, teams, tokens
from tests.claims import DISPUTE, member, revise

pytestmark = pytest.mark.django_db


@pytest.fixture
def disputed(claim, bo, lab):
    """A claim of a team that reviews blind, which Bo disputes."""
    Team.objects.filter(pk=lab.pk).update(blind_review=True)
    claim.refresh_from_db()
    reviews.review(actor=bo, foothold=claim, version=1, **DISPUTE)
    return claim


def seen(claim, actor):
    """(state, disputes that are told, verdicts that are shown)."""
    found = dossiers.foothold(claim.accession, actor=actor)
    return found.foothold.state, found.judgement.disputes, len(found.reviews)


def test_who_has_not_spoken_is_told_nothing(disputed, cy, bo, ana, operator):
    assert seen(disputed, cy) == seen(disputed, None) == ("proposed", 0, 0)
    assert seen(disputed, bo) == seen(disputed, ana) == seen(disputed, operator) == ("disputed", 1, 1)
    assert list(dossiers.readable_by(cy, state="disputed")) == []
    assert [it.state for it in dossiers.listed(dossiers.readable_by(cy, state="proposed"), actor=cy)] == ["proposed"]
    assert [it.state for it in dossiers.listed(dossiers.readable_by(bo, state="disputed"), actor=bo)] == ["disputed"]
    assert list(dossiers.readable_by(bo, state="proposed")) == []


def test_who_speaks_is_told_and_their_word_is_kept_as_blind(disputed, cy):
    reviews.review(actor=cy, foothold=disputed, version=1, verdict="agree")
    assert seen(disputed, cy) == ("disputed", 1, 2)
    assert disputed.reviews.get(reviewer=cy).blind


def test_no_door_tells(disputed, cy):
    """The list, the reviews, the neuron and the feed, with and without signing in."""
    stranger, reviewer = Client(), Client()
    reviewer.force_login(cy.login)
    addresses = ("footholds", f"footholds/{disputed.accession}", f"footholds/{disputed.accession}/reviews",
                 "checkpoints/toy/layers/mixed/neurons/9/footholds", "footholds?state=disputed", "changes")  # fmt: skip
    for client in (stranger, reviewer):
        for address in addresses:
            told = client.get(f"/api/v1/{address}").content.decode()
            assert '"disputed"' not in told.replace('"disputes"', ""), address
            assert '"dispute"' not in told, address
            assert DISPUTE["text"] not in told, address


def test_no_flag_tells_that_somebody_has_spoken(disputed, ana, cy):
    """Nor that they have on an older text: not on the page, in the list, or by asking for the flag."""
    revise(disputed, ana, title="A bow")
    for actor, told in ((cy, []), (None, []), (ana, ["stale-reviews"])):
        assert dossiers.foothold(disputed.accession, actor=actor).foothold.flags == told
        assert [row.flags for row in dossiers.listed(dossiers.readable_by(actor), actor=actor)] == [told]
        assert dossiers.readable_by(actor, flag="stale-reviews").count() == len(told)
        assert len(search.find("flag:stale-reviews", actor=actor, limit=5).dossier.items) == len(told)


def test_the_feed_does_not_tell_that_the_state_has_changed(disputed, bo, cy, curator, operator, lab):
    """Who follows it learns that it was made and of a decision only; the operator of every step."""

    def steps(actor):
        rows = changes.readable_by(actor).filter(table="foothold", kind="update").order_by("number")
        return [row.changed for row in rows][1:]

    for actor in (None, cy, bo, curator):
        assert steps(actor) == []
    assert steps(operator) == ["state"]
    for name in ("di", "ed", "flo"):
        reviews.review(actor=member(name, lab, Role.REVIEWER), foothold=disputed, version=1, verdict="agree")
    assert steps(None) == steps(curator) == ["state"]


def test_once_it_is_decided_everybody_is_told(disputed, lab):
    for name in ("di", "ed", "flo"):
        reviews.review(actor=member(name, lab, Role.REVIEWER), foothold=disputed, version=1, verdict="agree")
    assert seen(disputed, None) == ("accepted", 1, 4)


def test_the_nightly_check_names_what_breaks_a_rule(disputed, ana, capsys):
    """Nothing does, until what a claim says is judged by what there is today."""
    call_command("check_rules")
    assert capsys.readouterr().out == ""
    family = footholds.create(
        actor=ana, kind="collection", checkpoint=disputed.checkpoint, team=disputed.team,
        content={"title": "Curves", "form": "family", "items": [{"unit": "mixed:1"}]},
    )  # fmt: skip
    content = footholds.revision(disputed, 1).content | {"claims": {"family": family.accession}}
    footholds.revise(actor=ana, foothold=disputed, content=content, based_on=1)
    call_command("check_rules")
    detail = f"{family.accession} does not list mixed:9."
    assert capsys.readouterr().out == f"{disputed.version_tag} FH0011 warning /content/claims/family {detail}\n"


def test_it_is_switched_on_and_off_at_once_at_both_doors(claim, bo, cy, lab):
    """What anybody could read a moment ago is not told any more, and is told again; every switch is in the feed."""
    reviews.review(actor=bo, foothold=claim, version=1, **DISPUTE)
    assert seen(claim, cy) == seen(claim, None) == ("disputed", 1, 1)
    admin, page = member("ada", lab, Role.ADMIN), Client()
    page.force_login(admin.login)
    shown = tokens.create(owner=admin.login, name="script", scopes=["admin"])[1]
    script = {"Authorization": f"Bearer {shown}", "If-Match": f'"{lab.version_tag}"'}
    answer = Client().patch(
        "/api/v1/teams/lab", {"blind_review": True, "name": "Lab"}, "application/json", headers=script
    )
    assert (answer.status_code, answer.json()["blind_review"], answer.json()["name"]) == (200, True, "Lab")
    assert seen(claim, cy) == seen(claim, None) == ("proposed", 0, 0)
    assert "This team reviews blind" in page.get("/teams/lab").content.decode()
    tag = answer.json()["version_tag"]
    assert page.post("/teams/lab/review", {"version_tag": "lab.0"}).status_code == 422
    assert page.post("/teams/lab/review", {"version_tag": tag}).status_code == 302
    assert seen(claim, cy) == seen(claim, None) == ("disputed", 1, 1)
    assert "This team reviews blind" not in page.get("/teams/lab").content.decode()
    assert ChangeSet.objects.filter(verb="team.set-review").count() == 2


def test_of_two_edits_at_once_neither_is_done_halfway(lab, bo):
    """A name that cannot be leaves the review as it is; and nobody reviews in a personal space."""
    admin = member("ada", lab, Role.ADMIN)
    with pytest.raises(Validation):
        teams.edit(actor=admin, team=lab, based_on=lab.version_tag, name="\u202ex", blind_review=True)
    assert not Team.objects.get(pk=lab.pk).blind_review
    own = Team.objects.get(person=bo)
    with pytest.raises(PersonalSpace):
        teams.set_review(actor=bo, team=own, blind_review=True, based_on=own.version_tag)


def test_who_takes_a_verdict_back_has_seen_the_others(disputed, cy):
    """They are hidden again until there is another one, which is not blind any more."""
    reviews.review(actor=cy, foothold=disputed, version=1, verdict="agree")
    reviews.recant(actor=cy, foothold=disputed)
    assert seen(disputed, cy) == ("proposed", 0, 1)
    reviews.review(actor=cy, foothold=disputed, version=1, verdict="agree")
    assert [it.blind for it in disputed.reviews.filter(reviewer=cy).order_by("id")] == [True, False]
