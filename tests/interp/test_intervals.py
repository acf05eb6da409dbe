"""Score intervals against published examples, and the paired one against a slow oracle."""

import math

import pytest

from workers.interp.intervals import Z, paired, tango, wilson


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_is_the_published_one(right, n, low, high):
    """Newcombe, Statistics in Medicine 17 (1998) 857–872, table I, method 3."""
    span = wilson(right, n)
    assert (span.low, span.high) == pytest.approx((low, high), abs=5e-5)


def test_the_paired_one_is_the_published_one():
    """Airway hyper-responsiveness before and after transplantation: 1, 1, 7 and 12 of 21 children (Bentur et al. 2009;
    Fagerland, Lydersen & Laake, BMC Medical Research Methodology 2014, 14:25).
    """
    span = paired(1, 7, 21)
    assert (span.low, span.high) == pytest.approx((-0.517, -0.026), abs=5e-4)


def slow_score(difference, gained, lost, n):
    """The score statistic with the nuisance parameter found by ternary search of the likelihood."""

    def likelihood(rare):
        same = 1 - 2 * rare - difference
        parts = ((gained, rare + difference), (lost, rare), (n - gained - lost, same))
        return sum(count * math.log(max(share, 1e-300)) for count, share in parts if count)

    low, high = max(0.0, -difference), (1 - difference) / 2
    for _ in range(200):
        one, two = low + (high - low) / 3, high - (high - low) / 3
        low, high = (one, high) if likelihood(one) < likelihood(two) else (low, two)
    rare = (low + high) / 2
    return (gained - lost - n * difference) / math.sqrt(n * (2 * rare + difference * (1 - difference)))


@pytest.mark.parametrize(("gained", "lost", "n"), [(12, 2, 50), (3, 9, 40), (0, 5, 30), (25, 22, 1000), (1, 0, 8)])
def test_the_ends_are_where_a_score_test_begins_to_reject(gained, lost, n):
    span = paired(gained, lost, n)
    assert slow_score(span.low, gained, lost, n) == pytest.approx(Z, abs=1e-3)
    assert slow_score(span.high, gained, lost, n) == pytest.approx(-Z, abs=1e-3)
    assert span.low < (gained - lost) / n < span.high


def test_no_discordant_pictures_still_leave_doubt():
    span = paired(0, 0, 100)
    assert span.high == pytest.approx(Z * Z / (100 + Z * Z), abs=1e-6)
    assert span.low == pytest.approx(-span.high)


def test_it_turns_round_with_its_sides():
    one, other = paired(5, 17, 60), paired(17, 5, 60)
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert paired(50, 0, 50).high == pytest.approx(1)
    assert tango(1.0, 50, 0, 50) == 0
