"""Families of neurons: collections that say they are one, and those that descriptions name as theirs."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q

from atlas.models import Checkpoint, Contributor, Foothold, FootholdNeuron, Layer
from atlas.permissions import readable_footholds
from atlas.services import standing


@dataclass(frozen=True, slots=True)
class FamilyFacts:
    """A family: what it is called, what is believed of it, how many neurons it lists itself."""

    accession: str
    url: str
    title: str
    state: str
    neurons: int


def families(of: Checkpoint, *, actor: Contributor | None) -> tuple[FamilyFacts, ...]:
    """The families of a checkpoint's neurons that stand, by title, in two queries at most."""
    collections = Foothold.objects.filter(kind="collection", standing="open", checkpoint=of)
    says_so = Q(revisions__version=F("head_version"), revisions__content__form="family")
    these = collections.filter(says_so | Q(referred_to__role="family")).values("pk")
    rows = collections.filter(readable_footholds(actor), pk__in=these).select_related("team")
    found = list(rows.annotate(listed=Count("neurons__neuron", distinct=True)).order_by("title", "id"))
    hidden = standing.hidden_among(found, actor)
    return tuple(_facts(row, hidden=row.pk in hidden) for row in found)


def _facts(row: Any, *, hidden: bool) -> FamilyFacts:
    state = standing.shown(row, hidden=hidden)
    return FamilyFacts(row.accession, f"/f/{row.accession}", row.title, state, row.listed)


def members(of: Checkpoint, layer: Layer, family: str, *, actor: Contributor | None) -> set[int]:
    """The channels of a layer in a family: items, what claims among its items are about, and who names it as theirs."""
    mine = Foothold.objects.filter(readable_footholds(actor), standing="open")
    this = mine.filter(accession=family, checkpoint=of, kind="collection")
    listed = mine.filter(referred_to__role="item", referred_to__foothold__in=this)
    naming = mine.filter(references__role="family", references__target__in=this)
    belongs = Q(foothold__in=this) | Q(foothold__in=listed) | Q(foothold__in=naming, role="subject")
    rows = FootholdNeuron.objects.filter(belongs, neuron__layer=layer)
    return set(rows.values_list("neuron__channel", flat=True))
