"""Agreement beyond chance: the figures of the papers, the definitions counted out by hand, and what has no figure."""

import random
from itertools import permutations
from math import sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from atlas import agreement
from atlas.agreement import Verdict, cohen_kappa, krippendorff_alpha, raw

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section C: four observers, twelve units, gaps.
FOUR_OBSERVERS = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
EVERY = (raw, cohen_kappa, krippendorff_alpha)


def verdicts(*rows):
    """What each rater said of one item after the other; a dot is nothing."""
    return [
        Verdict(rater, item, label) for rater, row in enumerate(rows) for item, label in enumerate(row) if label != "."
    ]


def tabled(*rows):
    """The verdicts of two people from how often the first said the row and the second the column."""
    pairs = [(x, y) for x, row in enumerate(rows) for y, count in enumerate(row) for _ in range(count)]
    return verdicts([str(x) for x, _ in pairs], [str(y) for _, y in pairs])


def test_alpha_of_krippendorffs_four_observers():
    found = krippendorff_alpha(verdicts(*FOUR_OBSERVERS))
    assert round(found.value, 3) == 0.743
    assert (found.items, found.verdicts) == (11, 40)  # one of twelve was judged by one alone


@pytest.mark.parametrize(
    ("first", "second", "alpha"),
    [("0100000010", "1110010000", 0.095), ("aabbdcccedda", "babbbccceddd", 0.692)],
    ids=["two labels", "five labels"],
)
def test_alpha_of_krippendorffs_two_observers(first, second, alpha):
    """The same paper, sections A and B."""
    assert round(krippendorff_alpha(verdicts(first, second)).value, 3) == alpha


def test_kappa_of_cohens_clinicians():
    """Cohen, A coefficient of agreement for nominal scales (1960): his tables 1 (as n = 200) and 2."""
    assert round(cohen_kappa(tabled((50, 26, 24), (24, 4, 32), (6, 30, 4))).value, 2) == -0.09
    found = cohen_kappa(tabled((88, 14, 18), (10, 40, 10), (2, 6, 12)))
    assert (round(found.value, 3), found.items) == (0.492, 200)


def test_the_standard_error_of_fleiss_cohen_and_everitt():
    """Large sample standard errors of kappa and weighted kappa (1969): κ = 0.429, variance 0.002885."""
    found = cohen_kappa(tabled((106, 10, 4), (22, 28, 10), (2, 12, 6)))
    low, high = found.interval
    assert round(found.value, 3) == 0.429
    assert round(((high - low) / 2 / agreement.Z) ** 2, 6) == 0.002885


def test_raw_agreement_and_wilsons_interval():
    """Wilson (1927) for 8 of 10, as every textbook has it: 0.490 to 0.943."""
    found = raw(verdicts("1111111111", "1111111100"))
    assert (found.value, found.items) == (0.8, 10)
    assert tuple(round(end, 3) for end in found.interval) == (0.490, 0.943)
    assert raw(verdicts("1", "1", "2")).value == pytest.approx(1 / 3)


rows = st.lists(st.text(alphabet="abc.", min_size=8, max_size=8), min_size=2, max_size=4)


def counted_out(given):
    """α by its definition: every ordered pair within items against every ordered pair of all that is pairable."""
    by_item = {}
    for verdict in given:
        by_item.setdefault(verdict.item, []).append(verdict.label)
    items = [labels for labels in by_item.values() if len(labels) > 1]
    pooled = [label for labels in items for label in labels]
    observed = sum((x != y) / (len(labels) - 1) for labels in items for x, y in permutations(labels, 2)) / len(pooled)
    chance = [x != y for x, y in permutations(pooled, 2)]
    return 1 - observed / (sum(chance) / len(chance))


@given(rows)
def test_alpha_is_its_definition(rows):
    found = krippendorff_alpha(verdicts(*rows))
    assume(found.value is not None)
    assert found.value == pytest.approx(counted_out(verdicts(*rows)))


