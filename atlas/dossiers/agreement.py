"""How far reviewers of a checkpoint's claims agree beyond chance, by the verdict each gave first."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from atlas import agreement
from atlas.agreement import Verdict
from atlas.models import Contributor, Foothold, Review
from atlas.permissions import readable_footholds
from atlas.services import addresses, standing, terms

MOST_PAIRS = 100


@dataclass(frozen=True, slots=True)
class CoefficientFacts:
    """A coefficient of so many items and verdicts; `reason` says why it or its 95 % interval is null."""

    value: float | None
    interval: list[float] | None
    items: int
    verdicts: int
    reason: str


@dataclass(frozen=True, slots=True)
class PairFacts:
    """Two reviewers who judged something both: Cohen's κ."""

    first: str
    second: str
    kappa: CoefficientFacts


@dataclass(frozen=True, slots=True)
class AgreementDossier:
    """Agreement on the versions that two or more people judged: raw, by Krippendorff's α, and by pairs."""

    checkpoint: str
    layer: str | None
    term: str | None
    blind: bool  # of verdicts alone that were given before those of others could be seen
    raw: CoefficientFacts
    alpha: CoefficientFacts
    pairs: list[PairFacts]  # those with the most items in common first


def of_checkpoint(
    slug: str, *, actor: Contributor | None, layer: str | None = None, term: str | None = None, blind: bool = False
) -> AgreementDossier:
    """Of a checkpoint's claims, or those of one layer or with one term; raises NoSuchCheckpoint, NoSuchLayer.

    An item is a version. Of what a person said of it the first verdict counts: later ones may follow others. Whatever a
    blind review hides from who asks is left out.
    """
    row = addresses.checkpoint(slug, actor=actor)
    claims = Foothold.objects.filter(readable_footholds(actor), checkpoint=row).exclude(standing.hidden_from(actor))
    key = addresses.layer(row, layer).layer.key if layer else None
    if key:
        claims = claims.filter(neurons__neuron__layer__key=key)
    if term:
        claims = claims.filter(terms__term__slug=terms.current(term))
    given = _first(claims.values("pk"), blind=blind)
    return AgreementDossier(
        checkpoint=row.slug,
        layer=key,
        term=term,
        blind=blind,
        raw=_facts(agreement.raw(given)),
        alpha=_facts(agreement.krippendorff_alpha(given)),
        pairs=_pairs(given),
    )


def _first(claims: object, *, blind: bool) -> list[Verdict]:
    """What each person said first of each version."""
    rows = Review.objects.filter(foothold__in=claims).select_related("reviewer").order_by("id")
    rows = rows.filter(blind=True) if blind else rows
    first: dict[tuple[str, int, int], Verdict] = {}
    for it in rows:
        item = (it.foothold_id, it.version)
        first.setdefault((it.reviewer.handle, *item), Verdict(it.reviewer.handle, item, it.verdict))
    return [*first.values()]


def _pairs(given: Sequence[Verdict]) -> list[PairFacts]:
    judged: dict[str, dict[object, Verdict]] = {}
    for verdict in given:
        judged.setdefault(str(verdict.rater), {})[verdict.item] = verdict
    shared = {(one, other): judged[one].keys() & judged[other].keys() for one, other in combinations(sorted(judged), 2)}
    most = sorted((pair for pair, items in shared.items() if items), key=lambda pair: (-len(shared[pair]), pair))
    return [
        PairFacts(one, other, _facts(agreement.cohen_kappa([*judged[one].values(), *judged[other].values()])))
        for one, other in most[:MOST_PAIRS]
    ]


def _facts(found: agreement.Agreement) -> CoefficientFacts:
    interval = list(found.interval) if found.interval else None
    return CoefficientFacts(found.value, interval, found.items, found.verdicts, found.reason)
