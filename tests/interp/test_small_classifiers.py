"""CIFAR-10's residual networks and LeNet-5, each against the network written out in plain torch."""

import pytest
import torch
import torch.nn.functional as F

from tests.interp import networks
from workers.interp import architectures
from workers.interp.address import Unit
from workers.interp.checkpoint import Checkpoint
from workers.interp.lens import Lens

DIGESTS = {
    "resnet20": "8b9b107aa6797ca021fc48609d073edcb047de540ff37717569798b64e70394e",
    "lenet5": "6a979280c80b44a3ad7573073e2412fe16ac1322c057962ce36ff5d46a8ccddf",
}
# The parameters that He et al. print in table 6, in millions.
PRINTED = {"resnet20": 0.27, "resnet32": 0.46, "resnet44": 0.66, "resnet56": 0.85, "resnet110": 1.7}


@pytest.mark.parametrize("name", DIGESTS)
def test_digests_are_pinned(name):
    assert architectures.find(name).graph(name).sha256 == DIGESTS[name]


@pytest.mark.parametrize(("name", "millions"), PRINTED.items())
def test_depth_and_parameters_are_the_papers(name, millions):
    family = architectures.find(name)
    shapes = family.shapes(name)
    empty = {tensor: torch.empty(shape, device="meta") for tensor, shape in shapes.items()}
    opened = Checkpoint(name, family.graph(name), empty, networks.spec(32))
    kinds = [layer.kind for layer in opened.layers.values()]
    depth = int(name.removeprefix("resnet"))
    assert kinds.count("conv") + kinds.count("linear") == depth
    assert kinds.count("sum") == (depth - 2) / 2
    assert sum(tensor.numel() for tensor in empty.values()) / 1e6 == pytest.approx(millions, abs=0.05)
    assert opened.layers["layer3.0"].positions == (8, 8)
    assert opened.layers["layer3.0"].sites == ("pre_relu", "post_relu")


def residual(tensors, x):
    """ResNet-20: every block's sum, rectified, by name, and the output."""
    seen = {}

    def convolved(conv, norm, x, stride=1):
        x = F.conv2d(x, tensors[f"{conv}.weight"], stride=stride, padding=1)
        words = ("running_mean", "running_var", "weight", "bias")
        mean, var, weight, bias = (tensors[f"{norm}.{word}"][:, None, None] for word in words)
        return (x - mean) / torch.sqrt(var + 1e-5) * weight + bias

    x = convolved("conv1", "bn1", x).relu()
    for stage in (1, 2, 3):
        for block in range(3):
            name, halves = f"layer{stage}.{block}", stage > 1 and block == 0
            inner = convolved(f"{name}.conv1", f"{name}.bn1", x, stride=2 if halves else 1).relu()
            inner = convolved(f"{name}.conv2", f"{name}.bn2", inner)
            if halves:
                zeros = torch.zeros_like(inner[:, : x.shape[1] // 2])
                x = torch.cat([zeros, x[:, :, ::2, ::2], zeros], dim=1)
            x = seen[name] = (inner + x).relu()
    return seen, F.linear(x.mean((2, 3)), tensors["linear.weight"], tensors["linear.bias"])


@pytest.mark.parametrize("side", [32, 27])
def test_a_residual_network_of_cifar_is_the_one_written_out(side):
    checkpoint = networks.of_family("resnet20", side=side)
    lens, shown = Lens(checkpoint, dtype=torch.float64), networks.images(side, dtype=torch.float64)
    tensors = {key: tensor.double() for key, tensor in checkpoint.tensors.items()}
    with torch.no_grad():
        seen, output = residual(tensors, shown)
        found, logits = lens.reading(seen)(shown), lens(shown)
    assert len(seen) == 9
    for key, values in seen.items():
        torch.testing.assert_close(found[key], values, rtol=1e-6, atol=1e-6 * float(values.abs().max()))
    torch.testing.assert_close(logits, output, rtol=1e-6, atol=1e-6 * float(output.abs().max()))


def digit(tensors, x):
    """LeNet-5."""
    for name in ("c1", "c3", "c5"):
        x = F.conv2d(x, tensors[f"convnet.{name}.weight"], tensors[f"convnet.{name}.bias"]).relu()
        x = x if name == "c5" else F.max_pool2d(x, 2)
    x = F.linear(x.flatten(1), tensors["fc.f6.weight"], tensors["fc.f6.bias"]).relu()
    return F.linear(x, tensors["fc.f7.weight"], tensors["fc.f7.bias"])


def test_lenet_is_the_one_written_out():
    """On a grey picture and on a coloured one, whose luma is what the network sees."""
    checkpoint = networks.checkpoint("lenet5")
    lens, shown = Lens(checkpoint, dtype=torch.float64), networks.images(32, dtype=torch.float64)
    tensors = {key: tensor.double() for key, tensor in checkpoint.tensors.items()}
    luma = 0.299 * shown[:, :1] + 0.587 * shown[:, 1:2] + 0.114 * shown[:, 2:]
    with torch.no_grad():
        torch.testing.assert_close(lens(shown), digit(tensors, luma), rtol=1e-6, atol=1e-6)
        grey = luma.expand(-1, 3, -1, -1)
        torch.testing.assert_close(lens(grey), digit(tensors, luma), rtol=1e-6, atol=1e-6)
    assert lens.resolve(Unit("c5", 7)) == Unit("convnet.c5", 7)
    assert list(checkpoint.layers) == ["convnet.c1", "convnet.c3", "convnet.c5", "fc.f6", "fc.f7"]
