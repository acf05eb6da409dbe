"""Pictures as a spectrum and decorrelated colours: the coordinates in which ascent finds pictures people can read.

After Lucid's `optvis/param/{spatial,color}.py` (Olah, Mordvintsev and Schubert, *Feature Visualization*, 2017), and
with the magnitudes held (Fel et al., *MAgnitude Constrained Optimization*, 2023).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

SPREAD = 0.01  # standard deviation of the spectrum at the start, real and imaginary
QUARTER = 4.0  # Lucid divides the decoded picture by this "magic constant"
# Square root of the covariance of ImageNet's colours (Lucid), rows red, green, blue; divided by its largest column.
COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))


class Parameterisation(Protocol):
    """How pictures of `size` pixels are written in numbers that can be climbed."""

    @property
    def size(self) -> int:
        """Width and height of a picture in pixels."""

    def start(self, generators: Sequence[np.random.Generator]) -> Tensor:  # -> [N, ...]
        """Where the climb begins, each sample drawn by its own generator."""

    def decode(self, numbers: Tensor) -> Tensor:  # [N, ...] -> [N, 3, size, size] in (0, 1)
        """The pictures, as RGB."""


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

    @property
    def coarse(self) -> "Spectrum":
        """The same pictures at half the size."""
        return Spectrum(self.size // 2, self.decay, self.decorrelate, device=self.device, dtype=self.dtype)

    def tiled(self, spectra: Tensor) -> Tensor:  # [N, 3, size // 2, size // 4 + 1, 2] -> [N, 3, size, size // 2 + 1, 2]
        """Spectra of pictures that repeat those of half the size two by two: their waves are every other of ours."""
        half = self.coarse
        waves = 4 * spectra * half._scale  # an inverse transform of four times the pixels divides by four times as much
        found = spectra.new_zeros(len(spectra), *self.shape)
        found[:, :, ::2, ::2] = waves / self._scale[::2, ::2]
        return found

    def decode(self, spectra: Tensor) -> Tensor:  # [N, 3, size, size // 2 + 1, 2] -> [N, 3, size, size] in (0, 1)
        """The pictures, as RGB."""
        waves = torch.view_as_complex((spectra * self._scale).contiguous())
        flat = torch.fft.irfft2(waves, s=(self.size, self.size))
        if self.decorrelate:
            flat = torch.einsum("rc,nchw->nrhw", self._colours, flat)
        pictures: Tensor = flat.sigmoid()
        return pictures


@dataclass(frozen=True)
class Phases:
    """Square pictures of `size` pixels by the phases of their waves alone, [N, 3, size, size // 2 + 1] in radians.

    The magnitudes are held at `magnitudes` [3, size, size // 2 + 1], in decorrelated colours: those of natural images,
    so that nothing is won by noise of high frequency. Phases and picture are brought to mean 0 and deviation 1 at each
    step, as in the authors' code (Xplique's `maco`).
    """

    size: int
    magnitudes: Tensor = field(repr=False, compare=False)
    device: torch.device | str = "cpu"
    dtype: torch.dtype = torch.float32
    _held: Tensor = field(init=False, repr=False, compare=False)
    _colours: Tensor = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_held", self.magnitudes.to(device=self.device, dtype=self.dtype))
        object.__setattr__(self, "_colours", colours().to(device=self.device, dtype=self.dtype))

    def start(self, generators: Sequence[np.random.Generator]) -> Tensor:  # -> [N, 3, size, size // 2 + 1]
        """Phases ~ N(0, 1), each drawn by its own generator."""
        shape = (3, self.size, self.size // 2 + 1)
        drawn = np.stack([generator.normal(size=shape) for generator in generators])
        return torch.from_numpy(drawn).to(device=self.device, dtype=self.dtype)

    def decode(self, phases: Tensor) -> Tensor:  # [N, 3, size, size // 2 + 1] -> [N, 3, size, size] in (0, 1)
        """The pictures, as RGB."""
        waves = torch.polar(self._held.expand_as(phases), _standard(phases))
        flat = torch.fft.irfft2(waves, s=(self.size, self.size))
        mixed = torch.einsum("rc,nchw->nrhw", self._colours, _standard(flat))
        pictures: Tensor = mixed.sigmoid()
        return pictures


def _standard(values: Tensor) -> Tensor:  # [N, ...], each sample to mean 0 and deviation 1
    within = tuple(range(1, values.ndim))
    centred = values - values.mean(within, keepdim=True)
    return centred / (centred.square().mean(within, keepdim=True).sqrt() + 1e-5)


def natural(size: int, *, decay: float = 1.0) -> Tensor:  # -> [3, size, size // 2 + 1]
    """The magnitudes 1/f^decay that natural images have on average (Field 1987), without a mean."""
    magnitudes = torch.from_numpy(amplitudes(size, decay=decay)).expand(3, -1, -1).clone()
    magnitudes[:, 0, 0] = 0
    return magnitudes


def resampled(magnitudes: Tensor, size: int) -> Tensor:  # [3, S, S // 2 + 1] -> [3, size, size // 2 + 1]
    """The same spectrum for pictures of another size: bilinear between frequencies in cycles per pixel."""
    side = magnitudes.shape[1]
    rolled = torch.fft.fftshift(magnitudes.double(), dim=1)  # from the lowest to the highest frequency
    rolled = torch.cat([rolled, rolled[:, :1]], dim=1) if side % 2 == 0 else rolled  # −½ and ½ are the same wave
    down = _places(torch.fft.fftfreq(size, dtype=torch.float64), start=-(side // 2) / side, step=1 / side)
    across = _places(torch.fft.rfftfreq(size, dtype=torch.float64), start=0.0, step=1 / side)
    rows = _between(rolled, down, axis=1)
    return _between(rows, across, axis=2)


def _places(frequencies: Tensor, *, start: float, step: float) -> Tensor:
    return (frequencies - start) / step


def _between(values: Tensor, places: Tensor, *, axis: int) -> Tensor:
    """Linear interpolation along an axis; past its ends the last value holds."""
    kept = places.clamp(0, values.shape[axis] - 1)
    below = kept.floor().long().clamp(max=max(values.shape[axis] - 2, 0))
    shape = [1, 1, 1]
    shape[axis] = -1
    share = (kept - below).view(shape)
    above = (below + 1).clamp(max=values.shape[axis] - 1)
    return values.index_select(axis, below) * (1 - share) + values.index_select(axis, above) * share


def magnitudes_of(pictures: Tensor) -> Tensor:  # [N, 3, S, S] in [0, 1] -> [3, S, S // 2 + 1]
    """The mean magnitude of each wave over pictures, in decorrelated colours and without the mean."""
    centred = pictures.double() - pictures.double().mean((2, 3), keepdim=True)
    flat = torch.einsum("cr,nrhw->nchw", torch.linalg.inv(colours()), centred)
    found: Tensor = torch.fft.rfft2(flat).abs().mean(0)
    return found


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
