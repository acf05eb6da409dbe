"""People, their teams and their keys, as far as who asks may know of them."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.utils import timezone

from atlas.belonging import credential_of, memberships_of, role_in
from atlas.errors import AuthenticationRequired, NoSuchPerson
from atlas.models import Contributor, Invitation, Membership, Role, Team, Token, User
from atlas.permissions import permits, require
from atlas.services import ledger, teams, tokens
from atlas.services.ledger import Account


@dataclass(frozen=True, slots=True)
class TeamFacts:
    """A team, and what who asks is in it."""

    slug: str
    url: str
    name: str
    personal: bool
    role: str
    members: int
    blind_review: bool  # nobody is shown others' verdicts before they have given their own
    version_tag: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MemberFacts:
    """A member of a team. The e-mail address is shown to its admins and to operators only."""

    handle: str
    citation_name: str
    role: str
    email: str | None
    version_tag: str
    since: datetime


@dataclass(frozen=True, slots=True)
class InvitationFacts:
    """An invitation without its secret."""

    prefix: str
    role: str
    uses_left: int
    invited_by: str | None
    expires_at: datetime
    state: str  # open, used up, expired or revoked


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """A token without its secret."""

    prefix: str
    name: str
    scopes: list[str]
    team: str | None
    state: str  # active, expired or revoked
    expires_at: datetime
    last_used_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewTokenFacts:
    """A token, just made: `token` is shown this once."""

    token: str
    prefix: str
    name: str
    scopes: list[str]
    team: str | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class NewInvitationFacts:
    """An invitation, just made: `invitation` is shown this once."""

    invitation: str
    prefix: str
    role: str
    uses_left: int
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MeFacts:
    """Who asks, and within which bounds."""

    handle: str
    citation_name: str
    orcid: str
    instance_role: str
    scopes: list[str] | None  # of the token; null for who signed in
    device_seconds: Account  # of the personal space, in any 24 hours
    teams: tuple[TeamFacts, ...]


@dataclass(frozen=True, slots=True)
class ContributorFacts:
    """Somebody as everybody may know them; a pseudonym once they were erased."""

    handle: str
    url: str
    citation_name: str
    orcid: str
    erased: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class TeamDossier:
    """A team's page."""

    team: TeamFacts
    device_seconds: Account  # in any 24 hours
    members: tuple[MemberFacts, ...]
    invitations: tuple[InvitationFacts, ...]  # none for who may not invite


def contributor(handle: str) -> ContributorFacts:
    """Somebody by their handle; raises NoSuchPerson."""
    row = Contributor.objects.filter(handle=handle[:39]).first()
    if row is None or "\x00" in handle or len(handle) > 39:
        raise NoSuchPerson(handle=handle[:80])
    erased = row.erased_at is not None
    return ContributorFacts(row.handle, f"/u/{row.handle}", row.citation_name, row.orcid, erased, row.created_at)


def team_page(slug: str, *, actor: Contributor | None) -> TeamDossier:
    """A team with its people; raises AuthenticationRequired, NoSuchTeam."""
    if actor is None:
        raise AuthenticationRequired()
    row = teams.find(slug, actor=actor)
    require(actor, "team.read", row)
    invitations = invitations_of(row) if permits(actor, "team.invite", row) else ()
    return TeamDossier(team(slug, actor=actor), ledger.account(row), members_of(row, actor=actor), invitations)


def me(actor: Contributor) -> MeFacts:
    """The person who asks."""
    credential = credential_of(actor)
    return MeFacts(
        handle=actor.handle,
        citation_name=actor.citation_name,
        orcid=actor.orcid,
        instance_role=actor.login.instance_role,
        scopes=sorted(credential.scopes) if credential else None,
        device_seconds=ledger.account(Team.objects.get(person=actor)),
        teams=teams_of(actor),
    )


def teams_of(actor: Contributor) -> tuple[TeamFacts, ...]:
    """The teams of who asks, their personal space first, in two queries."""
    mine = {it.team_id: it.role for it in memberships_of(actor)}
    rows = Team.objects.filter(pk__in=mine).annotate(size=Count("memberships")).order_by("person_id", "slug")
    found = [_team(row, size=row.size, role=mine[row.pk]) for row in rows]
    return tuple(sorted(found, key=lambda it: not it.personal))


def team(slug: str, *, actor: Contributor | None) -> TeamFacts:
    """One team; raises NoSuchTeam for who may not know of it."""
    row = teams.find(slug, actor=actor)
    role = role_in(actor, row.pk) if actor else 0
    return _team(row, size=row.memberships.count(), role=role)


def members_of(row: Team, *, actor: Contributor) -> tuple[MemberFacts, ...]:
    """The members of a team by role and name, in two queries."""
    shown = permits(actor, "team.see-emails", row)
    emails = dict(User.objects.filter(contributor__memberships__team=row).values_list("contributor", "email"))
    found = Membership.objects.filter(team=row).select_related("contributor").order_by("-role", "contributor__handle")
    return tuple(member(one, email=emails.get(one.contributor_id) if shown else None) for one in found)


def member(row: Membership, *, email: str | None = None) -> MemberFacts:
    """A membership's facts."""
    person = row.contributor
    return MemberFacts(
        handle=person.handle,
        citation_name=person.citation_name,
        role=row.get_role_display(),
        email=email,
        version_tag=row.version_tag,
        since=row.created_at,
    )


def invitations_of(row: Team) -> tuple[InvitationFacts, ...]:
    """The invitations to a team, newest first."""
    rows = Invitation.objects.filter(team=row).select_related("invited_by")
    return tuple(_invitation(one) for one in rows)


def tokens_of(user: User) -> tuple[TokenFacts, ...]:
    """A person's tokens, newest first."""
    return tuple(_token(one) for one in tokens.own(user))


def new_token(row: Token, *, shown: str) -> NewTokenFacts:
    """What its owner is shown, once."""
    return NewTokenFacts(shown, row.prefix, row.name, row.scopes, row.team.slug if row.team else None, row.expires_at)


def new_invitation(row: Invitation, *, shown: str) -> NewInvitationFacts:
    """What the inviter is shown, once."""
    return NewInvitationFacts(shown, row.prefix, _role(row.role), row.uses_left, row.expires_at)


def _team(row: Team, *, size: int, role: int) -> TeamFacts:
    return TeamFacts(
        slug=row.slug,
        url=f"/teams/{row.slug}",
        name=row.name,
        personal=row.person_id is not None,
        role=_role(role),
        members=size,
        blind_review=row.blind_review,
        version_tag=row.version_tag,
        created_at=row.created_at,
    )


def _role(role: int | None) -> str:
    return Role(role).label if role else ""


def _invitation(row: Invitation) -> InvitationFacts:
    over = row.expires_at <= timezone.now()
    state = "revoked" if row.revoked_at else "used up" if row.uses_left < 1 else "expired" if over else "open"
    by = row.invited_by.handle if row.invited_by else None
    return InvitationFacts(row.prefix, _role(row.role), row.uses_left, by, row.expires_at, state)


def _token(row: Token) -> TokenFacts:
    over = row.expires_at <= timezone.now()
    return TokenFacts(
        prefix=row.prefix,
        name=row.name,
        scopes=row.scopes,
        team=row.team.slug if row.team else None,
        state="revoked" if row.revoked_at else "expired" if over else "active",
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        created_at=row.created_at,
    )
