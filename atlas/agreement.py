"""How far people agree beyond chance: each coefficient with its n and an interval, and the reason where it has none."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import sqrt
from statistics import fmean

Z = 1.959963984540054  # of a two-sided interval at 95 %
NOTHING_SHARED = "No item was judged by two people."
NO_VARIETY = "Only one verdict was ever given, so that agreement by chance is certain and nothing lies beyond it."
TOO_FEW = "One item says nothing of how far the figure may vary."
UNVARIED = "No item speaks otherwise than the others, so that the figure has no spread; n says how much it is worth."
ON_ONE_ITEM = "It hangs on a single item, without which only one verdict was ever given."
NO_ERROR = 1e-9  # what rounding leaves of a standard error of 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one person said of one item; of several by one person on one item the last counts."""

    rater: Hashable
    item: Hashable
    label: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """A coefficient of so many items and verdicts, with its 95 % interval; `reason` says why one of them is None."""

    value: float | None
    items: int
    verdicts: int
    interval: tuple[float, float] | None = None
    reason: str = ""


def raw(verdicts: Iterable[Verdict]) -> Agreement:
    """The share of pairs of people that agree on an item, averaged over items.

    The interval is Wilson's with n = items: no mean of shares varies more than that of yes and no.
    """
    items = _shared(verdicts)
    if not items:
        return Agreement(None, 0, 0, reason=NOTHING_SHARED)
    value = fmean(_agreeing_pairs(labels) for labels in items)
    return Agreement(value, len(items), _count(items), _wilson(value, len(items)))


def cohen_kappa(verdicts: Iterable[Verdict]) -> Agreement:
    """Cohen's κ (1960) of two people on the items both judged.

    The interval is normal, by the standard error of Fleiss, Cohen and Everitt (1969). More people raise ValueError.
    """
    given = list(verdicts)
    if len({verdict.rater for verdict in given}) > 2:
        raise ValueError("κ is of two people; α is of any number")
    pairs = _pairs(given)
    if not pairs:
        return Agreement(None, 0, 0, reason=NOTHING_SHARED)
    observed, first, second = Counter(pairs), Counter(x for x, _ in pairs), Counter(y for _, y in pairs)
    n = len(pairs)
    agreed = sum(x == y for x, y in pairs) / n
    chance = sum(first[label] * second[label] for label in first) / n**2
    if chance == 1:
        return Agreement(None, n, 2 * n, reason=NO_VARIETY)
    kappa = (agreed - chance) / (1 - chance)
    error = _kappa_error(observed, first, second, n=n, kappa=kappa, chance=chance)
    return _with_interval(kappa, error, items=n, verdicts=2 * n)


def krippendorff_alpha(verdicts: Iterable[Verdict]) -> Agreement:
    """Krippendorff's α for nominal labels: any number of people, of whom not everybody judged everything.

    The interval is normal, by the jackknife over items: how much α varies when each is left out in turn.
    """
    items = sorted(_shared(verdicts))
    if not items:
        return Agreement(None, 0, 0, reason=NOTHING_SHARED)
    counts = Counter(label for labels in items for label in labels)
    disagreed = [_disagreement(labels) for labels in items]
    alpha = _alpha(sum(disagreed), counts)
    if alpha is None:
        return Agreement(None, len(items), _count(items), reason=NO_VARIETY)
    pairs = zip(disagreed, items, strict=True)
    without = [_alpha(sum(disagreed) - one, counts - Counter(labels)) for one, labels in pairs]
    known = [one for one in without if one is not None]
    if 1 < len(items) != len(known):
        return Agreement(alpha, len(items), _count(items), reason=ON_ONE_ITEM)
    return _with_interval(alpha, _jackknife(known), items=len(items), verdicts=_count(items))


def _shared(verdicts: Iterable[Verdict]) -> list[list[str]]:
    """The labels of each item that at least two people judged, in order."""
    by_item: dict[Hashable, dict[Hashable, str]] = defaultdict(dict)
    for verdict in verdicts:
        by_item[verdict.item][verdict.rater] = verdict.label
    return [sorted(labels.values()) for labels in by_item.values() if len(labels) > 1]


def _pairs(verdicts: Sequence[Verdict]) -> list[tuple[str, str]]:
    """What the two people said of each item both judged; the first is who comes first in the verdicts."""
    said: dict[Hashable, dict[Hashable, str]] = {verdict.rater: {} for verdict in verdicts}
    for verdict in verdicts:
        said[verdict.rater][verdict.item] = verdict.label
    first, second = said.values() if len(said) == 2 else ({}, {})
    return [(label, second[item]) for item, label in first.items() if item in second]


def _count(items: Sequence[Sequence[str]]) -> int:
    return sum(len(labels) for labels in items)


def _agreeing_pairs(labels: Sequence[str]) -> float:
    return fmean(first == second for first, second in combinations(labels, 2))


def _disagreement(labels: Sequence[str]) -> float:
    """Disagreeing ordered pairs of an item, weighted so that each of its verdicts counts once."""
    alike = sum(count * (count - 1) for count in Counter(labels).values())
    return len(labels) - alike / (len(labels) - 1)


def _alpha(disagreed: float, counts: Mapping[str, int]) -> float | None:
    """1 − observed ÷ expected disagreement; None where none could be expected."""
    n = sum(counts.values())
    expected = n**2 - sum(count**2 for count in counts.values())
    return 1 - (n - 1) * disagreed / expected if expected else None


def _kappa_error(
    observed: Mapping[tuple[str, str], int],
    first: Mapping[str, int],
    second: Mapping[str, int],
    *,
    n: int,
    kappa: float,
    chance: float,
) -> float:
    """The large-sample standard error of κ where it need not be 0 (Fleiss, Cohen and Everitt 1969, equation 13)."""
    spread = 0.0
    for (x, y), count in observed.items():
        if x == y:
            spread += count / n * (1 - (first[x] + second[x]) / n * (1 - kappa)) ** 2
        else:
            spread += count / n * (1 - kappa) ** 2 * ((first.get(y, 0) + second.get(x, 0)) / n) ** 2
    return sqrt(max(spread - (kappa - chance * (1 - kappa)) ** 2, 0) / n) / (1 - chance)


def _jackknife(without: Sequence[float]) -> float:
    """The standard error by leaving out one item at a time."""
    if len(without) < 2:
        return 0.0
    mean = fmean(without)
    return sqrt((len(without) - 1) / len(without) * sum((one - mean) ** 2 for one in without))


def _wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's interval of a share of n: it holds also where all agree."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    reach = Z / (1 + Z**2 / n) * sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # It holds the share itself; where that is 0 or 1, rounding puts it outside by the last bit.
    return min(max(middle - reach, 0.0), share), max(min(middle + reach, 1.0), share)


def _with_interval(value: float, error: float, *, items: int, verdicts: int) -> Agreement:
    """The coefficient with the interval of its standard error, where there is one."""
    if items < 2 or error < NO_ERROR:
        return Agreement(value, items, verdicts, reason=TOO_FEW if items < 2 else UNVARIED)
    return Agreement(value, items, verdicts, (max(value - Z * error, -1.0), min(value + Z * error, 1.0)))
