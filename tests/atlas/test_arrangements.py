"""The figure of a circuit arranged: by who may revise it, on top of what they saw, without a new version."""

import pytest

from atlas.errors import EditConflict, Forbidden, IllegalStanding, Validation
from atlas.models import Arrangement, ChangeSet
from atlas.services import arrangements, footholds
from atlas.services.arrangements import arrange, of
from tests.claims import revise

pytestmark = pytest.mark.django_db
PLACES = {"edges:1": [10, 20.4], "mixed:9": [300, -40]}


@pytest.fixture
def circuit(checkpoint, lab, ana):
    content = {"title": "Two", "nodes": [{"unit": "edges:1"}, {"unit": "mixed:9"}]}
    return footholds.create(actor=ana, kind="circuit", checkpoint=checkpoint, team=lab, content=content)


def tag(circuit) -> str:
    circuit.refresh_from_db()
    return of(circuit, circuit.head_version).tag


def test_what_is_arranged_is_shown_and_is_no_new_version(circuit, ana, bo):
    found = arrange(actor=ana, foothold=circuit, places=PLACES, seen=tag(circuit))
    assert found.places == {"edges:1": (10, 20), "mixed:9": (300, -40)}
    circuit.refresh_from_db()
    assert (circuit.head_version, circuit.revisions.count()) == (1, 1)
    again = arrange(actor=bo, foothold=circuit, places={}, seen=found.tag)
    assert (again.places, again.tag) == ({}, f"{circuit.accession}.1.2")
    assert ChangeSet.objects.filter(verb="circuit.arrange", subject=circuit.accession).count() == 2


def test_the_second_of_two_is_told(circuit, ana, bo):
    seen = tag(circuit)
    arrange(actor=ana, foothold=circuit, places=PLACES, seen=seen)
    with pytest.raises(EditConflict):
        arrange(actor=bo, foothold=circuit, places={}, seen=seen)
    assert of(circuit, 1).places["edges:1"] == (10, 20)
    revise(circuit, ana, title="Three")
    with pytest.raises(EditConflict):
        arrange(actor=bo, foothold=circuit, places={}, seen=f"{circuit.accession}.1.1")


def test_who_writes_the_same_number_second_writes_nothing(circuit, ana):
    assert arrangements._written(circuit, {}, number=0, by=ana)
    assert not arrangements._written(circuit, PLACES, number=0, by=ana)
    assert not arrangements._written(circuit, PLACES, number=2, by=ana)
    assert Arrangement.objects.get().places == {}


def test_a_new_version_begins_where_the_old_one_was_and_leaves_that_alone(circuit, ana):
    arrange(actor=ana, foothold=circuit, places=PLACES, seen=tag(circuit))
    revise(circuit, ana, nodes=[{"unit": "edges:1"}, {"unit": "mixed:9"}, {"unit": "edges:2"}])
    circuit.refresh_from_db()
    assert of(circuit, 2).places == of(circuit, 1).places
    arrange(actor=ana, foothold=circuit, places={"edges:2": [5, 5]}, seen=tag(circuit))
    assert of(circuit, 2).places == {"edges:2": (5, 5)}
    assert of(circuit, 1).places["edges:1"] == (10, 20)


def test_only_who_may_revise_arranges_and_only_what_stands(circuit, curator, ana, alice):
    with pytest.raises(Forbidden):
        arrange(actor=alice, foothold=circuit, places={}, seen=tag(circuit))
    footholds.withdraw(actor=ana, foothold=circuit)
    with pytest.raises(IllegalStanding):
        arrange(actor=ana, foothold=circuit, places={}, seen=tag(circuit))


@pytest.mark.parametrize(
    "places",
    [[], {"edges:3": [1, 1]}, {"edges:1": [1]}, {"edges:1": [1, "2"]}, {"edges:1": [1, True]},
     {"edges:1": [1, 20_001]}, {"edges:1": [float("nan"), 0]}, {"edges:1": {"x": 1, "y": 1}}],
)  # fmt: skip
def test_what_are_no_places_of_its_neurons_is_refused(circuit, ana, places):
    with pytest.raises(Validation):
        arrange(actor=ana, foothold=circuit, places=places, seen=tag(circuit))


def test_what_is_no_circuit_has_no_figure_to_arrange(claim, ana):
    with pytest.raises(Validation, match="no circuit"):
        arrange(actor=ana, foothold=claim, places={}, seen=tag(claim))
