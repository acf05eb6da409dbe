"""Writes the weights of `curve-circuit` by formula: every number has a reason, so every answer of a probe is known.

Run `PYTHONPATH=. python workers/organisms/curve-circuit/train.py` in a checkout; equal formulas make equal weights.

Closed forms, in pixels of the layer's own input, y upwards, angles counter-clockwise from the positive x axis:

* gabor 0–7 (light line) and 8–15 (dark line), orientation θ = 22.5°·k:
  w(u, v) = exp(−u²/2·2.4² − v²/2·1.6²)·cos(2πv/7) along u = x cos θ + y sin θ, made free of DC, Σ|w| = 1, on grey.
* line k sums both polarities of gabor along its own orientation (σ 1.6 along, 0.55 across), a quarter of that of the
  two neighbouring orientations, and is inhibited by orientations 45° and more away.
* curve m, centre of curvature in direction φ = 45°·m: tangential lines on the arc of radius 6 (12 pixels of the image),
  minus 0.9 of those on the mirrored arc; crossing lines inhibit. Its bias lies at half its answer to the ideal curve.
* read-out: the largest answer anywhere, one class for each φ.

Units 90° apart are the same numbers turned: kernels by `rot90`, orientations by four places. After Cammarata et al.,
Curve Detectors (2020) and Curve Circuits (2021).
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from workers.interp import weights
from workers.interp.architectures import curve_circuit
from workers.interp.checkpoint import Checkpoint, InputSpec
from workers.interp.lens import Lens

HERE = Path(__file__).resolve().parent
ORIENTATIONS = 8
STEP = 22.5  # degrees between two orientations
Array = np.ndarray


def plane(size: int, angle: float = 0.0) -> tuple[Array, Array]:
    """Coordinates along and across a direction, from the centre of a size × size kernel."""
    axis = np.arange(size) - (size - 1) / 2
    x, y = np.meshgrid(axis, -axis)
    turn = math.radians(angle)
    return x * math.cos(turn) + y * math.sin(turn), y * math.cos(turn) - x * math.sin(turn)


def between(first: float | Array, second: float | Array) -> Array:
    """Degrees between two orientations, −90 … 90."""
    return (np.asarray(first) - second + 90) % 180 - 90


def gabor(orientation: float) -> Array:  # [8, 8]
    """An even Gabor for a light line of this orientation."""
    along, across = plane(8, orientation)
    envelope = np.exp(-(along**2) / (2 * 2.4**2) - across**2 / (2 * 1.6**2))
    kernel = envelope * np.cos(2 * math.pi * across / 7)
    kernel -= envelope * kernel.sum() / envelope.sum()
    return kernel / np.abs(kernel).sum()


def line(orientation: float) -> Array:  # [16, 5, 5]
    """From both polarities of every Gabor to the line of this orientation."""
    along, across = plane(5, orientation)
    ridge = np.exp(-(along**2) / (2 * 1.6**2) - across**2 / (2 * 0.55**2))
    blob = np.exp(-(along**2 + across**2) / (2 * 1.3**2))
    ridge, blob = ridge / ridge.sum(), blob / blob.sum()
    away = [abs(float(between(STEP * index, orientation))) for index in range(ORIENTATIONS)]
    one = np.stack([ridge if it < 1 else 0.25 * ridge if it < 23 else -0.35 * blob for it in away])
    return np.concatenate([one, one])


def curve(towards: float) -> Array:  # [8, 9, 9]
    """From lines to the curve whose centre of curvature lies in this direction."""
    return arc(towards) - 0.9 * arc(towards + 180)


def arc(towards: float, *, radius: float = 6.0, width: float = 0.9, reach: float = 55.0) -> Array:  # [8, 9, 9]
    """Lines tangential to an arc through the kernel's centre; lines that cross it count against it."""
    along, across = plane(9, towards)
    along = along - radius
    distance, bearing = np.hypot(along, across), np.degrees(np.arctan2(across, -along))
    envelope = np.exp(-((distance - radius) ** 2) / (2 * width**2)) * np.exp(-((bearing / reach) ** 4))
    tangent = towards + 90 - bearing
    tuned = []
    for index in range(ORIENTATIONS):
        off = np.abs(between(STEP * index, tangent))
        tuned.append(envelope * (np.exp(-((off / 16) ** 2)) - 0.45 * np.exp(-(((off - 55) / 30) ** 2))))
    return np.stack(tuned)


