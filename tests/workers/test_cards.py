"""The cards that are shipped describe networks that open: input, labels, names and figures fit."""

import io
import json
from pathlib import Path

import pytest
import torch
from django.core.management import call_command

from atlas.models import Checkpoint as Row
from atlas.models import LayerAlias
from atlas.services import addresses, checkpoints
from tests.interp import networks
from workers import lenses
from workers.interp import architectures, weights
from workers.interp.checkpoint import Checkpoint, InputSpec

CARDS = sorted((Path(__file__).parents[2] / "deploy" / "cards").glob("*.json"))


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_a_card_fits_its_network(path):
    card = checkpoints.parse_card(path.read_text())
    name = card["architecture"]
    family, spec = architectures.find(name), InputSpec.from_json(card["input"])
    empty = {tensor: torch.empty(shape, device="meta") for tensor, shape in family.shapes(name).items()}
    opened = Checkpoint(name, family.graph(name), empty, spec).named(architectures.aliases(name)).named(card["aliases"])
    outputs = opened.sizes[opened.graph.output][1]
    assert len(card["labels"]) in (0, outputs)
    if not name.startswith("squeezenet"):  # whose native 227 pixels are Caffe's, not torchvision's
        assert spec.size == (architectures.side(name),) * 2
    assert all(0 < figure["value"] <= 1 for figure in card["figures"])
    assert card["summary"]
    assert card["source"]
    assert card["paper"]


@pytest.mark.django_db
def test_a_family_that_has_further_names_registers_them(tmp_path):
    """LeNet-5 by the operator's command: one channel of grey, and the paper's `c3` for `convnet.c3`."""
    file = tmp_path / "weights.safetensors"
    weights.save(file, networks.checkpoint("lenet5").tensors)
    card = next(path for path in CARDS if path.stem == "lenet5-mnist")
    call_command("register_checkpoint", "digits", architecture="lenet5", weights=file, card=card, stdout=io.StringIO())
    row = Row.objects.get(slug="digits")
    assert row.layers.count() == 5
    assert set(LayerAlias.objects.filter(checkpoint=row).values_list("name", flat=True)) == {
        "c1",
        "c3",
        "c5",
        "f6",
        "f7",
    }
    place = addresses.neuron(row, "c3", "15")
    assert (place.layer.key, place.channel, place.canonical) == ("convnet.c3", 15, False)
    assert lenses.load(row).channel("c3", 15) == ("convnet.c3", 15)
    assert row.labels == json.loads(card.read_text())["labels"]
