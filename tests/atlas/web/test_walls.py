"""A wall shows what its reader wants of a layer: chosen, ordered, in pages that stay; and which picture is whose."""

import pytest

from atlas.dossiers.checkpoints import checkpoint as checkpoint_page
from atlas.dossiers.checkpoints import newest_pictures
from atlas.dossiers.walls import SORTS, Wanted, wall
from atlas.models import Job
from atlas.services import datasets, footholds, jobs, reviews, terms
from atlas.services.recordings import Recorded
from tests.atlas.web.conftest import MADE
from tests.atlas.web.reading import faults, read
from tests.claims import DISPUTE, RATIONALE, revise
from tests.recording import STATISTICS, record

pytestmark = pytest.mark.django_db
FIRST = ("edges", 0)


def shown() -> str:
    """The polarity of the first neuron's picture, and where its job stands."""
    job = newest_pictures(Job.objects.all())[FIRST]
    return f"{job.params['polarity']} {job.state}"


def test_a_neuron_stands_with_what_excites_it_as_far_as_there_is_such_a_picture(
    checkpoint, alice, ask_for, answer_jobs
):
    ask_for(checkpoint, alice, "edges:0", polarity="negative")
    assert shown() == "negative queued"
    answer_jobs()
    ask_for(checkpoint, alice, "edges:0", polarity="positive")
    assert shown() == "negative done"
    answer_jobs()
    assert shown() == "positive done"
    ask_for(checkpoint, alice, "edges:0", polarity="negative", steps=20)
    answer_jobs()
    assert shown() == "positive done"
    ask_for(checkpoint, alice, "edges:0", polarity="both")
    answer_jobs()
    assert shown() == "both done"


def channels(actor=None, **wanted) -> list[int]:
    """What a wall of `mixed` shows, in its order."""
    size = {name: wanted.pop(name) for name in ("start", "size") if name in wanted}
    return [plate.tile.channel for plate in wall("toy", "mixed", actor=actor, wanted=Wanted(**wanted), **size).tiles]


@pytest.fixture
def settled(describe, ana, bo, cy, curator, lab, checkpoint):
    """Of `mixed` 1 is accepted, 2 disputed and accepted, 3 proposed and stale, 4 upheld, 5 rejected, 6 withdrawn."""
    terms.create(actor=ana, slug="curve", label="curve")
    made = {channel: describe(neuron=f"mixed:{channel}", title=f"Number {9 - channel}") for channel in range(1, 7)}
    made[7] = describe(neuron="mixed:2", title="Number 7 again")
    for claim in (made[1], made[7]):
        for reviewer in (bo, cy):
            reviews.review(actor=reviewer, foothold=claim, version=1, verdict="agree")
    for claim in (made[2], made[4], made[5]):
        reviews.review(actor=bo, foothold=claim, version=1, **DISPUTE)
    for channel, outcome in ((4, "upheld"), (5, "rejected")):
        reviews.resolve(actor=curator, foothold=made[channel], outcome=outcome, rationale=RATIONALE)
    reviews.review(actor=bo, foothold=made[3], version=1, verdict="agree")
    revise(made[3], ana, terms=[{"term": "curve", "polarity": "detects"}])
    footholds.withdraw(actor=ana, foothold=made[6])
    family = {"title": "The curves", "form": "family", "items": [{"unit": "mixed:8"}, {"foothold": made[1].accession}]}
    made["family"] = footholds.create(actor=ana, kind="collection", checkpoint=checkpoint, team=lab, content=family)
    named = {"neuron": "mixed:9", "title": "One more curve", "claims": {"family": made["family"].accession}}
    footholds.create(actor=ana, kind="description", checkpoint=checkpoint, team=lab, content=named)
    return made


def test_neurons_are_chosen_by_what_is_believed_of_them_and_the_matrix_counts_the_same(settled, client):
    assert channels(state="accepted") == [1, 4]
    assert channels(state="disputed") == [2]
    assert channels(state="proposed") == [3, 9]
    assert channels(state="stale") == [3]
    assert channels(state="none") == [0, 5, 6, 7, 8, 10, 11]
    assert channels(term="curve") == [3]
    assert channels(family=settled["family"].accession) == [1, 8, 9]
    assert channels(family=settled["family"].accession, state="proposed") == [9]
    assert channels(sort="claims")[:3] == [2, 1, 3]
    assert channels(sort="name")[:3] == [5, 4, 3]
    edges, mixed = checkpoint_page("toy", actor=None).coverage
    assert (edges.none, edges.described) == (4, 0)
    for state in ("none", "proposed", "accepted", "disputed", "stale"):
        assert (state, getattr(mixed, state)) == (state, len(channels(state=state)))
    assert wall("toy", "mixed", actor=None).coverage == mixed
    page = read(client, "/c/toy")
    assert faults(page) == []
    assert {"/c/toy/mixed?state=disputed", "/c/toy/edges?state=none"} <= {one["href"] for one in page.all("a")}
    assert [one["title"] for one in client.get("/c/toy.json").json()["families"]] == ["The curves"]


