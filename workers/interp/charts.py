"""Tuning as pictures for papers: a curve on axes with units, or a map of two quantities with its scale."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from workers.interp import encode, heatmaps
from workers.interp.sweep import Axis

WIDTH, HEIGHT = 480, 300
FINER = 2  # drawn twice as large and averaged, so that lines are smooth
LEFT, RIGHT, TOP, BOTTOM = 62, 466, 30, 252  # of the plot, in pixels
BLACK, GREY, WHITE = 0, 170, 255
SPACES = 5  # between ticks, about
# Pillow's own face, which every machine has, draws ASCII and hardly more.
ALIKE = str.maketrans({"−": "-", "–": "-", "×": "x", "→": ">", "≤": "<", "≥": ">"})
BESIDES = "·±°"
Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis of a chart: its words, where it begins and ends, and how far its ticks are apart."""

    title: str
    low: float
    high: float
    step: float

    @classmethod
    def of(cls, axis: Axis) -> "Scale":
        """The scale of what is varied; a circle's has a tick every quarter."""
        it = axis.quantity
        title = f"{it.title} ({it.unit})" if it.unit else it.title
        if axis.period:
            return cls(title, 0.0, axis.period, axis.period / 4)
        return cls.between(title, float(axis.values[0]), float(axis.values[-1]))

    @classmethod
    def between(cls, title: str, low: float, high: float) -> "Scale":
        """A scale with round ticks."""
        return cls(title, low, high, _round_step((high - low) / SPACES))

    @property
    def ticks(self) -> list[float]:
        """The multiples of its step that lie on it."""
        first, last = np.ceil(self.low / self.step - 1e-9), np.floor(self.high / self.step + 1e-9)
        return [float(self.step * place) for place in np.arange(first, last + 1)]

    def in_cells(self, axis: Axis) -> "Scale":
        """The same where every value has a cell of its own, in whose middle it lies."""
        half = (self.high - self.low) / (len(axis.values) - (0 if axis.period else 1)) / 2
        return replace(self, low=self.low - half, high=self.high + (-half if axis.period else half))

    def at(self, value: float, start: float, end: float) -> float:
        """Where a value lies between two pixels."""
        return start + (end - start) * (value - self.low) / ((self.high - self.low) or 1.0)


def curve(axis: Axis, responses: Array, *, title: str) -> tuple[bytes, tuple[int, int]]:  # [n]
    """A PNG of responses over one quantity, and its width and height; a circle is closed, the zero line is grey."""
    values = axis.values
    if axis.period:
        values, responses = np.append(values, axis.period), np.append(responses, responses[0])
    image = Image.new("L", (WIDTH * FINER, HEIGHT * FINER), WHITE)
    draw = ImageDraw.Draw(image)
    across = Scale.of(axis)
    up = Scale.between("Response", min(0.0, float(responses.min())), max(0.0, float(responses.max())) or 1.0)
    zero = up.at(0.0, BOTTOM, TOP) * FINER
    draw.line([(LEFT * FINER, zero), (RIGHT * FINER, zero)], fill=GREY, width=FINER)
    points = [
        (across.at(float(x), LEFT, RIGHT) * FINER, up.at(float(y), BOTTOM, TOP) * FINER)
        for x, y in zip(values, responses, strict=True)
    ]
    draw.line(points, fill=BLACK, width=2 * FINER, joint="curve")
    _frame(draw, across, up, f"Response of {title}")
    return _png(image)


def grid(axes: Sequence[Axis], responses: Array, *, title: str) -> tuple[bytes, tuple[int, int]]:  # [n, m]
    """A PNG of responses over two quantities, the first to the right: red above 0, blue below, full at ± the most."""
    largest = float(np.abs(responses).max())
    image = Image.new("RGB", (WIDTH * FINER, HEIGHT * FINER), "white")
    cells = heatmaps.colours(torch.from_numpy(np.ascontiguousarray(responses.T[::-1])), scale=largest)
    size = ((RIGHT - LEFT) * FINER, (BOTTOM - TOP) * FINER)
    image.paste(encode.picture(cells).resize(size, Image.Resampling.NEAREST), (LEFT * FINER, TOP * FINER))
    across, up = (Scale.of(axis).in_cells(axis) for axis in axes)
    _frame(ImageDraw.Draw(image), across, up, f"{up.title} · response of {title}, full colour at ±{largest:.3g}")
    return _png(image)


def _frame(draw: ImageDraw.ImageDraw, across: Scale, up: Scale, title: str) -> None:
    left, right, top, bottom = (it * FINER for it in (LEFT, RIGHT, TOP, BOTTOM))
    draw.line([(left, top), (left, bottom), (right, bottom)], fill=BLACK, width=FINER)
    for value in across.ticks:
        x = across.at(value, left, right)
        draw.line([(x, bottom), (x, bottom + 4 * FINER)], fill=BLACK, width=FINER)
        _write(draw, (x, bottom + 6 * FINER), f"{value:.6g}", anchor="ma")
    for value in up.ticks:
        y = up.at(value, bottom, top)
        draw.line([(left - 4 * FINER, y), (left, y)], fill=BLACK, width=FINER)
        _write(draw, (left - 7 * FINER, y), f"{value:.6g}", anchor="rm")
    _write(draw, ((left + right) / 2, bottom + 24 * FINER), across.title, anchor="ma")
    _write(draw, (6 * FINER, 6 * FINER), title, anchor="la")


def _write(draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, *, anchor: str) -> None:
    draw.text(at, drawn(text), fill=BLACK, font=_font(), anchor=anchor)


def drawn(text: str) -> str:
    """A text with nothing in it for which the face has only a box: a minus is a hyphen there."""
    apart = unicodedata.normalize("NFKD", text.translate(ALIKE))
    return "".join(letter if letter.isascii() or letter in BESIDES else "?" for letter in apart)


@cache
def _font() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(12 * FINER)


def _round_step(least: float) -> float:
    """The next of 1, 2, 5 × a power of ten."""
    if not least > 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next((power * it for it in (1, 2, 5) if power * it >= least * (1 - 1e-9)), power * 10)


def _png(image: Image.Image) -> tuple[bytes, tuple[int, int]]:
    small = image.reduce(FINER)
    return encode.png_of(small), small.size
