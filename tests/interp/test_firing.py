"""Which units fire for a picture: held against brute force over the items that were recorded."""

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load, save

from tests.interp import networks
from tests.interp.test_activations import pictures, recorded, stored, tables
from workers.interp.address import Subject
from workers.interp.datasets import Dataset
from workers.interp.errors import UnreadableMaterial
from workers.interp.lens import Lens
from workers.interp.probes import PROBES
from workers.interp.tallies import as_maps

PROBE, EVERYTHING = PROBES["firing"], Subject.parse("*")


def shown(lens: Lens, folder, image: Image.Image, dataset: Dataset, subject: Subject = EVERYTHING, **params):
    """The answer about a picture, against a recording of a dataset."""
    statistics = next(it.data for it in recorded(lens, dataset).blobs if it.role == "statistics")
    files = {"picture": folder / "picture.png", "against": folder / "statistics"}
    image.save(files["picture"])
    files["against"].write_bytes(statistics)
    return ask(lens, files, subject, **params)


def ask(lens: Lens, files, subject: Subject = EVERYTHING, *, site: str | None = None, **params):
    named = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}
    [answer] = PROBE.run(lens, [subject], {**named, **params}, site=site, materials=files.values())
    return answer


@pytest.fixture(params=["branches", "mobile"])
def small(request) -> Lens:
    return Lens(networks.checkpoint(request.param))


def test_scores_are_what_brute_force_finds(small, tmp_path):
    dataset, other = pictures(24), pictures(1, (50, 30), seed=9).items[0].open()
    finding = shown(small, tmp_path, other, dataset, top=200)
    spec = small.checkpoint.input_spec
    read = small.places([(layer.key, layer.sites[0]) for layer in small.layers.values()])
    with torch.no_grad():
        maps = dict(zip(small.layers, map(as_maps, read(spec.crop(other)[None])), strict=True))
    usual = {key: values.max((2, 3)).astype(np.float64) for key, values in stored(small, dataset).items()}
    units = {one["unit"]: one for one in finding.numbers["units"]}
    assert len(units) == min(200, finding.numbers["of"])
    for key, channels in ((key, range(layer.channels)) for key, layer in small.layers.items()):
        for channel in channels:
            one, value = units[f"{key}:{channel}"], maps[key][0, channel]
            height, width = value.shape
            assert (one["maximum"], one["centre"]) == (float(value.max()), float(value[height // 2, width // 2]))
            assert one["mean"] == pytest.approx(float(value.double().mean()), rel=1e-5, abs=1e-6)
            assert tuple(one["position"]) == np.unravel_index(int(value.argmax()), value.shape)
            items = usual[key][:, channel]
            if items.std() == 0:
                assert one["z"] is None
                continue
            assert one["z"] == pytest.approx((one["maximum"] - items.mean()) / items.std(), rel=1e-6, abs=1e-9)
            # In whole per cent the most of all items that it is not below.
            exceeded = (items <= one["maximum"]).sum() / len(items)
            assert one["percentile"] <= 100 * exceeded < one["percentile"] + 100 / len(items) + 1
    scores = [one["z"] for one in finding.numbers["units"] if one["z"] is not None]
    assert scores == sorted(scores, reverse=True)
    [table] = [load(blob.data) for blob in finding.blobs]
    in_order = [f"{key}:{channel}" for key, layer in small.layers.items() for channel in range(layer.channels)]
    assert table["maximum"].tolist() == [units[unit]["maximum"] for unit in in_order]


def test_a_unit_alone_says_the_same(small, tmp_path):
    image = pictures(1, seed=9).items[0].open()
    every = shown(small, tmp_path, image, pictures(5), top=200).numbers["units"]
    for one in (every[0], every[-1]):
        [alone] = shown(small, tmp_path, image, pictures(5), Subject.parse(one["unit"])).numbers["units"]
        assert alone == one


def test_an_item_that_was_recorded_stands_where_it_stood(small, tmp_path):
    dataset = pictures(16)
    found = tables(recorded(small, dataset))["examples"]
    finding = shown(small, tmp_path, dataset.items[3].open(), dataset, top=200)
    column = 0
    for layer in small.layers.values():
        if found["top_items"][column, 0] == 3:
            one = next(it for it in finding.numbers["units"] if it["unit"] == f"{layer.key}:0")
            assert one["maximum"] == pytest.approx(float(found["top_values"][column, 0]), rel=1e-5)
            assert one["part"] == pytest.approx(found["top_parts"][column, 0].tolist())
        column += layer.channels


def test_what_is_no_picture_or_of_another_checkpoint_is_refused(tmp_path):
    lens = Lens(networks.checkpoint("branches"))
    image, dataset = pictures(1).items[0].open(), pictures(3)
    shown(lens, tmp_path, image, dataset)
    good = {"picture": tmp_path / "picture.png", "against": tmp_path / "statistics"}
    tensors = load(good["against"].read_bytes())
    other = tmp_path / "other"
    for data in (b"", b"no picture", good["against"].read_bytes()):
        other.write_bytes(data)
        _refused(lens, {**good, "picture": other})
    wrong = [{**tensors, "checkpoint": tensors["dataset"]}, {"items": tensors["items"]},
             {**tensors, "percentiles": tensors["percentiles"][:-1]}]  # fmt: skip
    for held in wrong:
        other.write_bytes(save(held))
        _refused(lens, {**good, "against": other})


def _refused(lens, files):
    with pytest.raises(UnreadableMaterial):
        ask(lens, files)


def test_of_what_was_read_elsewhere_no_unit_is_told(tmp_path):
    lens = Lens(networks.checkpoint("branches"))
    shown(lens, tmp_path, pictures(1).items[0].open(), pictures(3))
    files = {"picture": tmp_path / "picture.png", "against": tmp_path / "statistics"}
    assert ask(lens, files, Subject.parse("stem:0"), site="post_relu").error.slug == "unreadable-material"
