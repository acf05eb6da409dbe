"""The layout of circuits: nothing overlaps, the same every time, few crossings, and edges pass beside the nodes."""

import random
import time
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas.graphs.layout import Layout, Spacing, crossings, layered, moved, on_a_grid, overlapping

SPACING = Spacing(width=100, above=30, below=50, across=80, down=10)


def made_up(nodes: int, edges: int, *, columns: int, seed: int) -> tuple[list[int], list[tuple[int, int]]]:
    """A layered graph by chance."""
    chance = random.Random(seed)
    depths = [chance.randrange(columns) for _ in range(nodes)]
    pairs = [(a, b) for a in range(nodes) for b in range(nodes) if depths[a] < depths[b]]
    return depths, chance.sample(pairs, min(edges, len(pairs)))


graphs = st.builds(
    made_up, st.integers(1, 24), st.integers(0, 50), columns=st.integers(1, 6), seed=st.integers(0, 10**6)
)


def boxes_apart(laid: Layout) -> bool:
    return not any(overlapping(one, two, SPACING) for one, two in combinations(laid.places, 2))


@given(graph=graphs)
@settings(max_examples=40, deadline=None)
def test_no_two_nodes_overlap_and_columns_are_kept(graph):
    columns, edges = graph
    laid = layered(columns, edges, spacing=SPACING)
    assert boxes_apart(laid)
    assert [x for x, _ in laid.places] == [column * SPACING.pitch for column in columns]
    assert min(y for _, y in laid.places) >= 0


@given(graph=graphs)
@settings(max_examples=30, deadline=None)
def test_a_long_edge_passes_every_column_between_beside_its_nodes(graph):
    columns, edges = graph
    laid = layered(columns, edges, spacing=SPACING)
    for (source, target), way in zip(edges, laid.ways, strict=True):
        assert [x / SPACING.pitch for x, _ in way] == list(range(columns[source] + 1, columns[target]))
        for x, y in way:
            inside = [(a, b) for a, b in laid.places if a == x and b - SPACING.above < y < b + SPACING.below]
            assert inside == []


@pytest.mark.parametrize("seed", range(4))
def test_forty_nodes_have_fewer_crossings_than_as_they_were_given(seed):
    columns, edges = made_up(40, 120, columns=5, seed=seed)
    before, after = crossings(columns, edges, ordered=False), crossings(columns, edges)
    assert after < 0.75 * before


def test_a_graph_that_can_be_drawn_without_crossings_is():
    tree = [0, 0, 0, 0, 1, 1, 2]
    assert crossings(tree, [(0, 5), (2, 5), (1, 4), (3, 4), (4, 6), (5, 6)]) == 0


def test_equal_graphs_are_laid_out_equally_and_soon():
    columns, edges = made_up(40, 120, columns=6, seed=9)
    begun = time.process_time()
    one = layered(columns, edges, spacing=SPACING)
    assert time.process_time() - begun < 2
    assert one == layered(columns, edges, spacing=SPACING)


def test_members_of_a_group_stand_together():
    columns, edges = made_up(30, 60, columns=2, seed=3)
    groups = [("odd", "even", "")[node % 3] for node in range(30)]
    laid = layered(columns, edges, spacing=SPACING, groups=groups)
    for column in (0, 1):
        nodes = sorted((it for it in range(30) if columns[it] == column), key=lambda it: laid.places[it][1])
        for group in ("odd", "even"):
            ranks = [rank for rank, it in enumerate(nodes) if groups[it] == group]
            assert ranks == list(range(ranks[0], ranks[0] + len(ranks)))


def test_a_chain_is_straight():
    laid = layered([0, 1, 2, 3], [(0, 1), (1, 2), (2, 3), (0, 3)], spacing=SPACING)
    assert len({round(y) for _, y in laid.places}) <= 2


def test_edges_within_a_column_or_back_pass_nothing():
    laid = layered([1, 1, 0], [(0, 1), (1, 2), (0, 0)], spacing=SPACING)
    assert laid.ways == ((), (), ())


@given(graph=graphs, seed=st.integers(0, 1000))
@settings(max_examples=30, deadline=None)
def test_what_is_new_makes_way_for_what_somebody_moved(graph, seed):
    columns, edges = graph
    chance = random.Random(seed)
    fixed = {node: (chance.randrange(20) * 180.0, chance.randrange(9) * 90.0) for node in range(0, len(columns), 3)}
    found = moved(layered(columns, edges, spacing=SPACING), fixed, spacing=SPACING)
    assert all(found.places[node] == at for node, at in fixed.items())
    free = [found.places[node] for node in range(len(columns)) if node not in fixed]
    assert not any(overlapping(one, two, SPACING) for one in free for two in [*fixed.values()])
    assert not any(overlapping(one, two, SPACING) for one, two in combinations(free, 2))


def test_places_typed_on_a_grid_of_ones_own_leave_room():
    found = on_a_grid([(0, 0), (0, 1), (0, 2), (1, 1), (2, 1)], spacing=SPACING, most=5_000)
    assert found[4] == (2 * SPACING.pitch, 90)
    assert not any(overlapping(one, two, SPACING) for one, two in combinations(found, 2))
    assert on_a_grid([(0, 0), (0, 0)], spacing=SPACING, most=5_000) is None
    assert on_a_grid([(0, 0), (0.001, 0), (900, 0)], spacing=SPACING, most=5_000) is None
