"""The connections probe: designed weights are found as designed, numbers are those of their artifacts."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load

from tests.interp import networks
from workers.interp import connectome, heatmaps
from workers.interp.address import Subject
from workers.interp.adjacency import Adjacency
from workers.interp.checkpoint import Checkpoint
from workers.interp.datasets import Dataset, Item, digest_of, fixed
from workers.interp.expectation import Expected, expected
from workers.interp.graph import Graph, Node
from workers.interp.lens import Lens
from workers.interp.pathways import Pathways
from workers.interp.probe import Failure, Finding
from workers.interp.probes import PROBES

PROBE = PROBES["connections"]


@pytest.fixture(scope="module")
def curves():
    return Lens(networks.checkpoint("curve-circuit"))


def ask(lens, unit, **params):
    (answer,) = PROBE.run(lens, [Subject.parse(unit)], params)
    return answer


def edges(answer, direction):
    return {edge["name"]: edge for edge in answer.numbers[direction]["edges"]}


# --- the organism -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("line", range(8))
def test_a_line_is_built_from_both_polarities_of_its_own_gabor(curves, line):
    found = edges(ask(curves, f"line:{line}", direction="upstream", top=16), "upstream")
    assert set(list(found)[:2]) == {f"gabor:{line}", f"gabor:{line + 8}"}
    signs = {(abs((index % 8 - line + 4) % 8 - 4)): found[f"gabor:{index}"]["sign"] for index in range(16)}
    assert signs == {0: "+", 1: "+", 2: "-", 3: "-", 4: "-"}
    assert found[f"gabor:{line}"]["max"] > 0


@pytest.mark.parametrize("curve", range(8))
def test_a_curve_is_built_from_lines_along_its_arc(curves, curve):
    """Around the middle, where both arcs touch, they cancel; beside it the arc turns by 22.5° either way."""
    answer = ask(curves, f"curve:{curve}", direction="upstream", top=2)
    tangent = 2 * curve + 4  # in steps of 22.5°: across the direction of the centre
    found = [edge["name"] for edge in answer.numbers["upstream"]["edges"]]
    assert set(found) == {f"line:{(tangent + turn) % 8}" for turn in (-1, 1)}
    kernels = load(next(blob.data for blob in answer.blobs if blob.role == "weights"))
    for rank, name in enumerate(found):
        kernel = kernels[f"upstream.{rank:03d}"].numpy()
        y, x = np.unravel_index(kernel.argmax(), kernel.shape)
        towards = np.radians(45 * curve)
        # From the centre of the circle, 6 positions towards it, to the strongest weight.
        off = np.array([x - 4 - 6 * np.cos(towards), 4 - y - 6 * np.sin(towards)])
        assert abs(np.hypot(*off) - 6) < 1
        orientation = 22.5 * int(name.removeprefix("line:"))
        along = (np.degrees(np.arctan2(off[1], off[0])) + 90 - orientation + 90) % 180 - 90
        assert abs(along) < 16


def test_a_readout_listens_to_one_curve_and_a_curve_feeds_one_readout(curves):
    read, fed = ask(curves, "readout:3"), ask(curves, "curve:3", direction="downstream")
    assert list(edges(read, "upstream")) == ["curve:3"]
    assert list(edges(fed, "downstream")) == ["readout:3"]
    assert edges(fed, "downstream")["readout:3"]["share"] == 1
    assert read.numbers["downstream"] == {"layers": [], "left_out": [], "of": 0, "edges": []}


def test_both_directions_tell_of_one_connection_the_same(curves):
    there = edges(ask(curves, "line:3", direction="downstream", top=8), "downstream")["curve:0"]
    back = edges(ask(curves, "curve:0", direction="upstream", top=8), "upstream")["line:3"]
    assert {**there, "unit": None, "name": None} == {**back, "unit": None, "name": None}


def test_a_detector_of_both_polarities_cancels_far_back(curves):
    """Expanded weights from the picture to a line: its two Gabors are each other's negative."""
    answer = ask(curves, "line:0", layer="input")
    assert answer.numbers["cancels"]
    assert all(edge["cancelled"] > 0.9 for edge in answer.numbers["upstream"]["edges"])
    best = ask(curves, "line:0", layer="input", kind="best-case")
    assert all(edge["cancelled"] is None for edge in best.numbers["upstream"]["edges"])
    assert best.numbers["scale"] > 10 * answer.numbers["scale"]


