"""`miniception` is what its script trains: again, bit for bit; and the shipped weights see as well as its card says."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.interp import networks
from workers.interp import canonical, encode, weights
from workers.interp.address import Unit
from workers.interp.architectures import miniception
from workers.interp.checkpoint import Checkpoint
from workers.interp.lens import Lens
from workers.organisms.miniception import train, world

FOLDER = networks.ORGANISMS / "miniception"
CARD = json.loads((FOLDER / "card.json").read_text())
SECOND = Path(__file__).parent / "miniception-1.safetensors"  # trained alike from another seed
DIGEST = "3e1a147efe1ceda18c83340c799caea2f391f46f99bcc98af291c52a6684a023"
SECOND_DIGEST = "3d138b16a810a0089bf18e0202d6e10cc0b27c4a6612cca864deb2b7dae0bb61"
SECOND_ACCURACY = 0.9673


@pytest.fixture(scope="module")
def held_out():
    """The registered pictures [N, 3, 64, 64] uint8 with their labels [N]."""
    pictures = [one for _, one in world.held_out()]
    pixels = torch.from_numpy(np.stack([one.pixels for one in pictures])).permute(0, 3, 1, 2)
    return pixels, np.array([one.label for one in pictures])


@pytest.fixture(scope="module")
def second():
    """The second network."""
    return train.checkpoint(weights.load(SECOND, expected=miniception.shapes("miniception")))


def share_right(network: Checkpoint, held_out) -> float:
    """Of the registered pictures."""
    pixels, labels = held_out
    lens = Lens(network)
    with torch.no_grad():
        answers = torch.cat([lens(some.float() / 255).argmax(1) for some in pixels.split(64)])
    return float((answers.numpy() == labels).mean())


def test_identities_are_pinned(second):
    network = networks.checkpoint("miniception")
    assert (network.digest, second.digest) == (DIGEST, SECOND_DIGEST)
    assert network.graph_sha256 == second.graph_sha256


def test_the_shipped_weights_reach_the_cards_accuracy_on_the_dataset_it_names(held_out, second):
    (figure,) = CARD["figures"]
    digests = sorted({encode.digest(one) for one in held_out[0]})
    assert (canonical.sha256(digests), len(digests)) == (figure["dataset"], figure["n"])
    # Another processor may round a logit differently: a point is what its makers promise.
    assert share_right(networks.checkpoint("miniception"), held_out) == pytest.approx(figure["value"], abs=0.01)
    assert share_right(second, held_out) == pytest.approx(SECOND_ACCURACY, abs=0.01)


def test_twenty_steps_give_the_same_bits_twice(tmp_path, capsys):
    torch.manual_seed(1)
    first = train.trained(steps=20, seed=3, batch=4)
    torch.manual_seed(2)
    np.random.seed(2)
    again = train.trained(steps=20, seed=3, batch=4)
    assert weights.digest(first) == weights.digest(again)
    assert weights.digest(first) != weights.digest(train.trained(steps=2, seed=3, batch=4))
    assert "step 19: loss" in capsys.readouterr().out
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_script_writes_a_network_of_the_family(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(world, "HELD_OUT_SIZE", 24)
    train.main(["--steps", "1", "--seed", "5", "--out", str(tmp_path)])
    made = weights.load(tmp_path / "weights.safetensors", expected=miniception.shapes("miniception"))
    assert train.checkpoint(made).digest in capsys.readouterr().out
    with pytest.raises(SystemExit):
        train.main(["--seed", str(world.HELD_OUT)])
    assert "held out" in capsys.readouterr().err


def test_what_is_trained_is_what_is_opened():
    """Normalised by the moments of its own batch, a trained network answers as a lens that has these moments does."""
    tensors = {name: tensor.double() for name, tensor in train.initial(0).items()}
    images = networks.images(64, n=4, dtype=torch.float64)
    answers = train.forward(miniception.graph("miniception"), tensors, images)
    sizes = train.checkpoint(tensors).sizes
    for name, tensor in tensors.items():  # one batch in, a tenth of each statistic is the batch's
        norm, _, word = name.rpartition(".")
        if word == "running_mean":
            tensors[name] = tensor / 0.1
        if word == "running_var":
            count = 4 * sizes[norm][2] * sizes[norm][3]
            tensors[name] = (tensor - 0.9) / 0.1 * (count - 1) / count
    opened = Lens(train.checkpoint(tensors), dtype=torch.float64)
    torch.testing.assert_close(opened(images), answers, rtol=1e-9, atol=1e-9)


def test_the_card_is_of_this_network():
    assert CARD["labels"] == list(world.LABELS)
    assert CARD["input"] == train.spec().to_json()
    assert CARD["architecture"] == "miniception"


def test_branches_are_named_as_inceptions_are():
    network = networks.checkpoint("miniception")
    assert network.channel("mixed2a_3x3", 3) == ("mixed2a", 19)
    assert [key for key, layer in network.layers.items() if layer.kind == "concat"] == list(miniception.MIXED)
    assert network.flops < 50e6
    assert sum(layer.channels for layer in network.layers.values()) < 500
    assert Lens(network).resolve(Unit("mixed3b_pool_reduce", 7)) == Unit("mixed3b", 87)


def test_a_picture_of_the_world_is_the_same_alone_and_in_company():
    alone = world.picture(7, 30)
    pixels, labels = world.batch(7, range(28, 32))
    assert np.array_equal((pixels[2] * 255).round().astype(np.uint8).transpose(1, 2, 0), alone.pixels)
    assert (pixels.dtype, pixels.shape) == (np.float32, (4, 3, 64, 64))
    assert 0 <= pixels.min() < pixels.max() <= 1
    assert list(labels) == [4, 5, 6, 7]
    assert not np.array_equal(alone.pixels, world.picture(8, 30).pixels)
    assert not np.array_equal(alone.pixels, world.picture(7, 30 + 24).pixels)


def test_labels_are_balanced_and_every_item_is_another(held_out):
    pixels, labels = held_out
    assert list(np.bincount(labels)) == [42] * 24
    assert len({one.numpy().tobytes() for one in pixels}) == 1008
