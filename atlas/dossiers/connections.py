"""Measured connections of a neuron, as lists show them: both ends, in numbers, and the question that measured them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from atlas.models import Checkpoint, Connection, Contributor, Foothold, Layer, Neuron
from atlas.permissions import readable_jobs
from atlas.services import connections
from atlas.services.addresses import Place

DIRECTIONS = {"upstream": "target", "downstream": "source"}
Edge = tuple[str, str, str]  # a job's fingerprint, source and target


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


def of_link(row: Foothold, content: Mapping[str, Any], *, actor: Contributor | None) -> ConnectionFacts | None:
    """The measured connection on which a link rests; None where it rests on something else, or is no link."""
    job = content["rests_on"].get("finding") if row.kind == Foothold.Kind.LINK else None
    if job is None or row.checkpoint is None:
        return None
    edge = (job, content["source"], content["target"])
    return measured({edge}, of=row.checkpoint, actor=actor).get(edge)


def measured(edges: Iterable[Edge], *, of: Checkpoint, actor: Contributor | None) -> dict[Edge, ConnectionFacts]:
    """What these jobs found of these edges of a checkpoint, as far as they measured them; one query if any is asked."""
    wanted = set(edges)
    if not wanted:
        return {}
    ends = connections.named({unit for _, *units in wanted for unit in units})
    neurons = Neuron.objects.filter(ends, layer__checkpoint=of).values("pk")
    rows = Connection.objects.filter(
        readable_jobs(actor, "finding__job__"),
        finding__job__fingerprint__in={job for job, *_ in wanted},
        source__in=neurons,
        target__in=neurons,
    )
    found = {(it.job, it.source, it.target): it for it in facts(with_ends(rows))}
    return {edge: it for edge, it in found.items() if edge in wanted}


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
