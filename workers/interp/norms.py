"""What is usual for every unit of a checkpoint, from the statistics of a recording: how unusual a value is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workers.interp import weights
from workers.interp.errors import InterpError, UnreadableMaterial
from workers.interp.lens import Lens

WANTED = "the statistics of this checkpoint"
SHAPES = {"percentiles": (101,), "maximum_mean": (), "maximum_std": (), "read_after": ()}  # of each unit
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Norms:
    """Of n `items` the maxima's `mean`, `std` and `percentiles` [units, 101], by layer and channel; and of what."""

    dataset: str
    items: int
    mean: Array
    std: Array
    percentiles: Array
    read_after: Array  # where the unit was read after its ReLU

    @classmethod
    def of(cls, tables: dict[str, Array]) -> "Norms":
        """Out of the statistics of a recording of every unit."""
        usual = tables["maximum_mean"], tables["maximum_std"], tables["percentiles"], tables["read_after"] > 0
        return cls(bytes(tables["dataset"]).hex(), int(tables["items"][0]), *usual)

    @classmethod
    def read(cls, path: Path, lens: Lens) -> "Norms":
        """Out of a file; raises UnreadableMaterial where it is not of every unit of this checkpoint."""
        units = sum(layer.channels for layer in lens.layers.values())
        try:
            held = {name: tensor.numpy() for name, tensor in weights.load(path).items()}
        except InterpError as error:
            raise UnreadableMaterial(sha256=path.name, wanted=WANTED, reason=str(error)) from None
        shapes = {name: (units, *shape) for name, shape in SHAPES.items()}
        shapes |= {"items": (1,), "checkpoint": (32,), "dataset": (32,)}
        for name, shape in shapes.items():
            if name not in held or held[name].shape != shape:
                reason = f"it does not hold {name} of shape {list(shape)}"
                raise UnreadableMaterial(sha256=path.name, wanted=WANTED, reason=reason)
        if bytes(held["checkpoint"].astype(np.uint8)).hex() != lens.checkpoint.digest:
            raise UnreadableMaterial(sha256=path.name, wanted=WANTED, reason="it is of another checkpoint")
        return cls.of({name: held[name].astype(np.uint8) if shapes[name] == (32,) else held[name] for name in shapes})

    def scores(self, values: Array, columns: Array) -> Array:
        """How many standard deviations of the items' maxima each value lies above their mean; NaN for a constant."""
        std = self.std[columns]
        spread = np.where(std > 0, std, np.nan)
        with np.errstate(invalid="ignore"):  # what is not finite fails by name, unit by unit
            found: Array = (values - self.mean[columns]) / spread
        return found

    def percents(self, values: Array, columns: Array) -> Array:
        """The most per cent, in whole ones, of all items that no value exceeds: 100 from the largest maximum on."""
        reached = self.percentiles[columns] <= values[:, None]
        found: Array = np.maximum(reached.sum(1) - 1, 0)
        return found
