"""What of a subject counts: its mean or its middle, how strictly a direction is followed, how far pictures differ.

After Lucid's `optvis/objectives.py`: `channel`, `neuron`, `direction`, `deepdream` and `diversity`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

CHANNEL, NEURON = "channel", "neuron"
LEAST_COSINE = 0.1  # of a position that points elsewhere: its gradient must not vanish
NEAR_ZERO = 1e-4  # of lengths that are divided by


@dataclass(frozen=True, slots=True)
class Form:
    """How maps become a number. `where` is `channel` (mean over positions) or `neuron` (position (H // 2, W // 2)).

    With a `cosine_power` p above 0, every position of a direction v counts (T·v) · max(0.1, cos(T, v))^p, T being all
    units of its layer. `diversity` is how much the samples of one group are pushed apart.
    """

    where: str = CHANNEL
    cosine_power: float = 0.0
    diversity: float = 0.0

    @property
    def word(self) -> str:
        """Its part in the name of a random stream; "" for the plain form, whose pictures stay what they were."""
        power = f" cosine^{self.cosine_power:g}" if self.cosine_power else ""
        apart = f" apart {self.diversity:g}" if self.diversity else ""
        return (f" {self.where}" if self.where != CHANNEL else "") + power + apart

    def reduced(self, maps: Tensor) -> Tensor:  # [n, H, W] -> [n]
        """One number for each map."""
        if self.where == NEURON:
            return maps[:, maps.shape[1] // 2, maps.shape[2] // 2]
        return maps.flatten(1).mean(1)


PLAIN = Form()


def aligned(layer: Tensor, direction: Tensor, *, power: float) -> Tensor:  # [n, C, H, W], [n, C] -> [n, H, W]
    """(T·v) · max(0.1, cos(T, v))^p at every position."""
    along = torch.einsum("nchw,nc->nhw", layer, direction)
    lengths = layer.norm(dim=1) * direction.norm(dim=1)[:, None, None]
    cosine: Tensor = (along / (lengths + NEAR_ZERO)).clamp(min=LEAST_COSINE)
    return along * cosine.pow(power)


def energy(layer: Tensor) -> Tensor:  # [n, C, H, W] -> [n, H, W]
    """The mean square of all units at every position: what DeepDream climbs (Mordvintsev et al. 2015)."""
    return layer.square().mean(1)


def companies(groups: Sequence[int], *, device: torch.device | str = "cpu") -> list[Tensor]:  # of [n]
    """The places of the samples that are to differ from each other, group by group."""
    return [
        torch.tensor([i for i, one in enumerate(groups) if one == group], device=device)
        for group in dict.fromkeys(groups)
    ]


def likeness(layers: Mapping[str, Tensor], companies: Sequence[Tensor]) -> Tensor:  # {name: [N, C, H, W]} -> [N]
    """How much each sample is like the others of its group: the mean cosine of their Gram matrices, over layers.

    A Gram matrix holds how often two units answer at the same place: a picture's texture, wherever it lies (Gatys et
    al. 2015). A sample alone in its group is like nobody.
    """
    alike = torch.zeros_like(next(iter(layers.values()))[:, 0, 0, 0])
    for places in companies:
        # Of a group alone: of all pairs in a pass of hundreds no memory would hold the products.
        cosines = torch.stack([_cosines(maps[places]) for maps in layers.values()]).mean(0)  # [n, n]
        others = cosines.sum(1) - cosines.diagonal()
        alike = alike.index_add(0, places, others / max(len(places) - 1, 1))
    return alike


def _cosines(maps: Tensor) -> Tensor:  # [N, C, H, W] -> [N, N]
    # Sample by sample: products of matrices of another batch size round otherwise, and mates must not be felt.
    grams: Tensor = torch.stack([one @ one.T for one in maps.flatten(2)]).flatten(1)  # [N, C · C]
    units: Tensor = grams / (grams.norm(dim=1, keepdim=True) + NEAR_ZERO)
    cosines: Tensor = (units[:, None] * units[None]).sum(2)
    return cosines
