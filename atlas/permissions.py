"""Who may do what, in one declarative map: pages, API, commands and feeds all ask here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from atlas.belonging import belongs, credential_of, reviewing, role_in, teams_of
from atlas.errors import AuthenticationRequired, Forbidden, InsufficientScope, SessionRequired
from atlas.models import (
    Checkpoint,
    Comment,
    Contributor,
    Foothold,
    Import,
    InstanceRole,
    Membership,
    Role,
    Scope,
    Team,
    Visibility,
)


@dataclass(frozen=True)
class Rule:
    """A condition on (actor, object), what to tell somebody who does not meet it, and the scope a token needs for it.

    Without a scope no token is enough: it takes a person who has signed in.
    """

    needs: str
    holds: Callable[[Contributor, Any], bool]
    scope: Scope | None


def is_operator(actor: Contributor | None) -> bool:
    """Whether this contributor runs the service; by a token only with the admin scope and for no single team."""
    return _serves(actor, InstanceRole.OPERATOR)


def is_moderator(actor: Contributor | None) -> bool:
    """Whether this contributor hides what does not belong here, by such a token too; the operator does as well."""
    return _serves(actor, InstanceRole.MODERATOR, InstanceRole.OPERATOR)


def _serves(actor: Contributor | None, *roles: InstanceRole) -> bool:
    login = getattr(actor, "login", None)
    credential = credential_of(actor)
    bounded = credential is not None and (Scope.ADMIN not in credential.scopes or credential.team is not None)
    return bool(login and login.is_active and login.instance_role in roles and not bounded)


def may_read(actor: Contributor | None, checkpoint: Checkpoint) -> bool:
    """Public and published is readable by everyone; all else by the owning team and operators."""
    if checkpoint.visibility == Visibility.PUBLIC and checkpoint.status != Checkpoint.Status.DRAFT:
        return True
    return actor is not None and (is_operator(actor) or role_in(actor, checkpoint.team_id) >= Role.READER)


def readable(actor: Contributor | None, prefix: str = "") -> Q:
    """The same rule as a query over checkpoints, or over rows that refer to one by `prefix`."""
    return _owned(actor, _published(prefix), prefix)


def _published(prefix: str) -> Q:
    return Q(**{f"{prefix}visibility": Visibility.PUBLIC}) & ~Q(**{f"{prefix}status": Checkpoint.Status.DRAFT})


def readable_dataset(actor: Contributor | None, prefix: str = "") -> Q:
    """The datasets, or rows that refer to one by `prefix`, that this person may read."""
    return _owned(actor, Q(**{f"{prefix}visibility": Visibility.PUBLIC}), prefix)


def readable_jobs(actor: Contributor | None, prefix: str = "") -> Q:
    """The jobs, or rows that refer to one by `prefix`, that this person may read: of both what they ask and show."""
    shown = Q(**{f"{prefix}dataset__isnull": True}) | readable_dataset(actor, f"{prefix}dataset__")
    return readable(actor, f"{prefix}checkpoint__") & shown


def readable_footholds(actor: Contributor | None, prefix: str = "") -> Q:
    """The footholds, or rows that refer to one by `prefix`, that this person may read.

    A draft is its author's and its team's reviewers'; what a moderator hid is its author's and its curators'. Nobody
    reads a claim about a checkpoint they may not read.
    """
    if is_operator(actor):
        return Q(**{f"{prefix}pk__isnull": False})

    def teams(least: Role) -> Any:
        return () if actor is None else teams_of(actor, least)

    return _readable_claims(actor, teams, moderates=is_moderator(actor), prefix=prefix)


def _readable_claims(actor: Any, teams: Callable[[Role], Any], *, moderates: bool, prefix: str = "") -> Q:
    """The rule itself; `actor` is a person, None for nobody, or a reference to whoever an outer query is about.

    `teams` are those in which they have at least a role, by numbers or as a query.
    """
    open_ = ~Q(**{f"{prefix}standing": Foothold.Standing.DRAFT})
    shown = Q(**{f"{prefix}moderation": Foothold.Moderation.VISIBLE})
    public = Q(**{f"{prefix}visibility": Visibility.PUBLIC}) & open_

    def of_teams(least: Role) -> Q:
        return Q(**{f"{prefix}team__in": teams(least)})

    mine = Q(**{f"{prefix}pk__in": ()})
    if actor is not None:
        own = Q(**{f"{prefix}created_by": actor}) & of_teams(Role.READER)
        mine = (
            own | of_teams(Role.CURATOR) | (of_teams(Role.REVIEWER) & shown) | (of_teams(Role.READER) & shown & open_)
        )
    about = Q(**{f"{prefix}checkpoint__isnull": True}) | _published(f"{prefix}checkpoint__")
    if actor is not None:
        about |= Q(**{f"{prefix}checkpoint__team__in": teams(Role.READER)})
    return ((public if moderates else public & shown) | mine) & about


def readers_of(foothold: Foothold) -> QuerySet[Contributor]:
    """Everybody with a login who may read a foothold, by the same rule, in one query."""
    member = Membership.objects.filter(contributor=OuterRef(OuterRef("pk")))

    def teams(least: Role) -> Any:
        return member.filter(role__gte=least).values("team")

    rows = Foothold.objects.filter(pk=foothold.pk)
    reads, reads_hidden = (
        Exists(rows.filter(_readable_claims(OuterRef("pk"), teams, moderates=moderates))) for moderates in (False, True)
    )
    roles = {role: Q(login__instance_role=role) for role in (InstanceRole.OPERATOR, InstanceRole.MODERATOR)}
    may = roles[InstanceRole.OPERATOR] | (roles[InstanceRole.MODERATOR] & Q(reads_hidden)) | Q(reads)
    return Contributor.objects.filter(may, login__is_active=True)


def readable_imports(actor: Contributor) -> Q:
    """The imports this person may read: those of teams in which they annotate; operators all."""
    if is_operator(actor):
        return Q()
    return Q(team__in=teams_of(actor, Role.ANNOTATOR))


def reviewing_teams(actor: Contributor, foothold: Foothold) -> QuerySet[Team]:
    """The teams for which somebody may cast a verdict: the claim's own, or any other of theirs on what is public.

    A personal space never counts as a team in review.
    """
    return Team.objects.filter(pk__in=_reviewing(actor, foothold))


def _reviewing(actor: Contributor, foothold: Foothold) -> list[int]:
    everywhere = foothold.visibility == Visibility.PUBLIC
    return [team for team in reviewing(actor) if everywhere or team == foothold.team_id]


def readable_changes(actor: Contributor | None) -> Q:
    """The changes this person may follow: public ones, those of teams they are curators of; operators all."""
    if actor is None:
        return Q(public=True)
    if is_operator(actor):
        return Q()
    return Q(public=True) | Q(team__in=teams_of(actor, Role.CURATOR))


def _owned(actor: Contributor | None, public: Q, prefix: str) -> Q:
    if actor is None:
        return public
    if is_operator(actor):
        return Q(**{f"{prefix}pk__isnull": False})
    return public | Q(**{f"{prefix}team__in": teams_of(actor)})


def _leads(actor: Contributor, team: Any) -> bool:
    return is_operator(actor) or (team is not None and role_in(actor, team.pk) >= Role.ADMIN)


def curates(actor: Contributor, checkpoint: Checkpoint) -> bool:
    """Whether somebody answers for what is done with a checkpoint: a curator of its team, or the operator."""
    owned = checkpoint.team_id is not None
    return is_operator(actor) or (owned and role_in(actor, checkpoint.team_id) >= Role.CURATOR)


def _annotates(actor: Contributor, team: Any) -> bool:
    return is_operator(actor) or (team is not None and role_in(actor, team.pk) >= Role.ANNOTATOR)


def _may_revise(actor: Contributor, foothold: Foothold) -> bool:
    """Any annotator of the team; somebody else's draft only who may review it."""
    foreign_draft = foothold.standing == Foothold.Standing.DRAFT and foothold.created_by_id != actor.pk
    return is_operator(actor) or role_in(actor, foothold.team_id) >= (
        Role.REVIEWER if foreign_draft else Role.ANNOTATOR
    )


