"""What joins two units: norm and sign of their kernel, its share, the path it takes and what cancels on the way."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from workers.interp.errors import TooFarApart
from workers.interp.expectation import Expected
from workers.interp.kernels import Kernel
from workers.interp.pathways import Path, Pathways

MOST_WEIGHTS = 1 << 27  # composed between two layers; a single unit's are always
ROUNDING = 1e-6  # of a mass: what of it seems to be lost where nothing is
MUCH = 0.5  # of the mass: where more of it cancels, a sum of weights tells little
COLOURS = {"R": "red", "G": "green", "B": "blue"}


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection: what it is in numbers, and its kernel."""

    direction: str
    rank: int  # in its direction, from 0
    kernel: Tensor  # [h, w]
    numbers: dict[str, Any]

    @property
    def finite(self) -> bool:
        """Whether its numbers are."""
        return all(torch.isfinite(torch.tensor(self.numbers[name])) for name in ("norm", "sum", "share"))


class Pair:
    """Two layers, and the norms of what joins them: of all units, or where layers are far apart of one at a time."""

    def __init__(self, ways: Pathways) -> None:
        self.ways = ways
        self._rows: dict[int, Tensor] = {}

    @cached_property
    def norms(self) -> Tensor | None:  # [T, S]
        """All of them, where they are not too many."""
        return self.ways.norms() if self.ways.weights <= MOST_WEIGHTS else None

    def listens(self, target: int) -> Tensor:  # [S]
        """How much a unit listens to each of the source."""
        if target not in self._rows:
            self.ways.require(target)
            row = self.ways.kernel(target).norms()[0] if self.norms is None else self.norms[target]
            self._rows[target] = row
        return self._rows[target]

    def feeds(self, source: int) -> Tensor:  # [T]
        """How much each unit of the target listens to one of the source; raises TooFarApart."""
        self._require_near()
        assert self.norms is not None
        return self.norms[:, source]

    def _require_near(self) -> None:
        if self.ways.weights > MOST_WEIGHTS:
            ends = {"source": self.ways.name, "target": self.ways.target.key}
            raise TooFarApart(**ends, weights=self.ways.weights, limit=MOST_WEIGHTS)


class ExpectedPair(Pair):
    """Two layers, and what joins them on average over pictures: worked out for one unit of the target at a time.

    Of the units that listen to one, only those are worked out that could listen most: so many as `most` says, by the
    best case. The others count as silent.
    """

    def __init__(self, ways: Expected, *, most: int) -> None:
        super().__init__(ways)
        self.expected, self.most = ways, most

    @cached_property
    def norms(self) -> None:
        """Not of all units."""
        return

    @cached_property
    def bounds(self) -> Tensor:  # [T, S]
        """How much each unit listens to each other at best."""
        self._require_near()
        return self.ways.norms()

    def feeds(self, source: int) -> Tensor:  # [T]
        """The same for the units that could listen most, and zero for the others; raises TooFarApart."""
        bounds = self.bounds[:, source]
        chosen = torch.sort(bounds, descending=True, stable=True)[1][: self.most].tolist()
        self.expected.average([channel for channel in chosen if bounds[channel]])
        found = torch.zeros_like(bounds)
        for channel in chosen:
            if bounds[channel]:
                found[channel] = self.listens(channel)[source]
        return found


@dataclass(frozen=True, slots=True)
class Strand:
    """Two units that are joined."""

    pair: Pair
    target: int
    source: int

    @property
    def ways(self) -> Pathways:
        """The paths between their layers."""
        return self.pair.ways

    def connection(self, direction: str, rank: int) -> Connection:
        """Their connection in full."""
        whole = self.ways.kernel(self.target)
        kernel = whole.weights[0, :, :, self.source]
        lost = self._cancelled(kernel)
        names, ways = self._path()
        other = self.source if direction == "upstream" else self.target
        total, absolute = float(kernel.sum()), float(kernel.abs().sum())
        balance = total / absolute if absolute else 0.0
        row = self.pair.listens(self.target)
        numbers = {
            **self._ends(direction, other),
            "norm": float(row[self.source]),
            "share": _share(row, self.source),
            "sign": _sign(balance),
            "sum": total,
            "balance": balance,
            "max": float(kernel.max()),
            "min": float(kernel.min()),
            "path": names,
            "paths": ways,
            "cancelled": lost,
            "cancels": lost is not None and lost > MUCH,
            "size": list(kernel.shape),
            "first": list(whole.first),
            "stride": list(whole.stride) if self.ways.target.stride else None,
        }
        return Connection(direction, rank, kernel, numbers)

    def _ends(self, direction: str, other: int) -> dict[str, Any]:
        """Both units by name; a channel of the picture is none, and has its colour."""
        pictured = self.ways.source is None
        source = None if pictured else f"{self.ways.name}:{self.source}"
        target = f"{self.ways.target.key}:{self.target}"
        unit = source if direction == "upstream" else target
        return {"unit": unit, "name": unit or self._colour(other), "source": source, "target": target}

    def _colour(self, channel: int) -> str:
        """What a channel of the picture is called."""
        if self.ways.width != len(COLOURS):
            return "grey"
        return COLOURS[self.ways.lens.checkpoint.input_spec.channel_order[channel]]

    def _cancelled(self, kernel: Tensor) -> float | None:
        """Which part of the mass paths of both signs take from each other; null where no path is summed up."""
        if self.ways.kind != "expanded":
            return None
        mass = float(self.ways.mass(self.target).weights[0, :, :, self.source].sum())
        lost = 1 - float(kernel.abs().sum()) / mass if mass else 0.0
        return lost if lost > ROUNDING else 0.0

    def _path(self) -> tuple[list[str] | None, int | None]:
        """What the strongest path passes, and of how many; nothing where there are too many to tell apart."""
        paths = self.ways.paths(self.target)
        if paths is None:
            return None, None
        strongest = max(paths, key=self._carried) if len(paths) > 1 else paths[0]
        return list(strongest.names), len(paths)

    def _carried(self, path: Path) -> float:
        alone: Kernel = self.ways.along(self.target, path)
        return float(torch.linalg.vector_norm(alone.weights[0, :, :, self.source]))


def _share(row: Tensor, source: int) -> float:  # [S]
    """Of the sum of squares, which would be out of range long before norms are: so all are brought near 1, exactly."""
    exponent = max(int(torch.frexp(row.max().double())[1]), -1000)
    near = (row.double() * 2.0**-exponent).to(row.dtype)
    return float(near[source].square() / near.square().sum())


def _sign(balance: float) -> str:
    """+ or - where one sign has at least twice the mass of the other, else mixed."""
    return "+" if balance >= 1 / 3 else "-" if balance <= -1 / 3 else "mixed"
