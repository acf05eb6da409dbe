"""What a picture is to bring about: one number per sample, a weighted sum over units of spatial means.

Lucid's channel objective (`optvis/objectives.py`) and its algebra, with three differences: every sample has an
objective of its own; samples are summed, never averaged, so that no sample feels how many others there are; and a
negative objective is the mirror image of the positive one, the mean of max(−x, 0) before the ReLU. The plain mean of a
linear filter without DC, as first layers have, is zero for every picture but at its border: nothing could be climbed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from workers.interp import redirection
from workers.interp.address import Subject
from workers.interp.lens import Lens

SIGNS = {"positive": 1.0, "negative": -1.0}
USUAL = "post_relu"  # where a unit is read unless asked otherwise


@dataclass(frozen=True, slots=True)
class Goal:
    """What one sample is for: exciting (`positive`) or inhibiting (`negative`) a subject as read at a site."""

    subject: Subject
    polarity: str
    site: str


@dataclass(frozen=True, slots=True)
class Response:
    """What a subject answers to one picture: the weighted sum of its units' maps.

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

    Raises NoSuchLayer, NoSuchSite, NoSuchUnit.
    """

    def __init__(self, lens: Lens, goals: Sequence[Goal]) -> None:
        self.lens = lens
        self.goals = tuple(goals)
        sites = dict.fromkeys(goal.site for goal in goals)
        members = [[i for i, goal in enumerate(goals) if goal.site == site] for site in sites]
        self._groups = [_Group(lens, [goals[i] for i in chosen], chosen) for chosen in members]

    def __call__(self, images: Tensor, *, redirect: bool = False) -> Tensor:  # [N, 3, H, W] in [0, 1] -> [N]
        """Each sample's objective: Σ weight · mean over positions, of max(−x, 0) where it is negative.

        With `redirect` it has a gradient where shut ReLUs would leave none.
        """
        values = images.new_zeros(len(self.goals))
        with self.lens.redirecting(redirect):
            for group in self._groups:
                found = group.values(group.of(images), relu=redirection.relu if redirect else F.relu)
                values = values.index_add(0, group.rows.to(images.device), found)
        return values

    def responses(self, images: Tensor) -> list[Response]:  # [N, 3, H, W] in [0, 1]
        """What each sample's subject answers to its image, without the sign."""
        answers: dict[int, Response] = {}
        for group in self._groups:
            maps = group.read(group.of(images))
            answers |= {i: _response(goal, maps, row) for row, (i, goal) in enumerate(group.members)}
        return [answers[i] for i in range(len(self.goals))]


class _Group:
    """The samples of one site; `positions` are their places among all samples."""

    def __init__(self, lens: Lens, goals: Sequence[Goal], positions: Sequence[int]) -> None:
        self.members = tuple(zip(positions, goals, strict=True))
        self.rows = torch.tensor(positions)
        self.goals = goals
        self.read = _reader(lens, goals)

    def of(self, images: Tensor) -> Tensor:
        """The images of these samples."""
        return images if len(self.members) == len(images) else images[self.rows.to(images.device)]

    def values(self, images: Tensor, *, relu: Callable[[Tensor], Tensor]) -> Tensor:  # [n, 3, H, W] -> [n]
        """These samples' objectives."""
        maps, total = self.read(images), images.new_zeros(len(self.goals))
        for layer, terms in self._terms.items():
            rows, channels, weights, mirrored = terms
            # One channel a term and nothing else: what another unit answers, finite or not, is not touched.
            read = maps[layer].of(rows, channels).flatten(1)
            means = torch.where(mirrored.to(read.device)[:, None], relu(-read), read).mean(1)
            total = total.index_add(0, rows.to(images.device), means * weights.to(means))
        return total

    @cached_property
    def _terms(self) -> dict[str, tuple[Tensor, list[int], Tensor, Tensor]]:
        """By layer: of which sample each term is, its channel, its weight, and whether it is mirrored."""
        listed: dict[str, list[tuple[int, int, float, bool]]] = {}
        for row, goal in enumerate(self.goals):
            for unit, weight in goal.subject.terms:
                listed.setdefault(unit.layer, []).append((row, unit.channel, weight, goal.polarity == "negative"))
        columns = {layer: list(zip(*terms, strict=True)) for layer, terms in listed.items()}
        return {
            layer: (
                torch.tensor(rows),
                list(channels),
                torch.tensor(weights, dtype=torch.float64),
                torch.tensor(mirrored),
            )
            for layer, (rows, channels, weights, mirrored) in columns.items()
        }


@dataclass(frozen=True, slots=True)
class Maps:
    """Some channels of a layer: [N, len(channels), H, W]."""

    values: Tensor
    index: Mapping[int, int]

    def of(self, rows: Tensor, channels: Sequence[int]) -> Tensor:  # -> [len(rows), H, W]
        """One channel of each named sample."""
        columns = torch.tensor([self.index[channel] for channel in channels])
        return self.values[rows.to(self.values.device), columns.to(self.values.device)]


def _reader(lens: Lens, goals: Sequence[Goal]) -> Callable[[Tensor], dict[str, Maps]]:
    """A function from images to the maps of the channels that the goals name; no others run where that saves work."""
    site = goals[0].site
    units = sorted({unit for goal in goals for unit in goal.subject.units})
    layers = list(dict.fromkeys(unit.layer for unit in units))
    if len(layers) == 1:
        channels = [unit.channel for unit in units]
        single, index = lens.truncated(layers[0], site=site, channels=channels), {c: i for i, c in enumerate(channels)}
        return lambda images: {layers[0]: Maps(_spatial(single(images)), index)}
    several = lens.reading(layers, site=site)
    whole = {layer: {c: c for c in range(lens.layers[layer].channels)} for layer in layers}
    return lambda images: {layer: Maps(_spatial(maps), whole[layer]) for layer, maps in several(images).items()}


def _spatial(maps: Tensor) -> Tensor:  # [N, C] or [N, C, H, W] -> [N, C, H, W]
    return maps if maps.ndim == 4 else maps[:, :, None, None]


def _response(goal: Goal, maps: Mapping[str, Maps], row: int) -> Response:
    weighted = [
        weight * maps[unit.layer].of(torch.tensor([row]), [unit.channel])[0] for unit, weight in goal.subject.terms
    ]
    total = sum(weighted[1:], weighted[0]) if len({one.shape for one in weighted}) == 1 else None
    return Response(
        mean=sum(float(one.mean()) for one in weighted),
        centre=sum(float(one[one.shape[0] // 2, one.shape[1] // 2]) for one in weighted),
        maximum=None if total is None else float(total.max()),
        minimum=None if total is None else float(total.min()),
    )
