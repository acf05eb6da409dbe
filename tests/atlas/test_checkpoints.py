"""Registering a checkpoint makes its layers, aliases and every neuron, once."""

import pytest

from atlas.errors import BadCard, Forbidden, NoSuchLayer, NoSuchNeuron, RegisteredDifferently, RegisteredElsewhere
from atlas.models import Artifact, ChangeSet, Checkpoint, Neuron
from atlas.services import addresses, checkpoints, datasets
from tests.conftest import registration

pytestmark = pytest.mark.django_db


def test_all_neurons_exist_from_the_first_day(checkpoint):
    assert Neuron.objects.filter(layer__checkpoint=checkpoint).count() == 16
    assert [layer.key for layer in checkpoint.layers.all()] == ["edges", "mixed"]
    assert ChangeSet.objects.get(verb="checkpoint.register").subject == "toy"


def test_registering_again_changes_nothing(register):
    assert register() == register()
    assert Checkpoint.objects.count() == 1
    assert Neuron.objects.count() == 16


def test_a_slug_is_never_reused(register):
    register("toy", "a")
    with pytest.raises(RegisteredDifferently):
        register("toy", "b")


def test_one_function_has_one_slug(register):
    register("toy", "a")
    with pytest.raises(RegisteredElsewhere, match="as toy"):
        register("other", "a")


def test_a_registration_that_fails_leaves_nothing(tmp_path, checkpoint):
    weights = tmp_path / "w"
    weights.write_bytes(b"w")
    card = checkpoints.read_card({"title": "x", "input": {}, "licence": "CC0-1.0"})
    facts = registration("c")
    facts.layers.append(facts.layers[0])  # two layers of one key
    with pytest.raises(Exception, match=r"(?i)unique"):
        checkpoints.register(actor=None, slug="broken", facts=facts, card=card, weights=weights)
    assert not Checkpoint.objects.filter(slug="broken").exists()


def test_only_curators_and_operators_register(tmp_path, alice, operator):
    weights = tmp_path / "w"
    weights.write_bytes(b"w")
    card = checkpoints.read_card({"title": "x", "input": {}, "licence": "CC0-1.0"})
    asked = {"slug": "mine", "facts": registration(), "card": card, "weights": weights}
    with pytest.raises(Forbidden):
        checkpoints.register(actor=alice, **asked)
    assert Artifact.objects.count() == 0
    assert checkpoints.register(actor=operator, **asked)[1]


@pytest.mark.parametrize(
    ("card", "pointer"),
    [
        ({}, "/title"),
        ({"title": "x", "licence": "y"}, "/input"),
        ({"title": 1, "input": {}, "licence": "y"}, "/title"),
        ({"title": "x", "input": {}, "licence": "y", "colour": 1}, "/colour"),
        ({"title": "x", "input": {}, "licence": "y", "figures": [{"metric": "top1"}]}, "/figures/0/dataset"),
        ([], ""),
    ],
)
def test_a_bad_card_names_the_field(card, pointer):
    with pytest.raises(BadCard) as caught:
        checkpoints.read_card(card)
    assert pointer in {error["pointer"] for error in caught.value.errors}


def test_an_alias_leads_to_the_neuron_it_means(checkpoint):
    place = addresses.neuron(checkpoint, "mixed_5x5", "3")
    assert (place.layer.key, place.channel, place.canonical) == ("mixed", 11, False)
    assert addresses.neuron(checkpoint, "mixed", "11").canonical
    assert addresses.row(place).channel == 11


@pytest.mark.parametrize("channel", ["4", "99999999999", "-1", "1e3", "１", "01", ""])
def test_a_channel_that_is_not_there_names_the_range(checkpoint, channel):
    with pytest.raises(NoSuchNeuron, match="has 4 neurons, 0 to 3"):
        addresses.neuron(checkpoint, "edges", channel)


def test_the_range_of_a_branch_is_its_own(checkpoint):
    with pytest.raises(NoSuchNeuron, match="has 4 neurons"):
        addresses.neuron(checkpoint, "mixed_5x5", "4")


def test_a_layer_that_is_not_there_names_those_that_are(checkpoint):
    with pytest.raises(NoSuchLayer, match="edges, mixed"):
        addresses.layer(checkpoint, "edgez")


def test_a_dataset_is_the_set_of_its_items():
    items = [datasets.Item(digest=letter * 64, name=letter) for letter in "abc"]
    asked = {"actor": None, "kind": "images", "title": "T", "licence": "CC0-1.0", "labels": []}
    dataset = datasets.register(slug="abc", items=items, **asked)
    assert datasets.digest_of(items[::-1]) == dataset.digest != datasets.digest_of(items[:2])
    assert datasets.register(slug="abc", items=items, **asked) == dataset
    with pytest.raises(RegisteredDifferently):
        datasets.register(slug="abc", items=items[:2], **asked)
