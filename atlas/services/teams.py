"""Teams: founded, joined by invitation, led, left. Nobody gives more than they have; no team is left headless."""

import re
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from atlas import texts
from atlas.belonging import memberships_of, role_in
from atlas.errors import (
    AboveYourRole,
    BadInvitation,
    EditConflict,
    LastAdmin,
    NoSuchInvitation,
    NoSuchMember,
    NoSuchTeam,
    PersonalSpace,
    Validation,
)
from atlas.models import Contributor, Invitation, Membership, Role, Team
from atlas.models.people import HANDLE, is_handle
from atlas.permissions import is_operator, require
from atlas.services import changes, secrets

KIND = "inv"
LONGEST, MOST_USES = 90, 500  # days; people
LONGEST_NAME = 120  # characters


def find(slug: str, *, actor: Contributor | None) -> Team:
    """The team of this slug, if this person may know of it; else NoSuchTeam."""
    team = Team.objects.filter(slug=slug[:40]).first()
    if team is None or not (actor and (is_operator(actor) or role_in(actor, team.pk))):
        raise NoSuchTeam(team=slug[:80])
    return team


def of(actor: Contributor) -> list[Membership]:
    """The memberships of a person, their personal space first."""
    return list(memberships_of(actor).select_related("team").order_by(F("team__person").desc(nulls_last=True), "pk"))


@transaction.atomic
def found(*, actor: Contributor | None, slug: str, name: str, admin: Contributor | None = None) -> Team:
    """A new team with its first admin; raises Validation. `actor` None is the operator at the command line."""
    if actor is not None:
        require(actor, "team.found", None)
    if not re.match(HANDLE, slug):
        raise _not_free(str(is_handle.message))
    title = texts.line(name, at="/name", longest=LONGEST_NAME)
    team, is_new = Team.objects.get_or_create(slug=slug, defaults={"name": title})
    if not is_new:
        raise _not_free("Is in use.")
    first = admin or actor
    if first is not None:
        Membership.objects.create(team=team, contributor=first, role=Role.ADMIN)
    changes.record(actor, "team.found", f"team:{team.pk}")
    return team


def _not_free(detail: str) -> Validation:
    return Validation(errors=[{"pointer": "/slug", "code": "not-free", "detail": detail}])


@transaction.atomic
def invite(
    *, actor: Contributor | None, team: Team | None, role: int | None, uses: int = 1, days: int = 14
) -> tuple[Invitation, str]:
    """An invitation and what is shown of it, once. Without a team it is one to the service itself.

    Raises AboveYourRole, PersonalSpace, Validation. `actor` None is the operator at the command line.
    """
    if actor is not None:
        require(actor, "team.invite", team)
    if team is not None and team.person_id:
        raise PersonalSpace()
    _require_reach(actor, team, role)
    if not (1 <= days <= LONGEST and 1 <= uses <= MOST_USES):
        bounds = (("/days", days, LONGEST), ("/uses", uses, MOST_USES))
        faults = [(at, most) for at, given, most in bounds if not 1 <= given <= most]
        errors = [
            {"pointer": at, "code": "out-of-range", "detail": f"Must be from 1 to {most}."} for at, most in faults
        ]
        raise Validation(errors=errors)
    shown, prefix, kept = secrets.make(KIND)
    invitation = Invitation.objects.create(
        prefix=prefix,
        sha256=kept,
        team=team,
        role=role if team else None,
        invited_by=actor,
        uses_left=uses,
        expires_at=timezone.now() + timedelta(days=days),
    )
    changes.record(actor, "team.invite", f"invitation:{invitation.pk}", role=role)
    return invitation, shown


def read_invitation(shown: str) -> Invitation:
    """The invitation that still holds; raises BadInvitation for one that is used up, late, revoked or invented."""
    prefix = secrets.prefix_of(KIND, shown.strip())
    found = Invitation.objects.filter(prefix=prefix, revoked_at=None).select_related("team").first() if prefix else None
    if found is None or not secrets.matches(shown.strip(), found.sha256):
        raise BadInvitation()
    if found.uses_left < 1 or found.expires_at <= timezone.now():
        raise BadInvitation()
    return found


@transaction.atomic
def accept(*, actor: Contributor, shown: str) -> Membership | None:
    """Use an invitation once: a membership at its role, never below one held already; None for one without a team.

    What the inviter may no longer give is given no more. Raises BadInvitation.
    """
    invitation = read_invitation(shown)
    if not Invitation.objects.filter(pk=invitation.pk, uses_left__gt=0).update(uses_left=F("uses_left") - 1):
        raise BadInvitation()
    membership = None
    if invitation.team is not None:
        assert invitation.role is not None
        if not _reaches(invitation.invited_by, invitation.team, invitation.role):
            raise BadInvitation()
        membership, _ = Membership.objects.get_or_create(
            team=invitation.team, contributor=actor, defaults={"role": invitation.role}
        )
        Membership.objects.filter(pk=membership.pk, role__lt=invitation.role).update(role=invitation.role)
        membership.refresh_from_db()
    changes.record(actor, "team.join", f"invitation:{invitation.pk}")
    return membership


