"""Lists: all of it page by page, in either order, whatever is added meanwhile; and no page from another list."""

import itertools

import pytest

from atlas.models import Job
from tests.api.conftest import World

pytestmark = pytest.mark.django_db
LISTS = ["checkpoints", "checkpoints/toy/layers", "checkpoints/toy/layers/mixed/neurons", "jobs", "probes"]


def names(items):
    """What identifies the items of any list."""
    return [
        item.get("fingerprint") or item.get("slug") or item.get("key") or str(item.get("channel")) for item in items
    ]


@pytest.fixture
def many(world, register, ask_for, alice) -> World:
    """Five checkpoints and a dozen more questions."""
    for name in "bcde":
        register(f"toy-{name}", name)
    ask_for(world.checkpoint, alice, *[f"mixed:{channel}" for channel in range(12)])
    return world


def test_page_by_page_is_the_whole_list(many, anybody):
    for path in LISTS:
        whole = anybody.get(f"{path}?limit=200").json()
        assert whole["next"] is None
        for limit in (1, 5):
            assert anybody.walk(f"{path}?limit={limit}") == whole["items"]
        assert anybody.walk(path) == whole["items"]


@pytest.mark.parametrize(("path", "order"), [("jobs", "created"), ("checkpoints", "slug")])
def test_both_orders_are_each_other_backwards(many, anybody, path, order):
    forwards = anybody.walk(f"{path}?limit=3&ordering={order}")
    assert len(forwards) >= 5
    assert anybody.walk(f"{path}?limit=2&ordering=-{order}") == forwards[::-1]
    assert names(forwards) == sorted(names(forwards)) if order == "slug" else forwards[0]["subject"] == "edges:0"


@pytest.mark.parametrize("ordering", ["created", "-created"])
def test_what_is_added_meanwhile_moves_nothing(many, anybody, ask_for, alice, ordering):
    before = names(anybody.walk(f"jobs?ordering={ordering}"))
    page = anybody.get(f"jobs?ordering={ordering}&limit=4").json()
    seen, fresh = names(page["items"]), 0
    while page["next"]:
        ask_for(many.checkpoint, alice, "mixed:0", steps=20 + fresh)
        fresh += 1
        page = anybody.get(page["next"]).json()
        seen += names(page["items"])
    assert seen[: len(before)] == before
    assert len(seen) == len(set(seen))
    assert len(seen) > len(before) if ordering == "created" else seen == before


def test_newest_first_unless_asked_otherwise(many, anybody):
    assert anybody.walk("jobs") == anybody.walk("jobs?ordering=-created")
    assert anybody.walk("checkpoints") == anybody.walk("checkpoints?ordering=slug")


def test_a_limit_is_from_1_to_200(world, anybody):
    for path, limit in itertools.product(LISTS, ["0", "-1", "201", "9" * 10, "abc", "1.0", "1e1", "%201", "", "１"]):
        answer = anybody.get(f"{path}?limit={limit}")
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-parameter"), (path, limit)
        assert "1 to 200" in answer.json()["detail"]


def test_a_cursor_is_of_one_list_only(many, anybody, as_alice):
    listed = [path for path in LISTS if path != "probes"]  # which is one page
    cursors = {path: anybody.get(f"{path}?limit=1").json()["next"].partition("cursor=")[2] for path in listed}
    for path in LISTS:
        forged = ["garbage", "a:b:c", "x" * 200, *(value for other, value in cursors.items() if other != path)]
        forged += [value[:-1] + ("A" if value[-1] != "A" else "B") for value in cursors.values()]
        for cursor in forged:
            answer = anybody.get(f"{path}?cursor={cursor}")
            assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-cursor"), (path, cursor)
    for path, cursor in cursors.items():
        assert as_alice.get(f"{path}?limit=7&cursor={cursor}").status_code == 200


def test_a_cursor_is_of_these_filters_only(many, anybody):
    cursor = anybody.get("jobs?limit=1").json()["next"].partition("cursor=")[2]
    for more in ("state=queued", "ordering=created", "unit=mixed:0", "checkpoint=toy"):
        assert anybody.get(f"jobs?{more}&cursor={cursor}").json()["type"] == "/problems/bad-cursor", more


def test_a_page_of_the_longest_filters_has_a_next_one(world, anybody):
    """A cursor holds the list's identity in a fixed number of characters."""
    long = "u" * 200
    for digit in "abc":
        Job.objects.create(**{**_copy(world.queued), "fingerprint": digit * 64, "subject_text": long})
    items = anybody.walk(f"jobs?limit=1&unit={long}&checkpoint=toy&probe=feature-visualization&ordering=created")
    assert names(items) == ["a" * 64, "b" * 64, "c" * 64]


def test_filters(many, anybody):
    for query, count in {
        "jobs?state=done": 1,
        "jobs?state=queued": 14,
        "jobs?state=failed": 0,
        "jobs?unit=mixed:3": 1,
        "jobs?unit=mixed": 0,
        "jobs?unit=%25": 0,
        "jobs?checkpoint=toy": 15,
        "jobs?checkpoint=toy-b": 0,
        "jobs?probe=feature-visualization": 15,
        "jobs?probe=feature": 0,
        "jobs?checkpoint=toy&state=queued&unit=mixed:3": 1,
        "jobs?checkpoint=toy&state=done&unit=mixed:3": 0,
        "checkpoints?task=classifier": 5,
        "checkpoints?task=policy": 0,
        "checkpoints?architecture=hand-made": 5,
        "checkpoints?architecture=hand": 0,
    }.items():
        assert len(anybody.walk(query)) == count, query


