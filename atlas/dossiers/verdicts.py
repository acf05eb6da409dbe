"""What others make of a claim: each verdict and whether it counts, what curators and moderators decided."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from atlas.belonging import reader
from atlas.models import Contributor, Foothold, Review
from atlas.remembering import once
from atlas.services import around, standing
from atlas.services.standing import Judgement


@dataclass(frozen=True, slots=True)
class ReviewFacts:
    """A verdict, and whether it counts; if not, why."""

    reviewer: str
    team: str
    verdict: str
    reason: str
    text: str
    version: int
    blind: bool
    at: datetime
    current: bool
    counts: bool
    why: str


@dataclass(frozen=True, slots=True)
class ResolutionFacts:
    """A curator's word."""

    curator: str
    version: int
    outcome: str
    rationale: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ModerationFacts:
    """What a moderator decided, and why."""

    moderator: str
    was: str
    now: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class JudgementFacts:
    """The state, and how it follows from the verdicts that count."""

    state: str
    agrees: int
    disputes: int
    why: str
    hidden: bool  # this team reviews blind, and who asks has given no verdict yet


def are_hidden(row: Foothold, actor: Contributor | None) -> bool:
    """Whether somebody must not see what others think of it yet."""
    return once(("hidden", row.pk, reader(actor)), lambda: bool(standing.hidden_among([row], actor)))


def reviews_of(row: Foothold, *, actor: Contributor | None) -> tuple[ReviewFacts, ...]:
    """Every verdict that was ever given, with whether it counts; while they are hidden from somebody, their own."""
    return reviews(row, actor, standing.judgement(row), hidden=are_hidden(row, actor))


def reviews(row: Foothold, actor: Contributor | None, found: Judgement, *, hidden: bool) -> tuple[ReviewFacts, ...]:
    """The same, of a judgement that is known."""
    rows: Iterable[Review] = around.verdicts(row)
    if hidden:
        rows = [it for it in rows if actor is not None and it.reviewer_id == actor.pk]
    weighed = {one.cast.id: one for one in found.weighed}
    return tuple(
        ReviewFacts(
            reviewer=it.reviewer.handle,
            team=it.team.slug,
            verdict=it.verdict,
            reason=it.reason,
            text=it.text,
            version=it.version,
            blind=it.blind,
            at=it.at,
            current=it.superseded_at is None,
            counts=it.pk in weighed and weighed[it.pk].counts,
            why=weighed[it.pk].why if it.pk in weighed else "Superseded by a later one, or taken back.",
        )
        for it in rows
    )


def judged(found: Judgement, *, hidden: bool) -> JudgementFacts:
    """The state as somebody may know it, and how it follows."""
    if hidden:
        why = "Its team reviews blind: verdicts are shown to who has given one, and to all once it is decided."
        return JudgementFacts(Foothold.State.PROPOSED, 0, 0, why, hidden=True)
    return JudgementFacts(found.state, found.agrees, found.disputes, found.why, hidden=False)


def moderated(row: Foothold) -> tuple[ModerationFacts, ...]:
    """What moderators decided, oldest first."""
    log = row.moderation_log.select_related("moderator").order_by("id")
    return tuple(ModerationFacts(it.moderator.handle, it.was, it.now, it.reason, it.at) for it in log)


def resolutions(row: Foothold, *, hidden: bool) -> tuple[ResolutionFacts, ...]:
    """What curators decided, as long as verdicts are not hidden."""
    every = () if hidden else around.resolutions(row)
    return tuple(ResolutionFacts(it.curator.handle, it.version, it.outcome, it.rationale, it.at) for it in every)
