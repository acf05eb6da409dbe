"""Caffe's and Lucid's Inception: the tables of the papers, and the network written out in plain torch."""

import pytest
import torch
import torch.nn.functional as F

from tests.interp import networks
from workers.interp import architectures
from workers.interp.checkpoint import Checkpoint
from workers.interp.layers import Branch
from workers.interp.lens import Lens

DIGESTS = {
    "bvlc_googlenet": "ceef9cc35a09c54c9e86963bf8f28ae88501c90813eb3bc3b9c608faf82e9473",
    "inceptionv1": "0dd854a7aa8614b240b304ac8bf80ce058eb3d84f3a327536c8f2ce978860f7f",
}
# Where the branches of the papers' network begin: 1 × 1, 3 × 3, 5 × 5, pool; and how many channels there are.
RANGES = {
    "mixed3a": (0, 64, 192, 224, 256),
    "mixed3b": (0, 128, 320, 416, 480),
    "mixed4a": (0, 192, 396, 444, 508),
    "mixed4b": (0, 160, 384, 448, 512),
    "mixed4c": (0, 128, 384, 448, 512),
    "mixed4d": (0, 112, 400, 464, 528),
    "mixed4e": (0, 256, 576, 704, 832),
    "mixed5a": (0, 256, 576, 704, 832),
    "mixed5b": (0, 384, 768, 896, 1024),
}
JOINED = ("1x1", "3x3", "5x5", "pool_reduce")


def described(name: str) -> Checkpoint:
    """The network at its native size, without numbers."""
    family = architectures.find(name)
    empty = {tensor: torch.empty(shape, device="meta") for tensor, shape in family.shapes(name).items()}
    side = architectures.side(name)
    return Checkpoint(name, family.graph(name), empty, networks.spec(side)).named(architectures.aliases(name))


@pytest.fixture(scope="module")
def lucid() -> Checkpoint:
    """The network of the papers."""
    return described("inceptionv1")


@pytest.fixture(scope="module")
def caffe() -> Checkpoint:
    """Caffe's own."""
    return described("bvlc_googlenet")


@pytest.mark.parametrize("name", DIGESTS)
def test_digests_are_pinned(name):
    assert architectures.find(name).graph(name).sha256 == DIGESTS[name]


def test_the_branches_of_the_papers_are_where_they_say(lucid):
    for key, edges in RANGES.items():
        assert lucid.layers[key].channels == edges[-1]
        for branch, start, stop in zip(JOINED, edges[:-1], edges[1:], strict=True):
            assert lucid.place(f"{key}_{branch}") == Branch(f"{key}_{branch}", key, start, stop)
    assert lucid.channel("mixed3b_5x5", 59) == ("mixed3b", 379)
    assert lucid.channel("4a", 507) == ("mixed4a", 507)


def test_lucids_layers_are_those_of_the_papers(lucid):
    assert [key for key in lucid.layers if "bottleneck" not in key] == [
        *("conv2d0", "conv2d1", "conv2d2"),
        *RANGES,
        "softmax2_pre_activation",
    ]
    assert sum(layer.channels for layer in lucid.layers.values()) == 8300
    assert sum(tensor.numel() for tensor in lucid.tensors.values()) == 7_066_380
    assert lucid.layers["softmax2_pre_activation"].channels == 1008
    assert [lucid.layers[key].positions[0] for key in ("conv2d0", "conv2d1", "mixed3b", "mixed4c", "mixed5b")] == [
        *(112, 56, 28, 14, 7)
    ]
    assert lucid.layers["conv2d0"].first == (-2, -2)
    assert lucid.layers["mixed4c"].sites == ("pre_relu", "post_relu")


def test_caffes_keys_are_caffes_names_and_the_papers_are_aliases(caffe):
    assert [key for key in caffe.layers if "reduce" not in key][:4] == [
        *("conv1.7x7_s2", "conv2.3x3", "inception_3a.output", "inception_3b.output")
    ]
    assert sum(layer.channels for layer in caffe.layers.values()) == 8280
    assert caffe.place("mixed4a") == Branch("mixed4a", "inception_4a.output", 0, 512)
    assert caffe.place("mixed3b_5x5") == Branch("mixed3b_5x5", "inception_3b.output", 320, 416)
    assert caffe.channel("inception_3b.pool_proj", 0) == caffe.channel("mixed3b_pool_reduce", 0)
    assert caffe.channel("4c", 447) == ("inception_4c.output", 447)
    assert caffe.place("mixed5a_5x5_bottleneck").layer == "inception_5a.5x5_reduce"
    assert caffe.place("conv2d1").layer == "conv2.3x3_reduce"


