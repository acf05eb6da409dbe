"""torchvision's published weights: described as published, fetched over HTTP, verified, never unpickled loosely."""

import hashlib
import io
import pickle
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from django.core.management import CommandError, call_command

from atlas.models import Checkpoint
from atlas.services import checkpoints
from tests.interp import networks
from workers import downloads, unpickling
from workers.interp import architectures, weights
from workers.interp.checkpoint import InputSpec
from workers.interp.vision import torchvision
from workers.registration import Refused

NAMES = [
    name for name in architectures.ARCHITECTURES["torchvision"].names() if not name.startswith(("vit", "swin", "max"))
]


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing."""

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def served(tmp_path) -> Iterator[tuple[Path, str]]:
    """A folder and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield folder, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """Where torchvision keeps what it fetched."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


def publish(content: bytes, folder: Path, address: str, *, hashed: bytes | None = None):
    """A file under a name that says its hash (or that of other bytes), as a member of a library's enumeration."""
    models = torchvision().models
    name = f"squeezenet-{hashlib.sha256(hashed or content).hexdigest()[:8]}.pth"
    (folder / name).write_bytes(content)
    original = models.SqueezeNet1_1_Weights.IMAGENET1K_V1
    shown = partial(original.transforms, crop_size=64, resize_size=72)  # smaller, to be quick
    enum = models.WeightsEnum("Ours_Weights", {"V1": models.Weights(f"{address}/{name}", shown, original.meta)})
    return enum.V1


def saved(content) -> bytes:
    """As torch saves it."""
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


@pytest.mark.django_db
def test_published_weights_are_fetched_verified_rewritten_and_registered(served, cache):
    tensors = networks.of_family("squeezenet1_1", side=64).tensors
    published, said = publish(saved(tensors), *served), []
    row, new = downloads.register(
        slug="squeezed", architecture="squeezenet1_1", published=published, progress=said.append
    )
    assert new
    assert row.weights_sha256 == weights.digest(tensors)
    assert (row.labels[1], row.input_spec["size"], row.source) == ("goldfish", [64, 64], published.url)
    assert [figure["value"] for figure in row.figures] == pytest.approx([0.58178, 0.80624])
    assert said[0] == f"{published.url.rpartition('/')[2]} is what was published"
    assert [path.suffix for path in cache.iterdir()] == [".pth"]
    (served[0] / published.url.rpartition("/")[2]).unlink()  # the second time it comes from the cache
    assert downloads.fetched(published).parent == cache


@pytest.mark.parametrize("where", ["served", "cached"])
def test_a_file_that_hashes_otherwise_is_refused(where, served, cache):
    published = publish(b"something else", *served, hashed=b"what was meant")
    if where == "cached":
        cache.mkdir(parents=True)
        (served[0] / published.url.rpartition("/")[2]).rename(cache / published.url.rpartition("/")[2])
    with pytest.raises(Refused, match=r"checkpoint-hash"):
        downloads.fetched(published)
    assert list(served[0].iterdir()) == [] or list(cache.iterdir()) == []


def test_a_file_that_is_not_there_is_refused(served):
    published = publish(b"gone", *served)
    (served[0] / published.url.rpartition("/")[2]).unlink()
    with pytest.raises(Refused, match=r"unreachable.*put it at"):
        downloads.fetched(published)


class Hostile:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.django_db
def test_a_pickle_that_would_run_something_is_refused_and_does_not(served, tmp_path):
    touched = tmp_path / "touched"
    published = publish(pickle.dumps(Hostile(touched)), *served)
    with pytest.raises(Refused, match="checkpoint-pickle-refused"):
        downloads.register(slug="odd", architecture="squeezenet1_1", published=published)
    assert not touched.exists()
    assert not Checkpoint.objects.exists()


@pytest.mark.parametrize("content", [saved([torch.zeros(1)]), saved({"w": 3}), b"\x80\x02 noise", b""], ids=range(4))
def test_what_is_no_state_dict_is_refused(content, tmp_path):
    file = tmp_path / "odd.pth"
    file.write_bytes(content)
    with pytest.raises(unpickling.UNREADABLE):
        unpickling.tensors(file)


def test_names_from_before_are_todays(tmp_path):
    """DenseNet's published file calls its parts as they were called then."""
    file = tmp_path / "old.pth"
    old = ["features.denseblock1.denselayer1.norm.1.weight", "features.denseblock2.denselayer12.conv.2.weight"]
    file.write_bytes(saved(dict.fromkeys([*old, "features.norm5.bias"], torch.zeros(1))))
    now = set(unpickling.tensors(file))
    assert now == {
        "features.denseblock1.denselayer1.norm1.weight",
        "features.denseblock2.denselayer12.conv2.weight",
        "features.norm5.bias",
    }
    assert now <= set(architectures.find("densenet121").shapes("densenet121"))


@pytest.mark.parametrize("name", NAMES)
def test_every_published_card_can_be_used(name):
    for published in torchvision().models.get_model_weights(name):
        card = checkpoints.read_card(downloads.card(name, published))
        spec = InputSpec.from_json(card["input"])
        assert spec.size[0] == published.transforms().crop_size[0]
        if published.name == "IMAGENET1K_FEATURES":  # a VGG16 whose classifier is no numbers, which is refused by name
            assert (card["labels"], card["figures"]) == ([], [])
            continue
        assert len(card["labels"]) == 1000
        assert [figure["metric"] for figure in card["figures"]] == ["top-1 accuracy", "top-5 accuracy"]


def test_inception_says_outright_what_its_network_does_to_its_input():
    """In the library it is normalised as ImageNet's is, and in the network otherwise."""
    published = torchvision().models.Inception_V3_Weights.IMAGENET1K_V1
    card = downloads.card("inception_v3", published)
    assert (card["input"]["mean"], card["input"]["std"]) == ([0.5] * 3, [0.5] * 3)
    assert (card["input"]["size"], card["input"]["resize"]["size"]) == ([299, 299], 342)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"published": "IMAGENET1K_V7"}, "of resnet18 there are IMAGENET1K_V1"),
        ({"published": "IMAGENET1K_V1", "architecture": "lenet5"}, "of lenet5 torchvision publishes none"),
        ({"published": "IMAGENET1K_V1", "architecture": "resnet19"}, "no architecture resnet19"),
        ({"published": "IMAGENET1K_V1", "architecture": "vit_b_16"}, "attends to tokens"),
        ({"published": "IMAGENET1K_V1", "card": Path("card.json")}, "say either"),
        ({}, "say either"),
    ],
    ids=["name", "family", "architecture", "tokens", "both", "neither"],
)
def test_what_cannot_be_registered_is_said_in_one_sentence(words, says):
    with pytest.raises(CommandError, match=says):
        call_command("register_checkpoint", "resnet18", stdout=io.StringIO(), **words)


@pytest.mark.django_db
def test_the_command_reads_the_librarys_own_list(cache):
    """The real name and address, and a file in the cache that is not the one that was published."""
    cache.mkdir(parents=True)
    (cache / "resnet18-f37072fd.pth").write_bytes(b"not it")
    with pytest.raises(CommandError, match=r"resnet18-f37072fd.pth was refused .*should begin with f37072fd"):
        call_command("register_checkpoint", "resnet18", published="IMAGENET1K_V1", stdout=io.StringIO())
