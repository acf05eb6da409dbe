"""What is counted of maps, by both ways to count, against brute force."""

import numpy as np
import pytest
import torch

from workers.interp import tallies


@pytest.fixture(params=["in one look", "by operations"])
def count(request):
    """Both ways to count [N, C, H, W]: the compiled one of processors, and that of everything else, here as well."""

    def by_operations(counted: tallies.Tally, values: torch.Tensor) -> None:
        counted.add(values.permute(0, 2, 3, 1).flatten(1, 2))

    return by_operations if request.param == "by operations" else tallies.Tally.see


def test_far_from_zero_moments_keep_their_digits(count):
    """Deviations are summed, not values: a mean a thousand deviations away costs nothing."""
    random = np.random.Generator(np.random.Philox(3))
    values = torch.from_numpy(random.gamma(2.0, size=(8, 3, 10, 10)) + 1000)
    counted = tallies.Tally.of(values[:4])
    for part in (values[:4], values[4:]):
        count(counted, part)
    flat = values.permute(1, 0, 2, 3).reshape(3, -1).numpy()
    central = flat - flat.mean(1, keepdims=True)
    expected = np.stack([flat.mean(1), *((central**power).mean(1) for power in (2, 3, 4))], axis=1)
    assert np.allclose(counted.moments(), expected, rtol=1e-9)


@pytest.mark.parametrize("shape", [(16, 24, 5, 7), (3, 600, 2, 2), (1, 1, 11, 13), (5, 64, 1, 1), (2, 256, 12, 12)])
def test_bins_and_powers_are_what_brute_force_counts(count, shape):
    """Of channels that do and do not fill what is counted together, and of positions likewise."""
    random = torch.Generator().manual_seed(1)
    values = torch.randn(shape, generator=random) + torch.randn(1, shape[1], 1, 1, generator=random)
    counted, more = tallies.Tally.of(values), values * 3
    for part in (values, more):
        count(counted, part)
    flat = torch.cat([values, more]).transpose(0, 1).flatten(1).double().numpy()
    central = flat - flat.mean(1, keepdims=True)
    moments = np.stack([flat.mean(1), *((central**power).mean(1) for power in (2, 3, 4))], axis=1)
    assert np.allclose(counted.moments(), moments, rtol=1e-5, atol=1e-5)
    assert np.array_equal(counted.active, (flat > 0).sum(1))
    assert counted.positions == flat.shape[1]
    low, high = counted.low.astype(float)[:, None], counted.high.astype(float)[:, None]
    edges = low + (high - low) * np.linspace(0, 1, 65)
    bins = (flat[:, :, None] > edges[:, None]).sum(2)  # a bin holds its upper edge
    expected = np.stack([np.bincount(row, minlength=66) for row in bins])
    near = (np.abs(flat[:, :, None] - edges[:, None]) < 1e-4 * (edges[:, 1] - edges[:, 0])[:, None, None]).sum()
    assert np.abs(counted.bins - expected).sum() <= 2 * near


def test_both_ways_count_the_same():
    """To the last value in bins and maxima, whose arithmetic is the same; to rounding in powers, whose order is not."""
    random = torch.Generator().manual_seed(4)
    for shape in ((16, 300, 9, 14), (2, 8, 60, 60)):
        values = torch.randn(shape, generator=random).contiguous(memory_format=torch.channels_last)
        looked, added = (tallies.Tally.of(values) for _ in range(2))
        highest, places = looked.see(values)
        added.add(values.permute(0, 2, 3, 1).flatten(1, 2))
        for name in ("bins", "active", "positions"):
            assert np.array_equal(getattr(looked, name), getattr(added, name)), name
        assert np.allclose(looked.powers, added.powers, rtol=1e-4, atol=1e-4 * looked.positions**0.5)
        for one, other in zip((highest, places), tallies.peaks(values), strict=True):
            assert np.array_equal(one, other)


def test_what_is_above_0_is_counted_to_the_last_digit(count):
    """A ReLU lets through what is above 0, however little: 0 is an edge, and a bin holds its upper one."""
    least = float(np.finfo(np.float32).tiny)
    row = torch.tensor([-3.0, -least, 0.0, least, 5.0])
    values = torch.stack([row, row.flip(0) * 1e-3, row + 100])[None, :, None]
    counted = tallies.Tally.of(values)
    count(counted, values)
    assert counted.active.tolist() == [2, 2, 5]
    zero = (-counted.low / (counted.high - counted.low) * 64)[:2]
    assert np.allclose(zero, zero.round(), atol=1e-4)
    assert [row[int(it) + 1 :].sum() for row, it in zip(counted.bins, zero.round(), strict=False)] == [2, 2]
    assert (counted.low <= values.amin((0, 2, 3)).numpy()).all()
    assert (counted.high >= values.amax((0, 2, 3)).numpy()).all()


