"""The operator's day: each command does one deed, and refuses in one sentence."""

import io

import pytest
from django.core.management import CommandError, call_command

from atlas.models import Contributor, Role, Token
from atlas.services import teams, tokens

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    """What a command prints."""
    out = io.StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


@pytest.fixture
def team(alice):
    return teams.found(actor=None, slug="curves", name="Curves", admin=alice)


def test_create_token_prints_the_token_alone(user):
    said = run("create_token", "alice", "--scopes", "read,write")
    assert tokens.recognise(said.strip()).scopes == ["read", "write"]
    assert said == said.strip() + "\n"


def test_revoke_token_takes_it_whole_or_by_its_prefix(user):
    for form in (lambda shown: shown, lambda shown: shown.split("_")[1]):
        shown = run("create_token", "alice").strip()
        assert "is revoked" in run("revoke_token", form(shown))
        assert Token.objects.first().revoked_at


def test_found_team_names_its_first_admin(alice):
    assert (
        run("found_team", "curves", "The curves", "--admin", "alice") == "curves is founded, and alice is its admin\n"
    )
    assert teams.find("curves", actor=alice).memberships.get().role == Role.ADMIN


def test_invite_prints_what_brings_somebody_in(team, bob):
    shown = run("invite", "--team", "curves", "--role", "curator").strip()
    assert teams.accept(actor=bob, shown=shown).role == Role.CURATOR


def test_set_role_in_a_team_and_in_the_service(team, user, bob):
    from atlas.models import Membership, User

    Membership.objects.create(team=team, contributor=bob, role=Role.READER)
    assert run("set_role", "bob", "admin", "--team", "curves") == "bob is admin in curves\n"
    assert run("set_role", "bob", "operator") == "bob is operator of the service\n"
    assert User.objects.get(username="bob").is_operator
    run("set_role", "alice", "operator")
    run("set_role", "bob", "none")
    assert not User.objects.get(username="bob").is_operator


def test_add_person_lets_somebody_in_once(client):
    said = run("add_person", "carol", "--name", "Carol Danvers", "--email", "carol@example.org")
    assert client.login(username="carol", password=said.split()[-1])
    assert client.get("/").headers["Location"].startswith("/accounts/password")
    assert Contributor.objects.get(handle="carol").citation_name == "Carol Danvers"


def test_deactivate_and_back(user):
    run("deactivate", "alice")
    user.refresh_from_db()
    assert not user.is_active
    run("deactivate", "alice", "--undo")
    user.refresh_from_db()
    assert user.is_active


def test_erase_wants_to_be_asked_twice(user, alice):
    with pytest.raises(CommandError, match="say --yes"):
        run("erase", "alice")
    assert "goes on as former-" in run("erase", "alice", "--yes")
    assert Contributor.objects.get(pk=alice.pk).erased_at


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("found_team", "curves", "Again", "--admin", "alice"), "(?i)in use"),
        (("found_team", "new", "New", "--admin", "nobody"), "nobody called nobody"),
        (("add_person", "Alice"), "lower-case"),
        (("add_person", "alice"), "(?i)in use"),
        (("add_person", "carol", "--email", "nowhere"), "no e-mail address"),
        (("create_token", "nobody"), "nobody called nobody"),
        (("create_token", "alice", "--scopes", "everything"), "Choose from read"),
        (("create_token", "alice", "--team", "nowhere"), "no team nowhere"),
        (("revoke_token", "fh_00000000"), "no token 00000000"),
        (("invite", "--team", "nowhere"), "no team nowhere"),
        (("invite", "--days", "1000"), "from 1 to 90"),
        (("set_role", "alice", "curator"), "say which with --team"),
        (("set_role", "alice", "operator", "--team", "curves"), "leave out --team"),
        (("deactivate", "nobody"), "nobody called nobody"),
        (("erase", "nobody", "--yes"), "nobody called nobody"),
    ],
    ids=" ".join,
)
def test_a_refusal_is_one_sentence(team, words, says):
    with pytest.raises(CommandError, match=says) as caught:
        run(*words)
    assert "\n" not in str(caught.value)
