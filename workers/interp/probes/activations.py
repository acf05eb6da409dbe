"""Activations: what every unit answers to a dataset, and the items that show best what it does."""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.numpy import save, save_file

from workers.interp import standings
from workers.interp.address import EVERYTHING, Subject, Unit
from workers.interp.columns import Asked, places, resolved, strips
from workers.interp.datasets import fixed
from workers.interp.errors import InterpError, NonfiniteActivation
from workers.interp.lens import Lens
from workers.interp.parameters import Params, choice, dataset, integer
from workers.interp.plan import Plan
from workers.interp.probe import SAFETENSORS, Answers, Blob, Failure, Finding, Materials, Observe, Progress, probe
from workers.interp.recording import BATCH, Recording
from workers.interp.standings import Standing

USUAL = "pre_relu"  # of layers that have it


@dataclass(frozen=True)
class Knobs(Params):
    """What is recorded."""

    dataset: str = dataset(
        title="Dataset",
        description="What the network is shown, by its digest. Empty: the eight pictures by which checkpoints are "
        "checked.",
    )
    top: int = integer(
        10, title="Strongest", description="So many of the items that it answers to most.", least=1, most=standings.MOST
    )
    positions: str = choice(
        "all",
        title="Positions counted",
        description="All: histogram, moments and the fraction active are of every position. Lattice: of at most 8 × 8 "
        "of each map, which starts elsewhere in every batch, and is quicker. Maxima are exact in both.",
        among=("all", "lattice"),
    )


@probe(
    "activations",
    version=3,
    summary="What a unit, or every unit, answers to a dataset, and the pictures that show it.",
    subjects=("unit", "checkpoint"),
    site=USUAL,
    seconds=30.0,
    params=Knobs,
    example={"dataset": "", "top": 2, "positions": "all"},
)
def activations(
    lens: Lens,
    subjects: Sequence[Subject],
    params: Knobs,
    *,
    site: str | None,
    plan: Plan,
    observe: Observe,
    materials: Materials,
) -> Answers:
    """Show a dataset to the network once, 16 items at a time, and count what its units answer.

    The value of a unit is read before the ReLU where there is such a site, else after it; `*` is all units of all
    layers, a unit runs nothing past itself, and both give the same numbers. `rectified` says that a ReLU follows,
    behind which a positive maximum is the same. Of each of n `items` the spatial maximum is kept. Over items:
    `maximum`, `maximum_mean`, `maximum_std` (of the population) and 101 `percentiles` of the maxima, each a value that
    occurs. Over `positions` of all items: `mean`, `variance`, `skewness` and `kurtosis` (3 for a
    normal distribution; null for a constant), `active`, the fraction above 0, and a `histogram` of 64 equal bins from
    `low` to `high`, each with its upper edge, with what is `below` (`low` itself too) and `above`. The range is that of
    the first 16 items and half as much again on both sides; one that holds 0 is moved by at most half a bin, so that 0
    is an edge. Powers are those of deviations from the first batch's mean, summed in the network's precision, at least
    32 bits, over some hundred positions, and then in 64.

    `examples` are items at the exact quantiles 0, .001, .01, .05, .25, .5, .75, .95, .99, .999 and 1 of the maxima (the
    least value that so many of all do not exceed), from what it answers least, and the `top` strongest by `rank`; of
    equal ones the first by digest. Each has the `value`, the `position` [y, x] (the first in row order), the `box` that
    this position sees [left, top, width, height] in pixels of the network's input, clipped to it, and the same `part`
    of the item's own picture, of 1. Where nothing mixes all positions, no pixel outside the box has any effect.

    A finding holds `statistics` and `examples` (safetensors, arrays [units, …]); about `*` also `maxima` (safetensors,
    `maxima` [items, units] float32 and the items' `digests`). Units are in the order of layers and channels.

    A question that cannot be answered fails alone: NoSuchLayer, NoSuchUnit, NoSuchSite, BadAddress, and
    NonfiniteActivation, of the whole checkpoint where any unit of it is not finite. UnreadableDataset is for all.
    """
    asked = [resolved(lens, subject, site=site) for subject in subjects]
    shown = materials.datasets[params.dataset] if params.dataset else fixed(lens.checkpoint.input_spec)
    wanted = strips(lens, places(one for one in asked if isinstance(one, Asked)))
    if not wanted:
        yield from (one for one in asked if isinstance(one, Failure))
        return
    with _folder(materials.scratch) as folder:
        every, again = params.positions == "all", materials.scratch is not None
        recorded = Recording(lens, wanted, shown, folder=folder, every=every, resumable=again)
        steps = recorded.batches + 1
        recorded.run(lambda done: observe(Progress(done, steps)))
        told = Told(recorded, top=params.top)
        observe(Progress(steps, steps))
        for one in asked:
            yield one if isinstance(one, Failure) else _answer(told, one, plan=plan)


