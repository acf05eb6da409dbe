"""Connections: which units a unit listens to and which listen to it, by their weights, with a sign and in space."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from workers.interp import heatmaps
from workers.interp.address import Subject, Unit
from workers.interp.adjacency import Adjacency
from workers.interp.datasets import Dataset, fixed
from workers.interp.errors import BadAddress, InterpError, NonfiniteActivation, NoPath, NotAdjacent
from workers.interp.expectation import Expected
from workers.interp.lens import Lens
from workers.interp.parameters import Params, choice, dataset, integer, words
from workers.interp.pathways import KINDS, PICTURE, Pathways
from workers.interp.plan import Plan
from workers.interp.probe import SAFETENSORS, Answers, Blob, Failure, Finding, Materials, Observe, Progress, probe
from workers.interp.strands import Connection, ExpectedPair, Pair, Strand

EXPECTED = "expected"
WIDER = 2  # times as many units as are listed are looked at where only a bound says which listen
DIRECTIONS = {"both": ("upstream", "downstream"), "upstream": ("upstream",), "downstream": ("downstream",)}
Ends = tuple[str, str]  # the keys of two layers, the target first
USUAL = "pre_relu"  # of layers that have it


@dataclass(frozen=True)
class Knobs(Params):
    """What is asked of a unit's weights."""

    direction: str = choice(
        "both",
        title="Direction",
        description="The units it listens to (upstream), the units that listen to it (downstream), or both.",
        among=tuple(DIRECTIONS),
    )
    kind: str = choice(
        "expanded",
        title="Weights",
        description="Expanded: the sum over all paths between two layers, every ReLU open and max-pooling taken as "
        "average-pooling. Best case: the furthest that each weight gets, whichever ReLUs are open. Raw: the stored "
        "weight between adjacent layers. Expected: what passes the gates as pictures set them, on average.",
        among=(*KINDS, EXPECTED),
    )
    layer: str = words(
        "",
        title="The other layer",
        description="A layer or branch before or behind the unit's, however far, or input for the picture itself. "
        "Empty: the nearest ones, seen through 1 × 1 bottlenecks.",
        pattern=r"^([A-Za-z0-9][A-Za-z0-9_.]{0,119})?$",
        longest=120,
    )
    top: int = integer(
        10,
        title="How many",
        description="So many of the strongest connections in each direction, with their kernels.",
        least=1,
        most=50,
    )
    dataset: str = dataset(
        title="Pictures",
        description="Over which expected weights are averaged. None: the eight fixed pictures that every network is "
        "checked by. The other kinds need none.",
    )
    pictures: int = integer(
        32,
        title="How many pictures",
        description="So many are looked at, the first by their digests, at most 64: each pass back costs as much as "
        "several forward.",
        least=1,
        most=64,
    )


@probe(
    "connections",
    version=2,
    summary="The units that a unit listens to and those that listen to it, by their weights.",
    subjects=("unit",),
    site=USUAL,
    seconds=2.0,
    params=Knobs,
    example={"direction": "both", "kind": "expanded", "layer": "", "top": 3},
)
def connections(
    lens: Lens,
    subjects: Sequence[Subject],
    params: Knobs,
    *,
    site: str | None,
    plan: Plan,
    observe: Observe,
    materials: Materials,
) -> Answers:
    """Compose the weights on all paths between a unit and the units of other layers (Voss et al. 2021; Olah 2020).

    A kernel [h, w] says how the target's pre-activation at one position depends on the source's activation at the
    positions around it. `expanded` is the jacobian of the network with every ReLU open, max-pooling as average-pooling
    and local response normalisation as k^−β; `best-case` bounds it over all choices of gates; `raw` is the stored
    weight between adjacent tensors, and neighbours of which none is stored are passed over unless they are named;
    `expected` is the jacobian as pictures set the gates, its mean at equal offset over positions and the first
    `pictures` of the `dataset` by their digests, `n` of them. Of the units that listen to one, it is worked out for the
    2 · `top` with the largest best case. Paths through `left_out` operations have no linear form, such as the product
    with a gate. The linear paths are the same whichever site is read. Connections are ranked by `norm`, the L2 norm of
    the kernel over space, in units of the target per unit of the source. `share` is norm² over the sum of norm² of all
    units of the source's layer on that target. `balance` is the kernel's `sum` over the sum of its absolute values, and
    `sign` + or − where one sign has at least twice the mass of the other, else mixed: excited in one place, inhibited
    in another. `path` is the way that carries most, of `paths` ways. `cancelled` says which part of the mass, the sum
    over single paths of |product of weights|, is lost in the sum because paths of both signs meet; above one half it
    `cancels`: the mechanism is not linear and expanded weights mislead (a detector for both polarities, Voss et al.
    2021, figure 12).

    A finding holds a `kernel` (PNG, red excites, blue inhibits, all at one symmetric `scale`) for each connection, the
    same numbers as `weights` (safetensors, [h, w] by direction and rank), and but for expected ones a `matrix`
    (safetensors, `norms` [target, source]) for each pair of layers that is not too far apart. Kernels hold where their
    window lies within the map.

    A question that cannot be answered fails alone: NoSuchLayer, NoSuchUnit, NoSuchSite, SameLayer, NoPath, NotLinear,
    NotAdjacent, TooFarApart, and NonfiniteActivation where weights are too large to be added up.
    """
    asked = [_resolved(lens, subject, site=site) for subject in subjects]
    total = sum(isinstance(one, Unit) for one in asked)
    shared = Weights(lens, params, materials)
    done = 0
    for given, one in zip(subjects, asked, strict=True):
        if isinstance(one, Failure):
            yield one
            continue
        done += 1
        answer = _answer(shared, given, one, plan=plan)
        observe(Progress(done, total))
        yield answer