def _may_decide(actor: Contributor, foothold: Foothold) -> bool:
    """A curator of the claim's team; of a claim in a personal space, who curates its checkpoint. Nobody their own."""
    if is_operator(actor):
        return True
    if foothold.team.person_id:
        return foothold.checkpoint is not None and curates(actor, foothold.checkpoint)
    return role_in(actor, foothold.team_id) >= Role.CURATOR


def _curates_somewhere(actor: Contributor, _: Any) -> bool:
    return is_operator(actor) or belongs(actor, Role.CURATOR, shared=True)


def _annotates_somewhere(actor: Contributor, _: Any) -> bool:
    return is_operator(actor) or belongs(actor, Role.ANNOTATOR)


def _may_comment(actor: Contributor, foothold: Foothold) -> bool:
    """On what everybody reads who may annotate somewhere, if only in their own space; else in its team."""
    about = foothold.checkpoint
    public = foothold.visibility == Visibility.PUBLIC and (about is None or about.visibility == Visibility.PUBLIC)
    open_ = public and foothold.standing != Foothold.Standing.DRAFT
    return _annotates_somewhere(actor, None) if open_ else _annotates(actor, foothold.team)


def settles_discussions(actor: Contributor, foothold: Foothold) -> bool:
    """Whether somebody may end a thread that others began: a reviewer of the team, or who curates the checkpoint."""
    if is_operator(actor) or role_in(actor, foothold.team_id) >= Role.REVIEWER:
        return True
    return foothold.checkpoint is not None and curates(actor, foothold.checkpoint)


