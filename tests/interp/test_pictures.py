"""From random numbers to stored bytes: spectrum, colours, streams, warp and encoding, each against its formula."""

import io

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from tests.interp import networks, oracles
from workers.interp import encode, warp
from workers.interp.errors import BadInputSpec
from workers.interp.images import Spectrum, quantised
from workers.interp.input_spec import InputSpec
from workers.interp.streams import Stream


def stream(seed: int = 0, **changes) -> Stream:
    """A picture's random numbers."""
    return Stream.of(**{"checkpoint": "c", "subject": "s", "objective": "o", "seed": seed, **changes})


@pytest.mark.parametrize("size", [16, 33, 48])
@pytest.mark.parametrize(("decay", "decorrelate"), [(1.0, True), (0.0, True), (1.5, False)])
def test_a_picture_is_lucids_formula(size, decay, decorrelate):
    spectrum = Spectrum(size, decay, decorrelate, dtype=torch.float64)
    spectra = spectrum.start([stream(seed).at(0) for seed in (0, 1)]) * 20
    for row in (0, 1):
        truth = oracles.picture(spectra[row : row + 1], size=size, decay=decay, decorrelate=decorrelate)
        torch.testing.assert_close(spectrum.decode(spectra)[row], truth[0], rtol=1e-12, atol=1e-12)


def test_a_start_is_faint_noise_of_its_own_stream():
    spectrum = Spectrum(64)
    both = spectrum.start([stream(0).at(0), stream(1).at(0)])
    assert torch.equal(both[1], spectrum.start([stream(1).at(0)])[0])
    assert float(both.std()) == pytest.approx(0.01, rel=0.02)
    assert abs(float(both.mean())) < 1e-3


def test_streams_do_not_overlap_and_need_no_history():
    drawn = {}
    for seed in (0, 1):
        for step in (0, 1, 2, 300):
            drawn[seed, step] = tuple(stream(seed).at(step).integers(0, 2**63, 50).tolist())
    assert len({number for numbers in drawn.values() for number in numbers}) == 8 * 50
    assert tuple(stream(1).at(300).integers(0, 2**63, 50).tolist()) == drawn[1, 300]
    for name in ("checkpoint", "subject", "objective"):
        assert stream(**{name: "x"}).key != stream().key


def test_standing_still_is_exact():
    pictures = networks.images(24)
    torch.testing.assert_close(warp.warp(pictures, [warp.STILL] * 2, canvas=24), pictures, rtol=0, atol=2e-6)
    framed = warp.warp(pictures, [warp.STILL] * 2, canvas=30)
    torch.testing.assert_close(framed[:, :, 3:27, 3:27], pictures, rtol=0, atol=2e-6)
    assert float((framed[:, :, :2] - 0.5).abs().max()) == 0


def test_whole_shifts_move_whole_pixels():
    pictures = networks.images(24, n=1)
    moved = warp.warp(pictures, [warp.Draw((2.0, -1.0), 1.0, 0.0, (1.0, 0.0))], canvas=24)
    # Both crops look further right: the picture moves left by 3, and down by 1.
    torch.testing.assert_close(moved[:, :, 1:, :-3], pictures[:, :, :-1, 3:], rtol=0, atol=2e-6)


def test_one_resampling_is_the_four_after_each_other():
    """Lucid's chain, one step after the other in Pillow, on a picture smooth enough to survive four resamplings."""
    axis = np.linspace(0, 2 * np.pi, 128)
    smooth = 0.5 + 0.4 * np.sin(2 * axis)[:, None] * np.cos(3 * axis)[None] * np.hanning(128)[:, None]
    for seed in range(6):
        drawn = warp.draw(np.random.Generator(np.random.Philox(seed)), size=128)
        one = warp.warp(torch.from_numpy(smooth)[None, None].expand(1, 3, -1, -1), [drawn], canvas=152)[0, 0]
        many = sequentially(smooth, drawn)
        middle = slice(40, 112)
        assert np.abs(one[middle, middle].numpy() - many[middle, middle]).max() < 0.02


def sequentially(picture: np.ndarray, drawn: warp.Draw) -> np.ndarray:  # [128, 128] -> [152, 152]
    """Pad by 12, shift, scale, turn, shift: each by itself, around the centre, on grey."""
    image = Image.fromarray(np.pad(picture, 12, constant_values=0.5).astype(np.float32), mode=None)
    linear = Image.Resampling.BILINEAR

    def shifted(image, right, down):
        return image.transform(image.size, Image.Transform.AFFINE, (1, 0, right, 0, 1, down), linear, fillcolor=0.5)

    image = shifted(image, *drawn.first)
    inverse, offset = 1 / drawn.scale, 76 * (1 - 1 / drawn.scale)
    affine = (inverse, 0, offset, 0, inverse, offset)
    image = image.transform(image.size, Image.Transform.AFFINE, affine, linear, fillcolor=0.5)
    image = image.rotate(-drawn.angle, linear, fillcolor=0.5)  # Pillow turns counter-clockwise
    return np.asarray(shifted(image, *drawn.second))


