"""Which units are asked for, where each is read, and which nodes hold them: the columns of what is recorded."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from workers.interp.address import EVERYTHING, Subject, Unit
from workers.interp.errors import BadAddress, InterpError, NoSuchSite
from workers.interp.layers import Layer
from workers.interp.lens import Lens
from workers.interp.probe import Failure


@dataclass(frozen=True, slots=True)
class Strip:
    """The units of one layer that one node holds, read at one site: `start` is the channel of the first."""

    layer: str
    site: str
    node: str
    start: int
    width: int
    at: int  # where they are among all columns

    def holds(self, layer: str, channel: int) -> bool:
        """Whether a unit is one of them."""
        return layer == self.layer and self.start <= channel < self.start + self.width


Places = Mapping[tuple[str, str], Collection[int] | None]  # channels by (layer, site), None for all


def strips(lens: Lens, places: Places) -> list[Strip]:
    """The nodes that hold these units, by depth and channel; raises NoSuchSite. Other units of a node come along."""
    found: list[Strip] = []
    for layer, site in sorted(places, key=lambda place: lens.layers[place[0]].index):
        for part in lens.layers[layer].require(site):
            channels = places[layer, site]
            if channels is None or any(part.start <= channel < part.stop for channel in channels):
                at = found[-1].at + found[-1].width if found else 0
                found.append(Strip(layer, site, part.node, part.start, part.stop - part.start, at))
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """A unit, or all of a checkpoint, and where each of its layers is read."""

    given: Subject
    unit: Unit | None
    places: tuple[tuple[str, str], ...]


def resolved(lens: Lens, given: Subject, *, site: str | None) -> Asked | Failure:
    """Where a subject is read: at `site`, else before the ReLU where that can be; or why it cannot.

    Of a whole checkpoint each layer that has the site is read there.
    """
    try:
        if given.kind == "checkpoint":
            read = tuple((layer.key, _site(layer, site)) for layer in lens.layers.values())
            if site and all(site != where for _, where in read):
                raise NoSuchSite(layer=EVERYTHING, site=site, sites=sorted({where for _, where in read}))
            return Asked(given, None, read)
        if given.kind != "unit":
            raise BadAddress(text=str(given))
        unit = lens.resolve(given.units[0])
        layer = lens.layers[unit.layer]
        layer.require(site or layer.sites[0])
        return Asked(given, unit, ((unit.layer, site or layer.sites[0]),))
    except InterpError as error:
        return Failure(given, error)


def _site(layer: Layer, site: str | None) -> str:
    """Where a layer among all is read: as asked where it has that, else before its ReLU where it can be."""
    return site if site in layer.sites else layer.sites[0]


def places(asked: Iterable[Asked]) -> dict[tuple[str, str], set[int] | None]:
    """The channels that are asked for, by where they are read."""
    found: dict[tuple[str, str], set[int] | None] = {}
    for one in asked:
        for place in one.places:
            known = found.get(place, set())
            found[place] = None if one.unit is None or known is None else {*known, one.unit.channel}
    return found