def _wrote(actor: Contributor, comment: Comment) -> bool:
    return comment.author_id == actor.pk


def _may_import(actor: Contributor, team: Team | None) -> bool:
    """In a team; or, before the file says for which, in any."""
    return _annotates_somewhere(actor, team) if team is None else _annotates(actor, team)


def _carries(actor: Contributor, batch: Import) -> bool:
    """Who staged it, while they annotate in its team; of others' the team's curators."""
    least = Role.ANNOTATOR if batch.by_id == actor.pk else Role.CURATOR
    return is_operator(actor) or role_in(actor, batch.team_id) >= least


def _may_compute(actor: Contributor, checkpoint: Checkpoint) -> bool:
    """On what is public everybody who may annotate somewhere, if only in their own space; else in its team."""
    if is_operator(actor):
        return True
    if checkpoint.visibility == Visibility.PUBLIC:
        return belongs(actor, Role.ANNOTATOR)
    return role_in(actor, checkpoint.team_id) >= Role.ANNOTATOR


def _may_register(actor: Contributor, team: Team | None) -> bool:
    """A personal space owns no checkpoint and no dataset: gigabytes take a team that answers for them."""
    if team is None or team.person_id is not None:
        return is_operator(actor)
    return is_operator(actor) or role_in(actor, team.pk) >= Role.CURATOR


