"""One-sided non-negative factors: against what was put together, and against slow multiplicative updates."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.interp import networks, oracles
from workers.interp.factors import factorised, of_family
from workers.interp.lens import Lens
from workers.interp.pathways import Pathways


def random(*shape, seed=0):
    return torch.from_numpy(np.random.Generator(np.random.Philox(seed)).random(shape))


def test_groups_that_were_put_together_are_found():
    """Two groups of sources with maps of their own signs, apart from each other."""
    groups = torch.zeros(2, 8, dtype=torch.float64)
    groups[0, :4], groups[1, 4:] = 1 + random(4), 1 + random(4, seed=1)
    maps = 2 * random(3, 5, 5, 2, seed=2) - 1
    maps[..., 1] *= 0.2
    found = of_family(maps @ groups, rank=2)
    assert found.error < 1e-6
    torch.testing.assert_close(found.groups, groups / groups.norm(dim=1, keepdim=True), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.maps, maps * groups.norm(dim=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rank", [1, 2, 5])
def test_it_is_as_near_as_slow_updates_come(rank):
    values = random(12, 9)
    left, right = factorised(values, rank=rank, steps=300)
    assert (left >= 0).all()
    assert (right >= 0).all()
    truth = oracles.multiplicative(values.numpy(), rank=rank, steps=20_000)
    assert float((values - left @ right).norm()) <= 1.01 * truth


def test_every_step_comes_nearer():
    values = random(12, 9, seed=3)
    errors = [float((values - torch.mm(*factorised(values, rank=3, steps=n))).norm()) for n in range(1, 12)]
    assert all(later <= sooner + 1e-9 for sooner, later in pairwise(errors))


def test_no_chance_is_in_it():
    kernels = 2 * random(2, 3, 3, 6) - 1
    torch.manual_seed(1)
    one = of_family(kernels, rank=3)
    torch.manual_seed(2)
    two = of_family(kernels, rank=3)
    assert torch.equal(one.maps, two.maps)
    assert torch.equal(one.groups, two.groups)


@pytest.mark.parametrize("kernels", [torch.zeros(1, 3, 3, 4), torch.ones(1, 1, 1, 1), -torch.ones(2, 1, 1, 3)])
def test_what_has_less_in_it_than_asked_for_is_no_fault(kernels):
    found = of_family(kernels, rank=3)
    assert torch.isfinite(found.maps).all()
    assert found.error < 1e-6


def test_lines_are_told_from_what_crosses_them():
    """In what a line listens to, its own orientation and its neighbours excite, and all others inhibit."""
    lens = Lens(networks.checkpoint("curve-circuit"))
    kernels = Pathways(lens, target="line", source="gabor").kernel(0).weights
    found = of_family(kernels, rank=2)
    exciting = int(found.maps.sum((0, 1, 2)).argmax())
    assert found.maps[..., exciting].sum() > 0 > found.maps[..., 1 - exciting].sum()
    strongest = set(found.groups[exciting].topk(2).indices.tolist())
    assert strongest == {0, 8}
    assert {k % 8 for k in found.groups[1 - exciting].topk(10).indices.tolist()} == {2, 3, 4, 5, 6}
