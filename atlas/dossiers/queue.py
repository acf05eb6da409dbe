"""What awaits somebody's review: claims they may judge, did not write, and have not judged as they stand now."""

from dataclasses import dataclass

from django.db.models import Case, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When

from atlas.belonging import reviewing
from atlas.dossiers.bodies import OnThePage
from atlas.dossiers.footholds import FootholdFacts, listed, readable_by
from atlas.models import Contributor, Foothold, Review, Revision, Team, Visibility
from atlas.services import standing

KINDS = tuple(kind for kind in Foothold.Kind.values if kind != Foothold.Kind.EVIDENCE)  # unless evidence is asked for
ORDERS = ("disputed", "oldest")  # what is disputed first, or what has waited longest
MOST = 50  # that a page lists


@dataclass(frozen=True, slots=True)
class QueueDossier:
    """The first of the queue in its order, and how long it is; what it can be narrowed down to."""

    items: tuple[FootholdFacts, ...]
    waiting: int
    teams: tuple[str, ...]  # for which this person reviews
    checkpoints: OnThePage[tuple[str, ...]]  # of what waits, whatever it was narrowed down to
    claimants: OnThePage[tuple[str, ...]]  # the teams whose claims wait


def queue(
    *, actor: Contributor, order: str = ORDERS[0], checkpoint: str = "", team: str = "", kind: str = ""
) -> QueueDossier:
    """The queue of a person; narrowed down to a checkpoint, a team whose claims these are, or a kind."""
    teams = Team.objects.filter(pk__in=reviewing(actor))
    every = awaiting(actor)
    chosen = {"checkpoint__slug": checkpoint, "team__slug": team, "kind": kind}
    rows = every.filter(**{name: value for name, value in chosen.items() if value})
    if not kind:
        rows = rows.filter(kind__in=KINDS)
    # By the state as this person may know it: in a team that reviews blind nothing is told by the order either.
    shown = standing.shown_as(Foothold.State.DISPUTED, actor=actor)
    disputed = Case(When(shown, then=Value(0)), default=Value(1), output_field=IntegerField())
    ordered = rows.order_by("id") if order == "oldest" else rows.order_by(disputed, "id")
    plain = every.order_by().values_list("checkpoint__slug", "team__slug").distinct()
    found = list(plain)
    return QueueDossier(
        items=tuple(listed(ordered[:MOST], actor=actor)),
        waiting=rows.count(),
        teams=tuple(teams.order_by("slug").values_list("slug", flat=True)),
        checkpoints=tuple(sorted({slug for slug, _ in found if slug})),
        claimants=tuple(sorted({slug for _, slug in found})),
    )


def awaiting(actor: Contributor) -> QuerySet[Foothold]:
    """All of it, by the rule of `foothold.review`: of one's teams, or public; nobody's own, nothing that is decided."""
    teams, this = reviewing(actor), OuterRef("pk")
    spoken = Review.objects.filter(foothold=this, reviewer=actor, superseded_at=None, version=OuterRef("head_version"))
    rows = readable_by(actor).filter(standing=Foothold.Standing.OPEN, state__in=standing.UNDECIDED)
    if not teams:
        return rows.none()
    rows = rows.filter(Q(visibility=Visibility.PUBLIC) | Q(team__in=teams))
    return rows.exclude(Exists(Revision.objects.filter(foothold=this, author=actor))).exclude(Exists(spoken))