def test_the_picture_itself_is_a_source_in_colours(curves):
    found = edges(ask(curves, "gabor:3", direction="upstream"), "upstream")
    assert set(found) == {"red", "green", "blue"}
    assert all(edge["unit"] is None and edge["source"] is None for edge in found.values())
    stored = curves.checkpoint.tensors["gabor.weight"][3].flatten(1).norm(dim=1)
    assert [found[name]["norm"] for name in ("red", "green", "blue")] == pytest.approx(stored.tolist(), rel=1e-6)


# --- numbers, tables and pictures -------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["expanded", "best-case", "raw"])
def test_numbers_pictures_and_tables_are_of_the_same_weights(kind):
    lens = Lens(networks.checkpoint("branches"))
    answer = ask(lens, "mixed:5", direction="upstream", layer="mixed_reduce", kind=kind, top=3)
    (table,) = [blob for blob in answer.blobs if blob.role == "weights"]
    (matrix,) = [blob for blob in answer.blobs if blob.role == "matrix"]
    pictures = [blob for blob in answer.blobs if blob.role == "kernel"]
    norms, kernels = load(matrix.data)["norms"], load(table.data)
    assert matrix.facts == {"target": "mixed", "source": "mixed_reduce", "shape": [18, 3]}
    found = answer.numbers["upstream"]["edges"]
    assert len(found) == len(pictures) == len(kernels) == 3
    assert answer.numbers["scale"] == float(max(kernel.abs().max() for kernel in kernels.values()))
    for rank, (edge, picture) in enumerate(zip(found, pictures, strict=True)):
        kernel = kernels[f"upstream.{rank:03d}"]
        source = int(edge["unit"].removeprefix("mixed_reduce:"))
        assert edge["norm"] == float(norms[5, source])
        assert edge["norm"] == pytest.approx(float(kernel.norm()), rel=1e-6)
        assert edge["share"] == pytest.approx(float(norms[5, source] ** 2 / norms[5].square().sum()), rel=1e-6)
        assert (edge["sum"], edge["max"], edge["min"]) == tuple(
            float(it) for it in (kernel.sum(), kernel.max(), kernel.min())
        )
        assert edge["size"] == list(kernel.shape)
        assert edge["path"] == ["mixed_3x1"]
        with Image.open(io.BytesIO(picture.data)) as image:
            truth = heatmaps.heatmap(kernel, scale=answer.numbers["scale"]).permute(1, 2, 0).numpy()
            assert (np.asarray(image) == truth).all()
        assert picture.facts["rank"] == rank
        assert f"{answer.numbers['scale']:.3g}" in picture.facts["alt"]


def test_red_excites_blue_inhibits_and_the_scale_is_symmetric():
    pixels = heatmaps.heatmap(torch.tensor([[1.0, -1.0, 0.0], [0.5, -0.5, 9.0]]), scale=1.0)
    assert pixels.shape == (3, 48, 72)
    corner = [tuple(pixels[:, y, x].tolist()) for y in (0, 24) for x in (0, 24, 48)]
    assert corner[0] == corner[5] == (178, 24, 43)
    assert corner[1] == (33, 102, 172)
    assert corner[2] == (255, 255, 255)
    assert corner[3][0] > corner[3][2]
    assert corner[4][0] < corner[4][2]
    assert heatmaps.heatmap(torch.zeros(2, 2), scale=0.0).min() == 255


def test_a_named_layer_may_lie_several_layers_away_on_either_side():
    lens = Lens(networks.checkpoint("branches"))
    before, behind = ask(lens, "mixed:5", layer="stem"), ask(lens, "mixed:5", layer="head")
    assert set(before.numbers) & {"upstream", "downstream"} == {"upstream"}
    assert set(behind.numbers) & {"upstream", "downstream"} == {"downstream"}
    assert behind.numbers["downstream"]["layers"] == ["head"]


def test_of_a_named_branch_only_its_own_units_are_listed():
    lens = Lens(networks.checkpoint("branches"))
    answer = ask(lens, "top:0", layer="mixed_pool", top=50)
    assert set(edges(answer, "upstream")) == {"mixed:15", "mixed:16", "mixed:17"}
    whole = edges(ask(lens, "top:0", direction="upstream", top=50), "upstream")
    assert edges(answer, "upstream")["mixed:16"] == whole["mixed:16"]


