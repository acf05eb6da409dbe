"""From what people write to the one neuron they mean: aliases resolved, ranges checked, nothing guessed."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from atlas.belonging import reader
from atlas.errors import NoSuchCheckpoint, NoSuchLayer, NoSuchNeuron, Validation
from atlas.models import Checkpoint, Contributor, Layer, LayerAlias, Neuron
from atlas.permissions import readable
from atlas.remembering import once
from atlas.validation import named_at

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.]*", re.ASCII)
UNIT = re.compile(rf"^(?P<layer>{NAME.pattern}):(?P<channel>\d{{1,9}})$", re.ASCII)
CHANNEL = re.compile(r"^(0|[1-9]\d{0,8})$", re.ASCII)


@dataclass(frozen=True)
class Place:
    """Where an address leads: a layer, the channel when it named one, and whether it was the canonical spelling."""

    layer: Layer
    channel: int | None
    canonical: bool


def checkpoint(slug: str, *, actor: Contributor | None) -> Checkpoint:
    """The checkpoint of this slug, if this person may read it."""

    def find() -> Checkpoint:
        rows = Checkpoint.objects.filter(readable(actor), slug=slug).select_related("team")
        found = None if "\x00" in slug else rows.first()  # with NUL PostgreSQL looks for nothing
        if found is None:
            raise NoSuchCheckpoint(checkpoint=slug[:80])
        return found

    return once(("checkpoint", slug, reader(actor)), find)


def beside(one: Checkpoint, digest: str, *, actor: Contributor | None) -> Checkpoint:
    """Another checkpoint of this digest, to be compared with one; raises NoSuchCheckpoint where this person may not
    read it, and Validation where not everybody who reads the answer may: it is as open as the one it is about.
    """
    found = Checkpoint.objects.filter(readable(actor), digest=digest).first()
    if found is None:
        raise NoSuchCheckpoint(checkpoint=digest[:80])
    open_ = Checkpoint.objects.filter(readable(None), pk=found.pk).exists()
    if not open_ and (found.team_id != one.team_id or Checkpoint.objects.filter(readable(None), pk=one.pk).exists()):
        detail = f"Who reads the answer must be able to read both: {found.slug} is its team's only."
        raise Validation(errors=[{"pointer": "", "code": "not-as-open", "detail": detail}])
    return found


def readable_by(actor: Contributor | None, slug: str, *, pointer: str) -> Checkpoint:
    """The checkpoint that a body names at `pointer`; raises Validation, the same for a hidden one and for none."""
    with named_at(pointer):
        return checkpoint(slug, actor=actor)


def layer(of: Checkpoint, name: str) -> Place:
    """The layer of this key or whole-layer alias; a branch alias leads to its layer too."""
    return _place(of, name, channel=None)


def neuron(of: Checkpoint, name: str, channel: str) -> Place:
    """The layer and channel that `name:channel` means; raises NoSuchLayer or NoSuchNeuron naming the range."""
    if not CHANNEL.fullmatch(channel):
        return _out_of_range(_place(of, name, channel=None).layer, channel)
    return _place(of, name, channel=int(channel))


class Map:
    """Layers of a checkpoint by these names at hand, for contents that name thousands of units: two queries in all."""

    def __init__(self, of: Checkpoint, names: Iterable[str]) -> None:
        self.checkpoint = of
        wanted = {name for name in names if NAME.fullmatch(name)}  # a NUL, which PostgreSQL refuses, is in none
        self.layers = {layer.key: layer for layer in of.layers.filter(key__in=wanted)}
        others = wanted - self.layers.keys()
        self.aliases = {alias.name: alias for alias in of.aliases.filter(name__in=others).select_related("layer")}

    def unit(self, text: str) -> Place:
        """The place that `layer:channel` means; raises Validation, NoSuchLayer, NoSuchNeuron."""
        matched = UNIT.fullmatch(text)
        if not matched:
            raise Validation(errors=[{"pointer": "", "code": "not-a-unit", "detail": "A unit is layer:channel."}])
        name, channel = matched["layer"], int(matched["channel"])
        if name in self.layers:
            layer = self.layers[name]
            return _within(layer, channel, start=0, stop=layer.channels, canonical=True)
        if name not in self.aliases:
            raise NoSuchLayer(checkpoint=self.checkpoint.slug, layer=name[:80], layers=_named(self.checkpoint))
        alias = self.aliases[name]
        return _within(alias.layer, channel, start=alias.start, stop=alias.stop, canonical=False)

    def rows(self, places: Iterable[Place]) -> dict[tuple[str, int], Neuron]:
        """The rows of many places by layer key and channel, in a query for each layer."""
        channels: dict[Layer, set[int]] = defaultdict(set)
        for place in places:
            assert place.channel is not None
            channels[place.layer].add(place.channel)
        return {
            (layer.key, neuron.channel): neuron
            for layer, wanted in channels.items()
            for neuron in Neuron.objects.filter(layer=layer, channel__in=wanted)
        }


def row(place: Place) -> Neuron:
    """The neuron's row."""
    assert place.channel is not None
    return Neuron.objects.get(layer=place.layer, channel=place.channel)


def _place(of: Checkpoint, name: str, *, channel: int | None) -> Place:
    found = once(("layer", of.pk, name), lambda: of.layers.filter(key=name).first())
    if found:
        return _within(found, channel, start=0, stop=found.channels, canonical=True)
    alias = LayerAlias.objects.filter(checkpoint=of, name=name).select_related("layer").first()
    if alias is None:
        raise NoSuchLayer(checkpoint=of.slug, layer=name[:80], layers=_named(of))
    return _within(alias.layer, channel, start=alias.start, stop=alias.stop, canonical=False)


def _within(layer: Layer, channel: int | None, *, start: int, stop: int, canonical: bool) -> Place:
    if channel is None:
        return Place(layer, None, canonical)
    if start + channel >= stop:
        return _out_of_range(layer, str(channel), width=stop - start)
    return Place(layer, start + channel, canonical)


def _out_of_range(layer: Layer, channel: Any, *, width: int | None = None) -> Place:
    width = width or layer.channels
    raise NoSuchNeuron(
        checkpoint=layer.checkpoint.slug, layer=layer.key, channel=channel[:40], width=width, last=width - 1
    )


def _named(of: Checkpoint, *, most: int = 12) -> str:
    keys = list(of.layers.values_list("key", flat=True))
    if not keys:
        return "none yet, because it is a draft"
    return ", ".join(keys[:most]) + (f" and {len(keys) - most} more" if len(keys) > most else "")
