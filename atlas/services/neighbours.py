"""From a neuron somebody wrote to its rows, and from these to the neurons that claims put beside them."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count, Q

from atlas.contents.link import CAUSAL
from atlas.errors import AtlasError
from atlas.models import Connection, Contributor, Foothold, FootholdNeuron, FootholdTerm, Layer, LayerAlias, Neuron
from atlas.permissions import readable, readable_footholds
from atlas.services import addresses

MOST_LAYERS, MOST_LINKS, MOST_ALIKE, MOST_TERMS = 2_000, 5_000, 500, 10
ENDS = {"upstream": ("target", "source"), "downstream": ("source", "target")}


@dataclass(frozen=True)
class Found:
    """Neurons in order, the nearest first, and how each is written; of these the last were `measured`, not claimed."""

    neurons: tuple[int, ...]
    shown: tuple[str, ...]
    measured: int


def neurons(text: str, *, actor: Contributor | None) -> list[int]:
    """The neurons that `layer:channel` means in the checkpoints this person may read; in one, as `slug/layer:channel`.

    None where there is none: a branch or another name of a layer is resolved as everywhere.
    """
    slug, _, unit = text.rpartition("/")
    name, _, channel = unit.rpartition(":")
    if slug:
        try:
            place = addresses.neuron(addresses.checkpoint(slug, actor=actor), name, str(int(channel)))
        except AtlasError:
            return []
        return [addresses.row(place).pk]
    at = Q(pk__in=())
    for layer, start, stop in layers(name, actor=actor):
        if start + int(channel) < stop:
            at |= Q(layer=layer, channel=start + int(channel))
    return list(Neuron.objects.filter(at).values_list("pk", flat=True))


def layers(name: str, *, actor: Contributor | None) -> list[tuple[int, int, int]]:
    """(layer, first channel, channel after the last) of whatever is called so in a checkpoint this person may read."""
    keys = Layer.objects.filter(readable(actor, "checkpoint__"), key=name).values_list("pk", "channels")
    aliases = LayerAlias.objects.filter(readable(actor, "checkpoint__"), name=name)
    found = [(layer, 0, channels) for layer, channels in keys]
    return found + list(aliases.values_list("layer", "start", "stop"))


def layer_names(actor: Contributor | None) -> list[str]:
    """Names of layers, for who misspelt one."""
    keys = Layer.objects.filter(readable(actor, "checkpoint__")).order_by().values_list("key", flat=True)
    names = LayerAlias.objects.filter(readable(actor, "checkpoint__")).order_by().values_list("name", flat=True)
    return sorted({*keys.distinct()[:MOST_LAYERS], *names.distinct()[:MOST_LAYERS]})


def beside(operator: str, start: list[int], *, top: int, actor: Contributor | None) -> Found:
    """The neurons in this relation to these, at most `top`."""
    if operator == "similar":
        return _shown(_alike(start, actor)[:top])
    claimed = _linked(operator, start, actor)[:top]
    measured = [neuron for neuron in _measured(operator, start) if neuron not in claimed]
    return _shown([*claimed, *measured][:top], measured=max(0, min(len(measured), top - len(claimed))))


def _linked(operator: str, start: list[int], actor: Contributor | None) -> list[int]:
    """The other ends of links that stand and that say how one acts on the other: the surest first."""
    here, there = ENDS[operator]
    rows = FootholdNeuron.objects.filter(
        readable_footholds(actor, "foothold__"),
        foothold__neurons__role=here,
        foothold__neurons__neuron__in=start,
        role=there,
        foothold__kind=Foothold.Kind.LINK,
        foothold__standing=Foothold.Standing.OPEN,
        foothold__entry__relation__in=CAUSAL,
    ).order_by("-foothold__entry__place")
    said = rows.values_list("neuron", "foothold__rank", "foothold__state", "foothold__entry__confidence")[:MOST_LINKS]
    best: dict[int, tuple[bool, bool, int]] = {}
    for neuron, rank, state, confidence in said:
        sure = (rank == Foothold.Rank.PREFERRED, state == Foothold.State.ACCEPTED, confidence or 0)
        best[neuron] = max(sure, best.get(neuron, sure))
    return sorted(best, key=lambda neuron: (*(-part for part in best[neuron]), neuron))


def _measured(operator: str, start: list[int]) -> list[int]:
    """The other ends of measured connections, the strongest first; who reads of one end may read of the other."""
    here, there = ENDS[operator]
    rows = Connection.objects.filter(**{f"{here}__in": start}, kind="expanded").order_by("-norm", "id")
    return list(dict.fromkeys(rows.values_list(there, flat=True)[:MOST_LINKS]))


def _alike(start: list[int], actor: Contributor | None) -> list[int]:
    """Those whose descriptions use the same terms in the same way, by the share of both their terms that is common."""
    uses = FootholdTerm.objects.filter(
        readable_footholds(actor, "foothold__"),
        foothold__standing=Foothold.Standing.OPEN,
        foothold__neurons__role="subject",
    )
    said = uses.filter(foothold__neurons__neuron__in=start).values_list("term", "polarity").annotate(n=Count("pk"))
    own = {(term, polarity) for term, polarity, _ in said.order_by("-n", "term", "polarity")[:MOST_TERMS]}
    if not own:
        return []
    same = Q(pk__in=())
    for term, polarity in own:
        same |= Q(term=term, polarity=polarity)
    subject = "foothold__neurons__neuron"
    common = uses.filter(same).exclude(foothold__neurons__neuron__in=start).values_list(subject)
    ranked = list(common.annotate(n=Count("term", distinct=True)).order_by("-n", subject)[:MOST_ALIKE])
    theirs: dict[int, set[tuple[int, str]]] = {}
    rows = uses.filter(foothold__neurons__neuron__in=[neuron for neuron, _ in ranked])
    for neuron, term, polarity in rows.values_list(subject, "term", "polarity"):
        theirs.setdefault(neuron, set()).add((term, polarity))
    return sorted(theirs, key=lambda neuron: (-len(own & theirs[neuron]) / len(own | theirs[neuron]), neuron))


def _shown(found: Iterable[int], *, measured: int = 0) -> Found:
    order = tuple(found)
    rows = {row.pk: row for row in Neuron.objects.filter(pk__in=order).select_related("layer")}
    return Found(order, tuple(f"{rows[pk].layer.key}:{rows[pk].channel}" for pk in order), measured)
