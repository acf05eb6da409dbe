"""Claims as they are read: what they say, who said it, what speaks for and against it, and what others make of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Prefetch, QuerySet

from atlas.dossiers.authors import AuthorFacts, authors_of
from atlas.dossiers.bodies import OnThePage, Spread
from atlas.dossiers.predictions import PredictionFacts, may_test, predictions_of
from atlas.models import Contributor, Foothold, FootholdNeuron, Neuron, Resolution, Review, Revision, Support
from atlas.permissions import permits, readable_footholds
from atlas.services import footholds, rules, standing
from atlas.services.settling import settle
from atlas.services.standing import Judgement

MOST_NEURONS = 6  # named in a list
MOST_LISTED = 100  # on a page
RANKS = tuple(Foothold.Rank.values)  # in the order in which they are shown


@dataclass(frozen=True, slots=True)
class FootholdFacts:
    """A foothold as lists show it."""

    accession: str
    url: str
    kind: str
    title: str
    checkpoint: str | None
    neurons: list[str]  # of its newest version, as far as a list has room
    team: str
    author: str
    version: int
    version_tag: str
    state: str
    flags: list[str]
    rank: str
    visibility: str
    moderation: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class RevisionFacts:
    """A version, without what it says."""

    version: int
    url: str
    author: str
    at: datetime
    summary: str
    content_sha256: str
    base_version: int | None
    restores: int | None
    derived_from: str


@dataclass(frozen=True, slots=True)
class RevisionDossier:
    """A version and what it says: as long as there is an atlas, this."""

    revision: Spread[RevisionFacts]
    accession: str
    kind: str
    checkpoint: str | None
    content: dict[str, Any]
    authors: tuple[AuthorFacts, ...]  # by the characters of theirs that it holds
    checkpoint_sha256: OnThePage[str | None]
    predictions: OnThePage[tuple[PredictionFacts, ...]]  # not the version's own: it is the same for ever
    foothold: OnThePage[FootholdFacts]


@dataclass(frozen=True, slots=True)
class SupportFacts:
    """That evidence speaks for or against a claim, as it stood then."""

    evidence: str
    evidence_title: str
    evidence_state: str
    claim: str
    claim_title: str
    claim_version: int
    role: str
    facet: str
    note: str
    by: str
    at: datetime


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


@dataclass(frozen=True, slots=True)
class WarningFacts:
    """A rule that is broken, though not so that it keeps the claim out."""

    code: str
    says: str
    pointer: str
    detail: str


@dataclass(frozen=True, slots=True)
class FootholdDossier:
    """A foothold in its newest version, and everything around it."""

    foothold: Spread[FootholdFacts]
    newest: OnThePage[RevisionDossier]
    content: dict[str, Any]
    content_sha256: str
    summary: str
    authors: tuple[AuthorFacts, ...]  # whose words the newest version holds
    standing: str
    standing_reason: str
    replaced_by: str | None  # as far as this reader may know it
    judgement: JudgementFacts
    predictions: tuple[PredictionFacts, ...]  # what became of each in the content, in their order
    support: tuple[SupportFacts, ...]  # for or against this claim, or by this evidence
    resolutions: tuple[ResolutionFacts, ...]
    warnings: tuple[WarningFacts, ...]
    reviews: OnThePage[tuple[ReviewFacts, ...]]
    moderated: OnThePage[tuple[ModerationFacts, ...]]  # for moderators alone
    may_revise: OnThePage[bool]
    may_review: OnThePage[bool]
    may_decide: OnThePage[bool]
    may_withdraw: OnThePage[bool]
    may_test: OnThePage[bool]
    may_moderate: OnThePage[bool]


def readable_by(actor: Contributor | None, *, flag: str | None = None) -> QuerySet[Foothold]:
    """The footholds this person may read, with the state as they may know it, to be listed by `facts_of`."""
    neurons = FootholdNeuron.objects.select_related("neuron__layer").order_by("role", "neuron_id")
    rows = Foothold.objects.filter(readable_footholds(actor)).annotate(
        shown_state=standing.as_shown_to(actor), kept_back=standing.kept_back_from(actor)
    )
    if flag is not None:
        rows = rows.filter(standing.flagged(flag, actor=actor))
    return rows.select_related("checkpoint", "team", "created_by").prefetch_related(
        Prefetch("neurons", neurons, to_attr="named")
    )


def facts_of(row: Any) -> FootholdFacts:
    """A row of `readable_by`."""
    return FootholdFacts(
        accession=row.accession,
        url=f"/f/{row.accession}",
        kind=row.kind,
        title=row.title,
        checkpoint=row.checkpoint.slug if row.checkpoint else None,
        neurons=[f"{it.neuron.layer.key}:{it.neuron.channel}" for it in row.named[:MOST_NEURONS]],
        team=row.team.slug,
        author=row.created_by.handle,
        version=row.head_version,
        version_tag=row.version_tag,
        state=row.shown_state,
        flags=[flag for flag in row.flags if not (row.kept_back and flag == standing.STALE)],
        rank=row.rank,
        visibility=row.visibility,
        moderation=row.moderation,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def foothold(accession: str, *, actor: Contributor | None) -> FootholdDossier:
    """The dossier of a foothold; raises NoSuchFoothold, Gone."""
    row = footholds.find(accession, actor=actor)
    head = row.revisions.select_related("author").get(version=row.head_version)
    newest = _version(row, head, facts_of(readable_by(actor).get(pk=row.pk)))
    hidden = _hidden_from(row, actor)
    found = standing.judgement(row)
    wrote = actor is not None and row.revisions.filter(author=actor).exists()
    return FootholdDossier(
        foothold=newest.foothold,
        newest=newest,
        content=head.content,
        content_sha256=head.content_sha256,
        summary=head.summary,
        authors=newest.authors,
        standing=row.standing,
        standing_reason=row.standing_reason,
        replaced_by=to.accession if (to := footholds.successor(row, actor=actor)) else None,
        judgement=_judged(found, hidden=hidden),
        predictions=newest.predictions,
        support=support_of(row, actor=actor),
        resolutions=() if hidden else tuple(_resolved(it) for it in row.resolutions.select_related("curator")),
        warnings=_warnings(row, head),
        reviews=_reviews(row, actor, found, hidden=hidden),
        moderated=_moderated(row) if permits(actor, "foothold.moderate", row) else (),
        may_revise=may_revise(row, actor),
        may_review=row.standing == "open" and not wrote and permits(actor, "foothold.review", row),
        may_decide=permits(actor, "foothold.decide", row),
        may_withdraw=row.standing in ("draft", "open") and permits(actor, "foothold.withdraw", row),
        may_test=may_test(row, head, newest.predictions, actor),
        may_moderate=permits(actor, "foothold.moderate", row),
    )


def may_revise(row: Foothold, actor: Contributor | None) -> bool:
    """Whether somebody may add a version to it as it stands."""
    return row.standing in ("draft", "open") and permits(actor, "foothold.revise", row)


def _hidden_from(row: Foothold, actor: Contributor | None) -> bool:
    """Whether somebody must not see what others think of it yet."""
    return row.team.blind_review and Foothold.objects.filter(standing.hidden_from(actor), pk=row.pk).exists()


def versions_of(row: Foothold) -> list[RevisionFacts]:
    """Every version, oldest first."""
    return [revision_facts(row, it) for it in row.revisions.select_related("author").defer("content")]


def version(accession: str, number: str, *, actor: Contributor | None) -> RevisionDossier:
    """One version; raises NoSuchFoothold, Gone, NoSuchVersion."""
    row = footholds.find(accession, actor=actor)
    return _version(row, footholds.revision_named(row, number), facts_of(readable_by(actor).get(pk=row.pk)))


def _version(row: Foothold, found: Revision, listed: FootholdFacts) -> RevisionDossier:
    return RevisionDossier(
        revision=revision_facts(row, found),
        accession=row.accession,
        kind=row.kind,
        checkpoint=listed.checkpoint,
        content=found.content,
        authors=authors_of(row, found.version),
        checkpoint_sha256=row.checkpoint.digest if row.checkpoint else None,
        predictions=predictions_of(row, found),
        foothold=listed,
    )


def revision_facts(row: Foothold, it: Revision) -> RevisionFacts:
    """A version's facts."""
    return RevisionFacts(
        version=it.version,
        url=f"/f/{row.accession}/v{it.version}",
        author=it.author.handle,
        at=it.at,
        summary=it.summary,
        content_sha256=it.content_sha256,
        base_version=it.base_version,
        restores=it.restores,
        derived_from=it.derived_from,
    )


