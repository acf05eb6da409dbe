"""Where items and units stand: which items a unit answers to most, least and in between, and what is usual for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from workers.interp.columns import Strip
from workers.interp.input_spec import InputSpec
from workers.interp.layers import Layer
from workers.interp.recording import Recording
from workers.interp.tallies import standardised

QUANTILES = tuple(
    map(Fraction, ("0", "1/1000", "1/100", "1/20", "1/4", "1/2", "3/4", "19/20", "99/100", "999/1000", "1"))
)
MOST = 50  # ranks
AT_QUANTILES = tuple({"quantile": float(quantile)} for quantile in QUANTILES)
AT_RANKS = tuple({"rank": rank} for rank in range(1, MOST + 1))
PERCENTILES = tuple(Fraction(hundredth, 100) for hundredth in range(101))
SORTED = 2**22  # maxima that are in memory at a time
DIGITS = 6  # of where a crop lies in a picture, of 1
WHOLE = ("items", "checkpoint", "dataset", "digests", "labels")  # what belongs to no unit
Tables = Mapping[str, np.ndarray[Any, Any]]


def rank(quantile: Fraction, n: int) -> int:
    """Which of n values in ascending order is an exact quantile: the least that so many of all do not exceed."""
    return max(-(-quantile.numerator * n // quantile.denominator) - 1, 0)


def statistics(recorded: Recording) -> dict[str, np.ndarray[Any, Any]]:
    """What is usual for every unit of a recording, [units, …]: numbers of its positions and of its items' maxima.

    `percentiles` [units, 101] float32 of the maxima are values that occur; `maximum_mean` and `maximum_std` are over
    items. `moments` [units, 4] are mean, variance, third and fourth central moment over positions, of which there are
    `positions` [units]; `active` counts those above 0. `bins` [units, 66] and their range `low`, `high` are a Tally's.
    `rectified` says where a ReLU follows, `read_after` where one came before.
    """
    tallies = [recorded.tallies[strip.at] for strip in recorded.strips]
    widths = [strip.width for strip in recorded.strips]
    joined = {
        "low": [tally.low.astype(np.float32) for tally in tallies],
        "high": [tally.high.astype(np.float32) for tally in tallies],
        "moments": [tally.moments() for tally in tallies],
        "active": [tally.active for tally in tallies],
        "bins": [tally.bins for tally in tallies],
    }
    blocks = [_usual(block) for _, block in _blocks(recorded)]
    return {
        **{name: np.concatenate(many) for name, many in joined.items()},
        **{name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]},
        "positions": np.repeat(np.array([tally.positions for tally in tallies]), widths),
        "rectified": np.repeat([_is_rectified(recorded, strip) for strip in recorded.strips], widths).astype(np.uint8),
        "read_after": np.repeat([strip.site == "post_relu" for strip in recorded.strips], widths).astype(np.uint8),
        "items": np.array([len(recorded.dataset)]),
        "checkpoint": _digests([recorded.lens.checkpoint.digest])[0],
        "dataset": _digests([recorded.dataset.digest])[0],
    }


def _is_rectified(recorded: Recording, strip: Strip) -> bool:
    graph = recorded.lens.checkpoint.graph
    return any(graph[name].op == "relu" for name in graph.consumers[strip.node])


def examples(recorded: Recording, *, top: int) -> dict[str, np.ndarray[Any, Any]]:
    """Which items show what a unit does: the `top` by spatial maximum, and one at each exact quantile of the maxima.

    Of equal ones the first by digest. Of `top` and of `quantile` there are `_items` (rows of `digests`, [units, k]),
    `_values` float32, `_positions` (y, x), `_boxes` (left, top, width and height of what the position sees, in pixels
    of the network's input, clipped to it) and `_parts` (the same as parts of the item's own picture).
    """
    chosen: dict[str, list[Any]] = {"top": [], "quantile": []}
    for _, maxima in _blocks(recorded):
        chosen["top"].append(np.argsort(-maxima, axis=1, kind="stable")[:, :top])
        ranks = [rank(quantile, maxima.shape[1]) for quantile in QUANTILES]
        chosen["quantile"].append(np.argsort(maxima, axis=1, kind="stable")[:, ranks])
    labels = [-1 if item.label is None else item.label for item in recorded.dataset.items]
    found = {"digests": _digests(item.digest for item in recorded.dataset.items), "labels": np.array(labels)}
    for name, blocks in chosen.items():
        found |= {f"{name}_{what}": table for what, table in _shown(recorded, np.concatenate(blocks)).items()}
    return found


def _shown(recorded: Recording, items: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Values, positions and crops of some items of every unit."""
    spec, layers = recorded.lens.checkpoint.input_spec, recorded.lens.layers
    columns = np.arange(len(items))[:, None]
    widths = np.concatenate([np.repeat(_width(layers[it.layer]), it.width) for it in recorded.strips])
    flat = recorded.places[items, columns]
    positions = np.stack([flat // widths[:, None], flat % widths[:, None]], axis=-1).astype(np.int32)
    boxes = np.concatenate(
        [seen(layers[it.layer], positions[it.at : it.at + it.width], spec) for it in recorded.strips]
    )
    covered = np.array([spec.covered((int(wide), int(high))) for wide, high in recorded.sizes])[items]
    found = {"items": items.astype(np.int32), "values": recorded.maxima[items, columns], "positions": positions}
    return {**found, "boxes": boxes, "parts": parts(boxes, covered, spec)}


def _width(layer: Layer) -> int:
    return layer.positions[1]


def seen(layer: Layer, positions: np.ndarray[Any, Any], spec: InputSpec) -> np.ndarray[Any, Any]:  # […, 2] -> […, 4]
    """The pixels of the network's input that positions (y, x) see: left, top, width, height, clipped to what there is.

    Behind a flattening there is one position, which sees all that its layer sees.
    """
    first, size, stride = (np.array(it or (0, 0)) for it in (layer.first, layer.receptive_field, layer.stride))
    start = positions * stride + first
    stop = np.minimum(start + size, spec.size)
    start = np.clip(start, 0, np.array(spec.size) - 1)
    return np.concatenate([start[..., ::-1], np.maximum(stop - start, 1)[..., ::-1]], axis=-1).astype(np.int32)


def parts(boxes: np.ndarray[Any, Any], covered: np.ndarray[Any, Any], spec: InputSpec) -> np.ndarray[Any, Any]:
    """Boxes in pixels of the network's input as parts of pictures of which it shows what is `covered`."""
    whole = np.array([spec.size[1], spec.size[0]] * 2)
    within = boxes / whole * covered[..., [2, 3, 2, 3]]
    within[..., :2] += covered[..., :2]
    rounded: np.ndarray[Any, Any] = within.round(DIGITS)
    return rounded


@dataclass(frozen=True)
class Standing:
    """One column of a recording's tables, in numbers: what findings say of a unit, and rows of the record."""

    statistics: Tables
    examples: Tables
    column: int

    def numbers(self) -> dict[str, Any]:
        """All of it as JSON; skewness and kurtosis are null for a constant."""
        held, at = self.statistics, self.column
        mean, variance, third, fourth = held["moments"][at].tolist()
        skewness, kurtosis = standardised(mean, variance, third, fourth)
        below, *counts, above = held["bins"][at].tolist()
        positions, percentiles = int(held["positions"][at]), held["percentiles"][at].tolist()
        return {
            "items": int(held["items"][0]),
            "rectified": bool(held["rectified"][at]),
            "maximum": percentiles[-1],
            "maximum_mean": float(held["maximum_mean"][at]),
            "maximum_std": float(held["maximum_std"][at]),
            "percentiles": percentiles,
            "positions": positions,
            "mean": mean,
            "variance": variance,
            "skewness": skewness,
            "kurtosis": kurtosis,
            "active": int(held["active"][at]) / positions,
            "histogram": {
                "low": float(held["low"][at]),
                "high": float(held["high"][at]),
                "below": below,
                "counts": counts,
                "above": above,
            },
            "examples": [*self._listed("quantile", AT_QUANTILES), *self._listed("top", AT_RANKS)],
        }

    def _listed(self, kind: str, places: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        held = self.examples
        items = held[f"{kind}_items"][self.column]
        columns = [held[f"{kind}_{name}"][self.column].tolist() for name in ("values", "positions", "boxes", "parts")]
        told = zip(places, items.tolist(), held["labels"][items].tolist(), *columns, strict=False)
        for where, item, label, value, position, box, part in told:
            yield {
                **where,
                "item": held["digests"][item].tobytes().hex(),
                "label": None if label < 0 else label,
                "value": value,
                "position": position,
                "box": box,
                "part": part,
            }


def only(tables: Tables, columns: Sequence[int]) -> dict[str, np.ndarray[Any, Any]]:
    """The tables of some units."""
    chosen = list(columns)
    return {name: table if name in WHOLE else np.ascontiguousarray(table[chosen]) for name, table in tables.items()}


def is_finite(tables: Tables, column: int) -> bool:
    """Whether all that was counted of a unit are finite numbers."""
    told = [tables[name][column] for name in ("percentiles", "moments", "low", "high", "maximum_mean", "maximum_std")]
    return all(bool(np.isfinite(one).all()) for one in told)


def _usual(maxima: np.ndarray[Any, Any]) -> dict[str, np.ndarray[Any, Any]]:  # [units, items]
    ranks = [rank(quantile, maxima.shape[1]) for quantile in PERCENTILES]
    wide, ordered = maxima.astype(np.float64), np.sort(maxima, axis=1)
    with np.errstate(invalid="ignore"):  # what is not finite fails by name, unit by unit
        return {"percentiles": ordered[:, ranks], "maximum_mean": wide.mean(1), "maximum_std": wide.std(1)}


def _blocks(recorded: Recording) -> Iterator[tuple[int, np.ndarray[Any, Any]]]:
    """The maxima of some units at a time, [units, items], and which is the first of them."""
    each = max(1, SORTED // max(1, len(recorded.dataset)))
    for start in range(0, recorded.units, each):
        yield start, np.ascontiguousarray(recorded.maxima[:, start : start + each].T)


def _digests(hexed: Any) -> np.ndarray[Any, Any]:  # -> [n, 32] uint8
    return np.array([list(bytes.fromhex(one)) for one in hexed], dtype=np.uint8)
