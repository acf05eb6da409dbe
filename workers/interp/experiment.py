"""One intervention carried out: the network as it is and as it is edited, its controls beside it, on the same pictures.

Every arm of the experiment starts from the same values of the intact network and computes only what its edits can
change; a batch holds the same pictures for all of them, so that what an edit leaves alone is equal in every bit.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from workers.interp import controls, edits
from workers.interp.address import Unit
from workers.interp.controls import Profile
from workers.interp.datasets import Dataset, Item
from workers.interp.editing import Place, Values
from workers.interp.edits import MEAN, RESAMPLE, Edit, Splice
from workers.interp.errors import NonfiniteActivation, NothingToTake
from workers.interp.lens import Lens
from workers.interp.responding import Responding
from workers.interp.resuming import Resumed
from workers.interp.streams import Stream
from workers.interp.tasks import Classifier, Votes

TOGETHER = 8  # pictures a pass
Step = Callable[[], None]
SHAM, EDITED, ABLATED = "sham", "edited", "ablated"


@dataclass(frozen=True, slots=True)
class Design:
    """What is compared: how many pictures, how many controls, and in which doses."""

    data: Dataset
    items: int
    random_units: int
    doses: tuple[float, ...]
    layers: bool  # whether to look at which units change
    stream: Callable[[str], Stream]  # by what is drawn

    @property
    def chosen(self) -> Dataset:
        """The pictures that are shown: the first ones, in the order of their digests."""
        return Dataset(self.data.items[: self.items], self.data.labels)


@dataclass
class Arm:
    """One way in which the network is edited, and what becomes of its answers."""

    edits: tuple[Edit, ...]
    tally: Votes
    moves: Mapping[Unit, Unit] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    compute: Callable[[Mapping[str, Tensor]], dict[str, Tensor]] = dict


@dataclass
class Results:
    """What was found: arms by name, controls in order, doses, and the units that answer otherwise."""

    arms: dict[str, Arm]
    randoms: list[Arm]
    doses: list[tuple[float, Arm]]
    profiles: Mapping[str, Profile]
    responding: Responding | None
    shown: Dataset


class Experiment:
    """An experiment that is planned; `steps` is how often `run` says that it is further."""

    def __init__(self, lens: Lens, wanted: Sequence[Edit], design: Design, task: Classifier) -> None:
        self.lens = lens
        self.edits = tuple(wanted)
        self.design = design
        self.task = task
        self.shown = design.chosen
        self._candidates = controls.candidates(lens.checkpoint, wanted)
        self.controls = controls.most(self._candidates, design.random_units)
        self._batches = -(-len(self.shown) // TOGETHER)
        self._looks = bool(self.controls or edits.needs(wanted, MEAN))
        self.doses = tuple(dose for dose in design.doses if dose != 1)

    @property
    def steps(self) -> int:
        """Passes over a batch: one to look at activations, one for each arm."""
        return self._batches * (self._looks + 2 + bool(self._spliced) + self.controls + len(self.doses))

    def run(self, step: Step) -> Results:
        """Show all pictures to all arms; raises NonfiniteActivation, NothingToTake, NoPath."""
        profiles, means = self._looked(step)
        donors: dict[Place, Tensor] = {}  # of the batch at hand: what is resampled reads it as it goes
        results = self._planned(profiles)
        arms = [*results.arms.values(), *results.randoms, *(arm for _, arm in results.doses)]
        for arm in arms:
            self._open(arm, results, means=means, donors=donors)
        watched = results.responding.nodes if results.responding else []
        needed = [name for arm in arms for name in arm.needs]
        intact = self.lens.program([self.lens.graph.output, *watched, *needed])
        for items, images, partners in self._shown():
            with torch.no_grad():
                donors.update(self._donated(partners))
                before = intact({self.lens.graph.input: self.lens.prepare(images)})
            labels = self.task.labels([item.label for item in items])
            for arm in arms:
                self._show(arm, before, labels, results)
                step()
        whole = [(1.0, results.arms[EDITED]) for dose in self.design.doses if dose == 1]
        return replace(results, doses=sorted([*results.doses, *whole], key=lambda one: one[0]))

    def _open(self, arm: Arm, results: Results, *, means: Values, donors: dict[Place, Tensor]) -> None:
        resumed = Resumed(self.lens, self.lens.edited(arm.edits, means=means, donors=donors))
        targets = [self.lens.graph.output]
        if arm is results.arms[EDITED] and self.design.layers:
            results.responding = Responding(self.lens, resumed.changed)
            targets += results.responding.nodes
        arm.needs, arm.compute = resumed.needs, resumed.computing(targets)

    @torch.no_grad()
    def _show(self, arm: Arm, before: Mapping[str, Tensor], labels: Tensor, results: Results) -> None:
        after, output = arm.compute(before), self.lens.graph.output
        arm.tally.add(before[output], after.get(output, before[output]), labels)
        if arm is results.arms[EDITED] and results.responding:
            results.responding.add(before, after)

    @property
    def _spliced(self) -> bool:
        return any(isinstance(edit, Splice) for edit in self.edits)

    def _planned(self, profiles: Mapping[str, Profile]) -> Results:
        arms = {SHAM: edits.dosed(self.edits, 0), EDITED: self.edits}
        if self._spliced:
            arms[ABLATED] = edits.ablated(self.edits)
        stream = self.design.stream("random units")
        moves = controls.draw(self._candidates, profiles, count=self.controls, stream=stream) if self.controls else []
        return Results(
            {name: Arm(given, self.task.tally()) for name, given in arms.items()},
            [Arm(edits.moved(self.edits, move), self.task.tally(), move) for move in moves],
            [(dose, Arm(edits.dosed(self.edits, dose), self.task.tally())) for dose in self.doses],
            profiles,
            None,
            self.shown,
        )

    def _shown(self) -> Iterator[tuple[tuple[Item, ...], Tensor, Sequence[Item]]]:
        """The pictures a batch at a time, with those that each is resampled from."""
        partners = self._partners() if edits.needs(self.edits, RESAMPLE) else ()
        spec = self.lens.checkpoint.input_spec
        for place, (items, images) in enumerate(self.shown.batches(spec, size=TOGETHER)):
            yield items, images, partners[place * TOGETHER : place * TOGETHER + len(items)]

    def _partners(self) -> list[Item]:
        """Another picture for each: the next one on a random way round all of them."""
        order = self.design.stream("resample").at(0).permutation(len(self.shown)).tolist()
        if len(order) < 2:
            raise NothingToTake(what="another picture", name="what is resampled")
        follows = dict(zip(order, [*order[1:], order[0]], strict=True))
        return [self.shown.items[follows[place]] for place in range(len(order))]

    def _donated(self, partners: Sequence[Item]) -> dict[Place, Tensor]:
        if not partners:
            return {}
        spec = self.lens.checkpoint.input_spec
        return self.lens.donated(self.edits, torch.stack([item.shown(spec) for item in partners]))

    def _looked(self, step: Step) -> tuple[dict[str, Profile], dict[Place, Tensor]]:
        """How the units of the edited layers fire, and the means that are set, from the network as it is."""
        layers = {unit.layer: self.lens.layers[unit.layer] for unit in edits.units_of(self.edits)}
        places = {(key, layer.sites[-1]) for key, layer in layers.items()}
        places |= {(edit.layer, edit.site) for edit in edits.needs(self.edits, MEAN)}
        if not self._looks:
            return {}, {}
        ordered = sorted(places)
        found = {place: Profile.empty(self.lens.layers[place[0]].channels) for place in ordered}
        read = self.lens.places(ordered)
        for _, images in self.shown.batches(self.lens.checkpoint.input_spec, size=TOGETHER):
            with torch.no_grad():
                values = dict(zip(ordered, read(images), strict=True))
            for place, profile in found.items():
                if not torch.isfinite(values[place]).all():
                    raise NonfiniteActivation(layer=place[0])
                profile.add(values[place])
            step()
        usual = {key: found[key, layer.sites[-1]] for key, layer in layers.items()}
        return usual, {place: profile.mean for place, profile in found.items()}