def _resolved(lens: Lens, given: Subject, *, site: str | None) -> Unit | Failure:
    try:
        if given.kind != "unit":
            raise BadAddress(text=str(given))
        unit = lens.resolve(given.units[0])
        if site not in (None, USUAL):
            lens.layers[unit.layer].require(site)
        return unit
    except InterpError as error:
        return Failure(given, error)


def _answer(shared: "Weights", given: Subject, unit: Unit, *, plan: Plan) -> Finding | Failure:
    try:
        sides = shared.sides(unit)
    except InterpError as error:
        return Failure(given, error)
    edges = [edge for side in sides for edge in side.edges]
    scale = max((float(edge.kernel.abs().max()) for edge in edges), default=0.0)
    numbers = {
        "subject": str(unit),
        "kind": shared.params.kind,
        "scale": scale,
        "cancels": any(edge.numbers["cancels"] for edge in edges),
        **shared.shown,
        **{side.direction: side.numbers() for side in sides},
    }
    if not all(edge.finite for edge in edges):
        return Failure(given, NonfiniteActivation(layer=unit.layer))
    blobs = (*_pictures(edges, scale=scale), *_tables(edges, sides))
    return Finding(given, numbers, blobs, plan.filled(1))


@dataclass(frozen=True, slots=True)
class Side:
    """The strongest connections in one direction, and what they were chosen from."""

    direction: str
    edges: list[Connection]
    pairs: list[Pair]

    def numbers(self) -> dict[str, Any]:
        """As the finding has it: from which layers, of how many units, the strongest first."""
        ways, upstream = [pair.ways for pair in self.pairs], self.direction == "upstream"
        return {
            "layers": [it.name if upstream else it.target.key for it in ways],
            "left_out": sorted({op for it in ways for leaf in it.leaves for op in it.left_out(leaf)}),
            "of": sum(it.width if upstream else it.target.channels for it in ways),
            "edges": [edge.numbers for edge in self.edges],
        }


