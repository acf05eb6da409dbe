"""Moments as pages show them."""

from datetime import UTC, datetime

import pytest

from atlas.web.times import day, minute, second


@pytest.mark.parametrize(("shown", "text"), [(day, "2026-02-03"), (minute, "2026-02-03 04:05"),
                                             (second, "2026-02-03 04:05:06")])  # fmt: skip
def test_a_moment_is_exact_for_scripts_and_short_for_people(shown, text):
    at = datetime(2026, 2, 3, 4, 5, 6, 789, tzinfo=UTC)
    assert shown(at) == f'<time datetime="2026-02-03T04:05:06.000789+00:00">{text}</time>'
