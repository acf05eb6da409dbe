"""Who may do what, in one declarative map: pages, API, commands and feeds all ask here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from atlas.errors import AuthenticationRequired, Forbidden
from atlas.models import Checkpoint, Contributor, InstanceRole, Role, Visibility


@dataclass(frozen=True)
class Rule:
    """A condition on (actor, object), and what to tell somebody who does not meet it."""

    needs: str
    holds: Callable[[Contributor, Any], bool]


def is_operator(actor: Contributor | None) -> bool:
    """Whether this contributor runs the service."""
    login = getattr(actor, "login", None)
    return bool(login and login.is_active and login.instance_role == InstanceRole.OPERATOR)


def role_in(actor: Contributor, team_id: int | None) -> int:
    """The actor's role in a team, 0 for none."""
    membership = actor.memberships.filter(team=team_id).first()
    return membership.role if membership else 0


def may_read(actor: Contributor | None, checkpoint: Checkpoint) -> bool:
    """Public and published is readable by everyone; all else by the owning team and operators."""
    if checkpoint.visibility == Visibility.PUBLIC and checkpoint.status != Checkpoint.Status.DRAFT:
        return True
    return actor is not None and (is_operator(actor) or role_in(actor, checkpoint.team_id) >= Role.READER)


def readable(actor: Contributor | None, prefix: str = "") -> Q:
    """The same rule as a query over checkpoints, or over rows that refer to one by `prefix`."""
    public = Q(**{f"{prefix}visibility": Visibility.PUBLIC}) & ~Q(**{f"{prefix}status": Checkpoint.Status.DRAFT})
    if actor is None:
        return public
    if is_operator(actor):
        return Q(**{f"{prefix}pk__isnull": False})
    return public | Q(**{f"{prefix}team__in": actor.memberships.values("team")})


RULES: dict[str, Rule] = {
    "checkpoint.register": Rule(
        "the curator role in the owning team, or the operator",
        lambda actor, team: is_operator(actor) or (team is not None and role_in(actor, team.pk) >= Role.CURATOR),
    ),
    "job.request": Rule(
        "the annotator role in some team",
        lambda actor, checkpoint: actor.memberships.filter(role__gte=Role.ANNOTATOR).exists(),
    ),
    "job.cancel": Rule(
        "to have asked for this job, or the operator",
        lambda actor, job: is_operator(actor) or job.asked.filter(request__contributor=actor).exists(),
    ),
    "job.requeue": Rule(
        "the curator role in some team, or the operator",
        lambda actor, job: is_operator(actor) or actor.memberships.filter(
            role__gte=Role.CURATOR, team__person__isnull=True
        ).exists(),
    ),
}  # fmt: skip


def permits(actor: Contributor | None, verb: str, subject: Any) -> bool:
    """Whether the actor may do this; for pages that show or hide a form."""
    return actor is not None and RULES[verb].holds(actor, subject)


def require(actor: Contributor | None, verb: str, subject: Any) -> None:
    """Raise AuthenticationRequired for nobody, Forbidden for somebody whose role does not reach."""
    if actor is None:
        raise AuthenticationRequired()
    if not RULES[verb].holds(actor, subject):
        raise Forbidden(verb=verb.replace(".", " "), needs=RULES[verb].needs)
