"""People: a login may go, the contributor stays; a one-time password is good for choosing one's own."""

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import ProtectedError
from django.test import Client

from atlas.belonging import Credential
from atlas.errors import Forbidden, LastOperator, NoSuchPerson, SessionRequired, Validation
from atlas.models import Change, ChangeSet, Contributor, ImportRow, Membership, Role, Team, Token, User
from atlas.permissions import is_operator
from atlas.services import answers, footholds, imports, people, teams, tokens, unsaved
from tests.claims import WORD, member
from tests.importing import described, jsonl, stage

pytestmark = pytest.mark.django_db


def test_joining_makes_a_contributor_a_login_and_a_personal_space(user, alice):
    assert alice.citation_name == "Alice Liddell"
    assert user.check_password("correct horse battery")
    assert Team.objects.get(person=alice).memberships.get().get_role_display() == "admin"
    assert ChangeSet.objects.get(verb="person.join").actor == alice


def test_erasing_the_login_leaves_the_contributor(user, alice):
    user.delete()
    assert Contributor.objects.filter(pk=alice.pk).exists()
    assert Membership.objects.filter(contributor=alice).exists()


def test_a_contributor_with_a_trace_cannot_be_deleted(alice):
    with pytest.raises(ProtectedError), transaction.atomic():
        alice.delete()


def test_the_operator_is_made_once_and_has_a_one_time_password_until_they_choose_one():
    operator, first = people.operator_with_password()
    assert is_operator(operator.contributor)
    again, second = people.operator_with_password()
    assert again == operator
    assert first != second
    assert User.objects.get().check_password(second)
    again.refresh_from_db()
    assert again.password_is_temporary
    people.choose_password(again, "a password of my own")
    assert people.operator_with_password() == (again, None)


def test_an_inactive_operator_operates_nothing(operator):
    operator.login.is_active = False
    assert not is_operator(operator)
    assert not is_operator(None)


SIGNING_UP = {
    "username": "carol",
    "password": "correct horse battery",
    "citation_name": "Carol Danvers",
    "email": "carol@example.org",
    "agreed": True,
}


