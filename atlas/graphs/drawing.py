"""A circuit as it is drawn, on a page and in a paper alike: every box, line and word of it with its place."""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from atlas.graphs.facts import Edge, Figure, Measure, Neuron
from atlas.graphs.layout import Layout, Point, Spacing, layered, moved, on_a_grid
from atlas.graphs.routes import Route, number, route

MOST_NODES, MOST_EDGES = 120, 400  # beyond, a picture of it would show nothing
FARTHEST = 20_000  # px; a figure any larger is laid out anew
MARGIN, HEAD = 14.0, 26.0  # px around it, and for the names of its layers
LINE, LETTER = 13.0, 6.1  # px: of a line of caption, and of a letter on average
TIP = 7.0  # px: the end of an edge
MARK = 8.0  # px: half of a sign's disc
THIN, THICK = 1.4, 6.5  # px: an edge that carries nothing, and one that carries all
TIPS = {  # what an edge ends in, from its last point on
    "positive": ((0, -4.5), (7, 0), (0, 4.5)),
    "negative": ((3, -6), (6.5, -6), (6.5, 6), (3, 6)),
    "mixed": ((-1, 0), (3, -4.5), (7, 0), (3, 4.5)),
    "unsigned": ((0, -4), (7, 0), (0, 4), (2, 0)),
}
SIGNS = {"+": ("+", "positive"), "-": ("−", "negative"), "mixed": ("±", "mixed")}
VERBS = {"+": ("excited by", "excites"), "-": ("inhibited by", "inhibits"), "mixed": ("driven both ways by", "drives")}
PARTS = (0.55, 0.66, 0.44, 0.76, 0.34, 0.84, 0.25, 0.16)  # of an edge's length, where its sign and its kernel may stand


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, by its middle."""

    x: float
    y: float
    width: float
    height: float

    def covers(self, other: "Box") -> float:
        """The area in common."""
        across = (self.width + other.width) / 2 - abs(self.x - other.x)
        down = (self.height + other.height) / 2 - abs(self.y - other.y)
        if across <= 0 or down <= 0:
            return 0.0
        return min(across, self.width, other.width) * min(down, self.height, other.height)


@dataclass(frozen=True, slots=True)
class Spot:
    """A neuron: the middle of its picture, and the lines beneath it."""

    index: int  # among the figure's neurons, by which edges name it
    neuron: Neuron
    x: float
    y: float
    caption: tuple[str, ...]
    says: str

    @property
    def unit(self) -> str:
        """The neuron's name."""
        return self.neuron.node.unit


@dataclass(frozen=True, slots=True)
class Tie:
    """An edge: where it leaves one picture and meets the other, its course, and where its sign stands."""

    edge: Edge
    measure: Measure | None
    source: int
    target: int
    leaves: float  # px below the middle of the source
    meets: float
    way: tuple[Point, ...]
    route: Route
    width: float
    sign: str  # as the edge says; "" where nothing says
    at: float  # part of its length
    mark: Point
    room: bool  # for the kernel, where it covers nothing

    @property
    def shown(self) -> str:
        """The sign as it is read."""
        return SIGNS.get(self.sign, ("", ""))[0]

    @property
    def polarity(self) -> str:
        """The sign as a class of things that look alike."""
        return SIGNS.get(self.sign, ("", "unsigned"))[1]

    @property
    def tip(self) -> Point:
        """Where its line ends, and what says its sign at its end begins."""
        return self.route.curves[-1][-1]


@dataclass(frozen=True, slots=True)
class Drawing:
    """All of it, in px of a screen; y grows downwards."""

    figure: Figure
    width: float
    height: float
    side: float  # of a neuron's picture
    kernel: float  # side of a kernel
    spots: tuple[Spot, ...]  # by depth, then from top to bottom
    ties: tuple[Tie, ...]
    heads: tuple[tuple[str, float], ...]  # layers, and the middle of their columns

    @property
    def signs(self) -> tuple[tuple[str, str, str], ...]:
        """For each look of an edge: its name, its sign, and the `d` of the path it ends in."""
        shown = {name: sign for sign, name in SIGNS.values()}
        return tuple((name, shown.get(name, ""), path_of(tip)) for name, tip in TIPS.items())

    @property
    def half(self) -> float:
        """Of a picture's side."""
        return self.side / 2

    @property
    def kernel_half(self) -> float:
        """Of a kernel's side."""
        return self.kernel / 2

    @property
    def under(self) -> float:
        """From the middle of a picture to the first line beneath it."""
        return self.half + LINE

    @property
    def places(self) -> str:
        """Where everything is, as it would be saved."""
        return json.dumps({it.unit: [round(it.x), round(it.y)] for it in self.spots}, ensure_ascii=False)


def path_of(tip: Sequence[Point]) -> str:
    """A closed shape as the `d` of an SVG path."""
    return "M" + "L".join(f"{number(x)},{number(y)}" for x, y in tip) + "Z"


