"""Pictures as a spectrum and decorrelated colours: the coordinates in which ascent finds pictures people can read.

After Lucid's `optvis/param/{spatial,color}.py` (Olah, Mordvintsev and Schubert, *Feature Visualization*, 2017).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

SPREAD = 0.01  # standard deviation of the spectrum at the start, real and imaginary
QUARTER = 4.0  # Lucid divides the decoded picture by this "magic constant"
# Square root of the covariance of ImageNet's colours (Lucid), rows red, green, blue; divided by its largest column.
COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


@dataclass(frozen=True)
class Spectrum:
    """The parameterisation of square pictures of `size` pixels by their spectra, [N, 3, size, size // 2 + 1, 2].

    Amplitudes are scaled by size / max(f, 1/size)^decay, f in cycles per pixel, so that equal steps in every
    frequency make pictures with a natural 1/f^decay spectrum. `decorrelate` mixes the channels into RGB by the
    colour statistics of natural images; a sigmoid then keeps every pixel within (0, 1).
    """

    size: int
    decay: float = 1.0
    decorrelate: bool = True
    device: torch.device | str = "cpu"
    dtype: torch.dtype = torch.float32
    _scale: Tensor = field(init=False, repr=False, compare=False)
    _colours: Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        scale = torch.from_numpy(amplitudes(self.size, decay=self.decay) / QUARTER)
        object.__setattr__(self, "_scale", scale.to(device=self.device, dtype=self.dtype)[..., None])
        object.__setattr__(self, "_colours", colours().to(device=self.device, dtype=self.dtype))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """The shape of one picture's spectrum."""
        return 3, self.size, self.size // 2 + 1, 2

    def start(self, generators: Sequence[np.random.Generator]) -> Tensor:  # -> [N, 3, size, size // 2 + 1, 2]
        """Spectra ~ N(0, 0.01²), each drawn by its own generator."""
        drawn = np.stack([generator.normal(scale=SPREAD, size=self.shape) for generator in generators])
        return torch.from_numpy(drawn).to(device=self.device, dtype=self.dtype)

    def decode(self, spectra: Tensor) -> Tensor:  # [N, 3, size, size // 2 + 1, 2] -> [N, 3, size, size] in (0, 1)
        """The pictures, as RGB."""
        waves = torch.view_as_complex((spectra * self._scale).contiguous())
        flat = torch.fft.irfft2(waves, s=(self.size, self.size))
        if self.decorrelate:
            flat = torch.einsum("rc,nchw->nrhw", self._colours, flat)
        pictures: Tensor = flat.sigmoid()
        return pictures


def amplitudes(size: int, *, decay: float) -> np.ndarray:  # -> [size, size // 2 + 1]
    """How much each spatial frequency is worth: size / max(f, 1/size)^decay."""
    across, down = np.fft.rfftfreq(size), np.fft.fftfreq(size)
    frequency = np.hypot(down[:, None], across[None, :])
    amplitude: np.ndarray = size / np.maximum(frequency, 1.0 / size) ** decay
    return amplitude


def colours() -> Tensor:  # -> [3 (RGB), 3]
    """From decorrelated channels to RGB; no column is longer than 1."""
    matrix = torch.tensor(COLOURS, dtype=torch.float64)
    longest: Tensor = matrix.norm(dim=0).max()
    return matrix / longest


def quantised(pictures: Tensor) -> Tensor:  # [N, 3, H, W] in [0, 1] -> [N, 3, H, W] uint8
    """The pictures as they are stored: 8 bits a channel, rounded to the nearest."""
    return (pictures.detach().clamp(0, 1) * 255).round().to(torch.uint8)