class Weights:
    """The connections of a lens's units, as the parameters ask; what pairs of layers share is computed once."""

    def __init__(self, lens: Lens, params: Knobs, materials: Materials) -> None:
        self.lens = lens
        self.params = params
        self.datasets = materials.datasets
        self.adjacency = Adjacency(lens.checkpoint, through=params.kind != "raw")
        self._pairs: dict[Ends, Pair] = {}

    def sides(self, unit: Unit) -> list[Side]:
        """Both directions, or the one that was asked for; a named layer lies in one of them."""
        wanted = DIRECTIONS[self.params.direction]
        if not self.params.layer:
            return self._reached(unit, [(direction, self._adjacent(unit, direction)) for direction in wanted])
        try:
            return self._reached(unit, [(direction, self._named(unit, direction)) for direction in wanted])
        except InterpError as error:
            raise type(error)(**error.facts, field="layer") from None

    def _reached(self, unit: Unit, found: Sequence[tuple[str, list[Ends] | InterpError]]) -> list[Side]:
        """The directions that lead anywhere; raises what is wrong with the first where none does."""
        reached = [(direction, pairs) for direction, pairs in found if not isinstance(pairs, InterpError)]
        faults = [fault for _, fault in found if isinstance(fault, InterpError)]
        if faults and not any(pairs for _, pairs in reached):
            raise faults[0]
        return [self._side(unit, direction, pairs) for direction, pairs in reached]

    def _adjacent(self, unit: Unit, direction: str) -> list[Ends] | InterpError:
        """The nearest layers in one direction; of raw weights those that they join, or why they join none."""
        joined: list[Ends] = []
        refused: list[InterpError] = []
        for pair in self._nearest(unit, direction):
            try:
                ways = self._pair(*pair).ways
                if direction == "upstream":
                    ways.require(unit.channel)
                joined.append(pair)
            except NotAdjacent as error:
                refused.append(error)
        return refused[0] if refused and not joined else joined

    def _named(self, unit: Unit, direction: str) -> list[Ends] | InterpError:
        """The pair of layers in one direction; that no path leads there is no fault while the other may."""
        other = self.params.layer
        if other != PICTURE or PICTURE in self.lens.layers:
            other = self.lens.checkpoint.place(other).layer
        elif direction == "downstream":
            return NoPath(source=unit.layer, target=PICTURE)
        pair = (unit.layer, other) if direction == "upstream" else (other, unit.layer)
        try:
            self._pair(*pair)
        except NoPath as error:
            return error
        return [pair]

    def _nearest(self, unit: Unit, direction: str) -> list[Ends]:
        if direction == "upstream":
            return [(unit.layer, it) for it in self.adjacency.upstream(unit.layer, unit.channel)]
        return [(it, unit.layer) for it in self.adjacency.downstream(unit.layer)]

    def _pair(self, target: str, source: str) -> Pair:
        if (target, source) not in self._pairs:
            known = source if source in self.lens.layers else None
            self._pairs[target, source] = self._between(target, known)
        return self._pairs[target, source]

    @cached_property
    def pictures(self) -> Dataset:
        """What expected weights are averaged over."""
        named = self.params.dataset
        return self.datasets[named] if named else fixed(self.lens.checkpoint.input_spec)

    @property
    def shown(self) -> dict[str, Any]:
        """What pictures the numbers are of, where they are of any."""
        if self.params.kind != EXPECTED:
            return {}
        return {"dataset": self.pictures.digest, "n": min(self.params.pictures, len(self.pictures))}

    @cached_property
    def _images(self) -> Tensor:  # [N, 3, H, W] in [0, 1]
        spec = self.lens.checkpoint.input_spec
        return torch.stack([item.shown(spec) for item in self.pictures.items[: self.params.pictures]])

    def _between(self, target: str, source: str | None) -> Pair:
        if self.params.kind != EXPECTED:
            return Pair(Pathways(self.lens, target=target, source=source, kind=self.params.kind))
        ways = Expected(self.lens, self._images, target=target, source=source)
        return ExpectedPair(ways, most=WIDER * self.params.top)

    def _side(self, unit: Unit, direction: str, pairs: list[Ends]) -> Side:
        found = [self._pair(*pair) for pair in pairs]
        return Side(direction, list(self._edges(unit, direction, found)), found)

    def _edges(self, unit: Unit, direction: str, pairs: Sequence[Pair]) -> Iterator[Connection]:
        """The strongest, by norm, then by the order of layers and channels; none where no path leads."""
        upstream = direction == "upstream"
        ranked = [
            (-norm, place, channel)
            for place, pair in enumerate(pairs)
            for norm, channel in _strongest(self._line(pair, unit.channel, upstream), self.params.top)
            if norm
        ]
        for rank, (_, place, channel) in enumerate(sorted(ranked)[: self.params.top]):
            target, source = (unit.channel, channel) if upstream else (channel, unit.channel)
            yield Strand(pairs[place], target, source).connection(direction, rank)

    def _line(self, pair: Pair, channel: int, upstream: bool) -> Tensor:
        """The norms of a unit's connections; of a named branch only its own units'."""
        line = pair.listens(channel) if upstream else pair.feeds(channel)
        layer, named = (pair.ways.name if upstream else pair.ways.target.key), self.params.layer
        if not named or layer not in self.lens.layers:
            return line
        place = self.lens.checkpoint.place(named)
        chosen = torch.zeros_like(line)
        chosen[place.start : place.stop] = line[place.start : place.stop]
        return chosen


def _strongest(line: Tensor, most: int) -> Iterator[tuple[float, int]]:
    """The largest with their channels, ties by channel."""
    ordered, channels = torch.sort(line, descending=True, stable=True)
    return zip(ordered[:most].tolist(), channels[:most].tolist(), strict=True)


def _pictures(edges: Sequence[Connection], *, scale: float) -> Iterator[Blob]:
    for edge in edges:
        data, (width, height) = heatmaps.png(edge.kernel, scale=scale)
        numbers = edge.numbers
        source = numbers["source"] or numbers["name"]
        alt = (
            f"Weights from {source} to {numbers['target']} at {numbers['size'][0]} × {numbers['size'][1]} positions, "
            f"sum {numbers['sum']:+.3g}: red excites, blue inhibits, full colour at ±{scale:.3g}."
        )
        facts = {"direction": edge.direction, "rank": edge.rank, "unit": numbers["name"], "scale": scale, "alt": alt}
        yield Blob("kernel", "image/png", data, {**facts, "width": width, "height": height})


def _tables(edges: Sequence[Connection], sides: Sequence[Side]) -> Iterator[Blob]:
    if edges:
        tensors = {f"{edge.direction}.{edge.rank:03d}": edge.kernel.cpu().contiguous() for edge in edges}
        yield Blob("weights", SAFETENSORS, save(tensors), {"of": [*tensors]})
    for side in sides:
        for pair in side.pairs:
            if pair.norms is not None:
                ends = {"target": pair.ways.target.key, "source": pair.ways.name}
                data = save({"norms": pair.norms.cpu().contiguous()})
                yield Blob("matrix", SAFETENSORS, data, {**ends, "shape": list(pair.norms.shape)})
