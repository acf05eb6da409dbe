"""How sure a share is, and a difference of two shares of the same pictures: score intervals, for small numbers too."""

import math
from collections.abc import Callable
from dataclasses import dataclass

Z = 1.959963984540054  # 95 %, two-sided
HALVINGS = 60


@dataclass(frozen=True, slots=True)
class Interval:
    """From where to where, at 95 %."""

    low: float
    high: float


def wilson(right: int, n: int) -> Interval:
    """Of the share right / n (Wilson 1927)."""
    share, extra = right / n, Z * Z / n
    middle, spread = share + extra / 2, Z * math.sqrt(share * (1 - share) / n + extra / (4 * n))
    return Interval(max(0.0, (middle - spread) / (1 + extra)), min(1.0, (middle + spread) / (1 + extra)))


def paired(gained: int, lost: int, n: int) -> Interval:
    """Of the difference (gained − lost) / n of two shares of the same n pictures, by the pictures that changed sides.

    Tango's score interval (Statistics in Medicine 17, 1998, 891–908): all differences that a score test of level 5 %
    would not reject.
    """
    found = (gained - lost) / n
    low = _root(lambda it: tango(it, gained, lost, n) - Z, -1.0, found)
    high = _root(lambda it: tango(it, gained, lost, n) + Z, found, 1.0)
    return Interval(low, high)


def tango(difference: float, gained: int, lost: int, n: int) -> float:
    """The score statistic of a hypothetical difference: it falls from +∞ to −∞ as this rises."""
    a, c = 2 * n, -lost * difference * (1 - difference)
    b = -gained - lost + (2 * n - gained + lost) * difference
    rare = (math.sqrt(max(0.0, b * b - 4 * a * c)) - b) / (2 * a)  # the probability of a loss, at this difference
    variance = n * (2 * rare + difference * (1 - difference))
    off = gained - lost - n * difference
    return off / math.sqrt(variance) if variance > 0 else math.copysign(math.inf, off) if off else 0.0


def _root(falling: Callable[[float], float], low: float, high: float) -> float:
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if falling(middle) > 0 else (low, middle)
    return (low + high) / 2
