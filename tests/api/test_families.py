"""The published families of InceptionV1: real claims, loaded over REST in one batch, undone, and the undo undone."""

import csv
import dataclasses
import json
import random
from collections import defaultdict

import pytest

from atlas import markdown
from atlas.models import Checkpoint, Foothold, FootholdNeuron, ImportRow
from atlas.services import checkpoints
from atlas.services.checkpoints import LayerFacts
from tests.api.test_importing import carry_through, send
from tests.conftest import registration
from tests.importing import of

pytestmark = [pytest.mark.django_db, pytest.mark.real_data]
CHANNELS = {"conv2d0": 64, "conv2d1": 64, "conv2d2": 192, "mixed3a": 256, "mixed3b": 480}
CHANNELS |= {"mixed4a": 508, "mixed4b": 512, "mixed4c": 512, "mixed4d": 528}
HTML = 'Curves <img src=x onerror="alert(1)"> and <a href="javascript:alert(2)">lines</a>.'
OVERVIEW = {"title": "An Overview of Early Vision in InceptionV1", "doi": "10.23915/distill.00024.002"}


@pytest.fixture
def inception(db, tmp_path) -> Checkpoint:
    """A checkpoint with the layers that the families are about, and weights drawn by a seed."""
    weights = tmp_path / "seeded.safetensors"
    weights.write_bytes(random.Random(0).randbytes(4096))
    layers = [
        LayerFacts(key, "conv", width, [1, 1], [9, 9], [28, 28], ["pre_relu", "post_relu"])
        for key, width in CHANNELS.items()
    ]
    facts = dataclasses.replace(registration("f"), layers=layers, aliases=[])
    card = checkpoints.read_card({"title": "InceptionV1, seeded", "input": {}, "licence": "CC0-1.0"})
    return checkpoints.register(actor=None, slug="inceptionv1", facts=facts, card=card, weights=weights)[0]


@pytest.fixture
def families(real_data):
    """A row for each published family."""
    folder, members = real_data / "groundtruth", defaultdict(list)
    with (folder / "neuron_families.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            members[row["layer"], row["family"]].append({"unit": f"{row['layer']}:{row['unit']}"})
    with (folder / "families.csv").open(newline="") as file:
        return [
            {
                "external_id": f"{row['layer']}/{row['family']}",
                "kind": "collection",
                "content": {
                    "title": f"{row['family']} ({row['layer']})",
                    "form": "family",
                    "body": row["comment"],
                    "items": members[row["layer"], row["family"]],
                    "reference": OVERVIEW,
                },
            }
            for row in csv.DictReader(file)
        ]


def test_the_published_families_come_in_one_batch_and_go_again(inception, families, as_alice, anybody):
    hostile = {"external_id": "html", "kind": "collection", "content": {"title": "HTML", "body": HTML}}
    batch = send(as_alice, [*families, hostile], checkpoint="inceptionv1")
    at = f"imports/{batch['id']}"
    assert carry_through(as_alice, f"{at}/judge", batch)["judged"] == {"created": 114}
    assert carry_through(as_alice, f"{at}/commit")["outcome"] == {"created": 114}
    # Every unit of the first five layers stands in exactly one family.
    placed = FootholdNeuron.objects.filter(role="item")
    assert placed.count() == placed.values("neuron").distinct().count() == 1_056 == sum([*CHANNELS.values()][:5])
    gabor = as_alice.get(f"footholds/{of('conv2d0/Gabor Filters').accession}").json()
    assert (gabor["state"], len(gabor["content"]["items"]), gabor["content"]["form"]) == ("proposed", 28, "family")
    for foothold in Foothold.objects.filter(checkpoint=inception):
        shown = markdown.render(foothold.revisions.get().content["body"])
        assert markdown.clean(shown) == shown
        assert of("html").revisions.get().content["body"] == HTML
    lines = [json.loads(line) for line in anybody.get("exports/footholds.jsonl").content.splitlines()]
    assert [line["content"]["body"] for line in lines] == [row["content"]["body"] for row in [*families, hostile]]
    again = send(as_alice, families, checkpoint="inceptionv1")
    assert carry_through(as_alice, f"imports/{again['id']}/judge", again)["judged"] == {"unchanged": 113}
    assert carry_through(as_alice, f"{at}/undo")["reversal"] == {"withdrawn": 114}
    assert anybody.get("exports/footholds.jsonl").content == b""
    assert carry_through(as_alice, f"{at}/redo")["reversal"] == {"redone": 114}
    assert {row.state for row in Foothold.objects.all()} == {"proposed"}
    assert len(anybody.get("exports/footholds.jsonl").content.splitlines()) == 114


def test_on_another_network_they_are_refused_by_their_units(checkpoint, families, as_alice):
    batch = send(as_alice, families[:3])
    assert batch["judged"] == {"refused": 3}
    [first, *_] = as_alice.walk(f"imports/{batch['id']}/rows?judged=refused")
    assert (first["errors"][0]["pointer"], first["errors"][0]["code"]) == ("/content/items/0/unit", "no-such-layer")
    assert set(ImportRow.objects.values_list("outcome", flat=True)) == {""}
