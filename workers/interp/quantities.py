"""What stimuli are described by: each quantity with its unit, its range, and what it is where nobody says."""

from collections.abc import Mapping
from dataclasses import dataclass

DEGREES, PIXELS, NONE = "°", "px", ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number that a stimulus is drawn from.

    A length is in pixels of the network's input; `usual`, `low` and `high` (what it is fixed at, and from where to
    where it is varied, unless somebody says otherwise) are then shares of the receptive field, so that one question
    makes sense in every layer. An angle goes round after `period`, and is varied through all of it.
    """

    name: str
    title: str
    says: str
    unit: str
    usual: float
    low: float = 0.0
    high: float = 0.0
    period: float | None = None
    least: float = 0.0  # of a length, in pixels: finer cannot be shown

    def filled(self, given: float, *, field: float) -> float:
        """What was said; a length of 0 is the usual one where a position sees `field` pixels."""
        return max(self.least, self.usual * field) if self.unit == PIXELS and not given else given

    def range(self, low: float, high: float, *, field: float) -> tuple[float, float]:
        """From where to where it is varied: what was said, or its own where low and high are equal."""
        if low != high:
            return low, high
        scale = field if self.unit == PIXELS else 1.0
        return max(self.least, self.low * scale), max(self.least, self.high * scale)


QUANTITIES: Mapping[str, Quantity] = {
    it.name: it
    for it in (
        Quantity("orientation", "Orientation", "Counter-clockwise, 0° to the right.", DEGREES, usual=0.0, period=360.0),
        Quantity(
            "radius", "Radius", "Of a curve, disc or patch.", PIXELS, usual=3 / 8, low=1 / 16, high=1.0, least=1.0
        ),
        Quantity("span", "Span", "Of a curve, as an angle at its centre.", DEGREES, usual=90.0, low=10.0, high=360.0),
        Quantity("width", "Width", "Of a line or curve.", PIXELS, usual=1 / 16, low=1 / 32, high=1 / 4, least=0.5),
        Quantity("contrast", "Contrast", "1 is white on grey, −1 black on grey.", NONE, usual=1.0, low=-1.0, high=1.0),
        Quantity("wavelength", "Wavelength", "Of a Gabor.", PIXELS, usual=1 / 3, low=1 / 16, high=1.0, least=2.0),
        Quantity(
            "sigma",
            "Sigma",
            "Standard deviation of a Gabor's envelope.",
            PIXELS,
            usual=1 / 6,
            low=1 / 16,
            high=1 / 3,
            least=0.5,
        ),
        Quantity("phase", "Phase", "Of a Gabor, 0° light in the middle.", DEGREES, usual=0.0, period=360.0),
        Quantity("opening", "Opening", "Between the arms of an angle.", DEGREES, usual=90.0, low=10.0, high=180.0),
        Quantity("hue", "Hue", "0° red, 120° green, 240° blue.", DEGREES, usual=0.0, period=360.0),
        Quantity(
            "fine",
            "Fine wavelength",
            "Of a boundary's finer side.",
            PIXELS,
            usual=1 / 12,
            low=1 / 24,
            high=1 / 2,
            least=2.0,
        ),
        Quantity(
            "coarse",
            "Coarse wavelength",
            "Of a boundary's coarser side.",
            PIXELS,
            usual=1 / 3,
            low=1 / 24,
            high=1.0,
            least=2.0,
        ),
        Quantity(
            "cell",
            "Cell",
            "Side of a square of a checkerboard.",
            PIXELS,
            usual=1 / 4,
            low=1 / 16,
            high=1 / 2,
            least=1.0,
        ),
        Quantity(
            "size",
            "Size",
            "Diameter of the round window behind which lines, edges and patterns fade.",
            PIXELS,
            usual=1.0,
            low=1 / 8,
            high=1.0,
            least=2.0,
        ),
    )
}
