"""How a checkpoint answers to eight fixed pictures: by this a machine shows that it computes the recorded function.

Weights and graph can be right and the answers wrong: another constant in a library's normalisation, a faulty kernel,
a device that rounds to ten bits. So a worker compares before it serves.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from workers.interp.errors import NonfiniteActivation, ResponseMismatch
from workers.interp.lens import Lens

VERSION = 1  # of the pictures and of what is recorded
TOLERANCE = 1e-3  # of a layer's standard deviation
VALUES = 16  # of each layer's answer, in order of channel, row, column
QUANTITIES = ("mean", "std", "first")


def pictures(size: tuple[int, int]) -> dict[str, np.ndarray]:  # -> {name: [3, H, W] in [0, 1]}
    """The eight fixed pictures, by formula, at a network's native height and width."""
    height, width = size
    y, x = np.meshgrid((np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width, indexing="ij")
    radius = np.hypot(x - 0.5, y - 0.5)
    noise = np.random.Generator(np.random.Philox(key=VERSION)).random((3, height, width))
    planes = {
        "grey": (np.full_like(x, 0.5),) * 3,
        "gradient": (x, y, 1 - (x + y) / 2),
        "stripes": (_wave(8 * x), _wave(8 * x), _wave(8 * x)),
        "diagonals": (_wave(6 * (x + y)), _wave(6 * (x + y) + 1 / 3), _wave(6 * (x + y) + 2 / 3)),
        "chequers": (_step(_wave(5 * x) - _wave(5 * y)),) * 3,
        "rings": (_wave(12 * radius), _wave(12 * radius), _wave(9 * radius)),
        "disc": (_step(0.3 - radius), 0.2 + 0.5 * x, _step(radius - 0.3)),
        "noise": tuple(noise),
    }
    return {name: np.stack(three).astype(np.float32) for name, three in planes.items()}


def record(lens: Lens) -> dict[str, Any]:
    """What every layer, read at its last site, answers to each picture: mean, standard deviation, first 16 values.

    In float32 without TF32. Raises NonfiniteActivation.
    """
    shown = pictures(lens.checkpoint.input_spec.size)
    answers = _answers(lens, torch.from_numpy(np.stack(list(shown.values()))))
    layers = {key: _summary(values) for key, values in answers.items()}
    for key, summary in layers.items():
        if not np.isfinite([*summary["mean"], *summary["std"]]).all():
            raise NonfiniteActivation(layer=key)
    return {"version": VERSION, "pictures": list(shown), "layers": layers}


def verify(lens: Lens, recorded: Mapping[str, Any]) -> None:
    """Raise ResponseMismatch unless the lens answers as recorded, within 1e-3 of each layer's standard deviation."""
    found = record(lens)
    if recorded.get("version") != VERSION or set(recorded["layers"]) != set(found["layers"]):
        raise ResponseMismatch(layer="it", quantity="set of layers", input="any", found="another", recorded="this")
    for key, before in recorded["layers"].items():
        _require_like(key, before, found["layers"][key], recorded["pictures"])


def _require_like(key: str, before: Mapping[str, Any], now: Mapping[str, Any], names: list[str]) -> None:
    """Compare one layer's answers, picture by picture."""
    # A constant answer has no spread of its own; then its size, or one, says what is small.
    scale = max(before["std"]) or max(map(abs, before["mean"])) or 1.0
    for quantity in QUANTITIES:
        then, here = np.asarray(before[quantity]), np.asarray(now[quantity])
        off = np.abs(then - here).reshape(len(names), -1)
        if not (off <= TOLERANCE * scale).all():
            row = int(np.unravel_index(np.nan_to_num(off, nan=math.inf).argmax(), off.shape)[0])
            facts = {"found": here[row].tolist(), "recorded": then[row].tolist()}
            raise ResponseMismatch(layer=key, quantity=quantity, input=names[row], **facts)


@torch.no_grad()
def _answers(lens: Lens, images: Tensor) -> dict[str, Tensor]:  # [8, 3, H, W] -> {layer: [8, …]}
    """One picture at a time, so that memory stays small and no batch size matters."""
    read = lens.reading(lens.layers)
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        one_by_one = [{key: values.cpu() for key, values in read(image[None]).items()} for image in images]
    return {key: torch.cat([answer[key] for answer in one_by_one]) for key in lens.layers}


def _summary(values: Tensor) -> dict[str, Any]:  # [8, …]
    flat = values.double().flatten(1)
    return {
        "mean": _rounded(flat.mean(1)),
        "std": _rounded(flat.std(1, correction=0)),
        "first": [_rounded(row) for row in flat[:, :VALUES]],
    }


def _rounded(values: Tensor) -> list[float]:
    """Nine digits hold a float32."""
    return [float(f"{value:.9g}") for value in values.tolist()]


def _wave(phase: np.ndarray) -> np.ndarray:
    return 0.5 + 0.5 * np.sin(2 * math.pi * phase)


def _step(value: np.ndarray) -> np.ndarray:
    return (value > 0).astype(np.float64)