@given(rows)
def test_the_interval_of_alpha_is_that_of_leaving_each_item_out(rows):
    given = verdicts(*rows)
    found = krippendorff_alpha(given)
    assume(found.interval is not None)
    shared = [at for at in range(8) if sum(row[at] != "." for row in rows) > 1]
    without = [krippendorff_alpha([one for one in given if one.item != at]).value for at in shared]
    mean = sum(without) / len(without)
    error = sqrt((len(without) - 1) / len(without) * sum((one - mean) ** 2 for one in without))
    reach = agreement.Z * error
    assert found.interval == pytest.approx((max(found.value - reach, -1), min(found.value + reach, 1)))


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=12))
def test_kappa_is_its_definition(pairs):
    found = cohen_kappa(verdicts(*zip(*pairs, strict=True)))
    assume(found.value is not None)
    by_chance = [x == y for x, _ in pairs for _, y in pairs]
    chance, agreed = sum(by_chance) / len(by_chance), sum(x == y for x, y in pairs) / len(pairs)
    assert found.value == pytest.approx((agreed - chance) / (1 - chance))


@given(rows, st.randoms(), st.permutations("abc"))
def test_neither_names_nor_order_matter(rows, shuffler, labels):
    given = verdicts(*rows)
    renamed = dict(zip("abc", labels, strict=True))
    other = [Verdict(f"r{it.rater}", f"i{it.item}", renamed[it.label]) for it in given]
    shuffler.shuffle(other)
    for coefficient in EVERY if len(rows) == 2 else (raw, krippendorff_alpha):
        one, two = coefficient(given), coefficient(other)
        assert (one.items, one.verdicts, one.reason) == (two.items, two.verdicts, two.reason)
        assert one.value == (None if two.value is None else pytest.approx(two.value))
        assert one.interval == (None if two.interval is None else pytest.approx(two.interval))


@given(rows)
def test_what_is_missing_has_its_reason_and_what_is_there_is_in_order(rows):
    for coefficient in EVERY if len(rows) == 2 else (raw, krippendorff_alpha):
        found = coefficient(verdicts(*rows))
        assert bool(found.reason) == (found.value is None or found.interval is None)
        if found.interval:
            assert -1 <= found.interval[0] <= found.value <= found.interval[1] <= 1


@pytest.mark.parametrize(
    ("coefficient", "rows", "value", "reason"),
    [
        *((coefficient, ("", ""), None, agreement.NOTHING_SHARED) for coefficient in EVERY),
        *((coefficient, ("a.", ".a"), None, agreement.NOTHING_SHARED) for coefficient in EVERY),
        *((coefficient, ("aaa", "aaa"), None, agreement.NO_VARIETY) for coefficient in EVERY[1:]),
        *((coefficient, ("a", "b"), 0, agreement.TOO_FEW) for coefficient in EVERY[1:]),
        *((coefficient, ("aabb", "aabb"), 1, agreement.UNVARIED) for coefficient in EVERY[1:]),
        (krippendorff_alpha, ("aaab", "aaab"), 1, agreement.ON_ONE_ITEM),
    ],
)
def test_where_there_is_no_figure_or_no_interval_it_says_why(coefficient, rows, value, reason):
    found = coefficient(verdicts(*rows))
    assert (found.value, found.interval, found.reason) == (value, None, reason)


def test_kappa_is_of_two_people():
    with pytest.raises(ValueError, match="α is of any number"):
        cohen_kappa(verdicts("ab", "ab", "ab"))


def test_of_several_verdicts_of_one_person_the_last_counts():
    changed = [*verdicts("aab", "abb"), Verdict(0, 1, "b")]
    assert [coefficient(changed).value for coefficient in EVERY] == [1, 1, 1]


def test_the_intervals_hold_what_they_promise():
    """Two people of whom each errs now and then: about 95 of 100 intervals of 60 items hold the limit of many items."""
    draw = random.Random(7)

    def judged(n):
        true = draw.choices("ab", k=n)
        return verdicts(*([one if draw.random() < 0.8 else draw.choice("ab") for one in true] for _ in range(2)))

    for coefficient in (cohen_kappa, krippendorff_alpha):
        limit = coefficient(judged(4_000)).value
        held = sum(low <= limit <= high for low, high in (coefficient(judged(60)).interval for _ in range(200)))
        assert 178 <= held <= 199


@pytest.mark.parametrize("label", ["same", "other"])
def test_the_interval_holds_the_share_to_the_last_bit(label):
    """Wilson's formula does; its rounding, for who never or always agree, need not."""
    for items in range(1, 400):
        given = [Verdict("a", item, "same") for item in range(items)] + [
            Verdict("b", item, label) for item in range(items)
        ]
        found = raw(given)
        low, high = found.interval
        assert low <= found.value <= high, items