OWNS = "the curator role in the owning team, which is no personal space, or the operator"
CURATES = "the curator role in the owning team, or the operator"
CARRIES = "to have staged it and the annotator role in its team, or the curator role there, or the operator"
RULES: dict[str, Rule] = {
    "checkpoint.register": Rule(OWNS, _may_register, Scope.IMPORT),
    "dataset.register": Rule(OWNS, _may_register, Scope.IMPORT),
    "checkpoint.describe": Rule(CURATES, curates, Scope.WRITE),
    "checkpoint.show": Rule(CURATES, curates, Scope.WRITE),
    "checkpoint.set-status": Rule(CURATES, curates, Scope.WRITE),
    "checkpoint.transfer": Rule(
        "the curator role in the owning team and, with the scope import, in that which is to own it; or the operator",
        curates,
        Scope.WRITE,
    ),
    "job.request": Rule(
        "the annotator role: anywhere for a public checkpoint, else in its team; or the operator",
        _may_compute,
        Scope.COMPUTE,
    ),
    "job.cancel": Rule(
        "to have asked for this job, the curator role in the team whose checkpoint it is, or the operator",
        lambda actor, job: curates(actor, job.checkpoint) or job.asked.filter(request__contributor=actor).exists(),
        Scope.COMPUTE,
    ),
    "job.requeue": Rule("the curator role in some team, or the operator", _curates_somewhere, Scope.COMPUTE),
    "worker.see": Rule("the curator role in some team, or the operator", _curates_somewhere, Scope.READ),
    "foothold.create": Rule("the annotator role in the team, or the operator", _annotates, Scope.WRITE),
    "foothold.revise": Rule(
        "the annotator role in its team (the reviewer role for somebody else's draft), or the operator",
        _may_revise,
        Scope.WRITE,
    ),
    "foothold.withdraw": Rule("to have written it", lambda actor, it: it.created_by_id == actor.pk, Scope.WRITE),
    "foothold.review": Rule(
        "the reviewer role in its team, or in any team where it is public",
        lambda actor, foothold: bool(_reviewing(actor, foothold)),
        Scope.REVIEW,
    ),
    "foothold.decide": Rule(
        "the curator role in its team (in its checkpoint's, for a personal space), or the operator",
        _may_decide,
        Scope.REVIEW,
    ),
    "foothold.moderate": Rule("a moderator, or the operator", lambda actor, _: is_moderator(actor), Scope.ADMIN),
    "comment.write": Rule(
        "the annotator role: anywhere for what everybody reads, else in its team; or the operator",
        _may_comment,
        Scope.WRITE,
    ),
    "comment.edit": Rule("to have written it", _wrote, Scope.WRITE),
    "comment.remove": Rule("to have written it", _wrote, Scope.WRITE),
    "comment.resolve": Rule(
        "to have begun the thread, the reviewer role in its team, the curator role in its checkpoint's, or operator",
        lambda actor, thread: _wrote(actor, thread) or settles_discussions(actor, thread.foothold),
        Scope.WRITE,
    ),
    "comment.moderate": Rule("a moderator, or the operator", lambda actor, _: is_moderator(actor), Scope.ADMIN),
    "watch.set": Rule("to have signed in, or a token", lambda actor, _: True, Scope.WRITE),
    "notification.read": Rule("to have signed in, or a token", lambda actor, _: True, Scope.WRITE),
    "notification.choose": Rule("to have signed in", lambda actor, _: True, None),
    "artifact.upload": Rule("the annotator role in some team, or the operator", _annotates_somewhere, Scope.WRITE),
    "unsaved.keep": Rule("to have signed in, or a token", lambda actor, _: True, Scope.WRITE),
    "search.save": Rule("to have signed in, or a token", lambda actor, _: True, Scope.WRITE),
    "search.share": Rule("to be a member", lambda actor, team: role_in(actor, team.pk) >= Role.READER, Scope.WRITE),
    "keys.choose": Rule("to have signed in", lambda actor, _: True, None),
    "import.stage": Rule("the annotator role in the team, or the operator", _may_import, Scope.IMPORT),
    "import.commit": Rule(CARRIES, _carries, Scope.IMPORT),
    "import.undo": Rule(CARRIES, _carries, Scope.IMPORT),
    "term.create": Rule("the annotator role in some team, or the operator", _annotates_somewhere, Scope.WRITE),
    "term.curate": Rule("the curator role in some team, or the operator", _curates_somewhere, Scope.REVIEW),
    "team.found": Rule("the operator", lambda actor, _: is_operator(actor), Scope.ADMIN),
    "team.read": Rule(
        "to be a member, or the operator",
        lambda actor, team: is_operator(actor) or role_in(actor, team.pk) >= Role.READER,
        Scope.READ,
    ),
    "team.join": Rule("an invitation that holds", lambda actor, _: True, Scope.WRITE),
    "team.rename": Rule("the admin role in the team, or the operator", _leads, Scope.ADMIN),
    "team.set-review": Rule("the admin role in the team, or the operator", _leads, Scope.ADMIN),
    "team.see-emails": Rule("the admin role in the team, or the operator", _leads, Scope.ADMIN),
    "team.invite": Rule("the admin role in the team, or the operator", _leads, Scope.ADMIN),
    "team.set-role": Rule("the admin role in the team, or the operator", _leads, Scope.ADMIN),
    "team.remove-member": Rule("the admin role in the team, or the operator", _leads, Scope.ADMIN),
    "team.leave": Rule("to be a member", lambda actor, team: role_in(actor, team.pk) > 0, Scope.ADMIN),
    "token.create": Rule("to have signed in", lambda actor, _: True, None),
    "token.revoke": Rule(
        "to own it, or the operator",
        lambda actor, token: is_operator(actor) or (token.owner.contributor_id == actor.pk),
        None,
    ),
    "person.deactivate": Rule("the operator", lambda actor, _: is_operator(actor), Scope.ADMIN),
    "person.erase": Rule("to be this person, or the operator", lambda it, who: is_operator(it) or who == it, None),
}


def permits(actor: Contributor | None, verb: str, subject: Any) -> bool:
    """Whether the actor may do this; for pages that show or hide a form."""
    return actor is not None and _within_bounds(actor, RULES[verb]) and RULES[verb].holds(actor, subject)


def require(actor: Contributor | None, verb: str, subject: Any) -> None:
    """Raise AuthenticationRequired for nobody, Forbidden for somebody whose role does not reach.

    SessionRequired and InsufficientScope are for tokens.
    """
    if actor is None:
        raise AuthenticationRequired()
    rule = RULES[verb]
    if not _within_bounds(actor, rule):
        raise SessionRequired() if rule.scope is None else InsufficientScope(scope=rule.scope)
    if not rule.holds(actor, subject):
        raise Forbidden(verb=verb.replace(".", " "), needs=rule.needs)


def _within_bounds(actor: Contributor, rule: Rule) -> bool:
    credential = credential_of(actor)
    return credential is None or rule.scope in credential.scopes
