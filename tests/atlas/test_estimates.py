"""What a question costs is said by its parameters, before anything is computed."""

import pytest

from atlas.services import estimates

SCHEMA = {
    "properties": {"pictures": {"default": 1000}, "random_units": {"default": 19}, "doses": {"default": [0.5, 1]}},
    "x-passes": {"pictures": "pictures", "arms": ["random_units", "doses"], "more": 4},
}


@pytest.mark.parametrize(
    ("params", "pictures", "passes"),
    [
        ({}, None, 8 * 25),
        ({}, 500, 500 * 25),
        ({"pictures": 100}, 500, 100 * 25),
        ({"random_units": 0, "doses": []}, 500, 500 * 4),
    ],
    ids=["fixed", "all", "some", "bare"],
)
def test_a_pass_for_each_picture_and_arm(params, pictures, passes):
    found = estimates.seconds(SCHEMA, params, usual=7, flops=10**9, pictures=pictures)
    assert found == pytest.approx(passes * 10**9 / estimates.RATE, rel=0.05)


@pytest.mark.parametrize(
    ("params", "times"),
    [
        ({}, 1),
        ({"steps": 1024}, 2),
        ({"seeds": [4]}, 1 / 3),
        ({"size": 256, "polarity": "negative"}, 2),
        ({"second": "radius"}, 9),
        ({"by": "weights", "steps": 1}, 1),
    ],
    ids=["usual", "steps", "seeds", "side and polarity", "a second axis", "steps that are not taken"],
)
def test_other_probes_cost_so_many_times_the_usual_by_what_their_parameters_are_called(params, times):
    usual = {"steps": 512, "seeds": [0, 1, 2], "size": 128, "polarity": "both", "second": "", "second_steps": 9}
    schema = {"properties": {name: {"default": value} for name, value in usual.items()}}
    found = estimates.seconds(schema, params, usual=30, flops=10**9, pictures=None)
    assert (found, estimates.relative(schema, params)) == (pytest.approx(30 * times, rel=0.05), pytest.approx(times))


def test_what_says_nothing_costs_what_it_always_does():
    assert estimates.seconds({"properties": {}}, {}, usual=7, flops=10**9, pictures=500) == 7
    assert estimates.seconds(SCHEMA, {}, usual=7, flops=None, pictures=None) == 7