class Told:
    """What a recording says, unit by unit and of all."""

    def __init__(self, recorded: Recording, *, top: int) -> None:
        self.recorded = recorded
        self.statistics = standings.statistics(recorded)
        self.examples = standings.examples(recorded, top=top)

    def unit(self, unit: Unit, site: str) -> tuple[dict[str, Any], list[Blob]]:
        """One unit's numbers and arrays; raises NonfiniteActivation."""
        strip = next(it for it in self.recorded.strips if it.holds(unit.layer, unit.channel))
        column = strip.at + unit.channel - strip.start
        self._require_finite(unit.layer, [column])
        numbers = Standing(self.statistics, self.examples, column).numbers()
        return {"subject": str(unit), "site": site, **numbers}, self._tables([column])

    def everything(self) -> tuple[dict[str, Any], list[Blob]]:
        """A line for each layer, and the arrays of all units; raises NonfiniteActivation."""
        layers: dict[str, dict[str, Any]] = {}
        for strip in self.recorded.strips:
            columns = range(strip.at, strip.at + strip.width)
            self._require_finite(strip.layer, columns)
            line = layers.setdefault(strip.layer, {"layer": strip.layer, "site": strip.site, "units": 0, "silent": 0})
            line["units"] += strip.width
            line["silent"] += int((self.statistics["active"][columns.start : columns.stop] == 0).sum())
        numbers = {"subject": EVERYTHING, "units": self.recorded.units, "items": len(self.recorded.dataset)}
        blobs = [*self._tables(range(self.recorded.units)), self._maxima()]
        return {**numbers, "layers": [*layers.values()]}, blobs

    def _require_finite(self, layer: str, columns: Iterable[int]) -> None:
        if not all(standings.is_finite(self.statistics, column) for column in columns):
            raise NonfiniteActivation(layer=layer)

    def _tables(self, columns: Sequence[int]) -> list[Blob]:
        """The arrays of some units; what belongs to items or to the whole stays."""
        facts = {"units": len(columns), "items": len(self.recorded.dataset)}
        return [
            Blob(role, SAFETENSORS, save(standings.only(tables, columns)), facts)
            for role, tables in (("statistics", self.statistics), ("examples", self.examples))
        ]

    def _maxima(self) -> Blob:
        """It grows with the dataset: a file, where there is a folder that stays."""
        path = self.recorded.folder / "maxima.safetensors"
        save_file({"maxima": self.recorded.maxima, "digests": self.examples["digests"]}, path)
        data = path if self.recorded.resumable else path.read_bytes()
        return Blob("maxima", SAFETENSORS, data, {"shape": list(self.recorded.maxima.shape)})


def _answer(told: Told, one: Asked, *, plan: Plan) -> Finding | Failure:
    try:
        numbers, blobs = told.everything() if one.unit is None else told.unit(one.unit, one.places[0][1])
    except InterpError as error:
        return Failure(one.given, error)
    return Finding(one.given, {**numbers, "dataset": told.recorded.dataset.digest}, tuple(blobs), plan.filled(BATCH))


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    """The folder that was given, which stays, or one that goes."""
    if given is not None:
        given.mkdir(parents=True, exist_ok=True)
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="atlas-recording-") as folder:
        yield Path(folder)
