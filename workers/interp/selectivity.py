"""What a tuning curve says in a few numbers: where it is highest, around which angle it lies, how narrow and clean."""

import math
from typing import Any

import numpy as np

Array = np.ndarray
BEHIND = 20.0  # degrees to both sides of the opposite, in which an echo is looked for
FULL_TURN = 360.0
UNDIRECTED = 1e-6  # a vector strength that is no more than rounding


def of_angles(responses: Array, *, period: float) -> dict[str, Any]:  # [n], the k-th for the angle k·period/n
    """A tuning curve around a circle of `period` degrees, after rectification at 0 (Cammarata et al. 2020).

    `argmax` is the (first) angle of the largest response; `circular_mean` the direction of Σ r e^{imθ}, m = 360/period,
    divided by m, and `vector_strength` its length over Σ r; `width_at_half_max` the full extent, in degrees, of all
    that lies above half the maximum; `echo` the largest response within 20° of the opposite of `argmax`, over the
    maximum: null for what looks the same half a turn later, and where nothing was shown there. A curve without a
    direction has no circular mean, and one without any response above 0 has none of them.
    """
    rates = np.maximum(np.asarray(responses, dtype=np.float64), 0)
    highest, step = float(rates.max()), period / len(rates)
    if highest <= 0:
        return dict.fromkeys(("argmax", "circular_mean", "vector_strength", "width_at_half_max", "echo"))
    angles = np.arange(len(rates)) * step
    best = float(angles[rates.argmax()])
    shares = rates / rates.sum()  # tiny responses would underflow as products
    total = complex((shares * np.exp(2j * math.pi * angles / period)).sum())
    return {
        "argmax": best,
        "circular_mean": _direction(total) * period / FULL_TURN if abs(total) > UNDIRECTED else None,
        "vector_strength": abs(total),
        "width_at_half_max": float((rates > highest / 2).sum()) * step,
        "echo": _echo(rates / highest, angles, best) if period == FULL_TURN else None,
    }


def of_values(responses: Array, values: Array) -> dict[str, Any]:  # [n], [n] evenly spaced, rising
    """A tuning curve along a line: `argmax` and `width_at_half_max`, in the unit of the values, as for angles."""
    rates = np.maximum(np.asarray(responses, dtype=np.float64), 0)
    if rates.max() <= 0:
        return {"argmax": None, "width_at_half_max": None}
    step = (values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else 0.0
    return {
        "argmax": float(values[rates.argmax()]),
        "width_at_half_max": float((rates > rates.max() / 2).sum()) * float(step),
    }


def apart(first: float, second: float, *, period: float) -> float:
    """How far two angles lie apart on a circle, 0 to half its period."""
    return abs((first - second + period / 2) % period - period / 2)


def _direction(total: complex) -> float:
    """In degrees, from 0 to under 360 also where it is a rounding error below 0."""
    return round(math.degrees(math.atan2(total.imag, total.real)), 9) % FULL_TURN


def _echo(shares: Array, angles: Array, best: float) -> float | None:
    # A sampled angle may miss the edge of the window by a rounding error.
    behind = np.abs((angles - best) % FULL_TURN - FULL_TURN / 2) <= BEHIND + 1e-9
    return float(shares[behind].max()) if behind.any() else None
