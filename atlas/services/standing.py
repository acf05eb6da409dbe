"""What a team believes of a claim: computed from the record by one rule, and able to say why. Nobody sets it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, TextField, functions
from django.db.models.lookups import Contains

from atlas.models import Contributor, Foothold, Membership, Review, Revision, Role, Support, Visibility
from atlas.permissions import is_operator
from atlas.services import around, indexing, trials
from atlas.services.trials import Outcome

STALE = "stale-reviews"  # the flag that tells of verdicts, on an older text
State, Standing, Verdict = Foothold.State, Foothold.Standing, Review.Verdict
UNDECIDED = (State.PROPOSED, State.DISPUTED)


@dataclass(frozen=True, slots=True)
class Cast:
    """A current verdict, as far as it matters."""

    id: int
    reviewer: int
    team: int
    verdict: str
    version: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Weighed:
    """A verdict and whether it counts; if not, why."""

    cast: Cast
    counts: bool
    why: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """The state, how it came about, and the flags that stand beside it."""

    state: str
    agrees: int
    disputes: int
    weighed: tuple[Weighed, ...]
    why: str
    stale: bool


def judge(
    casts: Sequence[Cast],
    *,
    standing: str,
    head_version: int,
    authors: Collection[int],
    one_per_team: bool,
    resolved_at: datetime | None,
    quorum: int,
) -> Judgement:
    """The state by the rule: a quorum of agrees that is more than two thirds accepts; a dispute against less disputes.

    Counted are current verdicts on the newest version by people who wrote nothing of it; where several teams review,
    one of each team: that which disputes, else the first. `resolved_at` is when a curator last decided this version.
    """
    weighed = _weigh(casts, head_version=head_version, authors=authors, one_per_team=one_per_team)
    counted = [one.cast for one in weighed if one.counts]
    agrees = sum(cast.verdict == Verdict.AGREE for cast in counted)
    disputes = [cast for cast in counted if cast.verdict == Verdict.DISPUTE]
    stale = any(cast.version < head_version for cast in casts)
    state, why = _state(agrees, disputes, standing=standing, resolved_at=resolved_at, quorum=quorum)
    return Judgement(state, agrees, len(disputes), tuple(weighed), why, stale)


def _state(
    agrees: int, disputes: Sequence[Cast], *, standing: str, resolved_at: datetime | None, quorum: int
) -> tuple[str, str]:
    if standing != Standing.OPEN:
        return standing, f"Its people decided: {standing}."
    count = f"{agrees} agree, {len(disputes)} dispute"
    # Integers only: exactly two thirds is not more than two thirds.
    outweighed = 3 * agrees > 2 * (agrees + len(disputes))
    if resolved_at is not None and not any(cast.at > resolved_at for cast in disputes):
        return State.RESOLVED, f"{count}; a curator resolved it, and nobody has disputed it since."
    if disputes and not outweighed:
        return State.DISPUTED, f"{count}: agreement is not more than two thirds."
    if agrees >= quorum:
        return State.ACCEPTED, f"{count}: at least {quorum} agree, and more than two thirds do."
    return State.PROPOSED, f"{count}: it takes {quorum} who agree."


def _weigh(casts: Iterable[Cast], *, head_version: int, authors: Collection[int], one_per_team: bool) -> list[Weighed]:
    weighed, spoken = [], set()
    # A dispute is not silenced by a colleague who agrees.
    for cast in sorted(casts, key=lambda cast: (cast.verdict != Verdict.DISPUTE, cast.at, cast.id)):
        if cast.version < head_version:
            why = f"It is on version {cast.version}; the text has changed since."
        elif cast.reviewer in authors:
            why = "An author's own never counts."
        elif cast.verdict == Verdict.UNSURE:
            why = "Unsure is neither."
        elif one_per_team and cast.team in spoken:
            why = "Another of the same team counts already."
        else:
            spoken.add(cast.team)
            weighed.append(Weighed(cast, True, ""))
            continue
        weighed.append(Weighed(cast, False, why))
    return sorted(weighed, key=lambda one: (one.cast.at, one.cast.id))


def judgement(foothold: Foothold) -> Judgement:
    """The judgement of a foothold as the record stands."""
    casts = [
        Cast(row.pk, row.reviewer_id, row.team_id, row.verdict, row.version, row.at)
        for row in around.verdicts(foothold)
        if row.superseded_at is None
    ]
    decided = [it for it in around.resolutions(foothold) if it.version == foothold.head_version]
    return judge(
        casts,
        standing=foothold.standing,
        head_version=foothold.head_version,
        authors={it.author_id for it in around.versions(foothold)},
        one_per_team=len(casts) > 1 and several_teams_review(foothold),
        resolved_at=max(decided, key=lambda it: it.pk).at if decided else None,
        quorum=settings.QUORUM,
    )


def several_teams_review(foothold: Foothold) -> bool:
    """Whether two or more teams have reviewers on the checkpoint; then one verdict of each counts."""
    if foothold.checkpoint is not None and foothold.checkpoint.visibility != Visibility.PUBLIC:
        return False
    reviewers = Membership.objects.filter(role__gte=Role.REVIEWER, team__person__isnull=True)
    return reviewers.order_by().values("team").distinct()[:2].count() > 1


def flags_of(foothold: Foothold, *, stale: bool) -> list[str]:
    """What stands beside the state: reviews of an older text, evidence that is gone, predictions that came to grief."""
    said = Support.objects.filter(claim=foothold, role=Support.Role.SUPPORTS)
    gone = said.exists() and not said.filter(standing_support()).exists()
    outcomes = _outcomes(foothold)
    flags = (
        (STALE, stale),
        ("unsupported", gone),
        ("falsified", Outcome.FALSIFIED in outcomes),
        ("evidence-failed", Outcome.FAILED in outcomes),
    )
    return [name for name, holds in flags if holds]


def _outcomes(foothold: Foothold) -> set[Outcome]:
    """What became of the predictions of the newest version."""
    if not foothold.trials.exists():
        return set()
    head = foothold.revisions.get(version=foothold.head_version)
    return {one.outcome for one in trials.of(foothold, head.content)}


def standing_support() -> Q:
    """The supports that hold: not withdrawn, of evidence that is neither withdrawn, retracted, merged nor hidden."""
    return Q(
        withdrawn_at=None,
        evidence__standing=Standing.OPEN,
        evidence__moderation=Foothold.Moderation.VISIBLE,
    )


def hidden_from(actor: Contributor | None) -> Q:
    """The footholds whose verdicts somebody must not see yet, because their team reviews blind.

    Until it is decided, only who wrote it, who has given a verdict on the newest version, and the operator see what
    others think; nobody can sign out, or come by another door, to see more.
    """
    if is_operator(actor):
        return Q(pk__in=())
    undecided = Q(team__blind_review=True, standing=Standing.OPEN, state__in=UNDECIDED)
    if actor is None:
        return undecided
    this = OuterRef("pk")
    spoken = Review.objects.filter(foothold=this, reviewer=actor, superseded_at=None, version=OuterRef("head_version"))
    written = Revision.objects.filter(foothold=this, author=actor)
    return undecided & ~Exists(spoken) & ~Exists(written)


def shown(row: Foothold, *, hidden: bool) -> str:
    """The state of a foothold as somebody may know it from whom its verdicts are hidden, or not."""
    return State.PROPOSED if hidden else row.state


def shown_as(state: str, *, actor: Contributor | None) -> Q:
    """The footholds that are in this state as far as somebody may know: what is hidden from them is proposed."""
    if state == State.PROPOSED:
        return Q(state=State.PROPOSED) | (Q(state=State.DISPUTED) & hidden_from(actor))
    return Q(state=state) & ~hidden_from(actor) if state == State.DISPUTED else Q(state=state)


def hidden_among(rows: Iterable[Foothold], actor: Contributor | None) -> set[int]:
    """Those of a list, with their teams at hand, of which somebody must not see verdicts: a query if any might be."""
    blind = [row for row in rows if row.team.blind_review and row.standing == Standing.OPEN]
    undecided = [row.pk for row in blind if row.state in UNDECIDED]
    if not undecided:
        return set()
    return set(Foothold.objects.filter(hidden_from(actor), pk__in=undecided).values_list("pk", flat=True))


def flagged(flag: str, *, actor: Contributor | None) -> Q:
    """The footholds with a flag, as somebody may know it."""
    # As text, because SQLite cannot look into JSON lists.
    found = ~Q(flags=[]) & Q(Contains(functions.Cast(F("flags"), TextField()), f'"{flag}"'))
    return found & ~hidden_from(actor) if flag == STALE else found


def recompute(foothold: Foothold) -> Judgement:
    """Write what follows from the record, in the transaction that changed it; of the claims it is evidence for, too."""
    found = judgement(foothold)
    foothold.state, foothold.flags = found.state, flags_of(foothold, stale=found.stale)
    Foothold.objects.filter(pk=foothold.pk).update(state=foothold.state, flags=foothold.flags)
    indexing.weigh(foothold)
    if foothold.kind == Foothold.Kind.EVIDENCE:
        spoken_of = Foothold.objects.filter(pk__in=foothold.speaks_of.values("claim"))
        for claim in spoken_of.select_for_update().order_by("pk"):
            recompute(claim)
    return found
