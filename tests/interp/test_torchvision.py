"""torchvision's classifiers: our graph computes what the library's module does, or refuses the network by name."""

import pytest
import torch

from tests.interp import networks
from workers.interp import architectures
from workers.interp.errors import NoSuchArchitecture, UnsupportedArchitecture
from workers.interp.lens import Lens
from workers.interp.vision import torchvision

# Of every family whose units are channels the cheapest, with a small input. AlexNet and VGG are left to the catalogue:
# their linear maps alone have a hundred million numbers.
RUN = {
    "squeezenet1_0": 48,
    "squeezenet1_1": 48,
    "resnet18": 48,
    "resnext50_32x4d": 32,
    "densenet121": 32,
    "googlenet": 48,
    "inception_v3": 75,
    "mobilenet_v2": 40,
    "mobilenet_v3_small": 40,
    "efficientnet_b0": 32,
    "regnet_y_400mf": 32,
    "mnasnet0_5": 32,
}
REFUSED = {
    "vit_b_16": "getattr",
    "swin_t": "permute",
    "maxvit_t": "getattr",
    "convnext_tiny": "permute",
    "shufflenet_v2_x0_5": "size",
}
FAMILIES = (
    *("alexnet", "convnext", "densenet", "efficientnet", "googlenet", "inception", "maxvit", "mnasnet", "mobilenet"),
    *("regnet", "resnet", "resnext", "shufflenet", "squeezenet", "swin", "vgg", "vit", "wide"),
)


def module(name: str, tensors) -> torch.nn.Module:
    """The library's own network with these weights, in float64."""
    words = {"aux_logits": True, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    built = torchvision().models.get_model(name, weights=None, **words)
    state = built.state_dict()
    left = set(state) - set(tensors)
    assert all(name.endswith("num_batches_tracked") or name.startswith(("aux", "AuxLogits")) for name in left)
    state.update(tensors)  # and keep what MNASNet writes down about its version
    built.load_state_dict(state)
    built.transform_input = False  # the port of another library's input convention, which is the input spec's business
    return built.double().eval()


@pytest.mark.parametrize(("name", "side"), RUN.items())
def test_our_graph_computes_what_the_module_does(name, side):
    checkpoint = networks.of_torchvision(name, side=side)
    shown = networks.images(side, dtype=torch.float64)
    with torch.no_grad():
        theirs = module(name, checkpoint.tensors)(shown)
        plain = Lens(checkpoint, dtype=torch.float64, folded=False)(shown)
        folded = Lens(checkpoint, dtype=torch.float64)(shown)
    assert float(theirs.std()) > 0
    scale = float(theirs.abs().max())
    torch.testing.assert_close(plain, theirs, rtol=1e-9, atol=1e-9 * scale)
    torch.testing.assert_close(folded, theirs, rtol=1e-7, atol=1e-7 * scale)


@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18"])
def test_our_layers_hold_what_the_modules_return(name):
    """Hooks on the library's modules, as everybody else would look, against readings by our keys."""
    checkpoint = networks.of_torchvision(name, side=48)
    built, seen = module(name, checkpoint.tensors), {}
    for path, part in built.named_modules():
        if isinstance(part, torch.nn.ReLU):
            part.inplace = False  # or a hook would see what the ReLU made of its input
        part.register_forward_hook(lambda _, __, value, path=path: seen.update({path: value.clone()}))
    lens, shown = Lens(checkpoint, dtype=torch.float64), networks.images(48, dtype=torch.float64)
    joined = [key for key, layer in lens.layers.items() if layer.kind in ("sum", "concat")]
    convolved = [key for key, layer in lens.layers.items() if layer.kind == "conv"]
    with torch.no_grad():
        built(shown)
        found = {**lens.reading(joined)(shown), **lens.reading(convolved, site="pre_relu")(shown)}
    assert len(found) > 15
    for key, values in found.items():
        theirs = seen[normalised(key)]
        torch.testing.assert_close(values, theirs, rtol=1e-7, atol=1e-7 * float(theirs.abs().max()))


def normalised(key: str) -> str:
    """Where ResNet has a layer's values: after the normalisation beside its convolution."""
    return key.replace("downsample.0", "downsample.1").replace("conv", "bn")


@pytest.mark.parametrize(("name", "what"), REFUSED.items())
def test_what_has_no_channel_axis_is_refused_by_name_and_reason(name, what):
    with pytest.raises(UnsupportedArchitecture) as refused:
        architectures.find(name).graph(name)
    assert refused.value.facts["architecture"] == name
    assert what in str(refused.value)


def test_every_family_is_either_run_or_refused_here():
    """A new family in a new torchvision has to be thought about."""
    assert all(name.startswith(tuple(FAMILIES)) for name in architectures.find("alexnet").names())
    tried = {*RUN, *REFUSED}
    left = [family for family in FAMILIES if not any(name.startswith(family) for name in tried)]
    assert left == ["alexnet", "vgg", "wide"]
    for name in ("alexnet", "vgg11_bn", "wide_resnet50_2"):
        assert architectures.find(name).graph(name).output


def test_an_unknown_name_is_answered_with_the_closest():
    with pytest.raises(NoSuchArchitecture) as refused:
        architectures.find("resnet19")
    assert "resnet18" in refused.value.facts["closest"]


def test_auxiliary_heads_and_counters_are_spare():
    family = architectures.find("googlenet")
    spare = family.spare("googlenet")
    assert any(name.startswith("aux1") for name in spare)
    assert any(name.endswith("num_batches_tracked") for name in spare)
    assert not spare & set(family.shapes("googlenet"))
