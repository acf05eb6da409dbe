"""How alike two units are: by what they answer to pictures, by their weights on the picture, by their tuning."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import Protocol

import torch
from torch import Tensor

from workers.interp.address import Unit
from workers.interp.datasets import Dataset
from workers.interp.errors import NothingComparable, TooFarApart
from workers.interp.input_spec import InputSpec
from workers.interp.lens import Lens
from workers.interp.pathways import Pathways
from workers.interp.plan import Plan
from workers.interp.showing import TOGETHER, Question, Session
from workers.interp.tuning_knobs import Knobs

MANY = 64  # pictures a pass, on other devices than a CPU
USUAL = "pre_relu"  # of layers that have it
MOST_WEIGHTS = 1 << 24  # of a layer on the picture


class Measure(Protocol):
    """One way to compare units of a lens with those of the same or another one."""

    def passes(self, asked: Sequence[Question]) -> int:
        """How many steps `show` takes for all of these together."""
        ...

    def show(self, asked: Question) -> Iterator[None]:
        """Compute what a comparison needs, a step at a time; what is known is not computed again."""
        ...

    def profile(self, asked: Question) -> Tensor:  # -> [n]
        """The unit's own numbers."""
        ...

    def others(self, asked: Question) -> Mapping[str, Tensor]:  # -> {layer: [C, n]}
        """The numbers of all units that it is compared with; NaN where there are none of this kind."""
        ...


def correlation(one: Tensor, many: Tensor) -> Tensor:  # [n], [C, n] -> [C]
    """Pearson's r; NaN where one of the two does not vary or is not finite."""
    least = 1e-6 * torch.cat([one[None], many]).abs().nan_to_num(posinf=0).amax(1)  # rounding of 32 bits
    centred, others = one - one.mean(), many - many.mean(1, keepdim=True)
    found = cosine(centred, others)
    return torch.where((centred.norm() > least[0]) & (others.norm(dim=1) > least[1:]), found, torch.nan)


def cosine(one: Tensor, many: Tensor) -> Tensor:  # [n], [C, n] -> [C]
    """The cosine between vectors; NaN where there is none."""
    found: Tensor = (many @ one) / (one.norm() * many.norm(dim=1))
    return found


def turned(one: Tensor, many: Tensor) -> tuple[Tensor, Tensor]:  # [n], [C, n] -> [C], [C]
    """The best correlation over all turns of the others, and by how many places each is turned back for it."""
    turns = torch.stack([correlation(one, many.roll(-shift, 1)) for shift in range(one.shape[0])])
    best = turns.nan_to_num(nan=-2.0).max(0)
    return torch.where(best.values < -1.5, torch.nan, best.values), best.indices


