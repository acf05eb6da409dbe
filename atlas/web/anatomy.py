"""The layers of a network as a drawing: from left to right by depth, branches above each other, every box a link."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from django import template

from atlas.dossiers.anatomies import AnatomyFacts, OrganFacts
from atlas.dossiers.coverage import CoverageFacts

register = template.Library()

WIDTH, HEIGHT, ACROSS, DOWN = 112, 38, 30, 12  # of a box, and the room between boxes, in px
MARGIN = 8
LETTERS = 17  # of a name, as far as a box has room
SWEEPS = 4  # over the ranks, to untangle lines
MOST_PASSING = 400  # places that lines keep free on their way; where there are more, lines run behind boxes
INPUT = -1


@dataclass(frozen=True)
class Layout:
    """Where things are: by place of an organ its rank and its height among the others, and the ways of all lines."""

    ranks: Mapping[int, int]
    heights: Mapping[Any, float]
    ways: Sequence[Sequence[Any]]

    @property
    def depth(self) -> int:
        """How many ranks there are."""
        return max(self.ranks.values()) + 1

    @property
    def half(self) -> float:
        """Half of how many boxes stand above each other, at most."""
        return max(abs(height) for height in self.heights.values()) + 0.5


@register.inclusion_tag("parts/anatomy.html")
def anatomy(facts: AnatomyFacts, checkpoint: str, title: str, covered: Sequence[CoverageFacts]) -> dict[str, Any]:
    """The drawing of a checkpoint's layers; nothing where they are not known."""
    if not facts.organs:
        return {}
    layout = _laid_out(facts.organs)
    described = {one.layer: one for one in covered}
    boxes = [_box(place, facts.organs, layout, described) for place in range(len(facts.organs))]
    return {
        "checkpoint": checkpoint,
        "title": title,
        "boxes": boxes,
        "lines": [_line(way, layout) for way in layout.ways],
        "input": _at(INPUT, layout),
        "width": 2 * MARGIN + layout.depth * (WIDTH + ACROSS) - ACROSS,
        "height": round(2 * MARGIN + 2 * layout.half * (HEIGHT + DOWN) - DOWN),
        "box": {"width": WIDTH, "height": HEIGHT},
        "layers": sum(not organ.branch for organ in facts.organs),
        "branches": sum(organ.branch for organ in facts.organs),
    }


def _laid_out(organs: Sequence[OrganFacts]) -> Layout:
    """Ranks by the longest way from the input; in each rank an order in which lines cross little."""
    ranks = {INPUT: 0}
    for place, organ in enumerate(organs):
        ranks[place] = 1 + max(ranks[before] for before in organ.after)
    lines = [(before, place) for place, organ in enumerate(organs) for before in organ.after]
    passing = sum(ranks[place] - ranks[before] - 1 for before, place in lines) <= MOST_PASSING
    ways = [_way(before, place, ranks, passing=passing) for before, place in lines]
    columns: list[list[Any]] = [[] for _ in range(max(ranks.values()) + 1)]
    for place, rank in ranks.items():
        columns[rank].append(place)
    for way in ways:
        for on_its_way in way[1:-1]:
            columns[on_its_way[2]].append(on_its_way)
    return Layout(ranks, _untangled(columns, ways), ways)


def _way(before: int, place: int, ranks: Mapping[int, int], *, passing: bool) -> list[Any]:
    """From one box to another, by the places it keeps free in every rank between."""
    between = range(ranks[before] + 1, ranks[place]) if passing else ()
    return [before, *((before, place, rank) for rank in between), place]


def _untangled(columns: list[list[Any]], ways: Sequence[Sequence[Any]]) -> dict[Any, float]:
    """The height of everything, 0 in the middle: each rank in the order of its neighbours' mean heights, both ways."""
    before: dict[Any, list[Any]] = {}
    after: dict[Any, list[Any]] = {}
    for way in ways:
        for one, other in pairwise(way):
            before.setdefault(other, []).append(one)
            after.setdefault(one, []).append(other)
    heights: dict[Any, float] = {}
    for column in columns:
        heights |= _centred(column)
    for sweep in range(SWEEPS):
        beside = before if sweep % 2 == 0 else after
        for column in columns if sweep % 2 == 0 else reversed(columns):
            column.sort(key=lambda one: _mean(beside.get(one, ()), heights, otherwise=heights[one]))
            heights |= _centred(column)
    return heights


def _centred(column: Sequence[Any]) -> dict[Any, float]:
    return {one: place - (len(column) - 1) / 2 for place, one in enumerate(column)}


def _mean(beside: Sequence[Any], heights: Mapping[Any, float], *, otherwise: float) -> float:
    return sum(heights[one] for one in beside) / len(beside) if beside else otherwise


def _at(one: Any, layout: Layout) -> dict[str, int]:
    """The upper left corner of a box, or of the place that a line keeps free."""
    rank = one[2] if isinstance(one, tuple) else layout.ranks[one]
    down = layout.heights[one] + layout.half - 0.5
    return {"x": MARGIN + rank * (WIDTH + ACROSS), "y": round(MARGIN + down * (HEIGHT + DOWN))}


def _box(
    place: int, organs: Sequence[OrganFacts], layout: Layout, covered: Mapping[str, CoverageFacts]
) -> dict[str, Any]:
    organ = organs[place]
    told = covered.get(organ.layer)
    described = told.described if told and not organ.branch else 0
    return {
        **_at(place, layout),
        "organ": organ,
        "label": _label(organ, organs),
        "described": described,
        "bar": round((WIDTH - 12) * described / organ.channels, 1),
    }


def _label(organ: OrganFacts, organs: Sequence[OrganFacts]) -> str:
    """A name as far as there is room: without the concatenation it belongs to, else its end."""
    homes = [other.name for other in organs if other.kind == "concat" and other.name != organ.name]
    within = max((home for home in homes if organ.name.startswith((f"{home}_", f"{home}."))), key=len, default="")
    short = organ.name[len(within) + 1 :] if within else organ.name
    return short if len(short) <= LETTERS else f"…{short[1 - LETTERS :]}"


def _line(way: Sequence[Any], layout: Layout) -> str:
    """From the right side of one box to the left side of another, straight past the boxes between."""
    return f"M{' '.join(_strokes(way, layout))}"


def _strokes(way: Sequence[Any], layout: Layout) -> Iterator[str]:
    places = [_at(one, layout) for one in way]
    middle = HEIGHT // 2
    yield f"{places[0]['x'] + WIDTH},{places[0]['y'] + middle}"
    for one, other in pairwise(places):
        bend = (one["x"] + WIDTH + other["x"]) // 2
        yield f"C{bend},{one['y'] + middle} {bend},{other['y'] + middle} {other['x']},{other['y'] + middle}"
        if other is not places[-1]:
            yield f"H{other['x'] + WIDTH}"
