"""Which units answer otherwise once a network is edited, and how far."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workers.interp.layers import Layer
from workers.interp.lens import Lens


@dataclass
class Change:
    """Of a layer's units: the largest change at any position of any picture, and the mean over all of them."""

    largest: Tensor  # [C]
    total: Tensor  # [C]
    count: int = 0

    @classmethod
    def none(cls, channels: int) -> "Change":
        """Of no pictures."""
        return cls(torch.zeros(channels, dtype=torch.float64), torch.zeros(channels, dtype=torch.float64))


class Responding:
    """The layers of nodes that can change, read at their last site; by connectivity all others are as they were."""

    def __init__(self, lens: Lens, changed: Collection[str]) -> None:
        self.layers: dict[str, Layer] = {
            key: layer
            for key, layer in lens.layers.items()
            if any(part.node in changed for part in layer.parts[layer.sites[-1]])
        }
        self._changes = {key: Change.none(layer.channels) for key, layer in self.layers.items()}

    @property
    def nodes(self) -> list[str]:
        """Where these layers' values are."""
        return [part.node for layer in self.layers.values() for part in layer.parts[layer.sites[-1]]]

    def add(self, before: Mapping[str, Tensor], after: Mapping[str, Tensor]) -> None:
        """The next pictures."""
        for key, layer in self.layers.items():
            change, count = self._changes[key], 0
            for part in layer.parts[layer.sites[-1]]:
                if part.node not in after:
                    continue
                apart = (after[part.node] - before[part.node]).double().cpu()
                flat = apart.reshape(*apart.shape[:2], -1)  # [N, C, P]
                rows = slice(part.start, part.stop)
                change.largest[rows] = torch.maximum(change.largest[rows], flat.abs().amax((0, 2)))
                change.total[rows] += flat.sum((0, 2))
                count = flat.shape[0] * flat.shape[2]
            change.count += count

    def numbers(self) -> list[dict[str, Any]]:
        """By layer how many units change, and the one that changes most."""
        found = []
        for key, change in self._changes.items():
            most = int(change.largest.argmax())
            strongest = {"unit": f"{key}:{most}", "mean": float(change.total[most] / max(1, change.count))}
            found.append(
                {
                    "layer": key,
                    "units": len(change.largest),
                    "changed": int((change.largest > 0).sum()),
                    "largest": float(change.largest[most]),
                    **strongest,
                }
            )
        return found

    def tensors(self) -> dict[str, Tensor]:
        """The largest change of every unit, by layer."""
        return {f"largest.{key}": change.largest for key, change in self._changes.items()}
