"""Keys for scripts: shown once, kept as a hash, bounded by scope, team and date, and ended at once."""

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from atlas import belonging, permissions
from atlas.belonging import Credential
from atlas.errors import (
    BadCredential,
    InsufficientScope,
    NoSuchCheckpoint,
    NoSuchToken,
    SessionRequired,
    TokenExpired,
    TokenRevoked,
    Validation,
)
from atlas.models import Change, ChangeSet, Checkpoint, Role, Scope, Token
from atlas.services import addresses, people, secrets, teams, tokens

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(user) -> str:
    """A token of Alice's that may read and compute."""
    return tokens.create(owner=user, name="notebook", scopes=["read", "compute"])[1]


def bearer(person, *scopes: str, team: int | None = None):
    """The person as a token brings them."""
    person.credential = Credential(frozenset(scopes), team)
    return person


def test_what_is_shown_is_recognised_and_never_kept(user, shown):
    token = tokens.recognise(shown)
    assert (token.owner, token.scopes) == (user, ["read", "compute"])
    assert shown.startswith(f"fh_{token.prefix}_")
    secret = shown.rpartition("_")[2]
    kept = [*Token.objects.values(), *Change.objects.values(), *ChangeSet.objects.values()]
    assert secret not in str(kept)


@given(st.text(max_size=80) | st.from_regex(r"fh_[0-9a-z]{8}_[0-9a-z]{32}", fullmatch=True))
def test_nothing_else_is_recognised(text):
    assert secrets.prefix_of("fh", text) is None or secrets.prefix_of("fh", text) == text[3:11]


@pytest.mark.parametrize("text", ["", "fh_", "Bearer", "fh_" + "0" * 41, "fh_00000000_" + "0" * 32, "é" * 44, "\x00"])
def test_an_invented_token_opens_nothing(text):
    with pytest.raises(BadCredential):
        tokens.recognise(text)


def test_one_letter_off_opens_nothing(shown):
    last = "0" if shown[-1] != "0" else "1"
    with pytest.raises(BadCredential):
        tokens.recognise(shown[:-1] + last)


def test_an_expired_a_revoked_and_an_orphaned_token_open_nothing(user, alice, shown):
    Token.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(TokenExpired):
        tokens.recognise(shown)
    Token.objects.update(expires_at=timezone.now() + timedelta(days=1))
    tokens.revoke(actor=alice, token=Token.objects.get())
    with pytest.raises(TokenRevoked):
        tokens.recognise(shown)
    Token.objects.update(revoked_at=None)
    people.deactivate(actor=None, user=user)
    with pytest.raises(BadCredential):
        tokens.recognise(shown)


def test_the_last_use_is_kept_to_the_minute(shown):
    tokens.recognise(shown)
    first = Token.objects.get().last_used_at
    tokens.recognise(shown)
    assert Token.objects.get().last_used_at == first
    Token.objects.update(last_used_at=first - timedelta(minutes=2))
    tokens.recognise(shown)
    assert Token.objects.get().last_used_at >= first


@pytest.mark.parametrize(
    ("asked", "pointer"),
    [
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["read", "everything"]}, "/scopes"),
        ({"days": 0}, "/days"),
        ({"days": 366}, "/days"),
        ({"name": " "}, "/name"),
        ({"name": "x" * 81}, "/name"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said_with_its_field(user, asked, pointer):
    with pytest.raises(Validation) as caught:
        tokens.create(**{"owner": user, "name": "x", "scopes": ["read"], **asked})
    assert [error["pointer"] for error in caught.value.errors] == [pointer]
    assert not Token.objects.exists()


def test_a_token_of_a_team_one_is_not_in_is_not_made(user, bob):
    with pytest.raises(Validation):
        tokens.create(owner=user, name="x", scopes=["read"], team=bob.personal_space)


def test_others_tokens_are_not_to_be_found_except_by_the_operator(alice, bob, operator, shown):
    prefix = Token.objects.get().prefix
    assert tokens.find(prefix, actor=alice) == tokens.find(prefix, actor=operator)
    with pytest.raises(NoSuchToken):
        tokens.find(prefix, actor=bob)


@pytest.mark.parametrize("verb", permissions.RULES)
def test_every_verb_needs_its_scope(operator, verb):
    """The operator may do everything; by a token without the verb's scope, nothing."""
    scope = permissions.RULES[verb].scope
    others = [one for one in Scope.values if one != scope]
    expected = SessionRequired if scope is None else InsufficientScope
    with pytest.raises(expected):
        permissions.require(bearer(operator, *others), verb, None)
    assert not permissions.permits(operator, verb, None)


def test_a_token_of_one_team_reaches_no_other(alice, bob, register):
    mine, other = (teams.found(actor=None, slug=slug, name=slug, admin=alice) for slug in ("mine", "other"))
    for slug, name, team in (("one", "a", mine), ("two", "b", other)):
        register(slug, name)
        Checkpoint.objects.filter(slug=slug).update(team=team, visibility="team")
    assert addresses.checkpoint("two", actor=alice)
    bearer(alice, "read", team=mine.pk)
    assert addresses.checkpoint("one", actor=alice)
    with pytest.raises(NoSuchCheckpoint):
        addresses.checkpoint("two", actor=alice)
    assert belonging.role_in(alice, other.pk) == 0
    assert belonging.role_in(alice, mine.pk) == Role.ADMIN


def test_an_operators_token_operates_only_with_the_admin_scope(operator):
    assert permissions.is_operator(operator)
    assert not permissions.is_operator(bearer(operator, "read", "write"))
    assert permissions.is_operator(bearer(operator, "admin"))
    assert not permissions.is_operator(bearer(operator, "admin", team=1))


def test_a_moderators_token_moderates_only_with_the_admin_scope():
    """A script may hide a flood of advertisements; one that only reads sees no more than others."""
    moderator = people.join(username="mo", password="correct horse battery", role="moderator").contributor
    assert permissions.permits(moderator, "foothold.moderate", None)
    assert not permissions.is_operator(moderator)
    assert not permissions.is_moderator(bearer(moderator, "read", "write"))
    assert not permissions.is_moderator(bearer(moderator, "admin", team=1))
    for verb in ("foothold.moderate", "comment.moderate"):
        assert permissions.permits(bearer(moderator, "admin"), verb, None)
        assert not permissions.permits(bearer(moderator, "read", "write"), verb, None)
