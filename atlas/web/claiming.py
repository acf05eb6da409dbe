"""What templates of claims ask: the form that a measured connection suggests, and which verdicts count."""

from collections.abc import Iterable
from urllib.parse import urlencode

from django import template

from atlas.dossiers.jobs import JobFacts
from atlas.dossiers.verdicts import ReviewFacts
from atlas.dossiers.wirings import Strand
from atlas.models import Review

register = template.Library()
# What a connection of this sign is claimed to do, unless its author says otherwise; a best case has no one sign.
RELATIONS = {"+": ("excites", "+"), "-": ("inhibits", "-")}


@register.simple_tag
def claim_of(strand: Strand, job: JobFacts) -> str:
    """Both ends, the relation and its sign as measured, and the finding on which the link rests."""
    numbers = strand.numbers
    relation, sign = RELATIONS.get(numbers["sign"], ("builds-from", numbers["sign"]))
    ends = {"source": numbers["source"], "target": numbers["target"], "relation": relation, "sign": sign}
    return f"/f/new?{urlencode({'kind': 'link', 'checkpoint': job.checkpoint, **ends, 'finding': job.fingerprint})}"


@register.filter
def counting(reviews: Iterable[ReviewFacts], counts: bool = True) -> list[ReviewFacts]:
    """The verdicts that count towards the state, or those that do not; the newest first."""
    return sorted((it for it in reviews if it.counts == counts), key=lambda it: it.at, reverse=True)


@register.filter
def because(reason: str) -> str:
    """Why somebody disputes, in words."""
    return str(Review.Reason(reason).label) if reason in Review.Reason.values else reason
