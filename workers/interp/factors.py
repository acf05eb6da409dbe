"""A family's weights in a few parts: non-negative factors of signed weights, to be looked at, not computed with."""

from dataclasses import dataclass

import torch
from torch import Tensor

STEPS = 300
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Factors:
    """Signed maps of a few groups of sources: `maps @ groups` is near the weights, and `error` the relative distance.

    The strongest group comes first; each has the norm 1 and no negative member.
    """

    maps: Tensor  # [F, h, w, r], signed
    groups: Tensor  # [r, S], non-negative
    error: float


def of_family(kernels: Tensor, *, rank: int, steps: int = STEPS) -> Factors:  # [F, h, w, S]
    """Which sources go together in what a family of units listens to, and where each group excites and inhibits.

    One-sided non-negative factorisation (Voss et al., Visualizing Weights, 2021): positive and negative parts lie one
    below the other, so that space stays signed and sources do not: V = [K⁺; K⁻] ≈ A·B, maps A⁺ − A⁻, groups B. By
    hierarchical alternating least squares (Cichocki & Phan 2009) from the non-negative double singular value
    decomposition (Boutsidis & Gallopoulos 2008): no chance is in it. For one unit and three groups the maps are the
    red, green and blue of a picture.
    """
    signed = kernels.double().reshape(-1, kernels.shape[-1])
    stacked = torch.cat([signed.clamp(min=0), (-signed).clamp(min=0)])  # [2n, S]
    parts, groups = factorised(stacked, rank=min(rank, *stacked.shape), steps=steps)
    maps = parts[: len(signed)] - parts[len(signed) :]
    whole = float(torch.linalg.vector_norm(signed))
    error = float(torch.linalg.vector_norm(signed - maps @ groups)) / whole if whole else 0.0
    return Factors(maps.reshape(*kernels.shape[:-1], -1), groups, error)


def factorised(values: Tensor, *, rank: int, steps: int) -> tuple[Tensor, Tensor]:  # [n, m] -> [n, r], [r, m]
    """A and B ≥ 0 with A·B near the values; rows of B have the norm 1 and fall off in weight."""
    left, right = _start(values, rank)
    for _ in range(steps):
        _improve(left, values @ right.T, right @ right.T)
        _improve(right.T, values.T @ left, left.T @ left)
    norms = torch.linalg.vector_norm(right, dim=1)
    left, right = left * norms, right / norms.clamp(min=TINY)[:, None]
    order = torch.sort(torch.linalg.vector_norm(left, dim=0), descending=True, stable=True).indices
    return left[:, order], right[order]


def _improve(side: Tensor, wanted: Tensor, gram: Tensor) -> None:  # [n, r], [n, r], [r, r]
    """One sweep: each column at its best while the others stay, in place."""
    for k in range(side.shape[1]):
        if gram[k, k] > TINY:
            side[:, k] = (side[:, k] + (wanted[:, k] - side @ gram[:, k]) / gram[k, k]).clamp(min=0)


def _start(values: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """Of each singular pair the signs that carry more."""
    u, s, vh = torch.linalg.svd(values, full_matrices=False)
    left, right = values.new_zeros(len(values), rank), values.new_zeros(rank, values.shape[1])
    for k in range(rank):
        halves = [(u[:, k].clamp(min=0), vh[k].clamp(min=0)), ((-u[:, k]).clamp(min=0), (-vh[k]).clamp(min=0))]
        weights = [float(torch.linalg.vector_norm(a) * torch.linalg.vector_norm(b)) for a, b in halves]
        a, b = halves[0] if weights[0] >= weights[1] else halves[1]
        left[:, k] = torch.sqrt(s[k]) * a
        right[k] = torch.sqrt(s[k]) * b
    # What starts at zero would stay there: a little of the mean everywhere.
    little = values.mean() / 100
    return left.clamp(min=float(little)), right.clamp(min=float(little))