def test_what_somebody_may_not_know_no_wall_tells(settled, lab, operator, bob, ana):
    type(lab).objects.filter(pk=lab.pk).update(blind_review=True)
    assert channels(state="disputed") == []
    assert channels(state="disputed", actor=operator) == [2]
    assert channels(state="stale") == []
    assert channels(state="proposed") == [3, 9]
    assert channels(state="accepted") == [1, 2, 4]
    assert checkpoint_page("toy", actor=None).coverage[1].disputed == 0
    type(lab).objects.filter(pk=lab.pk).update(blind_review=False)
    type(settled[1]).objects.filter(pk=settled[1].pk).update(visibility="team")
    assert channels(state="accepted", actor=bob) == [4]
    assert channels(state="accepted", actor=ana) == [1, 4]


def test_neurons_are_ordered_by_what_their_pictures_reach(checkpoint, claimed, alice):
    for channel, maximum, more in ((3, 1.0, {"silent": True}), (5, 4.0, {"beats_noise": False}), (4, 2.0, {})):
        first = {"polarity": "positive", "seed": 0, "site": "post_relu", "maximum": maximum, **more}
        numbers = {"silent": more.get("silent", False), "pictures": [first]}
        jobs.finish(claimed(f"mixed:{channel}"), numbers=numbers, provenance=MADE, shown=[])
    assert channels(sort="response")[:4] == [5, 4, 3, 0]
    assert channels(sort="newest")[:4] == [4, 5, 3, 0]
    assert channels(picture="silent") == [3]
    assert channels(picture="failed") == [5]
    assert len(channels(picture="missing")) == 9
    birds = datasets.register(
        actor=None, slug="birds", items=[datasets.Item("a" * 64, "a.png")], kind="images", title="Birds",
        licence="CC0-1.0", labels=[],
    )  # fmt: skip
    told = [Recorded(f"mixed:{it}", "pre_relu", {**STATISTICS, "maximum": most}) for it, most in ((5, 2.0), (4, 0.25))]
    record(checkpoint, alice, birds, "*", *told)
    assert channels(sort="achieved")[:3] == [4, 5, 0]
    assert [plate.measure for plate in wall("toy", "mixed", actor=None, wanted=Wanted(sort="achieved")).tiles[:3]] == [
        8.0, 2.0, None,
    ]  # fmt: skip


def test_a_page_begins_with_its_neuron_and_its_address_keeps_what_is_chosen(
    settled, client, django_assert_max_num_queries
):
    everything = channels(sort="claims")
    first = wall("toy", "mixed", actor=None, wanted=Wanted(sort="claims"), size=5)
    second = wall("toy", "mixed", actor=None, wanted=Wanted(sort="claims"), start=first.following, size=5)
    third = wall("toy", "mixed", actor=None, wanted=Wanted(sort="claims"), start=second.following, size=5)
    found = [plate.tile.channel for page in (first, second, third) for plate in page.tiles]
    assert found == everything
    assert (first.before, second.before, third.before) == (None, first.start, second.start)
    assert (third.following, third.first, third.last) == (None, 11, 12)
    assert channels(state="accepted", start=2) == [4]
    assert channels(state="accepted", start=5) == []
    with django_assert_max_num_queries(14):
        found = wall("toy", "mixed", actor=None, start=4, size=4)
    assert [plate.tile.channel for plate in found.tiles] == [4, 5, 6, 7]
    assert (found.before, found.following) == (0, 8)
    assert found.layer_before.key == "edges"
    assert found.layer_after is None
    for sort in SORTS:
        with django_assert_max_num_queries(18):
            client.get(f"/c/toy/mixed?state=accepted&term=curve&picture=silent&family=S&sort={sort}")
    page = read(client, "/c/toy/mixed?state=accepted&sort=name")
    assert faults(page) == []
    assert "2 of 12 neurons." in page.text
    chosen = [one["value"] for one in page.all("option") if "selected" in one.attributes]
    assert chosen == ["accepted", "name"]
    body = client.get("/c/toy/mixed.json?state=accepted&sort=name").json()
    assert [(one["channel"], one["standing"], one["says"]) for one in body["tiles"]] == [
        (4, "accepted", "Number 5"), (1, "accepted", "Number 8"),
    ]  # fmt: skip
    assert body["matches"] == 2
    for wrong in ("state=believed", "sort=size", "picture=nice", "family=../x", "term=A+b", "start=12"):
        assert client.get(f"/c/toy/mixed?{wrong}").status_code == 400