def test_a_residual_sum_listens_through_the_convolution_that_it_adds():
    lens = Lens(networks.checkpoint("residual"))
    answer = ask(lens, "block:2", direction="upstream", top=50)
    assert answer.numbers["upstream"]["layers"] == ["stem", "first"]
    straight = edges(answer, "upstream")["stem:2"]
    assert straight["paths"] == 2
    assert straight["path"] == []  # the skip itself carries most
    assert edges(answer, "upstream")["first:0"]["path"] == ["second"]


# --- refused ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("unit", "params", "slug", "says"),
    [
        ("mixed:0", {"layer": "nowhere"}, "no-such-layer", "There is no layer nowhere"),
        ("mixed:0", {"layer": "mixed"}, "same-layer", "mixed"),
        ("mixed:0", {"layer": "mixed_1x1"}, "same-layer", "mixed"),
        ("mixed:0", {"layer": "top", "direction": "upstream"}, "no-path", "Nothing of top reaches mixed"),
        ("mixed:0", {"layer": "stem", "direction": "downstream"}, "no-path", "Nothing of mixed reaches stem"),
        ("mixed:0", {"layer": "input", "direction": "downstream"}, "no-path", "input"),
        ("mixed:0", {"layer": "stem", "kind": "raw"}, "not-adjacent", "max_pool"),
        ("top:0", {"layer": "stem", "kind": "raw"}, "not-adjacent", "stem"),
    ],
    ids=lambda it: str(it)[:24],
)
def test_what_cannot_be_answered_is_refused_by_name_with_the_field(unit, params, slug, says):
    answer = ask(Lens(networks.checkpoint("branches")), unit, **params)
    assert isinstance(answer, Failure)
    assert answer.error.slug == slug
    assert answer.error.fault == "yours"
    assert answer.error.facts["field"] == "layer"
    assert says in str(answer.error)


@pytest.mark.parametrize(
    "layer", ["a/b", "../x", "-", " ", "x" * 121, "é"], ids=["slash", "up", "dash", "space", "long", "accent"]
)
def test_what_cannot_name_a_layer_is_no_parameter(curves, layer):
    with pytest.raises(Exception, match="/layer"):
        PROBE.run(curves, [Subject.parse("curve:0")], {"layer": layer})


def test_a_weighted_sum_of_units_is_not_what_this_asks_about(curves):
    (answer,) = PROBE.run(curves, [Subject.parse([["curve:0", 0.5], ["curve:1", 0.5]])], {})
    assert answer.error.slug == "bad-address"


def test_raw_weights_of_a_unit_whose_own_branch_is_not_adjacent_are_refused():
    lens = Lens(networks.checkpoint("branches"))
    assert isinstance(ask(lens, "mixed:5", kind="raw", direction="upstream"), Finding)
    refused = ask(lens, "mixed:0", kind="raw", direction="upstream")
    assert refused.error.slug == "not-adjacent"


@pytest.mark.parametrize("power", [-100, -75, 70, 100])
def test_shares_are_the_same_however_small_or_large_weights_are(power):
    sound = networks.checkpoint("branches")
    far = {"mixed_reduce.weight": sound.tensors["mixed_reduce.weight"] * 2.0**power}
    assert set(far) < set(sound.tensors)
    answers = [
        ask(Lens(it), "mixed_reduce:0", direction="upstream")
        for it in (sound, replace(sound, tensors={**sound.tensors, **far}))
    ]
    one, other = (edges(it, "upstream") for it in answers)
    assert {name: it["share"] for name, it in one.items()} == {name: it["share"] for name, it in other.items()}


@pytest.mark.parametrize(
    ("net", "unit", "layers"),
    [
        ("branches", "stem:0", {"upstream": ["input"]}),
        ("branches", "mixed_reduce:0", {"downstream": ["mixed"]}),
        ("residual", "stem:5", {"upstream": ["input"], "downstream": ["first"]}),
        ("residual", "first:0", {"upstream": ["stem"], "downstream": ["second"]}),
    ],
)
def test_raw_weights_are_of_the_layers_next_to_a_unit_that_are_adjacent(net, unit, layers):
    """Without a layer that is named nobody has asked about the others: a pooling on one side hides no other side."""
    answer = ask(Lens(networks.checkpoint(net)), unit, kind="raw")
    assert {it: answer.numbers[it]["layers"] for it in ("upstream", "downstream") if it in answer.numbers} == layers


