"""Synthetic stimuli obey the laws of areas and rotations, and mean by an angle what the handwritten circuit means."""

import importlib.util
import math

import numpy as np
import pytest
import torch

from tests.interp import networks
from workers.interp import stimuli
from workers.interp.coverage import Plane
from workers.interp.stimuli import FAMILIES, render

SIZE = (64, 64)
OFF_MIDDLE = (30.5, 33.5)


def values(family, **given):
    """Everything that describes a family, for a field of 40 pixels."""
    return {it.name: given.get(it.name, it.filled(0.0, field=40) or it.usual) for it in stimuli.quantities(family)}


def drawn(name, *, size=SIZE, centre=None, **given):
    """A stimulus's red channel, as contrast: 0 on grey."""
    family = FAMILIES[name]
    return 2 * render(family, values(family, **given), size=size, centre=centre)[0].double() - 1


@pytest.fixture(params=FAMILIES.values(), ids=list(FAMILIES))
def family(request):
    return request.param


ORIENTED = [name for name, it in FAMILIES.items() if "orientation" in it.quantities]


@pytest.mark.parametrize("degrees", [0.0, 11.25, 30.0, 271.0])
@pytest.mark.parametrize("name", ORIENTED)
def test_a_quarter_turn_is_rot90_of_the_picture(name, degrees):
    family = FAMILIES[name]
    before, after = (render(family, values(family, orientation=it), size=SIZE) for it in (degrees, degrees + 90))
    assert float((torch.rot90(before, 1, (1, 2)) - after).abs().max()) <= 1e-6
    assert float((before - after).abs().max()) > 0.3


def test_a_stimulus_is_the_same_after_its_period_and_not_before(family):
    for quantity in stimuli.quantities(family):
        period = family.period(quantity, values(family))
        if period is None:
            continue
        at = [render(family, values(family, **{quantity.name: 20 + period * part}), size=SIZE) for part in (0, 0.5, 1)]
        assert float((at[0] - at[2]).abs().max()) <= 1e-6
        assert float((at[0] - at[1]).abs().max()) > 0.2


def test_a_gabor_that_is_light_on_one_side_has_no_half_turn():
    gabor = FAMILIES["gabor"]
    orientation = stimuli.quantities(gabor)[0]
    assert [gabor.period(orientation, values(gabor, phase=it)) for it in (0.0, 90.0, 180.0)] == [180, 360, 180]


def test_pictures_are_pictures_and_their_ground_is_grey(family):
    picture = render(family, values(family), size=SIZE, centre=OFF_MIDDLE)
    assert picture.shape == (3, *SIZE)
    assert picture.dtype == torch.float32
    assert 0 <= float(picture.min()) < float(picture.max()) <= 1
    corners = picture[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    assert float((corners - 0.5).abs().max()) < 1e-3


def test_contrast_turns_light_into_dark(family):
    light, dark = (render(family, values(family, contrast=it), size=SIZE) for it in (0.75, -0.75))
    assert float((light + dark - 1).abs().max()) <= 1e-6


@pytest.mark.parametrize("centre", [None, OFF_MIDDLE, (31.2, 33.9)], ids=str)
@pytest.mark.parametrize("degrees", [0.0, 17.0, 45.0, 100.0])
def test_areas_are_those_of_the_shapes(centre, degrees):
    """Whatever the place and the orientation; a pixel sees a pixel's length, which adds π/12 around a disc and tips."""
    rim = math.pi / 12
    disc = drawn("disc", radius=11.3, centre=centre)
    assert float(disc.sum()) == pytest.approx(math.pi * 11.3**2 + rim, rel=2e-3)
    curve = drawn("curve", radius=12.0, span=100.0, width=2.5, orientation=degrees, centre=centre)
    assert float(curve.sum()) == pytest.approx(2.5 * 12 * math.radians(100) + math.pi * 1.25**2 + rim, rel=4e-3)
    edge = drawn("edge", orientation=degrees, centre=centre)
    assert float(edge.sum()) == pytest.approx(0, abs=0.02 * float(edge.abs().sum()))


@pytest.mark.parametrize("width", [0.5, 1.0, 1.7, 4.0])
def test_a_line_weighs_its_width_in_every_orientation(width):
    length = float(stimuli.window(Plane.of((1, 201), (0.0, 100.0)), size=40).sum())
    weights = [float(drawn("line", width=width, orientation=it, size=SIZE).sum()) for it in np.arange(0, 180, 7.5)]
    assert max(weights) == pytest.approx(min(weights), rel=0.005)
    assert np.mean(weights) == pytest.approx(width * length, rel=0.005)


def test_hues_are_equally_bright_and_opposite_ones_cancel():
    patch = FAMILIES["patch"]
    red, cyan, green = (render(patch, values(patch, hue=it), size=SIZE) for it in (0.0, 180.0, 120.0))
    assert torch.allclose(red.mean(0), torch.full(SIZE, 0.5), atol=1e-6)
    assert torch.allclose(red + cyan, torch.ones(3, *SIZE), atol=1e-6)
    assert red[:, 32, 32].tolist() == pytest.approx([1.0, 0.25, 0.25])
    assert green[:, 32, 32].tolist() == pytest.approx([0.25, 1.0, 0.25])


def test_squares_of_a_checkerboard_alternate_around_a_corner():
    board = drawn("checkerboard", cell=8.0, size=(80, 80))
    middle = board[36:44:7, 36:44:7]
    assert middle.sign().tolist() == [[-1, 1], [1, -1]]
    assert board[36, 36:60:8].sign().tolist() == [-1, 1, -1]


def test_the_light_the_fine_and_the_open_side_lie_where_they_should():
    """All at 90°: upwards, which is towards the first rows."""
    assert float(drawn("edge", orientation=90.0)[20, 32]) == 1
    boundary = drawn("boundary", orientation=90.0, fine=4.0, coarse=20.0)
    changes = boundary.sign().diff(dim=1).abs().sum(1)
    assert float(changes[24]) > float(changes[39])
    angle = drawn("angle", orientation=90.0, opening=60.0)
    assert float(angle[:31].sum()) > 20 * float(angle[34:].sum())
    assert float(drawn("line", orientation=90.0)[20, 31:33].sum()) > 1


@pytest.fixture(scope="module")
def handwritten():
    """The script that writes `curve-circuit`, which draws curves, too."""
    at = importlib.util.spec_from_file_location("curve_circuit_train", networks.ORGANISM / "train.py")
    assert at
    assert at.loader
    module = importlib.util.module_from_spec(at)
    at.loader.exec_module(module)
    return module


@pytest.mark.parametrize("towards", [0, 45, 110, 270])
def test_a_curve_is_that_of_the_handwritten_circuit(handwritten, towards):
    """Drawn by another hand: sixteen samples a pixel."""
    theirs = torch.from_numpy(handwritten.draw(towards, centre=(2.0, 1.0)))[0] * 2 - 1
    ours = drawn("curve", orientation=float(towards), radius=12.0, span=100.0, width=2.0, centre=(30.5, 33.5))
    assert float((ours - theirs).abs().mean()) < 0.004
    assert float(ours.sum()) == pytest.approx(float(theirs.sum()), rel=0.02)