def test_who_signs_up_agrees_to_the_licence_and_when_is_kept():
    user = people.sign_up(**SIGNING_UP)
    assert user.licence_agreed_at
    assert user.contributor.citation_name == "Carol Danvers"


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"username": "Carol"}, "/username"),
        ({"username": "c"}, "/username"),
        ({"username": "carol\n"}, "/username"),
        ({"username": "alice"}, "/username"),
        ({"username": "former-12345678"}, "/username"),
        ({"password": "short"}, "/password"),
        ({"password": "password1234"}, "/password"),
        ({"email": "nobody"}, "/email"),
        ({"email": "ALICE@example.org"}, "/email"),
        ({"citation_name": " "}, "/citation_name"),
        ({"agreed": False}, "/agreed"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_sign_up_is_said_by_its_field(user, given, pointer):
    User.objects.update(email="alice@example.org")
    with pytest.raises(Validation) as caught:
        people.sign_up(**{**SIGNING_UP, **given})
    assert {error["pointer"] for error in caught.value.errors} == {pointer}
    assert User.objects.count() == 1


def test_everything_wrong_with_a_sign_up_is_said_at_once():
    with pytest.raises(Validation) as caught:
        people.sign_up(username="", password="", citation_name="", email="", agreed=False)
    assert len({error["pointer"] for error in caught.value.errors}) == 5


def test_a_deactivated_person_opens_nothing_and_loses_nothing(client, user, alice, operator):
    client.force_login(user)
    people.deactivate(actor=operator, user=user)
    assert not client.get("/").wsgi_request.user.is_authenticated
    assert not client.login(username="alice", password="correct horse battery")
    assert Contributor.objects.get(pk=alice.pk).citation_name == "Alice Liddell"
    people.reactivate(actor=operator, user=user)
    assert client.login(username="alice", password="correct horse battery")


def test_only_the_operator_deactivates(user, bob):
    with pytest.raises(Forbidden):
        people.deactivate(actor=bob, user=user)


def test_an_erased_person_goes_on_under_one_pseudonym(user, alice, bob):
    team = teams.found(actor=None, slug="curves", name="Curves", admin=bob)
    Membership.objects.create(team=team, contributor=alice, role=Role.REVIEWER)
    tokens.create(owner=user, name="notebook", scopes=["read"])
    kept = answers.begin(actor=alice, key="k", route="POST /api/v1/teams", body_sha256="0" * 64)
    answers.complete(kept, status=201, body={"handle": "alice", "citation_name": "Alice Liddell"}, headers={})
    unsaved.keep(actor=alice, item="new:description", content={"body": "As Alice Liddell typed it."})
    stage(b'{"external_id": "Alice Liddell"}', actor=alice, team=alice.personal_space)
    traces, acts = Change.objects.count(), ChangeSet.objects.filter(actor=alice).count()
    person = people.erase(actor=alice, user=user)
    assert person == alice
    assert person.handle.startswith("former-")
    assert person.handle.removeprefix("former-") in person.citation_name
    assert (Team.objects.get(person=person).slug, Team.objects.get(person=person).name) == (
        person.handle,
        person.citation_name,
    )
    assert not User.objects.filter(contributor=person).exists()
    assert not Token.objects.exists()
    assert not ImportRow.objects.exists()
    assert Membership.objects.filter(contributor=person).count() == 1  # of the personal space
    assert ChangeSet.objects.filter(actor=person).count() == acts
    assert Change.objects.count() > traces
    everything = str([list(model._default_manager.values()) for model in apps.get_models()])
    assert "liddell" not in everything.lower()
    assert "alice" not in everything.lower()


def test_nothing_that_was_said_or_asked_about_their_claims_names_who_was_erased(checkpoint, lab, bo):
    """In no table, and not in the answers that are kept for others: they go on being given, under the pseudonym."""
    zoe = member("zebedee", lab, Role.ANNOTATOR)
    for name in ("Zebedee Quux", "Zebedee Quux-Baz"):
        people.introduce(zoe.login, citation_name=name, orcid="")
        content = {"neuron": "mixed:9", "title": f"A curve {len(name)}"}
        claim = footholds.create(actor=zoe, kind="description", checkpoint=checkpoint, team=lab, content=content)
    batch = stage(jsonl([described(1)]), actor=zoe, team=zoe.personal_space, checkpoint=checkpoint)
    imports.commit(actor=zoe, batch=imports.judge(actor=zoe, batch=batch))
    script = Client(headers={"Authorization": f"Bearer {tokens.create(owner=bo.login, name='s', scopes=['write'])[1]}"})
    asked = {
        "evidence": {"content": WORD},
        "comments": {"body": "@zebedee, look; as /u/zebedee-x does."},
    }

    def ask():
        there = f"/api/v1/footholds/{claim.accession}"
        headers = {"Idempotency-Key": "k1"}, {"Idempotency-Key": "k2"}
        pairs = zip(asked.items(), headers, strict=True)
        return [script.post(f"{there}/{at}", body, "application/json", headers=key) for (at, body), key in pairs]

    before = ask()
    assert [answer.status_code for answer in before] == [201, 201]
    assert "Zebedee Quux-Baz" in before[0].content.decode()
    person = people.erase(actor=None, user=zoe.login)
    after = ask()
    assert [answer["Idempotent-Replay"] for answer in after] == ["true", "true"]
    assert after[0].json()["authors"][0] | {"of": 0, "characters": 0} == {
        "handle": person.handle, "name": person.citation_name, "orcid": "", "url": f"/u/{person.handle}",
        "erased": True, "characters": 0, "of": 0, "since": 1,
    }  # fmt: skip
    assert after[1].json()["body"] == f"@{person.handle}, look; as /u/zebedee-x does."
    everything = str([list(model._default_manager.values()) for model in apps.get_models()])
    assert "quux" not in everything.lower()
    assert "zebedee" not in everything.lower().replace("/u/zebedee-x", "")


def test_only_oneself_or_the_operator_erases_and_not_by_a_token(user, alice, bob):
    with pytest.raises(Forbidden):
        people.erase(actor=bob, user=user)
    alice.credential = Credential(frozenset(["admin", "write"]), None)
    with pytest.raises(SessionRequired):
        people.erase(actor=alice, user=user)


@pytest.mark.parametrize(
    "deed",
    [
        lambda login: people.deactivate(actor=None, user=login),
        lambda login: people.erase(actor=None, user=login),
        lambda login: people.set_instance_role(user=login, role=""),
    ],
    ids=["deactivated", "erased", "demoted"],
)
def test_the_last_operator_stays(operator, deed):
    with pytest.raises(LastOperator):
        deed(operator.login)
    assert is_operator(Contributor.objects.get(pk=operator.pk))


def test_nobody_is_found_by_a_wrong_name():
    with pytest.raises(NoSuchPerson):
        people.find("nobody")
