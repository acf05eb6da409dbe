"""Plots as pictures: what is written into them can be read, on every machine."""

import io

import numpy as np
import pytest
from PIL import Image

from workers.interp import charts
from workers.interp.quantities import QUANTITIES


def glyph(letter: str) -> bytes:
    """How the face draws a letter."""
    return bytes(charts._font().getmask(letter))


@pytest.mark.parametrize("text", ["−1.5e−05", "n = 3 × 2, −2 ≤ x", "ä²µ", "mixed3b:379, gabor – full colour at ±0.5"])
def test_no_letter_is_drawn_as_a_box(text):
    box = glyph("\uffff")
    assert glyph("−") == box, "else the face has learnt it"
    assert [letter for letter in charts.drawn(text) if glyph(letter) == box and letter != " "] == []


def test_every_word_of_every_axis_is_drawn_as_it_is():
    words = [f"{one.title} ({one.unit})" for one in QUANTITIES.values()]
    assert [charts.drawn(said) for said in words] == words


def test_a_negative_tick_begins_with_a_stroke_and_not_with_a_box():
    """By its pixels: left of −1 on the upright axis stands a flat thing."""
    axis = charts.Scale("Response", -1.0, 1.0, 1.0)
    image = Image.new("L", (charts.WIDTH * charts.FINER, charts.HEIGHT * charts.FINER), charts.WHITE)
    charts._frame(charts.ImageDraw.Draw(image), charts.Scale("Angle", 0.0, 4.0, 1.0), axis, "")
    data, _ = charts._png(image)
    with Image.open(io.BytesIO(data)) as opened:
        dark = np.asarray(opened.convert("L"))[charts.BOTTOM - 6 : charts.BOTTOM + 6, : charts.LEFT - 8] < 128
    columns = dark.any(axis=0).nonzero()[0]
    first = dark[:, columns[0] : columns[0] + 2].sum(axis=0)
    assert first.max() <= 2, "a stroke is at most two pixels high"