def test_gradients_flow_through_the_warp():
    pictures = networks.images(16, n=2, dtype=torch.float64).requires_grad_()
    moves = [warp.draw(stream(seed).at(1), size=16) for seed in (0, 1)]
    assert torch.autograd.gradcheck(lambda x: warp.warp(x, moves, canvas=20).sum((1, 2, 3)), pictures, fast_mode=True)


def test_draws_are_lucids():
    drawn = [warp.draw(stream(seed).at(1), size=128) for seed in range(2000)]
    assert {abs(one.first[0]) <= 4 and abs(one.second[1]) <= 2 for one in drawn} == {True}
    assert {round(one.scale, 2) for one in drawn} == {round(0.9 + 0.02 * step, 2) for step in range(11)}
    assert {one.angle for one in drawn} == set(map(float, range(-10, 11)))
    assert np.mean([one.angle == 0 for one in drawn]) == pytest.approx(6 / 26, abs=0.04)
    assert (warp.canvas_for(128), warp.canvas_for(64), warp.scaled(8, 256)) == (152, 76, 16)


def test_png_is_lossless_and_rounds_to_the_nearest():
    pictures = networks.images(20, n=1)
    stored = quantised(pictures)
    assert float((stored.float() / 255 - pictures).abs().max()) <= 0.5 / 255 + 1e-7
    with Image.open(io.BytesIO(encode.png(stored[0]))) as image:
        assert np.array_equal(np.asarray(image), stored[0].permute(1, 2, 0).numpy())
    assert encode.png(stored[0]) == encode.png(stored[0])
    assert quantised(torch.tensor([-1.0, 0.0, 1.0, 2.0])).tolist() == [0, 0, 255, 255]


def test_thumbnails_keep_small_pictures():
    assert encode.thumbnail(torch.zeros(3, 40, 30, dtype=torch.uint8))[1] == (30, 40)
    assert encode.thumbnail(torch.zeros(3, 224, 112, dtype=torch.uint8))[1] == (56, 112)


@pytest.mark.parametrize("size", [(300, 200), (200, 300), (64, 64), (1000, 40)], ids=str)
@pytest.mark.parametrize("mode", ["stretch", "shorter-side"])
def test_crops_are_what_pillow_does(size, mode):
    random = np.random.Generator(np.random.Philox(0))
    image = Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8))
    resize = {"mode": mode, "size": 40, "interpolation": "bicubic"}
    found = networks.spec(32, resize=resize).crop(image)
    shorter = min(size)
    resized = (40, 40) if mode == "stretch" else (size[0] * 40 // shorter, size[1] * 40 // shorter)
    plain = image.resize(resized, Image.Resampling.BICUBIC)
    left, top = (resized[0] - 32) // 2, (resized[1] - 32) // 2
    pixels = np.asarray(plain.crop((left, top, left + 32, top + 32)))
    assert np.array_equal((found * 255).round().permute(1, 2, 0).numpy(), pixels)


def test_a_grey_picture_becomes_rgb():
    found = networks.spec(8).crop(Image.new("L", (8, 8), 51))
    torch.testing.assert_close(found, torch.full((3, 8, 8), 0.2))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"size": [0, 8]}, "size"),
        ({"size": [8, True]}, "size"),
        ({"mean": [0, 0]}, "mean"),
        ({"mean": [0, 0, float("nan")]}, "mean"),
        ({"mean": [0, 0, 10**400]}, "mean"),
        ({"std": [1, 1, 0]}, "std"),
        ({"value_range": [1, 1]}, "value_range"),
        ({"channel_order": "GRB"}, "channel_order"),
        ({"channel_order": ["RGB"]}, "channel_order"),
        ({"crop": "ten"}, "crop"),
        ({"resize": {"mode": "stretch", "size": 4, "interpolation": "bilinear"}}, "resize.size"),
        ({"resize": {"mode": "stretch", "size": 8}}, "interpolation"),
        ({"gamma": 2.2}, "gamma"),
    ],
)
def test_an_odd_input_spec_is_refused_by_its_field(changes, field):
    with pytest.raises(BadInputSpec) as refused:
        networks.spec(8, **changes)
    assert refused.value.facts["field"] == field


def test_an_input_spec_round_trips():
    spec = networks.spec(8, channel_order="BGR", mean=[1, 2, 3])
    assert InputSpec.from_json(spec.to_json()) == spec


def test_preparing_is_the_formula_in_any_size():
    spec = networks.spec(8, value_range=[0, 255], mean=[123, 117, 104], std=[2, 3, 4])
    shown = networks.images(11)
    plain = torch.stack([(shown[:, i] * 255 - (123, 117, 104)[i]) / (2, 3, 4)[i] for i in range(3)], dim=1)
    torch.testing.assert_close(spec.prepare(shown), plain)
    assert F.mse_loss(spec.prepare(shown), shown) > 1
