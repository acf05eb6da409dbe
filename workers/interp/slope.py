"""One step's work: pictures decoded, moved, shown, judged, and which way is up."""

from typing import Protocol

import torch
from torch import Tensor

from workers.interp import warp
from workers.interp.images import Parameterisation


class Climbed(Protocol):
    """What is climbed: images [N, 3, canvas, canvas] to values [N], sample by sample."""

    def __call__(self, images: Tensor, *, redirect: bool) -> Tensor:
        """The values; with `redirect` their gradient passes ReLUs that are shut."""


def slope(
    objective: Climbed, pictures: Parameterisation, numbers: Tensor, grid: Tensor, *, redirect: bool
) -> tuple[Tensor, Tensor]:  # [N, ...], [N, canvas, canvas, 2] -> [N], as the numbers
    """The objectives of moved pictures and the gradient of their sum with respect to the numbers they are made of."""
    with torch.enable_grad():
        leaves = numbers.detach().requires_grad_()
        images = warp.sampled(pictures.decode(leaves), grid)
        values = objective(images, redirect=redirect)
        (gradient,) = torch.autograd.grad(values.sum(), leaves)
    return values.detach(), gradient
