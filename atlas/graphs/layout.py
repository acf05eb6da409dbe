"""Where the nodes of a layered graph stand: a column for each depth, few crossings, lanes for edges that pass a column.

The steps of Sugiyama, Tagawa and Toda (1981): lanes in every column that an edge passes, an order within each column
by the mean place of the neighbours (swept to and fro, the best order kept), and then for each node the place nearest to
its neighbours' that leaves the order and the gaps as they are. Nothing is random: equal graphs are laid out equally.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

Point = tuple[float, float]
Wish = tuple[float, float]  # a height, and how much it counts
Order = list[list[int]]  # by column, from top to bottom: nodes, and lanes under numbers of their own
SWEEPS = 24  # of ordering; after the first few hardly anything moves
SETTLING = 12  # sweeps of placing
STRAIGHT = 8.0  # how much more a lane wants to lie straight than a node wants to lie amid its neighbours


@dataclass(frozen=True, slots=True)
class Spacing:
    """What a node takes around its place, and what is left free; in the units of the drawing."""

    width: float
    above: float
    below: float
    across: float  # between two columns
    down: float  # between two nodes of a column
    lane: float = 14.0  # what an edge takes of a column that it passes

    @property
    def pitch(self) -> float:
        """From one column to the next."""
        return self.width + self.across


@dataclass(frozen=True, slots=True)
class Layout:
    """The place of each node, and of each edge the places that it passes between its ends."""

    places: tuple[Point, ...]
    ways: tuple[tuple[Point, ...], ...]


def layered(
    columns: Sequence[int], edges: Sequence[tuple[int, int]], *, spacing: Spacing, groups: Sequence[str] = ()
) -> Layout:
    """Lay out nodes, each in its column (0 at the left), and edges between two nodes by their numbers.

    Those of one column and one group stand together. An edge that leads to no later column passes nothing.
    """
    net = _Net(columns, edges, groups)
    order = _ordered(net)
    heights = _settled(net, order, spacing)
    at = [(column * spacing.pitch, height) for column, height in zip(net.column, heights, strict=True)]
    return Layout(tuple(at[: len(columns)]), tuple(tuple(at[it] for it in chain[1:-1]) for chain in net.chains))


def crossings(columns: Sequence[int], edges: Sequence[tuple[int, int]], *, ordered: bool = True) -> int:
    """How many pairs of edges cross, long ones along their lanes: as they are laid out, or in the order given."""
    net = _Net(columns, edges, ())
    return _crossings(net, _ordered(net) if ordered else net.first())


def overlapping(one: Point, other: Point, spacing: Spacing) -> bool:
    """Whether two nodes at these places would cover each other."""
    beside = abs(one[0] - other[0]) >= spacing.width
    apart = abs(one[1] - other[1]) >= spacing.above + spacing.below
    return not (beside or apart)


def moved(layout: Layout, fixed: Mapping[int, Point], *, spacing: Spacing) -> Layout:
    """The layout with some nodes where somebody put them; others make way downwards."""
    places = list(layout.places)
    taken = [*fixed.values()]
    for node, at in fixed.items():
        places[node] = at
    for node in sorted(set(range(len(places))) - set(fixed), key=lambda it: layout.places[it]):
        x, y = places[node]
        while blocking := [it for it in taken if overlapping((x, y), it, spacing)]:
            y = max(it[1] for it in blocking) + spacing.above + spacing.below + spacing.down
        places[node] = (x, y)
        taken.append((x, y))
    return Layout(tuple(places), layout.ways)


def on_a_grid(typed: Sequence[Point], *, spacing: Spacing, most: float) -> list[Point] | None:
    """Places typed in units of anybody's own, spread so that neighbours leave the usual gaps; None beyond `most`."""
    steps = (spacing.pitch, spacing.above + spacing.below + spacing.down)
    spread = [_spread([at[axis] for at in typed], steps[axis]) for axis in (0, 1)]
    if any(max(line) > most for line in spread):
        return None
    found = list(zip(*spread, strict=True))
    return found if len(set(found)) == len(found) else None


def _spread(line: Sequence[float], step: float) -> list[float]:
    """The numbers from 0 on, the smallest difference between two of them as large as a step."""
    levels = sorted(set(line))
    least = min((after - before for before, after in pairwise(levels)), default=1.0)
    return [(value - levels[0]) / least * step for value in line]


class _Net:
    """Nodes, and a lane for each edge in each column that it passes: then every piece of an edge spans one gap."""

    def __init__(self, columns: Sequence[int], edges: Sequence[tuple[int, int]], groups: Sequence[str]) -> None:
        self.column = list(columns)
        self.nodes = len(columns)
        self.group = dict(enumerate(groups))
        self.chains = [self._chain(source, target) for source, target in edges]
        self.before: dict[int, list[int]] = defaultdict(list)
        self.after: dict[int, list[int]] = defaultdict(list)
        for one, two in (pair for chain in self.chains for pair in pairwise(chain)):
            self.after[one].append(two)
            self.before[two].append(one)

    def _chain(self, source: int, target: int) -> tuple[int, ...]:
        passed = range(self.column[source] + 1, self.column[target])
        if self.column[target] <= self.column[source]:
            return (source,)
        lanes = range(len(self.column), len(self.column) + len(passed))
        self.column.extend(passed)
        return (source, *lanes, target)

    def first(self) -> Order:
        """As they were given."""
        found: Order = [[] for _ in range(max(self.column, default=-1) + 1)]
        for item, column in enumerate(self.column):
            found[column].append(item)
        return found

    def is_lane(self, item: int) -> bool:
        """Whether it is no node."""
        return item >= self.nodes


