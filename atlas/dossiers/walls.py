"""A wall: the neurons of a layer with their pictures, chosen and ordered as its reader wants, a page at a time."""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from atlas.dossiers import coverage
from atlas.dossiers.bodies import OnThePage, Spread
from atlas.dossiers.checkpoints import CheckpointFacts, LayerFacts, Tile, layers, name_of, summary_of, tiles
from atlas.dossiers.coverage import NOTHING, CoverageFacts, Said
from atlas.dossiers.families import FamilyFacts, families, members
from atlas.models import Checkpoint, Contributor, Job, Layer
from atlas.permissions import readable_jobs
from atlas.services import addresses, recordings, terms

SIZE = 100  # tiles of a page
PICTURES = "feature-visualization"
STATES = {
    "none": "no description",
    "proposed": "proposed",
    "accepted": "accepted",
    "disputed": "disputed",
    "stale": "stale",
}
SHOWN = {"missing": "no picture", "silent": "silent", "failed": "no better than noise"}
SORTS = {
    "channel": "channel",
    "name": "name",
    "claims": "most claims",
    "newest": "newest picture",
    "response": "strongest response",
    "achieved": "beyond the dataset",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody wants to see of a layer; empty is no condition."""

    state: str = ""
    picture: str = ""
    family: str = ""  # accession
    term: str = ""  # slug
    sort: str = "channel"

    @property
    def everything(self) -> bool:
        """Whether no condition is set."""
        return not (self.state or self.picture or self.family or self.term)


@dataclass(frozen=True, slots=True)
class Plate:
    """A tile of a wall, with what is said of its neuron, and the number by which it stands where it stands."""

    tile: Spread[Tile]
    standing: str
    stale: bool
    claims: int
    says: str
    measure: float | None


@dataclass(frozen=True, slots=True)
class WallDossier:
    """A page of a layer's wall; `start`, `following` and `before` are channels with which pages begin."""

    checkpoint: CheckpointFacts
    layer: LayerFacts
    coverage: CoverageFacts
    wanted: Wanted
    matches: int
    tiles: tuple[Plate, ...]
    first: int  # place of the first tile among the matches, from 1; 0 where there is none
    start: int | None
    following: int | None
    before: int | None
    layer_before: LayerFacts | None
    layer_after: LayerFacts | None
    families: OnThePage[tuple[FamilyFacts, ...]]
    terms: OnThePage[tuple[tuple[str, str], ...]]

    @property
    def last(self) -> int:
        """Place of the last tile among the matches."""
        return self.first + len(self.tiles) - 1 if self.tiles else 0

    @property
    def open(self) -> bool:
        """Whether some picture of this page is on its way."""
        return self.followed is not None

    @property
    def followed(self) -> Tile | None:
        """The neuron whose picture is looked out for: one that is computed, else the first that waits."""
        tiles = [plate.tile for plate in self.tiles if plate.tile.state in Job.OPEN]
        return min(tiles, key=lambda tile: tile.state != Job.State.RUNNING, default=None)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the newest picture of a neuron reaches."""

    job: int
    reached: float | None
    site: str
    silent: bool
    failed: bool


def wall(
    slug: str,
    key: str,
    *,
    actor: Contributor | None,
    wanted: Wanted = Wanted(),
    start: int | None = None,
    size: int = SIZE,
) -> WallDossier:
    """A page of a layer's wall that begins with channel `start`; raises NoSuchCheckpoint or NoSuchLayer.

    In whichever order, a page begins where its first channel belongs now: what changes meanwhile moves no other.
    """
    row = addresses.checkpoint(slug, actor=actor)
    layer = addresses.layer(row, key).layer
    every = layers(row)
    here = every[layer.index]
    said = coverage.of_layer(layer, actor=actor)
    measured = _measured(layer, actor) if wanted.picture or wanted.sort in ("newest", "response", "achieved") else {}
    values = _values(row, layer, wanted.sort, said, measured, actor=actor)
    order = sorted(_chosen(row, layer, wanted, said, measured, actor), key=lambda it: _place(values, it))
    at = 0 if start is None else bisect_left(order, _place(values, start), key=lambda it: _place(values, it))
    page = order[at : at + size]
    return WallDossier(
        checkpoint=summary_of(row, every),
        layer=here,
        coverage=coverage.of_one(here, said.values()),
        wanted=wanted,
        matches=len(order),
        tiles=_plates(row, layer, page, said, values if wanted.sort in ("response", "achieved") else {}),
        first=at + 1 if page else 0,
        start=page[0] if page else None,
        following=order[at + size] if at + size < len(order) else None,
        before=order[max(at - size, 0)] if at else None,
        layer_before=every[layer.index - 1] if layer.index else None,
        layer_after=every[layer.index + 1] if layer.index + 1 < len(every) else None,
        families=families(row, actor=actor),
        terms=_terms(layer, actor),
    )


def _terms(layer: Layer, actor: Contributor | None) -> tuple[tuple[str, str], ...]:
    rows = coverage.descriptions(actor).filter(neurons__neuron__layer=layer, terms__isnull=False)
    found = rows.order_by("terms__term__slug").values_list("terms__term__slug", "terms__term__label").distinct()
    return tuple(found)


def _measured(layer: Layer, actor: Contributor | None) -> dict[int, Measured]:
    """By channel what the first picture of the newest visualization that excites it reaches, in one query."""
    rows = Job.objects.filter(readable_jobs(actor), neuron__layer=layer, probe__name=PICTURES, finding__isnull=False)
    first = "finding__numbers__pictures__0__"
    columns = ("neuron__channel", "id", f"{first}maximum", f"{first}site", "finding__numbers__silent")
    found: dict[int, Measured] = {}
    for channel, job, reached, site, silent, beats, polarity in rows.order_by("id").values_list(
        *columns, f"{first}beats_noise", f"{first}polarity"
    ):
        if polarity != "negative" or channel not in found:
            found[channel] = Measured(job, reached, site or "", silent is True, beats is False)
    return found


def _values(
    row: Checkpoint,
    layer: Layer,
    sort: str,
    said: Mapping[int, Said],
    measured: Mapping[int, Measured],
    *,
    actor: Contributor | None,
) -> Mapping[int, Any]:
    """By channel what a wall is ordered by; who has nothing of it comes last."""
    if sort == "name":
        named = row.units.get(layer.key, [])
        names = {channel: name_of(named, channel) or _title(said, channel) for channel in range(layer.channels)}
        return {channel: name.casefold() for channel, name in names.items() if name}
    if sort == "claims":
        return {channel: -one.claims for channel, one in said.items()}
    if sort == "newest":
        return {channel: -one.job for channel, one in measured.items()}
    if sort == "response":
        return {channel: -one.reached for channel, one in measured.items() if one.reached is not None}
    if sort == "achieved":
        return _achieved(layer, measured, actor)
    return {}


def _title(said: Mapping[int, Said], channel: int) -> str:
    return said[channel].title if channel in said else ""


def _achieved(layer: Layer, measured: Mapping[int, Measured], actor: Contributor | None) -> dict[int, float]:
    """The negative ratio of what a picture reaches to the most of the newest dataset recorded where it was read."""
    rows = recordings.newest(actor=actor).filter(neuron__layer=layer).order_by("id")
    found = {}
    for channel, maximum, site, rectified in rows.values_list("neuron__channel", "maximum", "site", "rectified"):
        one = measured.get(channel)
        if one and one.reached is not None and maximum > 0 and (rectified or one.site == site):
            found[channel] = -one.reached / maximum
    return found


def _place(values: Mapping[int, Any], channel: int) -> tuple[bool, Any, int]:
    return (channel not in values, values.get(channel, 0), channel)


def _chosen(
    row: Checkpoint,
    layer: Layer,
    wanted: Wanted,
    said: Mapping[int, Said],
    measured: Mapping[int, Measured],
    actor: Contributor | None,
) -> list[int]:
    """The channels that meet every condition."""
    conditions: list[Callable[[int], bool]] = []
    if wanted.state:
        conditions.append(lambda channel: _stands(said.get(channel, NOTHING), wanted.state))
    if wanted.picture:
        conditions.append(lambda channel: _pictured(measured.get(channel), wanted.picture))
    if wanted.family:
        belonging = members(row, layer, wanted.family, actor=actor)
        conditions.append(belonging.__contains__)
    if wanted.term:
        word = terms.current(wanted.term)
        use = coverage.descriptions(actor).filter(neurons__neuron__layer=layer, terms__term__slug=word)
        using = set(use.values_list("neurons__neuron__channel", flat=True))
        conditions.append(using.__contains__)
    return [channel for channel in range(layer.channels) if all(holds(channel) for holds in conditions)]


def _stands(said: Said, state: str) -> bool:
    return said.stale if state == coverage.STALE else said.standing == state


def _pictured(one: Measured | None, wanted: str) -> bool:
    if wanted == "missing":
        return one is None
    return one is not None and (one.silent if wanted == "silent" else one.failed and not one.silent)


def _plates(
    row: Checkpoint, layer: Layer, page: list[int], said: Mapping[int, Said], values: Mapping[int, Any]
) -> tuple[Plate, ...]:
    return tuple(_plate(tile, said.get(tile.channel, NOTHING), values) for tile in tiles(row, layer, channels=page))


def _plate(tile: Tile, said: Said, values: Mapping[int, Any]) -> Plate:
    measure = -values[tile.channel] if tile.channel in values else None
    return Plate(tile, said.standing, said.stale, said.claims, said.title, measure)
