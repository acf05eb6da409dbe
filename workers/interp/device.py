"""What a device is good at, found out by trying: nobody can tell from its name."""

import time
from functools import cache
from statistics import median

import torch

SIDE, ROUNDS = 2048, 5  # of the matrices that are multiplied
WORTH = 1.5  # times as fast as 32 bits, or half the precision is not worth it


@cache
def quickest(device: torch.device) -> torch.dtype:
    """bfloat16 where the device multiplies it at least WORTH times as fast as float32, else float32.

    On a CPU without instructions for it, bfloat16 is some seventy times *slower*; a GPU of before 2020 is no better.
    """
    plain = _seconds(torch.float32, device)
    try:
        half = _seconds(torch.bfloat16, device, give_up=plain)
    except RuntimeError:  # there is no kernel for it at all
        return torch.float32
    return chosen(plain, half)


def chosen(plain: float, half: float) -> torch.dtype:
    """The precision, by the seconds that one product takes in 32 and in 16 bits."""
    return torch.bfloat16 if half * WORTH <= plain else torch.float32


def _seconds(dtype: torch.dtype, device: torch.device, *, give_up: float = float("inf")) -> float:
    """The median time of a product of two square matrices; the first one if that takes longer than `give_up`."""
    side = SIDE if device.type == "cuda" else SIDE // 8
    matrix = torch.ones(side, side, dtype=dtype, device=device)
    _timed(matrix)  # kernels are chosen at the first call
    first = _timed(matrix)
    return first if first > give_up else median(_timed(matrix) for _ in range(ROUNDS))


def _timed(matrix: torch.Tensor) -> float:
    _finish(matrix.device)
    started = time.perf_counter()
    matrix @ matrix
    _finish(matrix.device)
    return time.perf_counter() - started


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
