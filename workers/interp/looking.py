"""One look at every value of a feature map as it goes by, in machine code.

numba compiles these loops for the processor at hand when they are first called, which takes it some seconds. Channels
lie side by side in memory and nothing is carried from one to the next, so that an instruction does sixteen of them;
each is summed in the order of its positions, so that every processor finds the same digits.

Indices are cast to what has no sign: numba asks of all others whether they count from the end, one value at a time.
"""

from typing import Any

import numba
import numpy as np

Array = np.ndarray[Any, Any]
BINS = 64
TABLE = BINS + 2  # with what is below them and what is above
TOGETHER = 256  # channels, whose bins stay in a processor's cache
FEW = 4  # positions whose sums stay in its registers
AHEAD = 128  # positions that are fetched together, and summed in the network's precision before they are in 64 bits
LINE = 16  # values that come from memory together

compiled = numba.njit(nogil=True, error_model="numpy")
within = numba.njit(nogil=True, error_model="numpy", forceinline=True)  # where `few` is a constant, and loops unroll


@compiled
def look(
    rows: Array,  # [N, P, C]
    ruler: Array,  # [4, C]
    powers: Array,  # [4, C] float64
    active: Array,  # [C] int64
    bins: Array,  # [C, 66] int64
    highest: Array,  # [N, C]
    places: Array,  # [N, C] int32
    count: bool,
    rectify: bool,
) -> None:
    """Write down each item's maxima and where they are; `count` all values, by a Tally's ruler and in its sums.

    What is no number is above all as a maximum, spoils its own channel's powers, and falls in the first bin. With
    `rectify` a ReLU of it all is left in its place.
    """
    items, positions, units = rows.shape
    most, where = np.empty(TOGETHER, rows.dtype), np.empty(TOGETHER, np.int32)
    one, two, three, four = [np.zeros(TOGETHER, rows.dtype) for _ in range(4)]
    above, begins, codes = [np.zeros(many, np.int32) for many in (TOGETHER, TOGETHER, FEW * TOGETHER)]
    fetched, sums = np.empty(1, rows.dtype), (one, two, three, four, above)
    begins[:] = TABLE * np.arange(TOGETHER)
    for start in range(0, units, TOGETHER):
        stop = min(start + TOGETHER, units)
        rule, counts = ruler[:, start:stop].copy(), bins[start:stop].reshape(-1)
        for item in range(items):
            most[:] = -np.inf
            where[:] = 0
            for begin in range(0, positions, AHEAD):
                end = min(begin + AHEAD, positions)
                fetched[0] = _fetch(rows, item, begin, end, start, stop)
                whole = end - (end - begin) % FEW
                for at in range(begin, whole, FEW):
                    _raise(rows, item, at, FEW, start, stop, most, where)
                    if count:
                        _sum(rows, item, at, FEW, start, rule, sums)
                        _count(rows, item, at, FEW, start, rule, begins, codes, counts)
                    if rectify:
                        _rectify(rows, item, at, FEW, start, stop)
                for at in range(whole, end):
                    _raise(rows, item, at, 1, start, stop, most, where)
                    if count:
                        _sum(rows, item, at, 1, start, rule, sums)
                        _count(rows, item, at, 1, start, rule, begins, codes, counts)
                    if rectify:
                        _rectify(rows, item, at, 1, start, stop)
                _move(sums, powers, active, start, stop)
            _write(most, where, item, start, stop, highest, places)


@compiled
def _fetch(rows: Array, item: int, begin: int, end: int, start: int, stop: int) -> Any:
    """Bring a part of a map near: processors foresee what is read in one order, not what loops read of several rows.

    Who calls keeps the sum, so that no compiler finds the reading idle.
    """
    told = rows[item, begin, start]
    for position in range(np.uint64(begin), np.uint64(end)):
        for unit in range(np.uint64(start), np.uint64(stop), np.uint64(LINE)):
            told += rows[item, position, unit]
    return told


@within
def _raise(rows: Array, item: int, at: int, few: int, start: int, stop: int, most: Array, where: Array) -> None:
    """Maxima, as far as these positions."""
    for unit in range(np.uint64(stop - start)):
        here = np.uint64(start) + unit
        highest, place = most[unit], where[unit]
        for further in range(few):
            value = rows[item, np.uint64(at + further), here]
            higher = (value > highest) | (value != value)
            place = np.int32(at + further) if higher else place
            highest = value if higher else highest
        most[unit], where[unit] = highest, place


@within
def _sum(rows: Array, item: int, at: int, few: int, start: int, rule: Array, sums: tuple[Array, ...]) -> None:
    """Powers of deviations, and which values are above 0."""
    ones, twos, threes, fours, aboves = sums
    for unit in range(np.uint64(rule.shape[1])):
        here = np.uint64(start) + unit
        one, two, three, four, above = ones[unit], twos[unit], threes[unit], fours[unit], aboves[unit]
        for further in range(few):
            value = rows[item, np.uint64(at + further), here]
            deviation = value - rule[0, unit]
            square = deviation * deviation
            one += deviation
            two += square
            three += deviation * square
            four += square * square
            above += np.int32(value > 0)
        ones[unit], twos[unit], threes[unit], fours[unit], aboves[unit] = one, two, three, four, above


@within
def _count(
    rows: Array, item: int, at: int, few: int, start: int, rule: Array, begins: Array, codes: Array, counts: Array
) -> None:
    """Bins. A product keeps its sign, so that 0 is an edge to the last digit.

    What comes of the arithmetic is held between the first bin and the last one even where it is no number: an index is
    not looked at again before something is written there.
    """
    units = np.uint64(rule.shape[1])
    for unit in range(units):
        here = np.uint64(start) + unit
        for further in range(few):
            code = (rows[item, np.uint64(at + further), here] - rule[1, unit]) * rule[2, unit]
            code = np.ceil(code) - rule[3, unit]
            code = code if code > 0 else np.float32(0)
            code = code if code < TABLE - 1 else np.float32(TABLE - 1)
            codes[np.uint64(further * TOGETHER) + unit] = np.int32(code) + begins[unit]
    for further in range(few):
        for unit in range(units):
            counts[np.uint32(codes[np.uint64(further * TOGETHER) + unit])] += 1


@within
def _rectify(rows: Array, item: int, at: int, few: int, start: int, stop: int) -> None:
    for unit in range(np.uint64(stop - start)):
        here = np.uint64(start) + unit
        for further in range(few):
            value = rows[item, np.uint64(at + further), here]
            rows[item, np.uint64(at + further), here] = rows.dtype.type(0) if value < 0 else value


@compiled
def _move(sums: tuple[Array, ...], powers: Array, active: Array, start: int, stop: int) -> None:
    """Add up in 64 bits, and begin again."""
    one, two, three, four, above = sums
    for unit in range(stop - start):
        powers[0, start + unit] += one[unit]
        powers[1, start + unit] += two[unit]
        powers[2, start + unit] += three[unit]
        powers[3, start + unit] += four[unit]
        active[start + unit] += above[unit]
        one[unit] = two[unit] = three[unit] = four[unit] = above[unit] = 0


@compiled
def _write(most: Array, where: Array, item: int, start: int, stop: int, highest: Array, places: Array) -> None:
    for unit in range(stop - start):
        highest[item, start + unit], places[item, start + unit] = most[unit], where[unit]
