"""torchvision's classifiers: our graph computes what the library's module does, or refuses the network by name."""

from dataclasses import replace

import pytest
import torch

from tests.interp import networks
from workers.interp import architectures, tracing
from workers.interp.errors import BadGraph, NoSuchArchitecture, UnsupportedArchitecture
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
    "convnext_tiny": 32,
    "shufflenet_v2_x0_5": 40,
}
REFUSED = {
    "vit_b_16": "encoder_layer_0.self_attention attends to tokens",
    "swin_t": "features.1.0.attn attends to tokens",
    "swin_v2_t": "features.1.0.attn attends to tokens",
    "maxvit_t": "window_attention attends to tokens",
}
DIGESTS = {
    "resnet18": "611d2aa926dde959fe1ef3403a84abbdd0e950d6b61c95f84adaf453b08f4aec",
    "googlenet": "7b000cca75d7ef8c893d5845e7a8bebadc17e2e0cd9fdc9a93cee20d6d426be3",
    "densenet121": "0b55fcce39c65f69cf77466070fd0796940223a3e4d1a5449238c4806f588db6",
    "efficientnet_b0": "6deea280d47f783e8c52f2c11c4742e85886c3150c3ab5e3dbbc501b0b31800e",
    "regnet_y_400mf": "35c18d526c7745157dd7fcdf5696b1c2f56c3311537db0460e151d3e41455215",
    "convnext_tiny": "ed144ebcbe9871355de0e27eeaea3486c281c81e0d1d6acf65f0272cc372e18a",
    "shufflenet_v2_x0_5": "6fd5c1a3a25c83b452e7b7155aa06ce7ac62393909e4e27b67613548133151c7",
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
    checkpoint = networks.of_family(name, side=side)
    shown = networks.images(side, dtype=torch.float64)
    with torch.no_grad():
        theirs = module(name, checkpoint.tensors)(shown)
        plain = Lens(checkpoint, dtype=torch.float64, folded=False)(shown)
        folded = Lens(checkpoint, dtype=torch.float64)(shown)
    assert float(theirs.std()) > 0
    scale = float(theirs.abs().max())
    torch.testing.assert_close(plain, theirs, rtol=1e-9, atol=1e-9 * scale)
    torch.testing.assert_close(folded, theirs, rtol=1e-7, atol=1e-7 * scale)


@pytest.mark.parametrize("name", DIGESTS)
def test_digests_are_pinned(name):
    """However a library's next version is traced, and whatever is learnt to be traced: the same checkpoints."""
    assert architectures.find(name).graph(name).sha256 == DIGESTS[name]


@pytest.mark.parametrize("name", ["squeezenet1_1", "resnet18"])
def test_our_layers_hold_what_the_modules_return(name):
    """Hooks on the library's modules, as everybody else would look, against readings by our keys."""
    checkpoint = networks.of_family(name, side=48)
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


def test_inception_v3_has_its_input_convention_in_the_spec():
    """The library maps ImageNet's normalisation to another one inside the network; the spec says that one outright."""
    name, side = "inception_v3", 75
    plain = networks.of_family(name, side=side)
    checkpoint = replace(plain, input_spec=networks.spec(side, mean=[0.5] * 3, std=[0.5] * 3))
    built, shown = module(name, checkpoint.tensors), networks.images(side, dtype=torch.float64)
    built.transform_input = True
    published = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]], dtype=torch.float64)
    mean, std = published[:, :, None, None]
    with torch.no_grad():
        theirs, ours = built((shown - mean) / std), Lens(checkpoint, dtype=torch.float64)(shown)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-6 * float(theirs.abs().max()))


def test_a_map_with_its_channels_last_is_read_with_them_second():
    """ConvNeXt moves the channels of its blocks last and back; its linear maps are layers with positions."""
    checkpoint = networks.of_family("convnext_tiny", side=32)
    built, seen = module("convnext_tiny", checkpoint.tensors), {}
    for path, part in built.named_modules():
        part.register_forward_hook(lambda _, __, value, path=path: seen.update({path: value.clone()}))
    lens, shown = Lens(checkpoint, dtype=torch.float64), networks.images(32, dtype=torch.float64)
    with torch.no_grad():
        built(shown)
        found = lens.reading(["features.1.0.block.0", "features.1.0.block.3", "features.1.0.block.5", "features.1.0"])(
            shown
        )
    widened = lens.layers["features.1.0.block.3"]
    assert (widened.kind, widened.channels, widened.positions, widened.stride) == ("linear", 384, (8, 8), (4, 4))
    assert widened.receptive_field == lens.layers["features.1.0.block.0"].receptive_field == (28, 28)
    theirs = {
        "features.1.0.block.0": seen["features.1.0.block.0"],
        "features.1.0.block.3": seen["features.1.0.block.4"].permute(0, 3, 1, 2),  # read behind its GELU
        "features.1.0.block.5": seen["features.1.0.block.5"].permute(0, 3, 1, 2),
        "features.1.0": seen["features.1.0"],
    }
    for key, values in theirs.items():
        torch.testing.assert_close(found[key], values, rtol=1e-7, atol=1e-7 * float(values.abs().max()))


def test_a_unit_that_is_split_and_shuffled_is_counted_once():
    """ShuffleNet joins, shuffles and cuts again: the joined map is the layer."""
    checkpoint = networks.of_family("shufflenet_v2_x0_5", side=40)
    block = checkpoint.layers["stage2.1"]
    assert (block.kind, block.channels, block.sites) == ("concat", 48, ("post_relu",))
    assert checkpoint.branches["stage2.1.branch2.5"].start == 24
    assert not any("shuffle" in key or "chunk" in key for key in checkpoint.layers)


class Sideways(torch.nn.Module):
    """A linear map, or a normalisation, along the width of an image: nothing that has channels for units."""

    def __init__(self, part: torch.nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.part(x)


class Turned(Sideways):
    """A convolution over channels and height, as if they were positions."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.part(x.permute(0, 2, 3, 1))


class Cut(Sideways):
    """Rows cut in two."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        upper, lower = self.part(x).chunk(2, dim=2)
        return upper + lower


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Sideways(torch.nn.Linear(8, 4)), "applies linear along another dimension"),
        (Sideways(torch.nn.LayerNorm(8)), "applies layer_norm along another dimension"),
        (Sideways(torch.nn.LayerNorm((3, 8, 8))), "over the dimensions"),
        (Turned(torch.nn.Conv2d(8, 4, 1)), "applies conv2d along another dimension"),
        (Cut(torch.nn.Conv2d(3, 4, 1)), "cuts another dimension"),
    ],
    ids=["linear", "layer norm", "whole norm", "convolution", "chunk"],
)
def test_what_takes_another_dimension_for_channels_is_refused(model, says):
    with pytest.raises(BadGraph, match=says):
        tracing.translated(model.eval())


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