def test_everything_that_the_papers_name_is_named_in_both(caffe, lucid):
    names = {*lucid.layers, *lucid.branches}
    assert names <= {*caffe.layers, *caffe.branches}


def test_an_auxiliary_head_of_caffes_training_is_spare():
    family = architectures.find("bvlc_googlenet")
    assert "loss1.classifier.weight" in family.spare("bvlc_googlenet")
    assert not family.spare("bvlc_googlenet") & set(family.shapes("bvlc_googlenet"))


def plain(tensors, x, *, name, pads, lrn):
    """The whole network: every value by its name in the papers, and the output."""
    seen = {}

    def conv(called, x, **words):
        seen[called] = F.conv2d(x, tensors[f"{name(called)}.weight"], tensors[f"{name(called)}.bias"], **words).relu()
        return seen[called]

    def pool(x):
        return F.max_pool2d(x, 3, 2, ceil_mode=True)

    x = pool(conv("conv2d0", F.pad(x, pads), stride=2))
    x = conv("conv2d1", F.local_response_norm(x, **lrn))
    x = pool(F.local_response_norm(conv("conv2d2", x, padding=1), **lrn))
    for key in RANGES:
        x = pool(x) if key in ("mixed4a", "mixed5a") else x
        branches = [conv(f"{key}_1x1", x)]
        for size in (3, 5):
            branches.append(conv(f"{key}_{size}x{size}", conv(f"{key}_{size}x{size}_bottleneck", x), padding=size // 2))
        branches.append(conv(f"{key}_pool_reduce", F.max_pool2d(x, 3, 1, padding=1)))
        x = seen[key] = torch.cat(branches, dim=1)
    head = name("softmax2_pre_activation")
    return seen, F.linear(x.mean((2, 3)), tensors[f"{head}.weight"], tensors[f"{head}.bias"])


def lucids(called: str) -> str:
    return called + ("_matmul" if called.startswith("softmax2") else "_pre_relu_conv")


def caffes(called: str) -> str:
    """Caffe's name of a tensor, by replacing one word after the other."""
    stem = {"conv2d0": "conv1.7x7_s2", "conv2d1": "conv2.3x3_reduce", "conv2d2": "conv2.3x3"}
    words = {"mixed": "inception_", "_pool_reduce": ".pool_proj", "_bottleneck": "_reduce"}
    for word, other in {**stem, **words, "softmax2_pre_activation": "loss3.classifier"}.items():
        called = called.replace(word, other)
    return called.replace("_1x1", ".1x1").replace("_3x3", ".3x3").replace("_5x5", ".5x5").replace("conv2_", "conv2.")


@pytest.mark.parametrize("side", [48, 61])  # 61: a pooling has a remainder at every size
@pytest.mark.parametrize(
    ("network", "words"),
    [
        (
            "inceptionv1",
            {"name": lucids, "pads": (2, 3, 2, 3), "lrn": {"size": 11, "alpha": 0.0011, "beta": 0.5, "k": 2}},
        ),
        (
            "bvlc_googlenet",
            {"name": caffes, "pads": (3, 3, 3, 3), "lrn": {"size": 5, "alpha": 1e-4, "beta": 0.75, "k": 1}},
        ),
    ],
    ids=["lucid", "caffe"],
)
def test_our_graph_is_the_network_written_out(network, words, side):
    checkpoint = networks.of_family(network, side=side, thin=4)
    lens, shown = Lens(checkpoint, dtype=torch.float64), 20 * networks.images(side, dtype=torch.float64)
    tensors = {key: tensor.double() for key, tensor in checkpoint.tensors.items()}
    with torch.no_grad():
        seen, output = plain(tensors, shown, **words)
        found = lens.reading(seen)(shown)
        logits = lens(shown)
    for key, values in seen.items():
        torch.testing.assert_close(found[key], values, rtol=1e-9, atol=1e-9 * float(values.abs().max()))
    torch.testing.assert_close(logits, output, rtol=1e-9, atol=1e-9 * float(output.abs().max()))
