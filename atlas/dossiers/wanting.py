"""Where help is needed: claims that wait for somebody, layers that few have described, neurons nobody has."""

from dataclasses import dataclass

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from atlas.dossiers import coverage, queue
from atlas.dossiers.footholds import FootholdFacts, readable_by, side_by_side
from atlas.models import Contributor, Foothold, Job, Layer, UnitStatistics
from atlas.permissions import readable, readable_dataset
from atlas.services import standing, tallies

CLAIMED = ("description", "link", "circuit", "collection")  # evidence is shown with what it speaks of
UNDECIDED = ("proposed", "disputed")
MOST = 4  # of each
LATEST = 5_000  # recordings among which the strongest are looked for
AS_LONG = 60.0  # s that numbers of all layers are kept


@dataclass(frozen=True, slots=True)
class SparseLayer:
    """A layer of which little is described."""

    checkpoint: str
    layer: str
    url: str
    neurons: int
    described: int
    visualized: int


@dataclass(frozen=True, slots=True)
class StrongNeuron:
    """A neuron that nobody has described; `z` is by how many standard deviations its strongest response stands out."""

    checkpoint: str
    unit: str
    url: str
    z: float
    items: int


@dataclass(frozen=True, slots=True)
class Wanting:
    """What waits for anybody who may."""

    disputed: tuple[FootholdFacts, ...]
    proposed: tuple[FootholdFacts, ...]  # those that wait longest
    stale: tuple[FootholdFacts, ...]
    layers: tuple[SparseLayer, ...]
    neurons: tuple[StrongNeuron, ...]


def wanting(actor: Contributor | None) -> Wanting:
    """Where help is needed, of what this person may read."""

    def rows(**known: str) -> QuerySet[Foothold]:
        return readable_by(actor, **known).filter(kind__in=CLAIMED, standing="open").order_by("id")

    # What is public is the same for everybody, and long to count.
    layers, neurons = tallies.remembered("wanting", lambda: (_sparse(), _strong()), seconds=AS_LONG)
    fresh = rows(state="proposed").exclude(standing.flagged(standing.STALE, actor=actor))
    lists = (rows(state="disputed"), fresh, rows(flag=standing.STALE))
    disputed, proposed, stale = side_by_side(*(one[:MOST] for one in lists), actor=actor)
    return Wanting(tuple(disputed), tuple(proposed), tuple(stale), layers, neurons)


def of_mine(actor: Contributor) -> tuple[tuple[FootholdFacts, ...], tuple[FootholdFacts, ...]]:
    """The first of somebody's review queue, that wait longest, and what they wrote and is disputed, or a draft."""
    queued = queue.awaiting(actor).filter(kind__in=queue.KINDS).order_by("id")
    # Of what they wrote a blind review keeps nothing from them.
    wrote = readable_by(actor).filter(created_by=actor, kind__in=CLAIMED).order_by("-id")
    doubtful = wrote.filter(Q(state="disputed") | Q(standing="draft"))
    to_review, own = side_by_side(queued[:MOST], doubtful[:MOST], actor=actor)
    return tuple(to_review), tuple(own)


def _sparse() -> tuple[SparseLayer, ...]:
    """The layers of public checkpoints with the smallest part described, of these first what can be looked at."""
    layers = Layer.objects.filter(readable(None, "checkpoint__")).order_by("checkpoint__slug", "index")
    answered = Job.objects.filter(state=Job.State.DONE, neuron__isnull=False).order_by()
    visualized = dict(answered.values_list("neuron__layer").annotate(count=Count("neuron", distinct=True)))
    counts = coverage.counted(coverage.descriptions(None))
    found = [
        SparseLayer(slug, key, f"/c/{slug}/{key}", channels, _described(counts, slug, key), visualized.get(pk, 0))
        for pk, slug, key, channels in layers.values_list("pk", "checkpoint__slug", "key", "channels")
    ]
    some = [one for one in found if one.described < one.neurons]
    return tuple(sorted(some, key=lambda it: (it.described / it.neurons, -it.visualized / it.neurons))[:MOST])


def _described(counts: dict[tuple[str, str, str], int], slug: str, key: str) -> int:
    return sum(counts.get((slug, key, state), 0) for state in coverage.STANDINGS[1:])


def _strong() -> tuple[StrongNeuron, ...]:
    """Public neurons that nobody describes, whose strongest response stands out most from their usual one."""
    latest = UnitStatistics.objects.filter(
        readable_dataset(None, "dataset__"), readable(None, "neuron__layer__checkpoint__"), maximum_std__gt=0
    ).order_by("-id")[:LATEST]
    said = coverage.descriptions(None).filter(neurons__neuron=OuterRef("neuron"), weight__gt=0)
    over = (F("maximum") - F("maximum_mean")) / F("maximum_std")
    rows = UnitStatistics.objects.filter(~Exists(said), pk__in=latest.values("pk")).alias(over=over)
    told = rows.order_by("-over", "id").values_list(
        "neuron__layer__checkpoint__slug", "neuron__layer__key", "neuron__channel", "items", over
    )
    found = {(slug, key, channel): (z, items) for slug, key, channel, items, z in told[: 3 * MOST]}
    return tuple(
        StrongNeuron(slug, f"{key}:{channel}", f"/c/{slug}/{key}/{channel}", z, items)
        for (slug, key, channel), (z, items) in list(found.items())[:MOST]
    )