@pytest.mark.parametrize(
    ("unit", "direction", "between"),
    [
        ("stem:0", "downstream", "max_pool"),
        ("mixed:0", "upstream", "max_pool"),
        ("head:0", "both", "adaptive_avg_pool"),  # behind which there is nothing
    ],
)
def test_raw_weights_are_refused_where_none_are_stored(unit, direction, between):
    refused = ask(Lens(networks.checkpoint("branches")), unit, kind="raw", direction=direction)
    assert (refused.error.slug, refused.error.facts["operation"]) == ("not-adjacent", between)


def test_of_a_concatenation_only_what_is_adjacent_has_raw_weights():
    """Of two branches that read one layer, one through a pooling."""
    nodes = [
        Node("input", "input"),
        networks.conv("stem", "input"),
        Node("down", "max_pool", ("stem",), {"kernel_size": 3, "stride": 1, "padding": 1}),
        networks.conv("straight", "stem"),
        networks.conv("pooled", "down"),
        Node("both", "concat", ("straight", "pooled")),
        networks.conv("top", "both"),
    ]
    shapes = networks.of_conv("stem", 3, 3, 1, 1) | networks.of_conv("straight", 2, 3, 1, 1)
    shapes |= networks.of_conv("pooled", 2, 3, 1, 1) | networks.of_conv("top", 2, 4, 1, 1)
    lens = Lens(Checkpoint("small", Graph(nodes, output="top"), networks.drawn(shapes), networks.spec(8)))
    assert len(edges(ask(lens, "both:1", kind="raw", layer="stem"), "upstream")) == 3
    refused = ask(lens, "both:2", kind="raw", layer="stem")
    assert refused.error.facts == {"source": "stem", "target": "both:2", "operation": "max_pool", "field": "layer"}


def test_layers_too_far_apart_are_asked_one_unit_at_a_time(monkeypatch):
    lens = Lens(networks.checkpoint("branches"))
    near = ask(lens, "top:1", layer="stem")
    monkeypatch.setattr("workers.interp.strands.MOST_WEIGHTS", 100)
    far = ask(lens, "top:1", layer="stem")
    assert [edge["unit"] for edge in far.numbers["upstream"]["edges"]] == [
        edge["unit"] for edge in near.numbers["upstream"]["edges"]
    ]
    assert "matrix" not in [blob.role for blob in far.blobs]
    refused = ask(lens, "stem:1", layer="top")
    assert refused.error.slug == "too-far-apart"
    assert refused.error.facts["weights"] > refused.error.facts["limit"] == 100


# --- layers next to each other, and a whole network -------------------------------------------------------------------
def test_bottlenecks_are_looked_through():
    adjacency = Adjacency(networks.checkpoint("branches"))
    assert adjacency.upstream("mixed", 5) == ("stem",)
    assert adjacency.downstream("stem") == ("mixed",)
    assert adjacency.downstream("mixed_reduce") == ("mixed",)
    close = Adjacency(networks.checkpoint("branches"), through=False)
    assert close.upstream("mixed", 5) == ("mixed_reduce",)
    assert close.downstream("stem") == ("mixed_reduce", "mixed")


@pytest.mark.parametrize("name", ["branches", "residual", "fixed", "curve-circuit", "squeezenet1_1"])
def test_a_connectome_is_what_every_pair_says_by_itself(name):
    lens = Lens(networks.checkpoint(name))
    norms = connectome.norms(lens)
    whole = {(one.target, one.source): one for one in connectome.connectome(lens, top=3)}
    assert list(whole) == list(norms) == list(connectome.adjacent(lens))
    for (target, source), found in list(whole.items())[:6]:
        ways = Pathways(lens, target=target, source=None if source == "input" else source)
        torch.testing.assert_close(found.norms, norms[target, source], rtol=1e-5, atol=1e-6)
        assert torch.equal(norms[target, source], ways.norms())
        pairs = {(int(t), int(s)) for bundle in found.bundles for t, s in bundle.pairs}
        assert {(t, int(s)) for t in range(found.norms.shape[0]) for s in found.listens[t]} <= pairs
        for bundle in found.bundles:
            for (t, s), kernel in list(zip(bundle.pairs.tolist(), bundle.kernels, strict=True))[:4]:
                alone = ways.kernel(t)
                torch.testing.assert_close(kernel, alone.weights[0, :, :, s], rtol=1e-5, atol=1e-6)
                assert (bundle.first, bundle.stride) == (alone.first, alone.stride)


