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


def test_other_probes_cost_what_they_always_do():
    assert estimates.seconds({"properties": {}}, {}, usual=7, flops=10**9, pictures=500) == 7
    assert estimates.seconds(SCHEMA, {}, usual=7, flops=None, pictures=None) == 7
