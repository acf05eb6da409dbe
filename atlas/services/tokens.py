"""Keys for scripts: made, recognised, revoked. What is shown is never kept, and what is kept opens nothing."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone

from atlas import shortages, texts
from atlas.belonging import role_in
from atlas.errors import BadCredential, Forbidden, NoSuchToken, ReadOnly, TokenExpired, TokenRevoked, Validation
from atlas.models import Contributor, Scope, Team, Token, User
from atlas.permissions import is_operator
from atlas.services import changes, secrets

KIND = "fh"
LONGEST = 365  # days
LONGEST_NAME = 80  # characters
LAST_USE = timedelta(minutes=1)  # how precisely the last use is kept: a write per request would be a lock per request


@transaction.atomic
def create(
    *, owner: User, name: str, scopes: Sequence[str], days: int = 90, team: Team | None = None
) -> tuple[Token, str]:
    """A new token of this person and what is shown of it, once; raises Validation naming the field."""
    errors = [*_of_scopes(scopes), *_of_days(days)]
    if team is not None and not role_in(owner.contributor, team.pk):
        errors.append({"pointer": "/team", "code": "no-such-team", "detail": "You are no member of this team."})
    if errors:
        raise Validation(errors=errors)
    written = texts.line(name, at="/name", longest=LONGEST_NAME)
    shown, prefix, kept = secrets.make(KIND)
    token = Token.objects.create(
        prefix=prefix,
        sha256=kept,
        name=written,
        owner=owner,
        scopes=[scope for scope in Scope.values if scope in scopes],
        team=team,
        expires_at=timezone.now() + timedelta(days=days),
    )
    changes.record(owner.contributor, "token.create", f"token:{token.pk}", scopes=token.scopes)
    return token, shown


def recognise(shown: str) -> Token:
    """The token of a bearer, its owner with it; raises BadCredential, TokenExpired, TokenRevoked."""
    prefix = secrets.prefix_of(KIND, shown)
    token = Token.objects.filter(prefix=prefix).select_related("owner__contributor").first() if prefix else None
    if token is None or not secrets.matches(shown, token.sha256) or not token.owner.is_active:
        raise BadCredential()
    now = timezone.now()
    if token.revoked_at:
        raise TokenRevoked()
    if token.expires_at <= now:
        raise TokenExpired()
    _note_use(token, now)
    return token


def _note_use(token: Token, now: datetime) -> None:
    """Keep when it was last used; where nothing can be written, it still opens what can be read."""
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lt=now - LAST_USE)
    try:
        with transaction.atomic():
            Token.objects.filter(stale, pk=token.pk).update(last_used_at=now)
    except DatabaseError as error:
        if not isinstance(shortages.named(error), ReadOnly):
            raise


def own(owner: User) -> list[Token]:
    """A person's tokens, newest first."""
    return list(Token.objects.filter(owner=owner).select_related("team"))


def find(prefix: str, *, actor: Contributor) -> Token:
    """The token of this prefix, if it is the actor's, or the actor runs the service; else NoSuchToken."""
    token = Token.objects.filter(prefix=prefix).select_related("owner__contributor").first()
    if token is None or (token.owner.contributor_id != actor.pk and not is_operator(actor)):
        raise NoSuchToken(prefix=prefix[:40])
    return token


@transaction.atomic
def revoke(*, actor: Contributor | None, token: Token) -> None:
    """End a token at once, in every process. `actor` None is the operator at the command line."""
    if actor is not None and token.owner.contributor_id != actor.pk and not is_operator(actor):
        raise Forbidden(verb="revoke this token", needs="to own it, or to be the operator")
    if Token.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now()):
        changes.record(actor, "token.revoke", f"token:{token.pk}")


def _of_scopes(scopes: Sequence[str]) -> list[dict[str, str]]:
    unknown = [scope for scope in scopes if scope not in Scope.values]
    if unknown or not scopes:
        detail = f"Choose from {', '.join(Scope.values)}."
        return [{"pointer": "/scopes", "code": "not-enum", "detail": detail}]
    return []


def _of_days(days: int) -> list[dict[str, str]]:
    if 1 <= days <= LONGEST:
        return []
    return [{"pointer": "/days", "code": "out-of-range", "detail": f"Must be from 1 to {LONGEST}."}]
