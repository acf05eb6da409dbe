"""Measured connections of a neuron, as lists show them: both ends, in numbers, and the question that measured them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from atlas.models import Connection, Contributor, Layer
from atlas.permissions import readable_jobs
from atlas.services.addresses import Place

DIRECTIONS = {"upstream": "target", "downstream": "source"}


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """How strongly one neuron acts on another, and the job that found it."""

    source: str  # "mixed4b:12"
    target: str
    kind: str  # expanded, best-case, raw, expected
    norm: float  # L2 norm of the kernel over space
    sign: str  # +, -, mixed
    share: float  # of the target's norm² over the source's whole layer
    job: str  # fingerprint
    url: str


def of_neuron(
    place: Place,
    *,
    actor: Contributor | None,
    direction: str | None = None,
    kind: str | None = None,
    layer: Layer | None = None,
) -> QuerySet[Connection]:
    """Every measured connection of a neuron, each edge and kind once, by its newest finding.

    Upstream is what it listens to, downstream what listens to it; `layer` is the other end's.
    """
    ends = [DIRECTIONS[direction]] if direction else list(DIRECTIONS.values())
    wanted = Q(pk__in=())
    for end in ends:
        other = "source" if end == "target" else "target"
        here = Q(**{f"{end}__layer": place.layer, f"{end}__channel": place.channel})
        wanted |= here & Q(**{f"{other}__layer": layer}) if layer else here
    chosen = Q(kind=kind) if kind else Q()
    same = {name: OuterRef(name) for name in ("source", "target", "kind")}
    mine = readable_jobs(actor, "finding__job__")
    newer = Connection.objects.filter(mine, **same, id__gt=OuterRef("id"))
    return Connection.objects.filter(mine, wanted, chosen, ~Exists(newer))


def facts(rows: Iterable[Connection]) -> list[ConnectionFacts]:
    """Rows read by `with_ends` as lists show them."""
    return [
        ConnectionFacts(
            source=f"{row.source.layer.key}:{row.source.channel}",
            target=f"{row.target.layer.key}:{row.target.channel}",
            kind=row.kind,
            norm=row.norm,
            sign=row.sign,
            share=row.share,
            job=row.finding.job.fingerprint,
            url=f"/j/{row.finding.job.fingerprint}",
        )
        for row in rows
    ]


def with_ends(rows: Any) -> Any:
    """Connections with all that `facts` reads, in one query."""
    return rows.select_related("source__layer", "target__layer", "finding__job")
