"""What a picture is to bring about: one number per sample, of a unit, a weighted sum of units, or a whole layer.

Lucid's objectives (`optvis/objectives.py`) and their algebra, with three differences: every sample has an objective of
its own; samples are summed, never averaged, so that no sample feels how many others there are; and a negative objective
is the mirror image of the positive one, of max(−x, 0) before the ReLU. The plain mean of a linear filter without DC, as
first layers have, is zero for every picture but at its border: nothing could be climbed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from workers.interp import forms, redirection
from workers.interp.address import Subject
from workers.interp.forms import PLAIN, Form
from workers.interp.lens import Lens

SIGNS = {"positive": 1.0, "negative": -1.0}
USUAL = "post_relu"  # where a unit is read unless asked otherwise
Rectify = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Goal:
    """What one sample is for: exciting (`positive`) or inhibiting (`negative`) a subject as read at a site."""

    subject: Subject
    polarity: str
    site: str


@dataclass(frozen=True, slots=True)
class Response:
    """What a subject answers to one picture: the weighted sum of its units' maps, or the mean square of its layer's.

    `centre` is at position (H // 2, W // 2) of each map. `maximum` and `minimum` over positions are None where the
    units' maps differ in size and so have no common positions.
    """

    mean: float
    centre: float
    maximum: float | None
    minimum: float | None

    @property
    def finite(self) -> bool:
        """Whether it consists of finite numbers: an objective can be, where only one end of a map is not."""
        return all(math.isfinite(one) for one in astuple(self) if one is not None)


def site_for(lens: Lens, subject: Subject, *, polarity: str, site: str | None) -> str:
    """Where a goal reads: as asked, or after the ReLU where all of its layers have one, or else before.

    A negative goal reads before the ReLU where there is a choice, because after it inhibition is 0. Layers that have no
    site in common get the first one's, and the others refuse it.
    """
    sites = [lens.layers[layer].sites for layer in subject.layers]
    shared = [known for known in sites[0] if all(known in others for others in sites)] or sites[0]
    if polarity == "negative" and "pre_relu" in shared:
        return "pre_relu"
    return site or (USUAL if USUAL in shared else shared[-1])


class Objective:
    """The goals of all samples of a pass as one function of their images; the network runs once for each site.

    `groups` says which samples are to differ, where the form pushes them apart. Raises NoSuchLayer, NoSuchSite,
    NoSuchUnit.
    """

    def __init__(
        self, lens: Lens, goals: Sequence[Goal], form: Form = PLAIN, *, groups: Sequence[int] | None = None
    ) -> None:
        self.lens = lens
        self.goals = tuple(goals)
        together = list(groups) if groups is not None else [0] * len(goals)
        sites = dict.fromkeys(goal.site for goal in goals)
        members = [[i for i, goal in enumerate(goals) if goal.site == site] for site in sites]
        self._sites = [
            _Site(lens, [goals[i] for i in chosen], chosen, form, [together[i] for i in chosen]) for chosen in members
        ]

    def __call__(self, images: Tensor, *, redirect: bool = False) -> Tensor:  # [N, 3, H, W] in [0, 1] -> [N]
        """Each sample's objective: Σ weight · mean over positions, of max(−x, 0) where it is negative.

        With `redirect` it has a gradient where shut ReLUs would leave none.
        """
        values = images.new_zeros(len(self.goals))
        with self.lens.redirecting(redirect):
            for site in self._sites:
                found = site.values(site.of(images), relu=redirection.relu if redirect else F.relu)
                values = values.index_add(0, site.rows, found)
        return values

    def responses(self, images: Tensor) -> list[Response]:  # [N, 3, H, W] in [0, 1]
        """What each sample's subject answers to its image, without the sign."""
        answers: dict[int, Response] = {}
        for site in self._sites:
            maps, _ = site.read(site.of(images))
            answers |= {i: _response(goal, maps, row) for row, (i, goal) in enumerate(site.members)}
        return [answers[i] for i in range(len(self.goals))]


class _Site:
    """The samples that are read at one site; `positions` are their places among all samples."""

    def __init__(
        self, lens: Lens, goals: Sequence[Goal], positions: Sequence[int], form: Form, groups: Sequence[int]
    ) -> None:
        self.members = tuple(zip(positions, goals, strict=True))
        self.rows = torch.tensor(positions, device=lens.device)
        self.goals = goals
        self.form = form
        self.groups = groups
        self.read = _Reader(lens, goals, form)
        # On the device from the beginning: a step that is recorded must bring nothing from elsewhere.
        self._companies = forms.companies(groups, device=lens.device)
        self._mirrored = torch.tensor([goal.polarity == "negative" for goal in goals], device=lens.device)
        self._terms = {} if self.read.energy else self._listed(lens.device)
        self._directions = self._pointing(lens) if form.cosine_power else None

    def of(self, images: Tensor) -> Tensor:
        """The images of these samples."""
        return images if len(self.members) == len(images) else images[self.rows]

    def values(self, images: Tensor, *, relu: Rectify) -> Tensor:  # [n, 3, H, W] -> [n]
        """These samples' objectives."""
        maps, before = self.read(images)
        if self.goals[0].subject.kind == "layer":
            [energy] = maps.values()
            found = self.form.reduced(energy.values[:, 0])
        elif self.form.cosine_power:
            found = self._directed(maps, relu)
        else:
            found = self._summed(maps, images, relu)
        return found - self.form.diversity * forms.likeness(before, self._companies) if before else found

    def _directed(self, maps: "Mapping[str, Maps]", relu: Rectify) -> Tensor:
        [read] = maps.values()
        assert self._directions is not None
        found = forms.aligned(read.values, self._directions.to(read.values), power=self.form.cosine_power)
        return self.form.reduced(torch.where(self._mirrored[:, None, None], relu(found), found))

    def _summed(self, maps: "Mapping[str, Maps]", images: Tensor, relu: Rectify) -> Tensor:
        total = images.new_zeros(len(self.goals))
        for layer, (rows, columns, weights) in self._terms.items():
            # One channel a term and nothing else: what another unit answers, finite or not, is not touched.
            read = maps[layer].values[rows, columns]
            turned = torch.where(self._mirrored[rows][:, None, None], relu(-read), read)
            total = total.index_add(0, rows, self.form.reduced(turned) * weights.to(turned))
        return total

    def _pointing(self, lens: Lens) -> Tensor:  # -> [n, C], turned round where a goal is negative
        width = lens.layers[self.goals[0].subject.layers[0]].channels
        found = torch.zeros(len(self.goals), width, dtype=torch.float64)
        for row, goal in enumerate(self.goals):
            for unit, weight in goal.subject.terms:
                found[row, unit.channel] = SIGNS[goal.polarity] * weight
        return found.to(lens.device)

    def _listed(self, device: torch.device) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
        """By layer: of which sample each term is, where its map lies among those read, and its weight."""
        listed: dict[str, list[tuple[int, int, float]]] = {}
        for row, goal in enumerate(self.goals):
            for unit, weight in goal.subject.terms:
                column = self.read.index[unit.layer][unit.channel]
                listed.setdefault(unit.layer, []).append((row, column, weight))
        columns = {layer: list(zip(*terms, strict=True)) for layer, terms in listed.items()}
        return {
            layer: (
                torch.tensor(rows, device=device),
                torch.tensor(places, device=device),
                torch.tensor(weights, dtype=torch.float64).to(device),
            )
            for layer, (rows, places, weights) in columns.items()
        }


@dataclass(frozen=True, slots=True)
class Maps:
    """Some channels of a layer: [N, len(channels), H, W]."""

    values: Tensor
    index: Mapping[int, int]

    def of(self, row: int, channel: int) -> Tensor:  # -> [H, W]
        """One channel of a sample."""
        return self.values[row, self.index[channel]]


class _Reader:
    """Reads in one pass the maps that goals name and, where samples are pushed apart, the layers before their ReLU.

    No channel is computed that nobody reads, where that saves work. Of a whole layer there is one map, its energy.
    """

    def __init__(self, lens: Lens, goals: Sequence[Goal], form: Form) -> None:
        self.layers = list(dict.fromkeys(layer for goal in goals for layer in goal.subject.layers))
        self.energy = goals[0].subject.kind == "layer"
        site = goals[0].site
        self.before = self.layers if form.diversity else []
        if len(self.layers) > 1 or self.energy or form.cosine_power or form.diversity:
            asked = [(layer, site) for layer in self.layers]
            self._read = lens.places([*asked, *((layer, lens.layers[layer].sites[0]) for layer in self.before)])
            self.index = {layer: {c: c for c in range(lens.layers[layer].channels)} for layer in self.layers}
        else:
            [layer] = self.layers
            channels = sorted({unit.channel for goal in goals for unit in goal.subject.units})
            single = lens.truncated(layer, site=site, channels=channels)
            self._read = lambda images: [single(images)]
            self.index = {layer: {c: i for i, c in enumerate(channels)}}

    def __call__(self, images: Tensor) -> tuple[dict[str, Maps], dict[str, Tensor]]:  # [N, 3, H, W]
        """The maps by layer, and whole layers before their ReLU by name."""
        read = [_precise(_spatial(values)) for values in self._read(images)]
        maps, before = read[: len(self.layers)], read[len(self.layers) :]
        if self.energy:
            maps = [forms.energy(one)[:, None] for one in maps]
        named = {layer: Maps(one, self.index[layer]) for layer, one in zip(self.layers, maps, strict=True)}
        return named, dict(zip(self.before, before, strict=True))


def _spatial(maps: Tensor) -> Tensor:  # [N, C] or [N, C, H, W] -> [N, C, H, W]
    return maps if maps.ndim == 4 else maps[:, :, None, None]


def _precise(maps: Tensor) -> Tensor:
    """In at least 32 bits: what a network in 16 computes is summed in more."""
    return maps if maps.dtype.itemsize >= 4 else maps.float()


def _response(goal: Goal, maps: Mapping[str, Maps], row: int) -> Response:
    terms = [(unit.layer, unit.channel, weight) for unit, weight in goal.subject.terms]
    weighted = [
        weight * maps[layer].of(row, channel) for layer, channel, weight in terms or [(goal.subject.layers[0], 0, 1.0)]
    ]
    total = sum(weighted[1:], weighted[0]) if len({one.shape for one in weighted}) == 1 else None
    return Response(
        mean=sum(float(one.mean()) for one in weighted),
        centre=sum(float(one[one.shape[0] // 2, one.shape[1] // 2]) for one in weighted),
        maximum=None if total is None else float(total.max()),
        minimum=None if total is None else float(total.min()),
    )
