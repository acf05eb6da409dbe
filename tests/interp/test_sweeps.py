"""A sweep gives what a loop of hooks gives, on every kind of network, at every layer."""

import pytest
import torch
from torch import Tensor

from tests.interp import networks
from workers.interp.edits import silence
from workers.interp.lens import Lens
from workers.interp.sweeps import Sweep


def by_loop(lens: Lens, images: Tensor, layer: str, *, site: str, channels) -> Tensor:
    """One whole pass for each unit, with its values at zero."""
    found = []
    for channel in channels:
        with torch.no_grad(), lens.editing([{**silence(layer, channel), "site": site}]) as edited:
            found.append(edited(images))
    return torch.stack(found)


def chosen(width):
    return sorted({0, 1, width // 2, width - 1} & set(range(width)))


def test_a_sweep_is_a_loop(lens):
    doubled = lens.in_dtype(torch.float64)
    is_small, layers = lens.checkpoint.flops < 1e7, list(lens.layers.values())
    images = networks.images(lens.checkpoint.input_spec.size[0], n=2 if is_small else 1)
    for layer in layers if is_small and len(layers) < 9 else layers[-3:-1]:
        for site in layer.sites if is_small else layer.sites[-1:]:
            swept = Sweep(doubled, layer.key, site=site).answers(images)
            channels = chosen(layer.channels)
            looped = by_loop(doubled, images, layer.key, site=site, channels=channels)
            assert torch.allclose(swept[channels], looped, rtol=1e-10, atol=1e-12), (layer.key, site)


def test_in_single_precision_it_is_a_loop_to_rounding():
    lens = Lens(networks.checkpoint("inceptionv1"))
    images = networks.images(32)
    intact = lens(images)
    for key in ("mixed3a", "mixed4c", "mixed5b"):
        swept = Sweep(lens, key).answers(images)
        channels = chosen(lens.layers[key].channels)
        effect = by_loop(lens, images, key, site="post_relu", channels=channels)
        assert float((swept[channels] - effect).abs().max()) <= 1e-5 * float(
            (effect - intact).abs().max() + intact.abs().max()
        )


@pytest.mark.parametrize(
    ("network", "layer", "ends"),
    [
        ("inceptionv1", "mixed4c", 4),  # three 1 × 1 convolutions, and one behind a pooling
        ("inceptionv1", "mixed5b", 1),  # the read-out itself, behind the mean over positions: a closed form
        ("branches", "mixed", None),  # a 3 × 3 convolution
        ("residual", "block", 1),
        ("residual", "stem", None),  # also the sum
        ("curve-circuit", "curve", 1),
        ("squeezenet1_1", "features.12", 1),
        ("mobile", "wide", 1),
    ],
)
def test_short_cuts_are_taken_where_they_are_exact(network, layer, ends):
    sweep = Sweep(Lens(networks.checkpoint(network)), layer)
    [found] = sweep.ends.values()
    assert (None if found is None else len(found)) == ends


def test_a_unit_that_is_silent_for_a_picture_costs_nothing(circuit):
    grey = torch.full((1, 3, 64, 64), 0.5)
    _, passes = Sweep(circuit, "curve").silenced(grey)
    assert list(passes) == []
    images = torch.cat([grey, networks.images(64, n=1)])
    with torch.no_grad():
        lively = (circuit.reading(["gabor"])(images)["gabor"] != 0).flatten(2).any(2)
    _, passes = Sweep(circuit, "gabor").silenced(images)
    pairs = {(int(c), int(r)) for one in passes for c, r in zip(one.channels, one.rows, strict=True)}
    assert pairs == {(channel, row) for row in range(2) for channel in range(16) if lively[row, channel]}


@pytest.mark.real_data
def test_of_googlenet_a_sweep_of_4c_is_a_loop(real_data):
    from benchmarks import real
    from workers.interp.datasets import Dataset

    lens = real.opened(real_data, "googlenet-caffe")
    items = Dataset.of_folder(real_data / "images" / "imagenet1000").items[:2]
    images = torch.stack([item.shown(lens.checkpoint.input_spec) for item in items])
    layer = lens.checkpoint.place("mixed4c").layer
    swept, channels = Sweep(lens, layer).answers(images), [0, 100, 300, 400, 447, 511]
    looped = by_loop(lens, images, layer, site="post_relu", channels=channels)
    with torch.no_grad():
        effect = float((looped - lens(images)).abs().max())
    assert float((swept[channels] - looped).abs().max()) <= 1e-4 * effect
