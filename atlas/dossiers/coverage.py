"""How far people have come with the neurons of a checkpoint: what is described, and what is believed of it."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Case, F, IntegerField, Max, OuterRef, Q, QuerySet, Subquery, Value, When

from atlas.models import Checkpoint, Contributor, Foothold, Layer, Resolution
from atlas.permissions import readable_footholds
from atlas.services import standing

State = Foothold.State
NONE = "none"
# What stands for a neuron of which several things are said: what is disputed asks for somebody first.
WEIGHTS = {State.DISPUTED: 3, State.ACCEPTED: 2, State.PROPOSED: 1}
STANDINGS = (NONE, *(str(state) for state in reversed(WEIGHTS)))
STALE = "stale"


@dataclass(frozen=True, slots=True)
class CoverageFacts:
    """How many neurons of a layer stand where; `stale` ones, whose verdicts are on an older text, stand there too."""

    layer: str
    url: str
    neurons: int
    visualized: int
    none: int
    proposed: int
    accepted: int
    disputed: int
    stale: int

    @property
    def described(self) -> int:
        """Neurons of which a description stands."""
        return self.neurons - self.none


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a neuron: how often, what is believed of it, and in which words."""

    standing: str
    stale: bool
    claims: int
    title: str  # of what its people put first


NOTHING = Said(NONE, stale=False, claims=0, title="")


def descriptions(actor: Contributor | None) -> QuerySet[Foothold]:
    """Descriptions that stand, as this person may know them: `weight` is what is believed, `old` whether stale.

    What a curator resolved weighs as much as what is accepted if it was upheld, and nothing if it was rejected.
    """
    decided = Resolution.objects.filter(foothold=OuterRef("pk"), version=OuterRef("head_version")).order_by("-id")
    upheld = Q(state=State.RESOLVED, decided="upheld")
    weight = Case(
        When(Q(state=State.DISPUTED) & standing.hidden_from(actor), then=Value(WEIGHTS[State.PROPOSED])),
        *(When(state=state, then=Value(weight)) for state, weight in WEIGHTS.items()),
        When(upheld, then=Value(WEIGHTS[State.ACCEPTED])),
        default=Value(0),
        output_field=IntegerField(),
    )
    rows = Foothold.objects.filter(readable_footholds(actor), kind=Foothold.Kind.DESCRIPTION, standing="open")
    return rows.alias(decided=Subquery(decided.values("outcome")[:1])).annotate(
        weight=weight,
        old=Case(
            When(standing.flagged(standing.STALE, actor=actor), then=Value(1)),
            default=Value(0),
            output_field=IntegerField(),
        ),
    )


def coverage(of: Checkpoint, layers: Iterable[Any], *, actor: Contributor | None) -> tuple[CoverageFacts, ...]:
    """The coverage of these layers, in one query whose answer has a row for each layer and standing."""
    found = counted(descriptions(actor).filter(checkpoint=of))
    return tuple(_of_layer(layer, found) for layer in layers)


def counted(rows: QuerySet[Foothold]) -> dict[tuple[str, str, str], int]:
    """How many neurons that descriptions are about stand where: by checkpoint, layer, and standing or `stale`."""
    by_neuron = rows.order_by().values(neuron=F("neurons__neuron")).annotate(most=Max("weight"), old_one=Max("old"))
    sql, params = by_neuron.query.sql_with_params()
    # Names come last: grouping thousands of neurons by them takes longer than everything else.
    grouped = (
        f"SELECT c.slug, l.key, most, old_one, COUNT(*) FROM ({sql}) AS one "  # noqa: S608 - the inner query is Django's
        "JOIN atlas_neuron n ON n.id = one.neuron JOIN atlas_layer l ON l.id = n.layer_id "
        "JOIN atlas_checkpoint c ON c.id = l.checkpoint_id GROUP BY l.id, most, old_one, l.key, c.slug"
    )
    with connection.cursor() as cursor:
        cursor.execute(grouped, params)
        answer = cursor.fetchall()
    found: dict[tuple[str, str, str], int] = {}
    for slug, key, most, old, count in answer:
        for name in (STANDINGS[most], *([STALE] if old else [])):
            found[slug, key, name] = found.get((slug, key, name), 0) + count
    return found


def of_one(layer: Any, said: Iterable[Said]) -> CoverageFacts:
    """The coverage of a layer of whose neurons this is said."""
    found = Counter(name for one in said for name in (one.standing, *([STALE] if one.stale else [])))
    return _of_layer(layer, {(layer.checkpoint, layer.key, name): count for name, count in found.items()})


def of_layer(layer: Layer, *, actor: Contributor | None) -> dict[int, Said]:
    """By channel what is said of a layer's neurons, where anything is, in one query."""
    rows = descriptions(actor).filter(neurons__neuron__layer=layer)
    columns = ("neurons__neuron__channel", "weight", "old", "rank", "title")
    found: dict[int, list[tuple[int, int, str, str]]] = {}
    for channel, *said in rows.order_by("id").values_list(*columns):
        found.setdefault(channel, []).append(tuple(said))
    return {channel: _said(rows) for channel, rows in found.items()}


def _said(rows: list[tuple[int, int, str, str]]) -> Said:
    ranks = Foothold.Rank.values
    place = max(range(len(rows)), key=lambda it: (-ranks.index(rows[it][2]), rows[it][0] == 2, it))
    most = max(weight for weight, *_ in rows)
    return Said(STANDINGS[most], stale=any(old for _, old, *_ in rows), claims=len(rows), title=rows[place][3])


def _of_layer(layer: Any, found: dict[tuple[str, str, str], int]) -> CoverageFacts:
    told = {name: found.get((layer.checkpoint, layer.key, name), 0) for name in (*STANDINGS[1:], STALE)}
    none = layer.channels - sum(told[name] for name in STANDINGS[1:])
    return CoverageFacts(layer.key, layer.url, layer.channels, layer.answered, none, **told)
