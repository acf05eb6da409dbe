"""What is looked up once: by a page as if it had asked each time, by processes until their code is another."""

from itertools import product

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from atlas import belonging, permissions
from atlas.belonging import Credential
from atlas.dossiers.checkpoints import layers
from atlas.models import Checkpoint, Foothold, Job, Membership, Role, Team
from atlas.remembering import is_remembering, once, remembering
from atlas.services import footholds, tallies
from tests.claims import member

pytestmark = pytest.mark.django_db
FILTERS = {
    Checkpoint: permissions.readable,
    Foothold: permissions.readable_footholds,
    Job: permissions.readable_jobs,
    Team: lambda actor: permissions.Q(pk__in=belonging.teams_of(actor) if actor else ()),
}


@pytest.fixture
def everybody(lab, ana, bo, curator, operator, bob):
    """People with every role and none, a token of the whole and one of another team."""
    admin, reader = member("ada", lab, Role.ADMIN), member("ron", lab, Role.READER)
    bounded, elsewhere = (member(handle, lab, Role.CURATOR) for handle in ("tim", "tom"))
    bounded.credential = Credential(frozenset({"read"}), lab.pk)
    elsewhere.credential = Credential(frozenset({"read"}), Team.objects.get(person=elsewhere).pk)
    return [None, ana, bo, curator, operator, bob, admin, reader, bounded, elsewhere]


@pytest.fixture
def claims(checkpoint, describe, lab, ana, curator, operator, bo):
    """Claims that some may read and others not, on a checkpoint of everybody's and on one of the lab's own."""
    made = [describe(neuron=f"mixed:{n}", title=f"Claim {n}", draft=n % 2 == 0) for n in range(4)]
    footholds.moderate(actor=operator, foothold=made[1], to="hidden", reason="Not here.")
    mine = Team.objects.get(person=bo)
    for team, visibility in product((lab, mine), ("public", "team")):
        content = {"neuron": "mixed:7", "title": f"Of {team.slug}, {visibility}"}
        footholds.create(actor=bo, kind="description", checkpoint=checkpoint, team=team, content=content,
                         visibility=visibility)  # fmt: skip
    return made


@pytest.mark.parametrize("visibility", ["public", "team"])
def test_who_may_read_what_is_the_same(everybody, claims, checkpoint, lab, visibility):
    Checkpoint.objects.filter(pk=checkpoint.pk).update(visibility=visibility, team=lab)
    told = set()
    for actor, (model, rule) in product(everybody, FILTERS.items()):
        asked = set(model.objects.filter(rule(actor)).values_list("pk", flat=True))
        with remembering():
            assert set(model.objects.filter(rule(actor)).values_list("pk", flat=True)) == asked
        told.add((model, frozenset(asked)))
    assert len(told) > 8  # they differ


def test_memberships_are_looked_up_once(ana, lab, django_assert_num_queries):
    with remembering(), django_assert_num_queries(1):
        assert belonging.role_in(ana, lab.pk) == Role.ANNOTATOR
        assert belonging.belongs(ana, Role.ANNOTATOR)
        assert lab.pk in belonging.teams_of(ana)
        assert belonging.reviewing(ana) == []


def test_nothing_is_remembered_where_something_may_be_written(ana, lab):
    assert belonging.role_in(ana, lab.pk) == Role.ANNOTATOR
    rows = Team.objects.filter(pk__in=belonging.teams_of(ana, Role.CURATOR))
    Membership.objects.filter(contributor=ana, team=lab).update(role=Role.CURATOR)
    assert belonging.role_in(ana, lab.pk) == Role.CURATOR
    assert lab in rows  # a query that was kept means the memberships of when it is asked


def test_it_is_forgotten():
    numbers = iter(range(9))
    with remembering():
        assert [once("what", lambda: next(numbers)) for _ in range(2)] == [0, 0]
        with pytest.raises(ZeroDivisionError):
            once("fails", lambda: 1 // 0)
        assert once("fails", lambda: 3) == 3
    assert not is_remembering()
    assert [once("what", lambda: next(numbers)) for _ in range(2)] == [1, 2]


def test_only_requests_that_read_remember(ana, claim):
    """From one page to the next nothing stays, and a form that is sent asks each time."""

    def looked_up(request):
        with CaptureQueriesContext(connection) as asked:
            assert request().status_code in (200, 302)
        return sum('FROM "atlas_membership"' in query["sql"] and "person_id" in query["sql"] for query in asked)

    client, page = Client(), f"/f/{claim.accession}"
    client.force_login(ana.login)
    assert looked_up(lambda: client.get(page)) == looked_up(lambda: client.get(page)) == 1
    assert looked_up(lambda: client.post(f"{page}/comments", {"body": "See seed 3."})) > 1
    Foothold.objects.filter(pk=claim.pk).update(moderation="removed")
    assert Client().get(page).status_code == 410


def test_layers_are_kept_and_what_was_computed_of_them_is_not(checkpoint, alice, ask_for, answer_jobs):
    """The second time it is one query, and knows the neuron that was answered meanwhile."""
    before = layers(checkpoint)
    ask_for(checkpoint, alice, "edges:0")
    answer_jobs()
    with CaptureQueriesContext(connection) as asked:
        after = layers(checkpoint)
    assert len(asked) == 1
    assert [it.answered for it in before] == [0] * len(before)
    assert {it.key: it.answered for it in after if it.answered} == {"edges": 1}
    assert [it.aliases for it in after] == [it.aliases for it in before]


def test_other_code_remembers_apart(tmp_path):
    """Its dataclasses may have other fields than those that were kept."""
    (tmp_path / "deep").mkdir()
    file = tmp_path / "deep" / "facts.py"
    stamps = []
    for text in ("one = 1", "one = 2", "one = 1"):
        file.write_text(text)
        tallies.stamp.cache_clear()
        stamps.append(tallies.stamp(tmp_path))
    assert stamps[0] == stamps[2] != stamps[1]