# --- which stands over which ------------------------------------------------------------------------------------------
def _ordered(net: _Net) -> Order:
    """The order with the fewest crossings that sweeping finds."""
    order = net.first()
    best, fewest = order, _crossings(net, order)
    for sweep in range(SWEEPS):
        order = _swapped(net, _swept(net, order, forwards=sweep % 2 == 0))
        found = _crossings(net, order)
        if found < fewest:
            best, fewest = order, found
        if not fewest:
            break
    return best


def _swept(net: _Net, order: Order, *, forwards: bool) -> Order:
    """Each column, one after the other, in the order of its neighbours' mean place in the column before."""
    order = [list(one) for one in order]
    near = net.before if forwards else net.after
    place = {it: (rank + 0.5) / len(one) for one in order for rank, it in enumerate(one)}
    for column in range(len(order)) if forwards else reversed(range(len(order))):
        line = order[column]
        mean = {it: _mean((place[one] for one in near[it]), otherwise=place[it]) for it in line}
        together = _by_group(net, line, mean)
        line.sort(key=lambda it: (together[it], net.group.get(it, ""), mean[it]))
        place |= {it: (rank + 0.5) / len(line) for rank, it in enumerate(line)}
    return order


def _by_group(net: _Net, line: Sequence[int], mean: Mapping[int, float]) -> dict[int, float]:
    """Where the group of each stands; what has none is one of its own."""
    members: dict[str, list[float]] = defaultdict(list)
    for it in line:
        members[net.group.get(it, "")].append(mean[it])
    return {it: _mean(members[group]) if (group := net.group.get(it, "")) else mean[it] for it in line}


def _swapped(net: _Net, order: Order) -> Order:
    """Neighbours in a column change places where that undoes crossings."""
    place = {it: rank for one in order for rank, it in enumerate(one)}
    for line in order:
        for rank in range(len(line) - 1):
            one, two = line[rank], line[rank + 1]
            if net.group.get(one, "") == net.group.get(two, "") and _gain(net, one, two, place) > 0:
                line[rank], line[rank + 1] = two, one
                place[one], place[two] = rank + 1, rank
    return order


def _gain(net: _Net, one: int, two: int, place: Mapping[int, int]) -> int:
    """How many crossings fewer there are with the lower one above."""
    gain = 0
    for near in (net.before, net.after):
        upper, lower = ([place[it] for it in near[item]] for item in (one, two))
        gain += sum((a > b) - (a < b) for a in upper for b in lower)
    return gain


def _crossings(net: _Net, order: Order) -> int:
    """Pairs of pieces between two columns whose ends lie the other way round."""
    place = {it: rank for one in order for rank, it in enumerate(one)}
    count = 0
    for line in order:
        seen: list[int] = []
        for it in line:
            ends = [place[after] for after in net.after[it]]
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


# --- how high ---------------------------------------------------------------------------------------------------------
def _settled(net: _Net, order: Order, spacing: Spacing) -> list[float]:
    """The height of each node and lane: as near to its neighbours' as its place in its column allows."""
    height = [0.0] * len(net.column)
    for line in order:
        _place(height, line, [(0.0, 1.0)] * len(line), _gaps(net, line, spacing))
    for sweep in range(SETTLING):
        last = sweep >= SETTLING - 2
        for line in order if sweep % 2 == 0 else reversed(order):
            near = [_near(net, it, forwards=sweep % 2 == 0, both=last) for it in line]
            wished = [_wish(net, it, beside, height) for it, beside in zip(line, near, strict=True)]
            _place(height, line, wished, _gaps(net, line, spacing))
    top = min(height, default=0.0)
    return [at - top for at in height]


def _place(height: list[float], line: Sequence[int], wished: Sequence[Wish], gaps: Sequence[float]) -> None:
    for it, at in zip(line, _apart(wished, gaps), strict=True):
        height[it] = at


def _near(net: _Net, item: int, *, forwards: bool, both: bool) -> list[int]:
    first, second = (net.before, net.after) if forwards else (net.after, net.before)
    return [*first[item], *second[item]] if both else first[item] or second[item]


def _wish(net: _Net, item: int, near: Sequence[int], height: Sequence[float]) -> Wish:
    """Where it would stand alone, and how much it wants to."""
    pull = [STRAIGHT if net.is_lane(item) and net.is_lane(it) else 1.0 for it in near]
    if not near:
        return height[item], 0.1
    return sum(height[it] * by for it, by in zip(near, pull, strict=True)) / sum(pull), sum(pull)


def _gaps(net: _Net, line: Sequence[int], spacing: Spacing) -> list[float]:
    """From each to the next below it, at least."""
    half = spacing.lane / 2

    def gap(one: int, two: int) -> float:
        below = half if net.is_lane(one) else spacing.below
        above = half if net.is_lane(two) else spacing.above
        return below + above + (0 if net.is_lane(one) and net.is_lane(two) else spacing.down)

    return [gap(one, two) for one, two in pairwise(line)]


def _apart(wished: Sequence[Wish], gaps: Sequence[float]) -> list[float]:
    """The heights nearest to what is wished, in least squares, that keep the order and the gaps.

    Less the gaps above it, each height may only grow from one to the next: isotonic regression, by pooling neighbours
    that violate it (Ayer et al. 1955).
    """
    offsets = [0.0]
    for gap in gaps:
        offsets.append(offsets[-1] + gap)
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for (wish, weight), offset in zip(wished, offsets, strict=False):
        pool = (wish - offset, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            mean, heavy, count = pools.pop()
            whole = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / whole, whole, count + pool[2])
        pools.append(pool)
    means = (mean for mean, _, count in pools for _ in range(count))
    return [mean + offset for mean, offset in zip(means, offsets, strict=False)]


def _mean(values: Iterable[float], *, otherwise: float = 0.0) -> float:
    every = list(values)
    return sum(every) / len(every) if every else otherwise
