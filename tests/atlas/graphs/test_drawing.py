"""The drawing of a circuit: nothing covers a neuron, edges meet their ends, and it is where somebody put it."""

import math
from itertools import combinations

import pytest

from atlas.graphs.drawing import MARK, MOST_NODES, Box, drawn
from atlas.graphs.routes import Route, route
from tests.atlas.graphs.drawing import figure

SIZES = [(1, 0), (2, 1), (12, 30), (40, 120)]


def boxes(drawing) -> list[Box]:
    """What each neuron takes: its picture and its name."""
    lines = max(len(spot.caption) for spot in drawing.spots)
    return [Box(it.x, it.y + lines * 6.5, drawing.side, drawing.side + lines * 13) for it in drawing.spots]


@pytest.mark.parametrize(("nodes", "edges"), SIZES)
def test_nothing_covers_a_neuron_and_all_of_it_is_on_the_page(nodes, edges):
    drawing = drawn(figure(nodes, edges, label="a line that is long enough to be wrapped"))
    taken = boxes(drawing)
    assert not any(one.covers(two) for one, two in combinations(taken, 2))
    roomy = [Box(*tie.mark, drawing.kernel, drawing.kernel) for tie in drawing.ties if tie.room]
    assert not any(one.covers(two) for one, two in combinations([*roomy, *taken], 2))
    for tie in drawing.ties:
        for x, y in tie.route.points():
            assert 0 < x < drawing.width
            assert 0 < y < drawing.height
    assert all(it.x - drawing.half > 0 and it.y + drawing.under < drawing.height for it in drawing.spots)


@pytest.mark.parametrize(("nodes", "edges"), SIZES)
def test_no_edge_runs_through_the_picture_of_another_neuron(nodes, edges):
    drawing = drawn(figure(nodes, edges))
    half = drawing.half - 1
    through = [
        (tie.edge.source, tie.edge.target, spot.unit)
        for tie in drawing.ties
        for x, y in tie.route.points()[::4]
        for spot in drawing.spots
        if abs(x - spot.x) < half and abs(y - spot.y) < half
    ]
    assert through == []


def test_edges_leave_their_source_and_meet_their_target():
    drawing = drawn(figure(12, 30))
    at = {spot.index: spot for spot in drawing.spots}
    for tie in drawing.ties:
        (x, y), (to_x, to_y) = tie.route.curves[0][0], tie.tip
        assert (x, y) == pytest.approx((at[tie.source].x + drawing.half + 1, at[tie.source].y + tie.leaves))
        assert to_x + 9 == pytest.approx(at[tie.target].x - drawing.half)
        assert abs(to_y - at[tie.target].y) <= drawing.half
    for side in ("source", "target"):
        ends = [(getattr(it, side), it.leaves if side == "source" else it.meets) for it in drawing.ties]
        assert len(set(ends)) == len(ends)  # no two edges in one point


def test_neurons_are_in_order_of_depth_and_say_what_they_are_joined_to():
    drawing = drawn(figure(12, 30))
    columns = [spot.neuron.depth for spot in drawing.spots]
    assert columns == sorted(columns)
    last = drawing.spots[-1]
    sources = [tie.edge.source for tie in drawing.ties if tie.target == last.index and tie.sign == "+"]
    assert sources[0] in last.says
    assert "excited by" in last.says


def test_width_follows_the_share_and_what_is_claimed_only_is_told_apart():
    drawing = drawn(figure(12, 30))
    measured = sorted((tie.measure.share, tie.width) for tie in drawing.ties if tie.measure)
    assert [width for _, width in measured] == sorted(width for _, width in measured)
    assert {tie.polarity for tie in drawing.ties if not tie.measure} == {"unsigned"}
    assert all(math.dist(tie.mark, tie.route.along(tie.at)[0]) < 1e-6 for tie in drawing.ties)


def test_it_is_drawn_where_somebody_put_it_and_else_where_its_author_said():
    first = drawn(figure(6, 8))
    places = {it.unit: (it.x + 500, it.y + 300) for it in first.spots}
    units = {it.unit: it for it in drawn(figure(6, 8, places=places)).spots}
    moved = [(units[it.unit].x - it.x, units[it.unit].y - it.y) for it in first.spots]
    assert len({(round(x), round(y)) for x, y in moved}) == 1  # all by as much: only the margin was taken away
    typed = drawn(figure(3, 2, columns=3, typed=[(0, 0), (0, 1), (5, 0.5)]))
    assert typed.spots[0].x == typed.spots[1].x < typed.spots[2].x
    assert typed.heads == ()


def test_equal_facts_are_drawn_equally_and_too_many_not_at_all():
    assert drawn(figure(40, 120)) == drawn(figure(40, 120))
    assert drawn(figure(0, 0)) is None
    assert drawn(figure(MOST_NODES + 1, 3)) is None


def test_an_edge_that_turns_back_goes_round_in_a_loop():
    back = route((100, 0), [(50, 10)], (0, 0))
    assert len(back.curves) == 1  # its lane does not lie between its ends any more
    assert max(x for x, _ in back.points()) > 110
    assert min(x for x, _ in back.points()) < -10
    assert route((0, 0), [(50, 10)], (100, 0)).path.count("C") == 2
    assert Route((((0, 0), (1, 0), (2, 0), (3, 0)),)).along(0.5)[0] == pytest.approx((1.5, 0))
    assert MARK > 6.5
