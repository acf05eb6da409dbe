"""Measured connections: written with the finding that measured them, and asked for by whoever rests a claim on one."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from atlas.models import Checkpoint, Connection, Finding, Job, Neuron

PROBE = "connections"


@dataclass(frozen=True, slots=True)
class Measured:
    """A connection between two units, as a worker found it."""

    source: str  # "mixed4b:447"
    target: str
    kind: str
    norm: float
    sign: str
    share: float


def writing(*measured: Measured) -> Callable[[Finding], None]:
    """What writes the connections that a finding measured, in its order, in the transaction that accepts it."""
    return lambda finding: _write(finding, measured)


def _write(finding: Finding, measured: Sequence[Measured]) -> None:
    if not measured:
        return
    named = {end for one in measured for end in (one.source, one.target)}
    rows = _neurons(finding.job.checkpoint, named)
    Connection.objects.bulk_create(
        Connection(
            finding=finding,
            source=rows[one.source],
            target=rows[one.target],
            kind=one.kind,
            norm=one.norm,
            sign=one.sign,
            share=one.share,
        )
        for one in measured
    )


def measured_by(jobs: Iterable[Job]) -> dict[tuple[int, int, int], str]:
    """The sign of every edge that their findings list, by (job, source, target), in one query."""
    rows = Connection.objects.filter(finding__job__in=jobs).values_list("finding__job", "source", "target", "sign")
    return {(job, source, target): sign for job, source, target, sign in rows}


def named(units: Iterable[str]) -> Q:
    """The neurons of one checkpoint that have these names."""
    wanted = Q(pk__in=())
    channels: dict[str, list[int]] = {}
    for unit in units:
        layer, _, channel = unit.rpartition(":")
        channels.setdefault(layer, []).append(int(channel))
    for layer, listed in channels.items():
        wanted |= Q(layer__key=layer, channel__in=listed)
    return wanted


def _neurons(checkpoint: Checkpoint, units: Iterable[str]) -> dict[str, Neuron]:
    """The rows of units by name, in one query."""
    rows = Neuron.objects.filter(named(units), layer__checkpoint=checkpoint).select_related("layer")
    return {f"{row.layer.key}:{row.channel}": row for row in rows}
