"""The first page tells what is new and where help is needed, as far as its reader may know, and what waits for them."""

import pytest

from atlas.dossiers.home import home
from atlas.models import Team
from atlas.services import datasets, reviews
from atlas.services.recordings import Recorded
from tests.atlas.web.reading import at_the_desk, faults, read, shown
from tests.claims import DISPUTE, revise
from tests.recording import STATISTICS, record

pytestmark = pytest.mark.django_db


@pytest.fixture
def story(describe, ana, bo, cy):
    """A claim that waits, one that is disputed, one with verdicts on an older text, a draft."""
    made = {name: describe(neuron=f"mixed:{place}", title=name) for place, name in enumerate(("new", "torn", "old"))}
    made["draft"] = describe(neuron="edges:3", title="draft", draft=True)
    reviews.review(actor=bo, foothold=made["torn"], version=1, **DISPUTE)
    reviews.review(actor=bo, foothold=made["old"], version=1, verdict="agree")
    revise(made["old"], ana, title="old, and said anew")
    return made


def titles(claims) -> list[str]:
    return [one.title for one in claims]


def test_help_is_asked_for_where_it_is_needed(story, client, ana, bo, cy, bob, django_assert_max_num_queries):
    found = home(None)
    assert titles(found.wanting.disputed) == ["torn"]
    assert titles(found.wanting.proposed) == ["new"]
    assert titles(found.wanting.stale) == ["old, and said anew"]
    assert [(one.layer, one.described, one.neurons) for one in found.wanting.layers] == [
        ("edges", 0, 4), ("mixed", 3, 12),
    ]  # fmt: skip
    assert [(one.reviewer, one.verdict, one.title) for one in found.verdicts] == [
        ("bo", "agree", "old, and said anew"), ("bo", "dispute", "torn"),
    ]  # fmt: skip
    assert titles(home(bo).awaiting.to_review) == ["new", "old, and said anew"]
    assert titles(home(cy).awaiting.to_review) == ["new", "torn", "old, and said anew"]
    assert titles(home(bob).awaiting.to_review) == []
    assert titles(home(ana).awaiting.own) == ["draft", "torn"]
    with django_assert_max_num_queries(40):
        page = shown(at_the_desk(ana).get("/"))
    assert faults(page) == []
    assert "bo disputes it" in page.text
    assert page.text.index("What waits for you") < page.text.index("What is new") < page.text.index("Where to start")
    Team.objects.filter(slug="lab").update(blind_review=True)
    assert titles(home(cy).wanting.disputed) == titles(home(cy).wanting.stale) == []
    assert home(cy).verdicts == ()
    assert titles(home(ana).wanting.disputed) == ["torn"]


def test_a_neuron_that_stands_out_is_named_until_somebody_describes_it(checkpoint, alice, describe, client):
    birds = datasets.register(
        actor=None, slug="birds", items=[datasets.Item("a" * 64, "a.png")], kind="images", title="Birds",
        licence="CC0-1.0", labels=[],
    )  # fmt: skip
    told = [Recorded(f"edges:{it}", "pre_relu", {**STATISTICS, "maximum": most}) for it, most in ((1, 2.0), (2, 9.0))]
    record(checkpoint, alice, birds, "*", *told)
    describe(neuron="edges:1")
    assert [(one.unit, one.z) for one in home(None).wanting.neurons] == [("edges:2", 15.5)]
    assert "edges:2 of toy" in read(client, "/").text
