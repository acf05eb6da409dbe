"""Units and sums of units are written in one way, and nothing else is taken for one."""

import pytest

from workers.interp.address import Subject, Unit
from workers.interp.errors import BadAddress


@pytest.mark.parametrize("text", ["mixed4c:447", "features.3.expand1x1:0", "a_b:999999999"])
def test_a_unit_is_read_as_it_is_written(text):
    assert str(Unit.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "mixed4c", "mixed4c:", "mixed4c:-1", "mixed4c:01", "mixed4c:1 ", "a/b:1", ".a:1", "a:1\n", "a:٣", None, 3],
)
def test_what_is_no_unit_is_refused(text):
    with pytest.raises(BadAddress):
        Unit.parse(text)


def test_a_lone_unit_of_weight_one_is_the_plain_case():
    assert Subject.parse("a:1") == Subject.parse([["a:1", 1]]) == Subject.of(Unit("a", 1))
    assert (str(Subject.parse("a:1")), Subject.parse("a:1").kind) == ("a:1", "unit")
    assert (str(Subject.parse([["a:1", -1]])), Subject.parse([["a:1", -1]]).kind) == ("-1.0*a:1", "units")


def test_subjects_are_written_alike_exactly_when_they_are_equal():
    terms = [["a:1", 0.7], ["b:2", -0.3]]
    assert str(Subject.parse(terms)) == "+0.7*a:1-0.3*b:2"
    others = [terms[::-1], [["a:1", 0.7]], [["a:1", 0.7], ["b:2", 0.3]], [["a:1", 0.70000001], ["b:2", -0.3]]]
    assert len({str(Subject.parse(one)) for one in [terms, *others]}) == 5
    assert Subject.parse([["a:1", 1], ["b:0", 1], ["a:2", 1]]).layers == ("a", "b")


@pytest.mark.parametrize(
    "written",
    [
        [],
        [[]],
        ["a:1"],
        [["a:1"]],
        [["a:1", 0]],
        [["a:1", True]],
        [["a:1", "1"]],
        [["a:1", float("nan")]],
        [["a:1", float("inf")]],
        [["a:1", 10**400]],
        [["a:1", 10**5000]],
        [["a:1", 1, 2]],
        [["a:1", 1], ["a:1", 2]],
        {"a:1": 1},
        b"a:1",
        None,
    ],
    ids=range(16),
)
def test_what_is_no_sum_is_refused(written):
    with pytest.raises(BadAddress):
        Subject.parse(written)
