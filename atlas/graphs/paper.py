"""A drawing as it goes into a paper: on white, with its legend, its citation and its licence beneath."""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from atlas.graphs.drawing import Drawing

LEAST, MARGIN = 560.0, 20.0  # px
LETTER = 5.9  # px of a letter of the small text, on average
RISE, GAP = 15.0, 8.0  # px from line to line, and between what is said
LEGEND = (
    "Layers from left to right. Red, + and an arrow: excites. Blue, − and a bar: inhibits. Purple, ± and a diamond: "
    "excites in one place and inhibits in another. Width: the norm of the weights among those of the source’s whole "
    "layer on the same neuron."
)
CLAIMED = "Dashed: claimed, not measured."
KERNELS = "Squares: the weights over space, red for positive and blue for negative."
HIDDEN = "Weights for which there was no room are left out."


@dataclass(frozen=True, slots=True)
class Imprint:
    """What a figure says of itself, as lines of plain text."""

    title: str
    citation: str
    url: str
    licence: str
    licence_url: str
    authors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """A line of text beneath the drawing: where it begins, and whether it is the title."""

    text: str
    y: float
    strong: bool


@dataclass(frozen=True, slots=True)
class Sheet:
    """All that is on the page of a paper, in px."""

    drawing: Drawing
    imprint: Imprint
    width: float
    height: float
    left: float  # of the drawing
    lines: tuple[Written, ...]
    legend: str


def sheet(drawing: Drawing, imprint: Imprint) -> Sheet:
    """The drawing, in the middle of a page just wide enough, and what stands beneath it."""
    width = max(drawing.width, LEAST)
    legend = " ".join(_legend(drawing))
    lines = tuple(_written(imprint, legend, width=width, top=drawing.height + GAP))
    return Sheet(drawing, imprint, width, lines[-1].y + MARGIN, (width - drawing.width) / 2, lines, legend)


def _legend(drawing: Drawing) -> Iterator[str]:
    yield LEGEND
    kernels = [tie for tie in drawing.ties if tie.measure and tie.measure.kernel]
    if any(not tie.measure for tie in drawing.ties):
        yield CLAIMED
    if kernels:
        yield KERNELS
    if any(not tie.room for tie in kernels):
        yield HIDDEN


def _written(imprint: Imprint, legend: str, *, width: float, top: float) -> Iterator[Written]:
    y = top
    most = int((width - 2 * MARGIN) / LETTER)
    licence = f"{imprint.url} · {imprint.licence}, {imprint.licence_url}"
    for place, text in enumerate((imprint.title, legend, imprint.citation, licence)):
        y += GAP if place else 0
        for line in wrap(text, most) or [""]:
            y += RISE
            yield Written(line, y, strong=not place)