@transaction.atomic
def revoke_invitation(*, actor: Contributor, team: Team, prefix: str) -> None:
    """Nobody joins by it any more; raises NoSuchInvitation."""
    require(actor, "team.invite", team)
    rows = Invitation.objects.filter(team=team, prefix=prefix)
    if not rows.exists():
        raise NoSuchInvitation(prefix=prefix[:40])
    if rows.filter(revoked_at=None).update(revoked_at=timezone.now()):
        changes.record(actor, "team.revoke-invitation", f"team:{team.pk}", prefix=prefix[:8])


@transaction.atomic
def rename(*, actor: Contributor, team: Team, name: str, based_on: str) -> Team:
    """Give a team another name; raises Validation, EditConflict when it has changed since `based_on`."""
    require(actor, "team.rename", team)
    written = texts.line(name, at="/name", longest=LONGEST_NAME)
    _advance(Team.objects.filter(pk=team.pk), team.version_tag, based_on, version=team.version, name=written)
    team.refresh_from_db()
    changes.record(actor, "team.rename", f"team:{team.pk}")
    return team


@transaction.atomic
def set_review(*, actor: Contributor, team: Team, blind_review: bool, based_on: str) -> Team:
    """Say whether its reviewers see others' verdicts before they have given their own; it holds at once, for all.

    Raises PersonalSpace, in which nobody reviews, and EditConflict when it has changed since `based_on`.
    """
    require(actor, "team.set-review", team)
    if team.person_id:
        raise PersonalSpace()
    row = Team.objects.filter(pk=team.pk)
    _advance(row, team.version_tag, based_on, version=team.version, blind_review=blind_review)
    team.refresh_from_db()
    changes.record(actor, "team.set-review", f"team:{team.pk}", blind=blind_review)
    return team


@transaction.atomic
def edit(*, actor: Contributor, team: Team, based_on: str, **given: Any) -> Team:
    """Both edits or neither: `name`, `blind_review`."""
    for verb, name in ((rename, "name"), (set_review, "blind_review")):
        if name in given:
            chosen: dict[str, Any] = {name: given[name]}
            team = verb(actor=actor, team=team, based_on=based_on, **chosen)
            based_on = team.version_tag
    return team


@transaction.atomic
def set_role(
    *, actor: Contributor | None, team: Team, member: Contributor, role: int, based_on: str | None = None
) -> Membership:
    """Give a member another role.

    Raises NoSuchMember, AboveYourRole, LastAdmin, PersonalSpace, EditConflict when it has changed since `based_on`.
    """
    membership = membership_of(actor, "team.set-role", team, member)
    _require_reach(actor, team, role)
    _require_reach(actor, team, membership.role)
    if role < Role.ADMIN:
        _require_another_admin(membership)
    row = Membership.objects.filter(pk=membership.pk)
    _advance(row, membership.version_tag, based_on or membership.version_tag, version=membership.version, role=role)
    membership.refresh_from_db()
    changes.record(actor, "team.set-role", f"contributor:{member.pk}", team=team.pk, role=role)
    return membership


@transaction.atomic
def remove(*, actor: Contributor, team: Team, member: Contributor) -> None:
    """End a membership, somebody's or one's own; raises NoSuchMember, AboveYourRole, LastAdmin, PersonalSpace."""
    verb = "team.leave" if member == actor else "team.remove-member"
    membership = membership_of(actor, verb, team, member)
    _require_reach(actor, team, membership.role)
    _require_another_admin(membership)
    membership.delete()
    changes.record(actor, verb, f"contributor:{member.pk}", team=team.pk)


def membership_of(actor: Contributor | None, verb: str, team: Team, member: Contributor) -> Membership:
    """The membership about which somebody wants to do `verb`, under the lock of its team; raises NoSuchMember."""
    if actor is not None:
        require(actor, verb, team)
    if team.person_id:
        raise PersonalSpace()
    # The team's row is the lock under which its admins are counted.
    changes.take_turn(team)
    found = Membership.objects.filter(team=team, contributor=member).first()
    if found is None:
        raise NoSuchMember(member=member.handle)
    return found


def _advance(row: Any, current: str, based_on: str, *, version: int, **columns: Any) -> None:
    """One conditional update: of two editors of one version the database lets one win."""
    if based_on != current or not row.filter(version=version).update(version=F("version") + 1, **columns):
        raise EditConflict(seen=based_on[:80], current=current)


def _require_another_admin(membership: Membership) -> None:
    others = Membership.objects.filter(team=membership.team_id, role=Role.ADMIN).exclude(pk=membership.pk)
    if membership.role == Role.ADMIN and not others.exists():
        raise LastAdmin()


def _reaches(actor: Contributor | None, team: Team, role: int) -> bool:
    return actor is None or is_operator(actor) or role_in(actor, team.pk) >= role


def _require_reach(actor: Contributor | None, team: Team | None, role: int | None) -> None:
    if team is not None and not _reaches(actor, team, role or Role.READER):
        raise AboveYourRole()
