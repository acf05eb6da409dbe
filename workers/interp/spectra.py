"""The mean spectrum of a dataset as a file: what pictures with natural magnitudes are made from."""

from collections.abc import Iterable
from pathlib import Path

import torch
from torch import Tensor

from workers.interp import images, weights
from workers.interp.errors import InterpError, UnreadableMaterial

NAME = "magnitudes"
SMALLEST, LARGEST = 8, 1024  # pixels a side


def measure(pictures: Iterable[Tensor]) -> Tensor:  # of [3, S, S] in [0, 1] -> [3, S, S // 2 + 1]
    """The mean magnitude of every wave over pictures of one size, in decorrelated colours; one picture at a time."""
    total, count = torch.zeros(()), 0
    for picture in pictures:
        total, count = total + images.magnitudes_of(picture[None]), count + 1
    return total / max(count, 1)


def write(path: Path, magnitudes: Tensor) -> None:
    """The file that `read` understands; equal spectra make equal files."""
    weights.save(path, {NAME: magnitudes.float()})


def read(path: Path) -> Tensor:  # -> [3, S, S // 2 + 1]
    """The magnitudes in a file; raises UnreadableMaterial."""
    try:
        held = weights.inspect(path).tensors
        if set(held) == {NAME} and _fits(held[NAME].shape):
            magnitudes = weights.load(path)[NAME]
            if bool((magnitudes >= 0).all()) and bool((magnitudes > 0).any()):
                return magnitudes
        reason = f"it does not hold one tensor {NAME!r} of shape [3, S, S // 2 + 1] with nothing negative in it"
    except InterpError as error:
        reason = str(error)
    raise UnreadableMaterial(sha256=path.name, wanted="a spectrum", reason=reason)


def _fits(shape: tuple[int, ...]) -> bool:
    return len(shape) == 3 and SMALLEST <= shape[1] <= LARGEST and shape == (3, shape[1], shape[1] // 2 + 1)