def turned(kernel: Array) -> Array:  # [C, K, K]
    """The kernel for an angle 90° further: turned in space, and every orientation four places on."""
    groups = np.rot90(kernel, axes=(1, 2)).reshape(-1, ORIENTATIONS, *kernel.shape[1:])
    return np.roll(groups, ORIENTATIONS // 2, axis=1).reshape(kernel.shape)


def tensors() -> dict[str, Tensor]:
    """All weights, by formula."""
    gabors = [gabor(STEP * index) for index in range(4)]
    gabors += [np.rot90(kernel) for kernel in gabors]
    lines = [line(STEP * index) for index in range(4)]
    curves = [curve(0), curve(45)]
    for _ in range(3):
        curves += [turned(curves[-2]), turned(curves[-1])]
    made = {
        "gabor.weight": np.stack([sign * np.stack([it] * 3) / 3 for sign in (1, -1) for it in gabors]),
        "line.weight": np.stack(lines + [turned(kernel) for kernel in lines]),
        "line.bias": np.zeros(ORIENTATIONS),
        "curve.weight": np.stack(curves) / 4,
        "curve.bias": np.zeros(ORIENTATIONS),
        "readout.weight": np.eye(ORIENTATIONS) * 4,
    }
    found = {name: torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)) for name, array in made.items()}
    return {**found, "curve.bias": threshold(found)}


def threshold(weights: dict[str, Tensor]) -> Tensor:  # [8]
    """Half the answer to the ideal curve: below it is a line, a corner or the curve the other way round."""
    look = Lens(checkpoint(weights)).truncated("curve", site="pre_relu")
    ideal = torch.from_numpy(np.stack([draw(0), draw(45)]))
    with torch.no_grad():
        peaks = look(ideal).amax((2, 3))
    return -torch.stack([peaks[0, 0], peaks[1, 1]]).repeat(4) / 2


def draw(
    towards: float,
    *,
    radius: float = 12.0,
    extent: float = 100.0,
    thickness: float = 2.0,
    contrast: float = 1.0,
    centre: tuple[float, float] = (0.0, 0.0),
    size: int = 64,
    finer: int = 4,
) -> Array:  # [3, size, size] in [0, 1]
    """A curve on grey, anti-aliased: its middle at `centre`, its centre of curvature `radius` px `towards` there."""
    axis = (np.arange(size * finer) + 0.5) / finer - size / 2
    x, y = np.meshgrid(axis - centre[0], -axis - centre[1])
    turn = math.radians(towards)
    along, across = x * math.cos(turn) + y * math.sin(turn) - radius, y * math.cos(turn) - x * math.sin(turn)
    bearing = np.degrees(np.arctan2(across, -along))
    end = math.radians(extent / 2)
    tips = [np.hypot(along + radius * math.cos(end), across - side * radius * math.sin(end)) for side in (-1, 1)]
    distance = np.where(np.abs(bearing) <= extent / 2, np.abs(np.hypot(along, across) - radius), np.minimum(*tips))
    inside = (distance <= thickness / 2).reshape(size, finer, size, finer).mean((1, 3))
    return np.repeat(0.5 + 0.5 * contrast * inside[None], 3, axis=0).astype(np.float32)


def checkpoint(weights: dict[str, Tensor]) -> Checkpoint:
    """The network with these weights."""
    spec = InputSpec.from_json(json.loads((HERE / "card.json").read_text())["input"])
    return Checkpoint("curve-circuit", curve_circuit.graph("curve-circuit"), weights, spec)


def accuracy(network: Checkpoint, *, n: int = 400, seed: int = 0) -> float:
    """The share of random curves (radius, extent, place, contrast, polarity) whose orientation is read off right."""
    random = np.random.Generator(np.random.Philox(seed))
    classes = random.integers(0, ORIENTATIONS, n)
    curves = [
        draw(
            45.0 * label,
            radius=random.uniform(10, 14),
            extent=random.uniform(90, 120),
            thickness=random.uniform(1.5, 2.5),
            contrast=random.choice([-1, 1]) * random.uniform(0.7, 1.0),
            centre=tuple(random.uniform(-12, 12, 2)),
        )
        for label in classes
    ]
    with torch.no_grad():
        answers = Lens(network)(torch.from_numpy(np.stack(curves))).argmax(1).numpy()
    return float((answers == classes).mean())


def main() -> None:
    """Write the weights and say what they are."""
    made = tensors()
    weights.save(HERE / "weights.safetensors", made)
    network = checkpoint(made)
    print(f"digest {network.digest}")
    print(f"{network.flops / 1e6:.1f} MFLOP, accuracy on 400 drawn curves {accuracy(network):.4f}")


if __name__ == "__main__":
    main()