def support_of(row: Foothold, *, actor: Contributor | None) -> tuple[SupportFacts, ...]:
    """What speaks for or against a claim, or what evidence speaks of, as far as this person may read both."""
    rows = Support.objects.filter(withdrawn_at=None).select_related("evidence", "claim", "by")
    if row.kind == Foothold.Kind.EVIDENCE:
        rows = rows.filter(readable_footholds(actor, "claim__"), evidence=row)
    else:
        rows = rows.filter(readable_footholds(actor, "evidence__"), claim=row)
    return tuple(support_facts(it) for it in rows)


def support_facts(it: Support) -> SupportFacts:
    """That evidence speaks of a claim."""
    return SupportFacts(
        evidence=it.evidence.accession,
        evidence_title=it.evidence.title,
        evidence_state=it.evidence.standing,
        claim=it.claim.accession,
        claim_title=it.claim.title,
        claim_version=it.claim_version,
        role=it.role,
        facet=it.facet,
        note=it.note,
        by=it.by.handle,
        at=it.at,
    )


def reviews_of(row: Foothold, *, actor: Contributor | None) -> tuple[ReviewFacts, ...]:
    """Every verdict that was ever given, with whether it counts; while they are hidden from somebody, their own."""
    return _reviews(row, actor, standing.judgement(row), hidden=_hidden_from(row, actor))