def test_a_filter_says_what_it_takes(world, anybody):
    assert "queued, running, done" in anybody.get("jobs?state=lost").json()["detail"]
    assert "created, -created" in anybody.get("jobs?ordering=subject").json()["detail"]
    assert "classifier" in anybody.get("checkpoints?task=cooking").json()["detail"]
    assert anybody.get("jobs?unit=").status_code == 400


def test_neurons_are_all_there_in_order_with_their_pictures(world, anybody):
    tiles = anybody.walk("checkpoints/toy/layers/edges/neurons?limit=3")
    assert [tile["channel"] for tile in tiles] == [0, 1, 2, 3]
    assert [tile["state"] for tile in tiles] == ["done", "queued", "", ""]
    assert tiles[0]["finding"]["shown"][0]["artifact"]["sha256"] == world.artifact.sha256


def test_neurons_are_chosen_and_ordered_as_a_wall_is(world, anybody, client):
    """By the same words, a page at a time; and the page's twin says the same."""
    at = "checkpoints/toy/layers/edges/neurons"
    rows = {query: [one["channel"] for one in anybody.walk(f"{at}?{query}&limit=1")] for query in (
        "state=none", "picture=missing", "ordering=newest", "ordering=response", "family=S000000000", "term=nothing",
    )}  # fmt: skip
    assert rows["picture=missing"] == [1, 2, 3]
    assert rows["ordering=newest"] == [0, 1, 2, 3]
    assert rows["family=S000000000"] == rows["term=nothing"] == []
    assert sorted(rows["ordering=response"]) == [0, 1, 2, 3]
    twin = client.get("/c/toy/edges.json?state=none&sort=claims").json()
    assert twin["tiles"] == anybody.walk(f"{at}?state=none&ordering=claims")
    for wrong in ("state=believed", "picture=nice", "ordering=size", "family=", "sort=name"):
        assert anybody.get(f"{at}?{wrong}").status_code == 400


def test_two_neurons_are_compared_as_the_page_compares_them(world, register, anybody, client):
    register("other", "b")
    at = "checkpoints/toy/layers/edges/neurons/1/compare"
    for other, named in (("edges:0", "edges:0"), ("other:edges:0", "other/edges/0"), ("mixed_5x5:1", "mixed:9")):
        found = anybody.get(f"{at}/{other}")
        assert found.status_code == 200, other
        assert found.json() == client.get("/compare.json", {"a": "toy/edges/1", "b": named}).json()
    for nothing in ("edges:4", "nowhere:edges:0", "edges", "edges:01", "other:edges"):
        assert anybody.get(f"{at}/{nothing}").status_code == 404, nothing
    moved = anybody.get("checkpoints/toy/layers/mixed_5x5/neurons/1/compare/edges:0")
    assert moved["Location"] == "/api/v1/checkpoints/toy/layers/mixed/neurons/9/compare/edges:0"


def test_another_name_leads_to_the_canonical_address(world, anybody):
    for path, to in {
        "mixed_5x5": "mixed",
        "mixed_5x5/neurons?limit=2": "mixed/neurons?limit=2",
        "mixed_5x5/neurons/3": "mixed/neurons/11",
    }.items():
        answer = anybody.get(f"checkpoints/toy/layers/{path}")
        assert (answer.status_code, answer["Location"]) == (308, f"/api/v1/checkpoints/toy/layers/{to}")
        assert anybody.get(answer["Location"]).status_code == 200
    assert anybody.get("checkpoints/toy/layers/mixed_5x5?x=1").status_code == 400


def test_an_alias_has_its_own_range(world, anybody):
    said = anybody.get("checkpoints/toy/layers/mixed_5x5/neurons/4").json()
    assert (said["type"], said["width"], said["last"]) == ("/problems/no-such-neuron", 4, 3)


def test_what_a_list_shows_of_a_thing_its_own_address_shows_too(world, anybody, client):
    """And the page's twin says the same as the API."""
    for path, one in {
        "checkpoints": "checkpoints/{slug}",
        "checkpoints/toy/layers": "checkpoints/toy/layers/{key}",
        "probes": "probes/{name}",
        "jobs": "jobs/{fingerprint}",
    }.items():
        for item in anybody.walk(path):
            detail = anybody.get(one.format(**item)).json()
            assert {name: detail[name] for name in item} == item
            if path in ("checkpoints", "jobs"):
                assert client.get(f"{item['url']}.json").json() == detail


def test_a_neuron_is_one_flat_object(world, anybody, client):
    found = anybody.get("checkpoints/toy/layers/mixed/neurons/11").json()
    assert (found["channel"], found["unit"], found["aliases"]) == (11, "mixed:11", ["mixed_5x5:3"])
    assert (found["checkpoint"]["slug"], found["layer"]["key"]) == ("toy", "mixed")
    assert client.get(f"{found['url']}.json").json() == found


def test_who_has_it_already_is_told_so_until_it_changes(world, anybody, answer_jobs):
    paths = [*LISTS, "checkpoints/toy", f"jobs/{world.queued.fingerprint}", "checkpoints/toy/layers/edges/neurons/1"]
    known = {}
    for path in paths:
        first = anybody.get(path)
        assert first["Cache-Control"] == "private, no-cache"
        known[path] = {"If-None-Match": f'"another", {first["ETag"]}'}
        again = anybody.get(path, headers=known[path])
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    answer_jobs()
    same = [path for path in paths if anybody.get(path, headers=known[path]).status_code == 304]
    assert same == ["checkpoints/toy/layers/mixed/neurons", "probes"]


def _copy(job: Job) -> dict:
    """The columns of a job, for another one like it."""
    return {field.name: getattr(job, field.name) for field in Job._meta.fields if field.name != "id"}
