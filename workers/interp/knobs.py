"""What a feature visualization is asked with: Lucid's defaults, and the declared ways to depart from them."""

from dataclasses import dataclass

from workers.interp.forms import CHANNEL, NEURON, Form
from workers.interp.parameters import Params, artifact, choice, flag, integer, integers, number

POLARITIES = {"both": ("positive", "negative"), "positive": ("positive",), "negative": ("negative",)}


@dataclass(frozen=True)
class Knobs(Params):
    """Lucid's defaults (`optvis/render.py`, `param.py`, `transform.py`)."""

    size: int = integer(
        128,
        title="Picture size",
        description="Width and height of the picture in pixels. Units behind a layer that takes only one input size "
        "are drawn at that size instead.",
        least=16,
        most=512,
    )
    steps: int = integer(
        512,
        title="Steps",
        description="How often the picture is improved. Time grows in proportion.",
        least=1,
        most=4096,
    )
    learning_rate: float = number(
        0.05,
        title="Step width",
        description="The learning rate of Adam: how far one step goes.",
        least=0.0001,
        most=1,
    )
    seeds: tuple[int, ...] = integers(
        (0, 1, 2),
        title="Seeds",
        description="One picture for each random start. Several show what they share and what is chance.",
        least=0,
        most=2**32 - 1,
        length=(1, 8),
    )
    polarity: str = choice(
        "both",
        title="Excite or inhibit",
        description="Whether the picture makes the unit fire (positive), falls as far below as possible (negative, "
        "read before the ReLU), or one of each.",
        among=tuple(POLARITIES),
    )
    decay: float = number(
        1.0,
        title="Smoothness",
        description="Favours coarse over fine patterns: spatial frequency f is scaled by 1/f to this power. "
        "1 is the spectrum of natural images, 0 is none.",
        least=0,
        most=3,
    )
    decorrelate: bool = flag(
        True,
        title="Natural colours",
        description="Optimise along the directions in which colours of natural images vary, instead of red, green "
        "and blue.",
    )
    transforms: str = choice(
        "standard",
        title="Robustness",
        description="Move, turn and scale the picture a little at random before each step (standard), so that only "
        "patterns that survive it remain; or do not (none).",
        among=("standard", "none"),
    )
    objective: str = choice(
        CHANNEL,
        title="What counts",
        description="The unit everywhere at once (channel), or in the middle of its map only (neuron), where a picture "
        "shows one thing as large as a single position sees.",
        among=(CHANNEL, NEURON),
    )
    cosine_power: float = number(
        0.0,
        title="Direction",
        description="How strictly a weighted sum of units of one layer is followed as a direction: every position "
        "counts by its cosine with it to this power. 0 is the plain sum.",
        least=0,
        most=8,
    )
    diversity: float = number(
        0.0,
        title="Diversity",
        description="How strongly the pictures of several seeds are pushed apart, by the mean cosine of their Gram "
        "matrices. 100 is usual, 0 lets each seed climb alone.",
        least=0,
        most=10_000,
    )
    parameterisation: str = choice(
        "fourier",
        title="Parameterisation",
        description="All of the spectrum is free (fourier), or only the phases are, with the magnitudes of natural "
        "images (maco).",
        among=("fourier", "maco"),
    )
    spectrum: str = artifact(
        title="Spectrum",
        description="The mean magnitudes of a dataset, as the command measure_spectrum has measured them: the SHA-256 "
        "that it says. For maco only; without it they fall as 1 over frequency to the power of smoothness.",
    )
    extent: str = choice(
        "full",
        title="Extent",
        description="The picture size as asked for (full), or no more than what one position of the layer sees and is "
        "moved about in (receptive-field), which is quicker for early layers.",
        among=("full", "receptive-field"),
    )
    schedule: str = choice(
        "even",
        title="Schedule",
        description="Every step at the picture's size (even), or the first half of them at half the size, where a step "
        "costs a quarter, repeated two by two for the other half (coarse-to-fine). A fixed input size is always even.",
        among=("even", "coarse-to-fine"),
    )
    rest: float = number(
        0.0,
        title="Stop at rest",
        description="Stop a picture when its objective has grown by less than this share of itself, comparing the last "
        "32 steps with the 32 before. 0 takes every step.",
        least=0,
        most=0.5,
    )

    @property
    def form(self) -> Form:
        """How maps become a number."""
        return Form(self.objective, self.cosine_power, self.diversity)
