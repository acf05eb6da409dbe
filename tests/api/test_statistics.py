"""Statistics of a neuron over HTTP: each dataset once, by the newest finding, and of private ones no word."""

import pytest

from atlas.models import Dataset
from atlas.services import datasets
from atlas.services.recordings import Recorded
from tests.recording import STATISTICS, example, record

pytestmark = pytest.mark.django_db
AT = "checkpoints/toy/layers/mixed/neurons/3/statistics"


def dataset(slug: str, **more) -> Dataset:
    items = [datasets.Item(digest=f"{place}{slug[0]}" * 32, name=f"{place}.png", label=place) for place in range(3)]
    return datasets.register(
        actor=None, slug=slug, items=items, kind="images", title=slug.title(), licence="CC0-1.0", labels=["cat"], **more
    )  # fmt: skip


def told(shown: Dataset, unit: str = "mixed:3", **more) -> Recorded:
    listed = [example(shown, 2, quantile=0.0, value=-1.0), example(shown, 0, rank=1, value=2.5)]
    return Recorded(unit, "pre_relu", {**STATISTICS, "examples": listed, **more})


@pytest.fixture
def public():
    return dataset("birds")


@pytest.fixture
def jobs(world, alice, public):
    """All neurons of mixed over one dataset, and one of them again over it."""
    every = [told(public, f"mixed:{channel}") for channel in range(12)]
    first = record(world.checkpoint, alice, public, "*", *every)
    return first, record(world.checkpoint, alice, public, "mixed:3", told(public, maximum=3.0), top=1)


def test_each_dataset_is_told_once_by_the_newest_finding(jobs, anybody, public):
    [one] = anybody.walk(AT)
    assert (one["job"], one["maximum"], one["unit"], one["site"]) == (jobs[1].fingerprint, 3.0, "mixed:3", "pre_relu")
    assert (one["dataset"], one["title"], one["items"]) == (public.digest, "Birds", 3)
    assert one["histogram"] == STATISTICS["histogram"]
    assert [(it["quantile"], it["rank"], it["value"], it["name"], it["label"]) for it in one["examples"]] == [
        (0.0, None, -1.0, "2.png", "2"),
        (None, 1, 2.5, "0.png", "cat"),
    ]
    [other] = anybody.walk("checkpoints/toy/layers/mixed/neurons/4/statistics")
    assert other["job"] == jobs[0].fingerprint
    assert anybody.walk("checkpoints/toy/layers/edges/neurons/0/statistics") == []


def test_a_private_dataset_is_its_teams(jobs, world, alice, team, anybody, as_bob, as_alice, as_operator):
    private = dataset("cats", team=team, visibility="team")
    record(world.checkpoint, alice, private, "mixed:3", told(private))
    for api, titles in ((anybody, ["Birds"]), (as_bob, ["Birds"]), (as_alice, ["Cats", "Birds"])):
        assert [it["title"] for it in api.walk(AT)] == titles
        assert [it["title"] for it in api.walk(f"{AT}?dataset={private.digest}")] == titles[:-1]
    assert len(as_operator.walk(AT)) == 2


def test_pages_are_whole(jobs, world, alice, anybody):
    for slug in ("cats", "dogs"):
        shown = dataset(slug)
        record(world.checkpoint, alice, shown, "mixed:3", told(shown))
    assert [it["title"] for it in anybody.walk(f"{AT}?limit=1")] == ["Dogs", "Cats", "Birds"]


def test_another_name_of_the_neuron_leads_to_it(jobs, anybody):
    moved = anybody.get("checkpoints/toy/layers/mixed_5x5/neurons/1/statistics")
    assert (moved.status_code, moved["Location"][-32:]) == (308, "/layers/mixed/neurons/9/statistics"[-32:])


def test_it_takes_as_many_queries_for_many_as_for_one(jobs, anybody, django_assert_max_num_queries):
    with django_assert_max_num_queries(7):
        anybody.get(f"/api/v1/{AT}")
