"""ReLUs that let a gradient through where none would pass: how a picture finds its way to a unit that is still silent.

After Lucid's `misc/redirected_relu_grad.py`. A unit behind ReLUs that are all shut has no gradient, and a picture that
starts from noise could never climb. While redirecting, a ReLU that would block *everything* of a sample lets through
what pushes its inputs up (what pushes a negative input further down stays blocked).
"""

from typing import Any

import torch
from torch import Tensor

STEPS = 32


class _Redirected(torch.autograd.Function):
    """The value of a ReLU; its gradient, unless that is zero for a whole sample."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # [N, ...] -> [N, ...]
        ctx.save_for_backward(x)
        return x.relu()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,), (gradient,) = ctx.saved_tensors, gradients
        passed = gradient * (x > 0)
        redirected = gradient * ((x > 0) | (gradient > 0))
        blocked = ~passed.flatten(1).any(1)  # [N]
        return torch.where(blocked.view(-1, *[1] * (x.ndim - 1)), redirected, passed)


def relu(x: Tensor) -> Tensor:  # [N, ...] -> [N, ...]
    """max(x, 0), with the redirected gradient of objectives that are climbed."""
    found: Tensor = _Redirected.apply(x)  # type: ignore[no-untyped-call]
    return found
