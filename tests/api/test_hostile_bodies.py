"""What is read of a body, how little of it comes back, and what judging it costs."""

import json

import pytest

from atlas import problems, validation
from atlas.errors import NoSuchProbe
from tests.api.conftest import question

pytestmark = pytest.mark.django_db
GOOD = json.dumps(question()).encode()


def test_json_by_any_of_its_names_is_read(world, as_alice):
    for content_type in ("application/json", "application/json;charset=utf-8", 'Application/JSON; Charset="UTF-8"'):
        assert as_alice.post("jobs", GOOD, content_type=content_type).status_code == 200


def test_what_is_refused_comes_back_in_small_pieces_only(world, as_alice):
    marked = "Zq" * 5_000
    for body in (
        question(marked),
        question(probe=marked),
        question(subject=marked),
        question(subject=[{"unit": marked, "weight": 1}]),
        question(subject={"layer": marked}),
        question(subjects=[marked] * 50),
        question(site=marked),
        question(params={marked: 1}),
        question(params={"polarity": marked, "steps": marked}),
        {**question(), marked: 1},
    ):
        text = as_alice.post("jobs", body).content.decode()
        assert "Zq" * 101 not in text
        assert len(text) < 10_000


class Counted(str):
    """A text that counts how often it is compared."""

    comparisons = 0
    __hash__ = str.__hash__

    def __eq__(self, other):
        Counted.comparisons += 1
        return str.__eq__(self, other)


def test_a_repeated_item_is_found_in_one_pass():
    """The library's own way compares all pairs once two kinds are mixed: 50 million for a list as long as may be."""
    items = [value for index in range(500) for value in (index, Counted(index))]
    assert validation.faults(items, {"type": "array", "uniqueItems": True}) == []
    assert Counted.comparisons <= len(items)
    [fault] = validation.faults([*items, "7"], {"type": "array", "uniqueItems": True})
    assert fault["code"] == "not-uniqueitems"


def test_a_fact_of_a_problem_is_short_whoever_gave_it():
    facts = problems.document(NoSuchProbe(probe="x" * 5_000, probes="y" * 5_000))
    assert (len(facts["probe"]), len(facts["probes"])) == (200, 200)