def test_colours_are_named_in_the_order_in_which_the_network_takes_them():
    sound = networks.checkpoint("branches")
    turned = Lens(replace(sound, input_spec=networks.spec(32, channel_order="BGR")))
    plain, other = (ask(lens, "stem:1", direction="upstream").numbers for lens in (Lens(sound), turned))
    norms = [{edge["name"]: edge["norm"] for edge in it["upstream"]["edges"]} for it in (plain, other)]
    assert [norms[0][name] for name in ("red", "green", "blue")] == [
        norms[1][name] for name in ("blue", "green", "red")
    ]


# --- expected over pictures -------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def noisy():
    """Five pictures of noise, as a dataset."""
    random = np.random.Generator(np.random.Philox(3))
    drawn = [Image.fromarray(random.integers(0, 256, (20, 24, 3), dtype=np.uint8)) for _ in range(5)]
    return Dataset(tuple(Item(digest_of(it), str(place), None, it.copy) for place, it in enumerate(drawn)))


def expect(lens, unit, dataset, **params):
    asked = {"kind": "expected", "dataset": dataset.digest, **params}
    (answer,) = PROBE.run(lens, [Subject.parse(unit)], asked, datasets=[dataset])
    return answer


def test_expected_weights_are_the_mean_over_the_first_pictures(noisy):
    lens = Lens(networks.checkpoint("branches"))
    answer = expect(lens, "mixed:5", noisy, direction="upstream", layer="stem", pictures=3, top=50)
    assert (answer.numbers["dataset"], answer.numbers["n"]) == (noisy.digest, 3)
    pictures = torch.stack([item.shown(lens.checkpoint.input_spec) for item in noisy.items[:3]])
    truth = expected(lens, pictures, target="mixed", channel=5, source="stem")
    row, found = truth.norms()[0], answer.numbers["upstream"]["edges"]
    assert [edge["norm"] for edge in found] == sorted((it for it in row.tolist() if it), reverse=True)
    kernels = load(next(blob.data for blob in answer.blobs if blob.role == "weights"))
    for rank, edge in enumerate(found):
        source = int(edge["unit"].removeprefix("stem:"))
        assert torch.equal(kernels[f"upstream.{rank:03d}"], truth.weights[0, :, :, source])
        assert edge["share"] == pytest.approx(float(row[source] ** 2 / row.square().sum()), rel=1e-6)
        assert (edge["cancelled"], edge["cancels"]) == (None, False)
    assert not [blob for blob in answer.blobs if blob.role == "matrix"]
    assert expect(lens, "mixed:5", noisy, direction="upstream", layer="stem").numbers["n"] == len(noisy)


def test_expected_weights_are_the_same_from_both_ends(noisy):
    lens = Lens(networks.checkpoint("branches"))
    asked = {"pictures": 2, "layer": "mixed", "direction": "downstream", "top": 3}
    fed = edges(expect(lens, "stem:1", noisy, **asked), "downstream")
    assert len(fed) == 3
    asked |= {"layer": "stem", "direction": "upstream", "top": 50}
    for name, edge in fed.items():
        back = edges(expect(lens, name, noisy, **asked), "upstream")["stem:1"]
        assert edge == {**back, "unit": name, "name": name}


def test_a_bound_says_whose_expected_weights_are_worked_out(noisy, monkeypatch):
    """A few of many: those that could listen most."""
    lens, worked = Lens(networks.checkpoint("branches")), []
    average = Expected.average
    monkeypatch.setattr(Expected, "average", lambda self, channels: worked.extend(channels) or average(self, channels))
    answer = expect(lens, "stem:1", noisy, direction="downstream", layer="mixed", top=2)
    bounds = Pathways(lens, target="mixed", source="stem", kind="best-case").norms()[:, 1]
    assert set(worked) == set(torch.sort(bounds, descending=True, stable=True)[1][:4].tolist())
    assert answer.numbers["downstream"]["of"] == 18
    for edge in answer.numbers["downstream"]["edges"]:
        assert edge["norm"] <= float(bounds[int(edge["unit"].removeprefix("mixed:"))])


def test_without_a_dataset_the_eight_fixed_pictures_are_looked_at():
    lens = Lens(networks.checkpoint("branches"))
    (answer, again) = (ask(it, "mixed:5", kind="expected", direction="upstream", top=2) for it in (lens, lens))
    assert (answer.numbers["n"], answer.numbers["dataset"]) == (8, fixed(lens.checkpoint.input_spec).digest)
    assert [blob.data for blob in again.blobs] == [blob.data for blob in answer.blobs]