def drawn(figure: Figure) -> Drawing | None:
    """The drawing; None of what has no nodes, or so many that nothing would be seen."""
    nodes, edges = len(figure.neurons), len(figure.graph.edges)
    if not nodes or nodes > MOST_NODES or edges > MOST_EDGES:
        return None
    columns = _columns(figure.neurons)
    side = _side(columns)
    captions = [_caption(it) for it in figure.neurons]
    spacing = _spacing(columns, figure, captions, side)
    layout, arranged = _laid(figure, columns, spacing)
    layout = _shifted(layout, spacing, top=MARGIN if arranged else HEAD + MARGIN)
    kernel = 30.0 if edges <= 30 else 24.0
    boxes = [_box(at, spacing) for at in layout.places]
    ties = _ties(figure, layout, boxes, side=side, kernel=kernel)
    every = [*boxes, *(Box(x, y, kernel, kernel) for tie in ties for x, y in (*tie.route.points(), tie.mark))]
    order = sorted(range(nodes), key=lambda it: (columns[it], layout.places[it][1]))
    return Drawing(
        figure=figure,
        width=math.ceil(max(it.x + it.width / 2 for it in every) + MARGIN),
        height=math.ceil(max(it.y + it.height / 2 for it in every) + MARGIN),
        side=side,
        kernel=kernel,
        spots=tuple(_spot(figure, it, layout.places[it], captions[it], ties) for it in order),
        ties=tuple(ties),
        heads=() if arranged else _heads(figure, columns, layout),
    )


# --- places -----------------------------------------------------------------------------------------------------------
def _columns(neurons: Sequence[Neuron]) -> list[int]:
    """The column of each: layers that occur, by depth."""
    ranks = {depth: rank for rank, depth in enumerate(sorted({it.depth for it in neurons}))}
    return [ranks[it.depth] for it in neurons]


def _side(columns: Sequence[int]) -> float:
    """Of a picture: the smaller, the more stand above each other."""
    tallest = max(columns.count(column) for column in set(columns))
    return 84.0 if tallest <= 5 else 64.0 if tallest <= 9 else 52.0


def _spacing(columns: Sequence[int], figure: Figure, captions: Sequence[tuple[str, ...]], side: float) -> Spacing:
    longest = max(len(line) for caption in captions for line in caption)
    lines = max(len(caption) for caption in captions)
    densest = max((columns.count(column) for column in set(columns)), default=1)
    across = 96 + min(3.0 * len(figure.graph.edges), 60.0) + (24 if densest > 9 else 0)
    width = min(max(side + 12, longest * LETTER + 4), 170.0)
    return Spacing(width=width, above=side / 2 + 2, below=side / 2 + 5 + lines * LINE, across=across, down=14.0)


def _laid(figure: Figure, columns: Sequence[int], spacing: Spacing) -> tuple[Layout, bool]:
    """Where somebody put them, else where the circuit itself says, else as it comes out best; and whether it did."""
    index = {it.node.unit: place for place, it in enumerate(figure.neurons)}
    edges = [(index[it.source], index[it.target]) for it in figure.graph.edges]
    groups = [it.node.group for it in figure.neurons]
    layout = layered(columns, edges, spacing=spacing, groups=groups)
    if fixed := {index[unit]: at for unit, at in figure.places.items() if unit in index}:
        return moved(layout, fixed, spacing=spacing), True
    typed = [(it.node.x, it.node.y) for it in figure.neurons if it.node.x is not None and it.node.y is not None]
    if len(typed) == len(columns) > 1 and (found := on_a_grid(typed, spacing=spacing, most=FARTHEST)):
        return moved(layout, dict(enumerate(found)), spacing=spacing), True
    return layout, False


def _shifted(layout: Layout, spacing: Spacing, *, top: float) -> Layout:
    """The same, with all of it right of and below the margins."""
    lanes = [at for way in layout.ways for at in way]
    right = MARGIN + spacing.width / 2 - min(x for x, _ in layout.places)
    down = top - min([y - spacing.above for _, y in layout.places] + [y - spacing.lane for _, y in lanes])

    def shifted(at: Point) -> Point:
        return (round(at[0] + right, 1), round(at[1] + down, 1))

    return Layout(tuple(map(shifted, layout.places)), tuple(tuple(map(shifted, way)) for way in layout.ways))


def _box(at: Point, spacing: Spacing) -> Box:
    middle = at[1] + (spacing.below - spacing.above) / 2
    return Box(at[0], middle, spacing.width, spacing.above + spacing.below)


def _heads(figure: Figure, columns: Sequence[int], layout: Layout) -> tuple[tuple[str, float], ...]:
    found = {columns[it]: (one.layer, layout.places[it][0]) for it, one in enumerate(figure.neurons)}
    return tuple(found[column] for column in sorted(found))