def _reviews(row: Foothold, actor: Contributor | None, found: Judgement, *, hidden: bool) -> tuple[ReviewFacts, ...]:
    rows: Iterable[Review] = row.reviews.select_related("reviewer", "team")
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
            why=weighed[it.pk].why if it.pk in weighed else "Superseded by a later one.",
        )
        for it in rows
    )


def of_neuron(checkpoint: str, layer: str, channel: int, *, actor: Contributor | None) -> list[FootholdFacts]:
    """What is said of a neuron: what people put first comes first, then what is accepted."""
    neuron = Neuron.objects.filter(layer__checkpoint__slug=checkpoint, layer__key=layer, channel=channel)
    rows = readable_by(actor).filter(neurons__neuron__in=neuron).exclude(standing="merged").distinct()
    found = [facts_of(row) for row in rows.order_by(F("id").desc())]
    return sorted(found, key=lambda it: (RANKS.index(it.rank), it.state != "accepted"))


def using(term: str, *, actor: Contributor | None) -> list[FootholdFacts]:
    """The newest footholds that use a term, as far as a page has room."""
    rows = readable_by(actor).filter(terms__term__slug=term).exclude(standing="merged").distinct().order_by("-id")
    return [facts_of(row) for row in rows[:MOST_LISTED]]


def newest(*, actor: Contributor | None, most: int = MOST_LISTED, **chosen: Any) -> list[FootholdFacts]:
    """The newest footholds, of those chosen by kind, shown state, checkpoint or author."""
    rows = readable_by(actor).filter(**chosen).exclude(standing="merged").order_by("-id")
    return [facts_of(row) for row in rows[:most]]


def listed(rows: Sequence[Any]) -> list[FootholdFacts]:
    """The facts of a page of `readable_by`."""
    return [facts_of(row) for row in rows]


def _judged(found: Judgement, *, hidden: bool) -> JudgementFacts:
    if hidden:
        why = "Its team reviews blind: verdicts are shown to who has given one, and to all once it is decided."
        return JudgementFacts(Foothold.State.PROPOSED, 0, 0, why, hidden=True)
    return JudgementFacts(found.state, found.agrees, found.disputes, found.why, hidden=False)


def _moderated(row: Foothold) -> tuple[ModerationFacts, ...]:
    log = row.moderation_log.select_related("moderator").order_by("id")
    return tuple(ModerationFacts(it.moderator.handle, it.was, it.now, it.reason, it.at) for it in log)


def _resolved(it: Resolution) -> ResolutionFacts:
    return ResolutionFacts(it.curator.handle, it.version, it.outcome, it.rationale, it.at)


def _warnings(row: Foothold, head: Revision) -> tuple[WarningFacts, ...]:
    settled = settle(head.content, kind=row.kind, checkpoint=row.checkpoint, actor=None)
    return tuple(WarningFacts(it.rule.code, it.rule.says, it.pointer, it.detail) for it in rules.broken(settled))