class ByActivation:
    """The largest response to each of n pictures, of every unit of every layer of both networks."""

    def __init__(self, lens: Lens, other: Lens, layers: Sequence[str], dataset: Dataset, *, plan: Plan) -> None:
        self.lens, self.other, self.layers, self.dataset = lens, other, layers, dataset
        self.together = TOGETHER.get(plan.device, MANY)
        self._known: dict[int, Mapping[str, Tensor]] = {}

    def passes(self, asked: Sequence[Question]) -> int:
        """Every picture once for each network."""
        return -(-len(self.dataset) // self.together) * (1 if self.other is self.lens else 2) if asked else 0

    def show(self, asked: Question) -> Iterator[None]:
        """Show all pictures to both networks, once."""
        for lens in (self.lens, self.other):
            if id(lens) not in self._known:
                self._known[id(lens)] = yield from self._recorded(lens)

    def profile(self, asked: Question) -> Tensor:  # -> [n]
        """Of the unit."""
        return self._known[id(self.lens)][asked.unit.layer][asked.unit.channel]

    def others(self, asked: Question) -> Mapping[str, Tensor]:  # -> {layer: [C, n]}
        """Of every unit of the layers that are compared."""
        return {layer: self._known[id(self.other)][layer] for layer in self.layers or self.other.layers}

    def _recorded(self, lens: Lens) -> Generator[None, None, Mapping[str, Tensor]]:
        names = list(lens.layers)
        read = lens.places([(name, site_of(lens, name)) for name in names])
        seen: dict[str, list[Tensor]] = {name: [] for name in names}
        for _, pictures in self.dataset.batches(lens.checkpoint.input_spec, size=self.together):
            for name, maps in zip(names, read(pictures), strict=True):
                seen[name].append((maps.amax((2, 3)) if maps.ndim == 4 else maps).double().cpu())
            yield
        return {name: torch.cat(some).T.contiguous() for name, some in seen.items()}


class ByWeights:
    """The expanded weights onto the picture, in response for each unit of red, green and blue from 0 to 1.

    Only kernels of one size and stride are compared: those of another say something about other distances.
    """

    def __init__(self, lens: Lens, other: Lens, layers: Sequence[str]) -> None:
        self.lens, self.other, self.layers = lens, other, layers
        self._known: dict[tuple[int, str], list[Tensor]] = {}

    def passes(self, asked: Sequence[Question]) -> int:
        """Nothing is shown."""
        return 0

    def show(self, asked: Question) -> Iterator[None]:
        """Nothing is shown."""
        yield from ()

    def profile(self, asked: Question) -> Tensor:  # -> [h·w·3]
        """Of the unit."""
        return self._kernels(self.lens, asked.unit.layer)[asked.unit.channel].flatten()

    def others(self, asked: Question) -> Mapping[str, Tensor]:  # -> {layer: [C, h·w·3]}
        """Of the units of layers that see as far and step as far; NaN for kernels of another size."""
        own = self._kernels(self.lens, asked.unit.layer)[asked.unit.channel]
        mine, found = self.lens.layers[asked.unit.layer], {}
        for layer in self.layers or self.other.layers:
            theirs = self.other.layers[layer]
            if (theirs.receptive_field, theirs.stride) != (mine.receptive_field, mine.stride):
                continue
            kernels = self._kernels(self.other, layer)
            none = torch.full((own.numel(),), torch.nan, dtype=torch.float64)
            found[layer] = torch.stack([it.flatten() if it.shape == own.shape else none for it in kernels])
        if not found:
            reason = "no layer there has kernels of this size and stride on the picture"
            raise NothingComparable(subject=str(asked.unit), by="weights", reason=reason)
        return found

    def _kernels(self, lens: Lens, layer: str) -> list[Tensor]:  # C × [h, w, 3]
        if (id(lens), layer) not in self._known:
            ways = Pathways(lens, target=layer, source=None)
            if ways.weights > MOST_WEIGHTS:
                raise TooFarApart(source=ways.name, target=layer, weights=ways.weights, limit=MOST_WEIGHTS)
            spec = lens.checkpoint.input_spec
            kernels = [ways.kernel(channel).weights[0].double().cpu() for channel in range(ways.target.channels)]
            order = -1 if spec.channel_order == "BGR" else 0
            self._known[id(lens), layer] = [(it.flip(order) if order else it) * _scale(spec) for it in kernels]
        return self._known[id(lens), layer]


class ByTuning:
    """The responses along the first quantity of a family, which goes round: a tuning curve of n values."""

    def __init__(self, lens: Lens, other: Lens, layers: Sequence[str], knobs: Knobs, *, plan: Plan) -> None:
        self.lens, self.other, self.layers = lens, other, layers
        self.ours = Session(lens, knobs, plan, picture=None)
        self.theirs = self.ours if other is lens else Session(other, knobs, plan, picture=None)

    def passes(self, asked: Sequence[Question]) -> int:
        """A series for each layer of each network."""
        keys = {(id(session), session.key(it)) for one in asked for session, it in self._series(one)}
        return len(keys) * self.ours.passes

    def show(self, asked: Question) -> Iterator[None]:
        """Show the series to the unit's layer and to those it is compared with."""
        for session, it in self._series(asked):
            yield from session.show(it)

    def profile(self, asked: Question) -> Tensor:  # -> [n]
        """Of the unit."""
        return self._curves(self.ours, asked)[asked.unit.channel]

    def others(self, asked: Question) -> Mapping[str, Tensor]:  # -> {layer: [C, n]}
        """Of the units of the layers named; else of the layer of this name, or of the first one."""
        series = list(self._series(asked))[1:]
        return {it.unit.layer: self._curves(session, it) for session, it in series}

    def _series(self, asked: Question) -> Iterator[tuple[Session, Question]]:
        yield self.ours, asked
        known = list(self.other.layers)
        for layer in self.layers or [asked.unit.layer if asked.unit.layer in known else known[0]]:
            site = asked.site if asked.site in self.other.layers[layer].sites else site_of(self.other, layer)
            yield self.theirs, Question(Unit(layer, 0), site)

    def _curves(self, session: Session, asked: Question) -> Tensor:  # -> [C, n]
        found = session.recording(asked)
        curves = torch.from_numpy(found.answers.T.copy())
        curves[torch.from_numpy(~found.finite)] = torch.nan
        return curves


def site_of(lens: Lens, layer: str) -> str:
    """Where a layer is read unless asked otherwise: before its activation, if there is such a place."""
    sites = lens.layers[layer].sites
    return USUAL if USUAL in sites else sites[-1]


def _scale(spec: InputSpec) -> Tensor:  # -> [3] or [1]
    """What a step of 1 in red, green and blue is in the network's own input."""
    low, high = spec.value_range
    each = torch.tensor([(high - low) / std for std in spec.std], dtype=torch.float64)
    return each.mean()[None] if spec.channels == 1 else each
