"""Recording against brute force: every value stored, in float64, and looked at with numpy."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load, load_file

from tests.interp import networks
from workers.interp import recording, tallies
from workers.interp.address import Subject, Unit
from workers.interp.checkpoint import Checkpoint
from workers.interp.datasets import Dataset, Item, digest_of
from workers.interp.errors import UnreadableDataset
from workers.interp.lens import Lens
from workers.interp.probes import PROBES
from workers.interp.standings import QUANTILES, rank

PROBE, EVERYTHING = PROBES["activations"], Subject.parse("*")


def pictures(count: int, size: tuple[int, int] = (40, 28), *, seed: int = 0) -> Dataset:
    """Random pictures of a width and height, labelled by their order."""
    random = np.random.Generator(np.random.Philox(seed))
    images = [Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)) for _ in range(count)]
    return Dataset(tuple(Item(digest_of(it), f"{n}.png", n, it.copy) for n, it in enumerate(images)))


def recorded(lens: Lens, dataset: Dataset, subject: Subject = EVERYTHING, *, folder: Path | None = None, **params):
    [finding] = PROBE.run(lens, [subject], {**params, "dataset": dataset.digest}, datasets=[dataset], scratch=folder)
    return finding


def tables(finding) -> dict[str, dict[str, np.ndarray]]:
    """The arrays of a finding by role."""
    blobs = {blob.role: blob.data for blob in finding.blobs}
    return {role: load(data) if isinstance(data, bytes) else load_file(data) for role, data in blobs.items()}


def stored(lens: Lens, dataset: Dataset) -> dict[str, np.ndarray]:  # {layer: [items, C, H, W]}
    """What every layer answers to every item, where it is read."""
    read = lens.places([(layer.key, layer.sites[0]) for layer in lens.layers.values()])
    with torch.no_grad():
        batches = [read(images) for _, images in dataset.batches(lens.checkpoint.input_spec, size=recording.BATCH)]
    joined = zip(lens.layers, (torch.cat(of) for of in zip(*batches, strict=True)), strict=True)
    return {key: tallies.as_maps(values).numpy() for key, values in joined}


@pytest.fixture(params=["branches", "mobile", "fixed"])
def small(request) -> Lens:
    """Networks with branches, with layers that are read after their ReLU only, and with linear maps."""
    return Lens(networks.checkpoint(request.param))


def test_all_of_it_is_what_brute_force_finds(small):
    dataset = pictures(21)
    found = tables(recorded(small, dataset, top=3))
    at = 0
    for key, values in stored(small, dataset).items():
        units = slice(at, at + values.shape[1])
        flat = values.reshape(*values.shape[:2], -1)
        maxima = flat.max(2)
        assert np.array_equal(found["maxima"]["maxima"][:, units], maxima), key
        rows = np.argsort(-maxima, axis=0, kind="stable")[:3]
        assert np.array_equal(found["examples"]["top_items"][units], rows.T)
        for unit, first in enumerate(rows[0]):
            where = found["examples"]["top_positions"][at + unit, 0]
            assert tuple(where) == np.unravel_index(flat[first, unit].argmax(), values.shape[2:])
        usual = np.quantile(maxima, [float(it) for it in QUANTILES], axis=0, method="inverted_cdf")
        assert np.array_equal(found["examples"]["quantile_values"][units], usual.T)
        wide = flat.astype(np.float64).transpose(1, 0, 2).reshape(values.shape[1], -1)
        central = wide - wide.mean(1, keepdims=True)
        moments = np.stack([wide.mean(1), *((central**power).mean(1) for power in (2, 3, 4))], axis=1)
        size = np.stack([(np.abs(central) ** power).mean(1) for power in (1, 2, 3, 4)], axis=1)
        assert (np.abs(found["statistics"]["moments"][units] - moments) < 1e-6 * (size + 1e-9)).all(), key
        assert np.array_equal(found["statistics"]["active"][units], (wide > 0).sum(1))
        assert (found["statistics"]["bins"][units].sum(1) == wide.shape[1]).all()
        for unit in range(values.shape[1]):
            low, high = (float(found["statistics"][name][at + unit]) for name in ("low", "high"))
            counts, edges = np.histogram(wide[unit], bins=64, range=(low, high))
            near = (np.abs(wide[unit][:, None] - edges) < 1e-5 * (high - low)).sum()
            assert np.abs(found["statistics"]["bins"][at + unit, 1:-1] - counts).sum() <= 2 * near
        at = units.stop
    assert at == found["maxima"]["maxima"].shape[1]
    assert [bytes(row).hex() for row in found["maxima"]["digests"]] == [item.digest for item in dataset.items]


def test_a_unit_says_what_the_whole_checkpoint_says_of_it(small):
    dataset, column = pictures(18), 0
    found = tables(recorded(small, dataset, top=2))
    for layer in small.layers.values():
        unit = Unit(layer.key, layer.channels - 1)
        alone = recorded(small, dataset, Subject.of(unit), top=2)
        column += layer.channels
        for role in ("statistics", "examples"):
            for name, table in tables(alone)[role].items():
                whole = found[role][name]
                assert np.array_equal(table, whole if len(table) != 1 else whole[column - 1 : column]) or (
                    name in ("items", "checkpoint", "dataset", "digests", "labels") and np.array_equal(table, whole)
                )
        numbers, held = alone.numbers, found["statistics"]
        assert numbers["percentiles"] == held["percentiles"][column - 1].tolist()
        assert numbers["histogram"]["counts"] == held["bins"][column - 1, 1:-1].tolist()
        assert [it["value"] for it in numbers["examples"]] == [
            *found["examples"]["quantile_values"][column - 1].tolist(),
            *found["examples"]["top_values"][column - 1].tolist(),
        ]


def test_nothing_outside_a_crop_has_any_effect():
    lens = Lens(networks.checkpoint("branches"))
    dataset = pictures(6, (32, 32))
    images = torch.stack([item.shown(lens.checkpoint.input_spec) for item in dataset.items])
    noise = networks.images(32, n=6, seed=5)
    for key in ("stem", "mixed", "top"):
        shown = recorded(lens, dataset, Subject.parse(f"{key}:1")).numbers["examples"]
        read = lens.truncated(key, site="pre_relu")
        for one in shown:
            row = [item.digest for item in dataset.items].index(one["item"])
            left, top, width, height = one["box"]
            inside = torch.zeros(32, 32, dtype=torch.bool)
            inside[top : top + height, left : left + width] = True
            changed = images.clone()
            changed[row] = torch.where(inside, images[row], noise[row])
            (y, x) = one["position"]
            with torch.no_grad():
                assert read(changed)[row, 1, y, x] == read(images)[row, 1, y, x]
                bare = torch.where(inside, noise[row], images[row])
                assert read(torch.stack([bare] * 6))[0, 1, y, x] != read(images)[row, 1, y, x]


def test_a_part_is_where_the_crop_lies_in_the_picture_itself():
    """A picture that is only cut, not resized: pixels of the input are pixels of the picture."""
    sound = networks.checkpoint("branches")
    spec = networks.spec(32, resize={"mode": "shorter-side", "size": 40, "interpolation": "bilinear"})
    lens = Lens(Checkpoint("branches", sound.graph, sound.tensors, spec))
    dataset = pictures(3, (60, 40))
    for one in recorded(lens, dataset, Subject.parse("stem:0")).numbers["examples"]:
        item = next(it for it in dataset.items if it.digest == one["item"])
        left, top, width, height = (round(part * side) for part, side in zip(one["part"], (60, 40) * 2, strict=True))
        own = np.asarray(item.open())[top : top + height, left : left + width]
        left, top, width, height = one["box"]
        seen = item.shown(spec)[:, top : top + height, left : left + width]
        assert np.array_equal(own, (seen * 255).round().permute(1, 2, 0).numpy().astype(np.uint8))


def contents(blob) -> bytes:
    return blob.data if isinstance(blob.data, bytes) else blob.data.read_bytes()


class Killed(Exception):
    """The process is gone."""


@pytest.mark.parametrize("stop", [1, 2, 3])
def test_what_was_interrupted_goes_on_to_the_same_bytes(tmp_path, monkeypatch, stop):
    monkeypatch.setattr(recording, "SAVED", 2)
    lens, dataset = Lens(networks.checkpoint("mobile")), pictures(60)
    whole = recorded(lens, dataset, folder=tmp_path / "whole")
    opened = []

    def observe(progress):
        if progress.done == stop:
            raise Killed

    def watched(item: Item) -> Item:
        return Item(item.digest, item.name, item.label, lambda: opened.append(item) or item.open())

    seen = Dataset(tuple(map(watched, dataset.items)))
    ask = {"dataset": dataset.digest}
    with pytest.raises(Killed):
        list(PROBE.run(lens, [EVERYTHING], ask, datasets=[dataset], scratch=tmp_path / "cut", observe=observe))
    [again] = PROBE.run(lens, [EVERYTHING], ask, datasets=[seen], scratch=tmp_path / "cut")
    assert len(opened) == 60 - 32 * (stop // 2)
    assert again.numbers == whole.numbers
    contents = [
        [it.data if isinstance(it.data, bytes) else it.data.read_bytes() for it in one.blobs] for one in (whole, again)
    ]
    assert contents[0] == contents[1]


@pytest.mark.parametrize("what", ["another question", "half a state"])
def test_what_is_not_of_this_question_is_not_gone_on_with(tmp_path, what):
    lens, dataset = Lens(networks.checkpoint("mobile")), pictures(4)
    whole = recorded(lens, dataset, folder=tmp_path)
    if what == "half a state":
        state = tmp_path / recording.STATE
        state.write_bytes(state.read_bytes()[:100])
        assert recorded(lens, dataset, folder=tmp_path).numbers == whole.numbers
    else:
        other = pictures(4, seed=1)
        found = recorded(lens, other, folder=tmp_path)
        assert found.numbers == recorded(lens, other, folder=tmp_path / "fresh").numbers


def test_equal_items_come_by_digest_and_equal_positions_by_row():
    sound = networks.checkpoint("branches")
    blind = {name: torch.zeros_like(it) if name.startswith("stem") else it for name, it in sound.tensors.items()}
    lens = Lens(Checkpoint("branches", sound.graph, blind, sound.input_spec))
    dataset = pictures(5)
    numbers = recorded(lens, dataset, Subject.parse("stem:0"), top=3).numbers
    ranked = [it for it in numbers["examples"] if "rank" in it]
    assert [it["item"] for it in ranked] == [item.digest for item in dataset.items[:3]]
    assert {tuple(it["position"]) for it in ranked} == {(0, 0)}
    assert (numbers["variance"], numbers["skewness"], numbers["kurtosis"]) == (0, None, None)
    assert (numbers["active"], sum(numbers["histogram"]["counts"])) == (0, numbers["positions"])


def test_of_a_lattice_the_maxima_are_exact_and_fewer_positions_are_counted():
    lens, dataset = Lens(networks.checkpoint("branches")), pictures(20)
    every, some = (recorded(lens, dataset, Subject.parse("stem:2"), positions=it).numbers for it in ("all", "lattice"))
    assert (every["positions"], some["positions"]) == (20 * 16 * 16, 20 * 8 * 8)
    assert every["examples"] == some["examples"]
    assert some["mean"] == pytest.approx(every["mean"], abs=0.1 * every["variance"] ** 0.5)


@pytest.mark.parametrize("n", [1, 2, 7, 20, 101, 1000])
def test_ranks_are_exact_quantiles(n):
    ordered = np.arange(n)
    for quantile in QUANTILES:
        expected = next(it for it in range(n) if (it + 1) * quantile.denominator >= quantile.numerator * n)
        assert ordered[rank(quantile, n)] == expected


def test_who_watches_may_spare_a_network_its_relu(small):
    """What a recorder has rectified goes on as what the ReLU makes of it; a value that others read is not spent."""
    images = torch.rand(3, 3, *small.checkpoint.input_spec.size, generator=torch.Generator().manual_seed(6))
    nodes = [part.node for layer in small.layers.values() for part in layer.require(layer.sites[0])]
    told: dict[bool, dict[str, torch.Tensor]] = {}
    spent_at = set()
    for rectify in (False, True):
        told[rectify] = {}

        def watch(node, value, spent, into=told[rectify], rectify=rectify):
            into[node] = value.clone()
            if spent:
                spent_at.add(node)
                value.relu_() if rectify else value
            return spent and rectify

        with torch.no_grad():
            small.watching(nodes, watch)(images)
    assert all(torch.equal(value, told[True][node]) for node, value in told[False].items())
    readers = {node: [small.graph[it].op for it in small.graph.consumers[node]] for node in spent_at}
    assert all(ops == ["relu"] for ops in readers.values())
    assert spent_at or all(layer.sites[0] == "post_relu" for layer in small.layers.values())


def test_a_dataset_that_cannot_be_shown_is_refused_by_name():
    lens, sound = Lens(networks.checkpoint("branches")), pictures(3)
    broken = Item("0" * 64, "broken", None, lambda: Image.open(io.BytesIO(b"no picture")))
    for dataset, named in ((Dataset(()), "An empty set"), (Dataset((*sound.items, broken)), "0" * 64)):
        with pytest.raises(UnreadableDataset) as refused:
            recorded(lens, dataset)
        assert str(refused.value).startswith(named)
