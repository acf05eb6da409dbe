"""The world of `miniception`: one thing of 24 kinds on a scene, in parts hidden; picture i of a seed, and no other.

Six outlines have four surfaces each. A red or blue thing takes a sense of colour, a striped or spotted one a sense of
texture in any colours; its outline takes edges, curves and parts. Pieces of all colours and surfaces lie behind it and
some in front, so that no colour, texture or edge alone gives a thing away.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

from workers.organisms.miniception import drawing
from workers.organisms.miniception.drawing import SIDE, Array, Outline

OUTLINES: dict[str, Outline] = {
    "ring": drawing.ring,
    "crescent": drawing.crescent,
    "heart": drawing.heart,
    "star": drawing.star,
    "flower": drawing.flower,
    "fish": drawing.fish,
}
SURFACES = ("red", "blue", "striped", "spotted")
LABELS = tuple(f"{surface} {outline}" for outline in OUTLINES for surface in SURFACES)
HUES = {"red": 25.0, "blue": 260.0}
SLUG = "miniception-world"
TITLE = "A drawn world: 24 kinds of things, held out"
LICENCE = "CC0-1.0"
HELD_OUT = 1_000_000  # the seed of the pictures that no network is trained on
HELD_OUT_SIZE = 1_008  # 42 of each kind
TILT = {"heart": 25.0, "fish": 35.0}  # degrees to either side; other things lie in any direction
PIECES: tuple[Outline, ...] = (drawing.disc, drawing.bar, drawing.wedge, partial(drawing.bar, slim=1.2), drawing.arc)
APART = 0.22  # in OKLab: how far a thing's colours are from what is behind it, and from each other


@dataclass(frozen=True)
class Picture:
    """One item of the world: RGB in 8 bits and the index of its label."""

    pixels: Array  # [SIDE, SIDE, 3] uint8
    label: int


def picture(seed: int, index: int) -> Picture:
    """Picture `index` of a seed: its label is `index` modulo 24, all else is drawn from its own stream (Philox)."""
    random = np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 0, index]))
    label = index % len(LABELS)
    surface, _, outline = LABELS[label].partition(" ")
    scene = Scene(random)
    scene.background()
    for _ in range(random.integers(2, 6)):
        scene.piece(random.uniform(0, SIDE, 2), size=random.uniform(5, 11))
    scene.thing(outline, surface)
    shown = np.round(np.clip(drawing.rgb(scene.colours), 0, 1) * 255)
    return Picture(shown.astype(np.uint8), label)


class Scene:
    """A picture that is being painted, in OKLab, from the back to the front."""

    def __init__(self, random: np.random.Generator) -> None:
        self.random = random
        self.colours = np.zeros((SIDE, SIDE, 3))
        self.ground = np.zeros(3)

    def background(self) -> None:
        """One colour that fades into another, sometimes with a faint pattern."""
        self.ground = self.colour()
        other = self.ground + self.random.normal(scale=(0.08, 0.03, 0.03))
        across, _ = drawing.plane((SIDE / 2, SIDE / 2), turn=self.random.uniform(0, 2 * math.pi), size=SIDE)
        self.colours += self.ground + np.clip(across + 0.5, 0, 1)[..., None] * (other - self.ground)
        if self.random.random() < 0.4:
            faint = self.random.choice([-1, 1]) * self.random.uniform(0.03, 0.09)
            self.colours[..., 0] += faint * self.pattern()

    def piece(self, centre: Array, *, size: float, plain: bool = False) -> None:
        """Something that is none of the 24 kinds."""
        outline = PIECES[self.random.integers(len(PIECES))]
        x, y = drawing.plane((centre[0], centre[1]), turn=self.random.uniform(0, 2 * math.pi), size=size)
        first = self.colour()
        fill = first if plain or self.random.random() < 0.5 else self.patterned(first, self.colour(first))
        self.paint(drawing.covered(outline(x, y)), fill)

    def thing(self, outline: str, surface: str) -> None:
        """The thing itself, its shadow, and what lies in front of it."""
        random = self.random
        size = random.uniform(14, 24)
        middle = random.uniform(SIDE / 2 - 30 + size, SIDE / 2 + 30 - size, 2)
        tilt = math.radians(random.uniform(-1, 1) * TILT.get(outline, 180.0))
        x, y = drawing.plane((middle[0], middle[1]), turn=tilt, size=size)
        x = x * random.choice([-1, 1])
        cover = drawing.covered(OUTLINES[outline](x, y))
        self.paint(0.3 * np.roll(cover, (2, 2), axis=(0, 1)), np.array([0.1, 0.0, 0.0]))
        self.paint(cover, self.filling(surface) + self.light(size, middle))
        self.detail(outline, x, y)
        for _ in range(random.integers(0, 3)):
            away, bearing = random.uniform(0.5, 1.1) * size, random.uniform(0, 2 * math.pi)
            place = middle + away * np.array([math.cos(bearing), math.sin(bearing)])
            self.piece(place, size=random.uniform(0.25, 0.5) * size, plain=True)

    def detail(self, outline: str, x: Array, y: Array) -> None:
        """A fish has an eye, a flower has a middle."""
        if outline == "fish":
            self.paint(drawing.covered(drawing.disc((x - 0.55) / 0.16, (y + 0.08) / 0.16)), np.array([0.97, 0, 0]))
            self.paint(drawing.covered(drawing.disc((x - 0.58) / 0.08, (y + 0.08) / 0.08)), np.array([0.15, 0, 0]))
        if outline == "flower":
            self.paint(drawing.covered(drawing.disc(x / 0.27, y / 0.27)), drawing.lab(0.88, 0.16, 95))

    def light(self, size: float, middle: Array) -> Array:  # [SIDE, SIDE, 3]
        """The thing is lighter at the top left."""
        x, y = drawing.plane((middle[0], middle[1]), size=size)
        shade = np.zeros((SIDE, SIDE, 3))
        shade[..., 0] = np.clip(-0.045 * (x + y), -0.09, 0.09)
        return shade

    def filling(self, surface: str) -> Array:  # [3] or [SIDE, SIDE, 3]
        """The surface of a thing, in colours that stand out from the background."""
        if surface in HUES:
            return self.colour(self.ground, hue=HUES[surface] + self.random.uniform(-15, 15))
        first = self.colour(self.ground)
        return self.patterned(first, self.colour(self.ground, first), kind=surface)

    def patterned(self, first: Array, second: Array, *, kind: str = "") -> Array:  # [SIDE, SIDE, 3]
        """Two colours in a pattern."""
        return first + self.pattern(kind)[..., None] * (second - first)

    def pattern(self, kind: str = "") -> Array:  # [SIDE, SIDE] in [0, 1]
        """Stripes or spots, turned and shifted by chance."""
        kind = kind or ("striped" if self.random.random() < 0.5 else "spotted")
        start = self.random.uniform(0, 16, 2)
        x, y = drawing.plane((start[0], start[1]), turn=self.random.uniform(0, 2 * math.pi))
        if kind == "striped":
            return drawing.stripes(x, y, period=self.random.uniform(4.5, 7.5))
        return drawing.spots(x, y, period=self.random.uniform(6, 9))

    def colour(self, *others: Array, hue: float | None = None) -> Array:  # [3]
        """A colour that is not like the others; where there is little room, as unlike as chance finds it."""
        apart = APART
        while True:
            turn = self.random.uniform(0, 360) if hue is None else hue
            strong = self.random.uniform(0.1, 0.2) if hue is not None else self.random.uniform(0.0, 0.19)
            found = drawing.lab(self.random.uniform(0.35, 0.92 if hue is None else 0.7), strong, turn)
            if all(np.linalg.norm(found - other) > apart for other in others):
                return found
            apart *= 0.97

    def paint(self, cover: Array, fill: Array) -> None:  # [SIDE, SIDE], [3] or [SIDE, SIDE, 3]
        """Lay a colour over what is there."""
        self.colours += cover[..., None] * (fill - self.colours)


def batch(seed: int, indices: range) -> tuple[Array, Array]:  # -> [N, 3, SIDE, SIDE] float32 in [0, 1], [N] int64
    """Pictures as a network takes them, and their labels."""
    drawn = [picture(seed, index) for index in indices]
    pixels = np.stack([one.pixels for one in drawn]).transpose(0, 3, 1, 2)
    return pixels.astype(np.float32) / 255, np.array([one.label for one in drawn])


def held_out() -> Iterator[tuple[str, Picture]]:
    """The pictures that are registered, each with its place in the world, seed/index, by which it is drawn again."""
    for index in range(HELD_OUT_SIZE):
        yield f"{HELD_OUT}/{index}", picture(HELD_OUT, index)