def test_units_whose_range_does_not_hold_0_may_cross_it_later(count):
    first = torch.tensor([[5.0, 6.0], [-6.0, -5.0], [-1.0, 1.0]])[None, :, None]
    counted = tallies.Tally.of(first)
    assert counted.low[0] > 0 > counted.high[1]
    parts = (first, first * torch.tensor([-1.0, 1.0]), first * 0, first - 5, first + 5)
    for part in parts:
        count(counted, part)
    assert np.array_equal(counted.active, (torch.cat(parts) > 0).sum((0, 2, 3)))
    assert (counted.bins.sum(1) == counted.positions).all()


@pytest.mark.parametrize("sign", [1, -1])
def test_a_range_that_ends_beyond_all_numbers_is_none(count, sign):
    """Its edges would be no numbers, and what lies between them in no bin."""
    values = sign * torch.linspace(3.36e38, 3.4e38, 150).reshape(2, 3, 5, 5)
    counted = tallies.Tally.of(values)
    for part in (values, values / 2, -values):
        count(counted, part)
    assert np.isfinite([counted.low, counted.high]).all()
    assert (counted.bins.sum(1) == counted.positions).all()
    assert (counted.active == 50 * (2 if sign > 0 else 1)).all()


@pytest.mark.parametrize("way", ["in one look", "by pooling"])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_peaks_are_first_in_row_order_and_tell_what_is_no_number(way, layout):
    random = torch.Generator().manual_seed(2)
    values = torch.randint(0, 4, (3, 25, 6, 9), generator=random).float().contiguous(memory_format=layout)
    values[0, 3, 2, 1] = torch.nan
    values[1, 4] = -torch.inf
    highest, place = tallies.peaks(values) if way == "by pooling" else tallies.Tally.of(values).see(values)
    flat = values.flatten(2).numpy()
    assert np.array_equal(highest, flat.max(2), equal_nan=True)
    assert np.array_equal(place, flat.argmax(2))


def test_what_is_no_number_spoils_no_other_unit(count):
    random = torch.Generator().manual_seed(3)
    values = torch.randn(4, 3, 5, 5, generator=random) + torch.tensor([0.0, 9.0, 0.0])[:, None, None]
    sound, spoilt = values.clone(), values.clone()
    spoilt[2, 1, 0, 0] = torch.nan
    both = [tallies.Tally.of(values) for _ in range(2)]
    for counted, shown in zip(both, (sound, spoilt), strict=True):
        count(counted, shown)
    for name in ("bins", "powers", "active"):
        told = [getattr(it, name)[..., [0, 2]] if name == "powers" else getattr(it, name)[[0, 2]] for it in both]
        assert np.array_equal(*told), name
    assert (both[1].bins.sum(1) == 100).all()
    assert np.isnan(both[1].moments()[1]).all()


@pytest.mark.parametrize("rule", [np.nan, np.inf, -np.inf, 3e38, -3e38, 0])
def test_whatever_the_ruler_says_nothing_is_written_outside_the_bins(count, rule):
    values = torch.tensor([np.nan, np.inf, -np.inf, 3e38, -3e38, 0, 1e-45, 1]).repeat(3, 1)[None, :, None]
    for row in range(1, 4):
        counted = tallies.Tally.of(values)
        counted._ruler[row] = rule
        with np.errstate(invalid="ignore", over="ignore"):
            count(counted, values)
        assert (counted.bins >= 0).all()
        assert (counted.bins.sum(1) == 8).all(), row


@pytest.mark.parametrize("lattice", [tallies.EVERY, tallies.Lattice(2, 1, 0)])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_maps_are_rectified_only_where_that_is_wished(layout, lattice):
    random = torch.Generator().manual_seed(5)
    values = torch.randn((3, 20, 9, 11), generator=random).contiguous(memory_format=layout)
    values[0, 0, 0, 0] = torch.nan
    shown, spent = values.clone(), values.clone()
    both = [tallies.Tally.of(values) for _ in range(2)]
    found = [both[0].see(shown, lattice), both[1].see(spent, lattice, rectify=True)]
    assert np.array_equal(shown, values, equal_nan=True)
    assert np.array_equal(spent, values.relu(), equal_nan=True)
    for one, other in zip(*found, strict=True):
        assert np.array_equal(one, other, equal_nan=True)
    assert np.array_equal(both[0].bins, both[1].bins)
