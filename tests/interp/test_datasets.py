"""A dataset is the set of its pictures' pixels: however they are stored, named and ordered, it has one digest."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.interp import networks
from workers.interp.address import Subject, Unit
from workers.interp.datasets import Dataset, fixed
from workers.interp.errors import BadAddress, NoSuchMaterial, UnreadableDataset
from workers.interp.lens import Lens
from workers.interp.probes import PROBES


def picture(seed: int, size: tuple[int, int] = (20, 16)) -> Image.Image:
    random = np.random.Generator(np.random.Philox(seed))
    return Image.fromarray(random.integers(0, 256, (*size, 3), dtype=np.uint8))


def folder_of(folder: Path, names: dict[str, int]) -> Path:
    for name, seed in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        picture(seed).save(folder / name)
    return folder


def test_names_formats_order_and_copies_do_not_matter(tmp_path):
    first = Dataset.of_folder(folder_of(tmp_path / "a", {"1.png": 1, "2.png": 2, "again.png": 1}))
    second = Dataset.of_folder(folder_of(tmp_path / "b", {"deep/x.bmp": 2, "y.webp.png": 1}))
    other = Dataset.of_folder(folder_of(tmp_path / "c", {"1.png": 1, "2.png": 3}))
    assert first.digest == second.digest != other.digest
    assert len(first) == 2


def test_sixteen_bits_of_grey_are_scaled_to_eight(tmp_path):
    """A conversion by Pillow would cut off at 255: white wherever there is any light."""
    grey = np.random.Generator(np.random.Philox(4)).integers(0, 65_536, (20, 16), dtype=np.uint16)
    for folder, image in {
        "deep": Image.fromarray(grey),
        "plain": Image.fromarray((grey // 257).astype(np.uint8)),
    }.items():
        (tmp_path / folder).mkdir()
        image.save(tmp_path / folder / "a.png")
    deep, plain = (Dataset.of_folder(tmp_path / folder) for folder in ("deep", "plain"))
    assert deep.digest == plain.digest
    spec = networks.spec(12)
    assert torch.equal(deep.items[0].shown(spec), plain.items[0].shown(spec))


def test_labels_come_from_a_table(tmp_path):
    folder = folder_of(tmp_path / "a", {"1.png": 1, "2.png": 2, "3.png": 3})
    (tmp_path / "labels.csv").write_text("file,index,words\n1.png,2,cat\n2.png,0,dog\n")
    found = Dataset.of_folder(folder, labels=tmp_path / "labels.csv")
    assert {item.name: item.label for item in found.items} == {"1.png": 2, "2.png": 0, "3.png": None}
    assert found.labels == ("dog", "1", "cat")


@pytest.mark.parametrize(("name", "data"), [("a.png", b"not a picture"), ("a.jpg", b""), ("labels.csv", b"x,y\n1,2\n")])
def test_what_cannot_be_read_is_named(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UnreadableDataset) as refused:
        Dataset.of_folder(tmp_path, labels=tmp_path / name if name.endswith("csv") else None)
    assert name in str(refused.value)


@pytest.mark.parametrize("index", ["-1", "100000", "99999999999", "1.5", "cat", ""])
def test_a_label_that_is_no_index_is_refused(tmp_path, index):
    """One that is too large would have names as far as that."""
    folder_of(tmp_path, {"1.png": 1})
    (tmp_path / "labels.csv").write_text(f"file,index\n1.png,{index}\n")
    with pytest.raises(UnreadableDataset, match="index"):
        Dataset.of_folder(tmp_path, labels=tmp_path / "labels.csv")


def test_batches_are_what_the_network_is_shown():
    lens = Lens(networks.checkpoint("branches"))
    dataset = fixed(lens.checkpoint.input_spec)
    shown = [(items, images) for items, images in dataset.batches(lens.checkpoint.input_spec, size=3)]
    assert [len(items) for items, _ in shown] == [3, 3, 2]
    joined = torch.cat([images for _, images in shown])
    assert torch.equal(joined[4], dataset.items[4].shown(lens.checkpoint.input_spec))
    assert joined.shape[2:] == lens.checkpoint.input_spec.size


def test_a_named_dataset_has_to_be_at_hand():
    for probe in PROBES.values():
        names = [name for name, rule in probe.schema["properties"].items() if rule.get("format") == "dataset"]
        for name in names:
            with pytest.raises(NoSuchMaterial):
                probe.run(Lens(networks.checkpoint("branches")), [Subject.of(Unit("a", 0))], {name: "0" * 64})


def test_a_whole_checkpoint_is_a_subject_that_not_every_probe_takes():
    lens, everything = Lens(networks.checkpoint("branches")), Subject.parse("*")
    assert (everything, str(everything), everything.kind, everything.layers) == (Subject(), "*", "checkpoint", ())
    assert lens.named(everything) == everything
    for probe in PROBES.values():
        if "checkpoint" not in probe.subjects:
            [answer] = probe.run(lens, [everything], probe.example)
            assert isinstance(answer.error, BadAddress)
