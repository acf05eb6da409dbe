"""Claims as they are read: what they say, who said it, what speaks for and against it, and what others make of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet, prefetch_related_objects

from atlas.dossiers import verdicts
from atlas.dossiers.authors import AuthorFacts, authors_of
from atlas.dossiers.bodies import OnThePage, Spread
from atlas.dossiers.connections import ConnectionFacts, of_link
from atlas.dossiers.predictions import PredictionFacts, may_test, predictions_of
from atlas.dossiers.verdicts import JudgementFacts, ModerationFacts, ResolutionFacts, ReviewFacts
from atlas.models import Contributor, Foothold, FootholdNeuron, Revision, Support
from atlas.permissions import permits, readable_footholds
from atlas.services import around, footholds, rules, standing
from atlas.services.settling import settle

MOST_NEURONS = 6  # named in a list
MOST_LISTED = 100  # on a page
OF_LAYERS = tuple(f"neuron__layer__{name}" for name in ("stride", "receptive_field", "positions", "sites"))  # unread
NEURONS = FootholdNeuron.objects.select_related("neuron__layer").order_by("role", "neuron_id").defer(*OF_LAYERS)
NAMED = Prefetch("neurons", NEURONS, to_attr="named")
COLUMNS = (
    *(field.name for field in Foothold._meta.concrete_fields),
    *("checkpoint__slug", "team__slug", "team__blind_review", "created_by__handle"),
)
SUPPORT = (
    *("claim_version", "role", "facet", "note", "at", "by__handle"),
    *(f"{end}__{name}" for end in ("evidence", "claim") for name in ("accession", "title", "standing")),
)
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
    measured: ConnectionFacts | None  # of a link, the connection on which it rests
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
    measured: ConnectionFacts | None  # of a link, the connection on which it rests
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


def readable_by(actor: Contributor | None, *, state: str | None = None, flag: str | None = None) -> QuerySet[Foothold]:
    """The footholds this person may read, in a state and with a flag that they may know of; told by `listed`."""
    rows = Foothold.objects.filter(readable_footholds(actor))
    if state is not None:
        rows = rows.filter(standing.shown_as(state, actor=actor))
    if flag is not None:
        rows = rows.filter(standing.flagged(flag, actor=actor))
    return rows.select_related("checkpoint", "team", "created_by").only(*COLUMNS).prefetch_related(NAMED)


def listed(rows: Iterable[Foothold], *, actor: Contributor | None) -> list[FootholdFacts]:
    """Rows of `readable_by`, as this person may know them."""
    [found] = side_by_side(rows, actor=actor)
    return found


def side_by_side(*lists: Iterable[Foothold], actor: Contributor | None) -> list[list[FootholdFacts]]:
    """Several of them, for which what rows do not hold is looked up together."""
    found = [list(rows.prefetch_related(None) if isinstance(rows, QuerySet) else rows) for rows in lists]
    every = [row for rows in found for row in rows]
    prefetch_related_objects(every, NAMED)
    hidden = standing.hidden_among(every, actor)
    return [[_facts(row, hidden=row.pk in hidden) for row in rows] for rows in found]


def alone(row: Foothold, *, actor: Contributor | None) -> FootholdFacts:
    """A row that somebody reads, as a list of one would have it."""
    prefetch_related_objects([row], NAMED)
    return _facts(row, hidden=verdicts.are_hidden(row, actor))


def _facts(row: Any, *, hidden: bool) -> FootholdFacts:
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
        state=standing.shown(row, hidden=hidden),
        flags=[flag for flag in row.flags if not (hidden and flag == standing.STALE)],
        rank=row.rank,
        visibility=row.visibility,
        moderation=row.moderation,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def foothold(accession: str, *, actor: Contributor | None) -> FootholdDossier:
    """The dossier of a foothold; raises NoSuchFoothold, Gone."""
    row = footholds.find(accession, actor=actor)
    [head] = (it for it in around.versions(row) if it.version == row.head_version)
    newest = _version(row, head, actor)
    hidden = verdicts.are_hidden(row, actor)
    found = standing.judgement(row)
    wrote = actor is not None and any(it.author_id == actor.pk for it in around.versions(row))
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
        judgement=verdicts.judged(found, hidden=hidden),
        measured=newest.measured,
        predictions=newest.predictions,
        support=support_of(row, actor=actor),
        resolutions=verdicts.resolutions(row, hidden=hidden),
        warnings=_warnings(row, head),
        reviews=verdicts.reviews(row, actor, found, hidden=hidden),
        moderated=verdicts.moderated(row) if permits(actor, "foothold.moderate", row) else (),
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


def versions_of(row: Foothold) -> list[RevisionFacts]:
    """Every version, oldest first."""
    return [revision_facts(row, it) for it in row.revisions.select_related("author").defer("content")]


def version(accession: str, number: str, *, actor: Contributor | None) -> RevisionDossier:
    """One version; raises NoSuchFoothold, Gone, NoSuchVersion."""
    row = footholds.find(accession, actor=actor)
    return _version(row, footholds.revision_named(row, number), actor)


def _version(row: Foothold, found: Revision, actor: Contributor | None) -> RevisionDossier:
    listed = alone(row, actor=actor)
    return RevisionDossier(
        revision=revision_facts(row, found),
        accession=row.accession,
        kind=row.kind,
        checkpoint=listed.checkpoint,
        content=found.content,
        authors=authors_of(row, found.version),
        checkpoint_sha256=row.checkpoint.digest if row.checkpoint else None,
        measured=of_link(row, found.content, actor=actor),
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
    mine, other = ("evidence", "claim") if row.kind == Foothold.Kind.EVIDENCE else ("claim", "evidence")
    said = Support.objects.filter(withdrawn_at=None, **{mine: row})
    if not said.exists():
        return ()
    rows = said.filter(readable_footholds(actor, f"{other}__")).select_related("evidence", "claim", "by")
    return tuple(support_facts(it) for it in rows.only(*SUPPORT))


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


def of_neuron(checkpoint: str, layer: str, channel: int, *, actor: Contributor | None) -> list[FootholdFacts]:
    """What is said of a neuron: what people put first comes first, then what is accepted."""
    of = {"neuron__layer__checkpoint__slug": checkpoint, "neuron__layer__key": layer, "neuron__channel": channel}
    about = FootholdNeuron.objects.filter(**of).values("foothold")
    rows = readable_by(actor).filter(pk__in=about).exclude(standing="merged")
    found = listed(rows.order_by("-id"), actor=actor)
    return sorted(found, key=lambda it: (RANKS.index(it.rank), it.state != "accepted"))


def using(term: str, *, actor: Contributor | None) -> list[FootholdFacts]:
    """The newest footholds that use a term, as far as a page has room."""
    rows = readable_by(actor).filter(terms__term__slug=term).exclude(standing="merged").distinct().order_by("-id")
    return listed(rows[:MOST_LISTED], actor=actor)


def newest(
    *, actor: Contributor | None, most: int = MOST_LISTED, state: str | None = None, **chosen: Any
) -> list[FootholdFacts]:
    """The newest footholds, of those chosen by kind, shown state, checkpoint or author."""
    rows = readable_by(actor, state=state).filter(**chosen).exclude(standing="merged").order_by("-id")
    return listed(rows[:most], actor=actor)


def _warnings(row: Foothold, head: Revision) -> tuple[WarningFacts, ...]:
    settled = settle(head.content, kind=row.kind, checkpoint=row.checkpoint, actor=None)
    return tuple(WarningFacts(it.rule.code, it.rule.says, it.pointer, it.detail) for it in rules.broken(settled))