# --- edges ------------------------------------------------------------------------------------------------------------
def _ties(figure: Figure, layout: Layout, boxes: Sequence[Box], *, side: float, kernel: float) -> list[Tie]:
    index = {it.node.unit: place for place, it in enumerate(figure.neurons)}
    ends = [(index[it.source], index[it.target]) for it in figure.graph.edges]
    leaves = _ports(layout, [(one, two, way[0] if way else None) for (one, two), way in _with(ends, layout)], side)
    meets = _ports(layout, [(two, one, way[-1] if way else None) for (one, two), way in _with(ends, layout)], side)
    taken = list(boxes)
    found: dict[int, Tie] = {}
    for it in sorted(range(len(ends)), key=lambda it: (figure.measures[it] is None, -_share(figure.measures[it]), it)):
        source, target = ends[it]
        (x, y), (to_x, to_y) = layout.places[source], layout.places[target]
        course = route(
            (x + side / 2 + 1, y + leaves[it]), layout.ways[it], (to_x - side / 2 - 2 - TIP, to_y + meets[it])
        )
        found[it] = _tie(figure, it, ends[it], (leaves[it], meets[it]), layout.ways[it], course, taken, kernel)
    return [found[it] for it in range(len(ends))]


def _with(ends: Sequence[tuple[int, int]], layout: Layout) -> Iterable[tuple[tuple[int, int], tuple[Point, ...]]]:
    return zip(ends, layout.ways, strict=True)


def _ports(layout: Layout, ends: Sequence[tuple[int, int, Point | None]], side: float) -> list[float]:
    """How far below a node's middle each edge leaves it, from top to bottom as they part."""
    sides: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for edge, (here, there, first) in enumerate(ends):
        height = (first or layout.places[there])[1]
        sides[here].append((height, edge))
    found = [0.0] * len(ends)
    for every in sides.values():
        step = min(11.0, side * 0.84 / max(len(every) - 1, 1))
        for rank, (_, edge) in enumerate(sorted(every)):
            found[edge] = round((rank - (len(every) - 1) / 2) * step, 1)
    return found


def _tie(
    figure: Figure,
    it: int,
    ends: tuple[int, int],
    ports: tuple[float, float],
    way: tuple[Point, ...],
    course: Route,
    taken: list[Box],
    kernel: float,
) -> Tie:
    edge, measure = figure.graph.edges[it], figure.measures[it]
    sign = edge.sign or (measure.sign if measure else "")
    wanted = kernel + 4 if measure and measure.kernel else 0.0
    at, room = _free(course, taken, wanted=wanted)
    [mark] = course.along(at)
    taken.append(Box(*mark, *((wanted, wanted) if room and wanted else (2 * MARK, 2 * MARK))))
    return Tie(edge, measure, *ends, *ports, way, course, _width(measure), sign, at, mark, bool(room and wanted))


def _free(course: Route, taken: Sequence[Box], *, wanted: float) -> tuple[float, bool]:
    """The part of an edge at which its mark covers nothing, with its kernel if it can; else where it covers least."""
    places = list(zip(PARTS, course.along(*PARTS), strict=True))
    for size in [wanted, 2 * MARK] if wanted else [2 * MARK]:
        for part, at in places:
            box = Box(*at, size, size)
            if not any(box.covers(it) for it in taken):
                return part, size == wanted
    covered = [(sum(Box(*at, 2 * MARK, 2 * MARK).covers(it) for it in taken), part) for part, at in places]
    return min(covered, key=lambda it: it[0])[1], False


def _share(measure: Measure | None) -> float:
    return measure.share if measure else 0.0


def _width(measure: Measure | None) -> float:
    """As the norm of its kernel among those of the source's layer on the same target: the root of its share."""
    share = min(max(measure.share, 0.0), 1.0) if measure and math.isfinite(measure.share) else 0.04
    return round(THIN + (THICK - THIN) * math.sqrt(share), 1)


# --- words ------------------------------------------------------------------------------------------------------------
def _caption(it: Neuron) -> tuple[str, ...]:
    """The neuron's name, and in two lines at most what it does here."""
    return (_cut(it.node.unit, 27), *_wrapped(it.node.label or it.name, most=20, lines=2))


def _wrapped(text: str, *, most: int, lines: int) -> list[str]:
    found: list[str] = []
    for word in text.split():
        if found and len(found[-1]) + 1 + len(word) <= most:
            found[-1] += f" {word}"
        else:
            found.append(word)
    if len(found) > lines:
        found = [*found[: lines - 1], " ".join(found[lines - 1 :])]
    return [_cut(line, most + 2) for line in found]


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _spot(figure: Figure, it: int, at: Point, caption: tuple[str, ...], ties: Sequence[Tie]) -> Spot:
    return Spot(it, figure.neurons[it], *at, caption, _says(figure, it, ties))


def _says(figure: Figure, it: int, ties: Sequence[Tie]) -> str:
    """The neuron and what it is joined to, for those who do not see it."""
    node = figure.neurons[it].node
    said: Mapping[str, list[str]] = defaultdict(list)
    for tie in ties:
        verbs = VERBS.get(tie.sign, ("joined from", "joined to"))
        if tie.target == it:
            said[verbs[0]].append(tie.edge.source)
        if tie.source == it:
            said[verbs[1]].append(tie.edge.target)
    joined = [f"{verb} {', '.join(units[:6])}{' and others' if len(units) > 6 else ''}" for verb, units in said.items()]
    named = (
        f"{node.unit}, {node.label or figure.neurons[it].name}" if node.label or figure.neurons[it].name else node.unit
    )
    return f"{named}: {'; '.join(joined)}." if joined else f"{named}."
