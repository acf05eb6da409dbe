"""Of which teams somebody is a member, in which role, and the bounds of the token by which they came."""

import copy
from collections.abc import Collection, Hashable
from dataclasses import dataclass

from django.db.models import QuerySet

from atlas.models import Contributor, Membership, Role, Scope
from atlas.remembering import is_remembering, once


@dataclass(frozen=True)
class Credential:
    """What a token adds to its owner: bounds. A contributor who came by a session has none."""

    scopes: frozenset[str]
    team: int | None


@dataclass(frozen=True, slots=True)
class Belonging:
    """A membership: the team's number, the role, and whether the team is somebody's personal space."""

    team: int
    role: int
    personal: bool


def credential_of(actor: Contributor | None) -> Credential | None:
    """The bounds of the token by which somebody came; the door puts them there."""
    return getattr(actor, "credential", None)


def reader(actor: Contributor | None) -> Hashable:
    """Who reads, as a key by which something is remembered: somebody, and the bounds of their token."""
    return None if actor is None else (actor.pk, credential_of(actor))


def importing(actor: Contributor) -> Contributor:
    """The same person, who by a token's scope to import may write what they import, too."""
    credential = credential_of(actor)
    if credential is None or Scope.IMPORT not in credential.scopes:
        return actor
    found = copy.copy(actor)
    found.credential = Credential(credential.scopes | {Scope.WRITE}, credential.team)  # type: ignore[attr-defined]
    return found


def memberships_of(actor: Contributor) -> QuerySet[Membership]:
    """The memberships that count: those of the token's team only, where it has one."""
    credential = credential_of(actor)
    every = Membership.objects.filter(contributor=actor)
    return every if credential is None or credential.team is None else every.filter(team=credential.team)


def belongings(actor: Contributor) -> tuple[Belonging, ...]:
    """The same at hand; while a page is read, looked up once."""

    def find() -> tuple[Belonging, ...]:
        rows = memberships_of(actor).order_by().values_list("team", "role", "team__person")
        return tuple(Belonging(team, role, person is not None) for team, role, person in rows)

    return once(("belongings", reader(actor)), find)


def role_in(actor: Contributor, team_id: int | None) -> int:
    """The actor's role in a team, 0 for none."""
    return next((it.role for it in belongings(actor) if it.team == team_id), 0)


def belongs(actor: Contributor, least: Role, *, shared: bool = False) -> bool:
    """Whether somebody has at least this role in some team; `shared`: in one that is no personal space."""
    return any(it.role >= least and not (shared and it.personal) for it in belongings(actor))


def reviewing(actor: Contributor) -> list[int]:
    """The teams for which somebody reviews; a personal space is none."""
    return [it.team for it in belongings(actor) if it.role >= Role.REVIEWER and not it.personal]


def teams_of(actor: Contributor, least: Role = Role.READER) -> Collection[int] | QuerySet[Membership, int]:
    """The teams in which somebody has at least this role, for `team__in`.

    While a page is read these are numbers, which a database plans sooner than what it has to look up. Elsewhere it is
    a query: a queryset may be kept, and has to mean the memberships of when it is asked.
    """
    if is_remembering():
        return [it.team for it in belongings(actor) if it.role >= least]
    return memberships_of(actor).filter(role__gte=least).values_list("team", flat=True)
