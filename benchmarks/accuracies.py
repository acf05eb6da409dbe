"""Do the shipped cards tell the truth? The accuracy that each registers, measured anew on the labelled pictures.

Run in a checkout, with the folder of real checkpoints and images named by ATLAS_REAL_DATA:

    OMP_NUM_THREADS=1 python -m benchmarks.accuracies section.md

It takes three minutes on one core and writes what it found to the named file: its section in RESULTS.md. The tests
measure the small networks in full, and GoogLeNet on every twentieth photograph.
"""

import csv
import os
import platform
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import PIL
import torch
from PIL import Image

from benchmarks.machine import processor
from benchmarks.real import FILES, card, opened
from workers.interp.lens import Lens


def photographs(folder: Path, *, every: int = 1) -> Iterator[tuple[Image.Image, int]]:
    """One of each class of ImageNet, or of each so-manieth."""
    with (folder / "images" / "labels.csv").open() as file:
        for row in islice(csv.DictReader(file), 0, None, every):
            yield read(folder / "images" / "imagenet1000" / row["file"]), int(row["imagenet_index"])


def things(folder: Path) -> Iterator[tuple[Image.Image, int]]:
    """A hundred of each class of CIFAR-10."""
    with (folder / "images" / "cifar10_labels.csv").open() as file:
        for row in csv.DictReader(file):
            yield read(folder / "images" / "cifar10_test_1000" / row["file"]), int(row["index"])


def read(path: Path) -> Image.Image:
    """A picture in RGB."""
    with Image.open(path) as image:
        return image.convert("RGB")


def digits(folder: Path) -> Iterator[tuple[Image.Image, int]]:
    """MNIST's test images, cut from the sheet they are stored on."""
    with Image.open(folder / "images" / "mnist_t10k_atlas_100x100.png") as sheet:
        pixels = np.asarray(sheet.convert("L"))
    with (folder / "images" / "mnist_t10k_labels.csv").open() as file:
        for row in csv.DictReader(file):
            down, right = (28 * int(row[word]) for word in ("atlas_row", "atlas_col"))
            yield Image.fromarray(pixels[down : down + 28, right : right + 28]), int(row["label"])


@torch.no_grad()
def right(lens: Lens, images: Iterator[tuple[Image.Image, int]], *, size: int = 50) -> torch.Tensor:  # [N, 2] of bool
    """Whether each picture's label is the first answer, and whether it is among the first five."""
    found, crops, labels = [], [], []

    def judge() -> None:
        ranks = lens(torch.stack(crops)).topk(5).indices
        hits = ranks == torch.tensor(labels)[:, None]
        found.append(torch.stack([hits[:, 0], hits.any(1)], dim=1))
        crops.clear()
        labels.clear()

    for image, label in images:
        crops.append(lens.checkpoint.input_spec.crop(image))
        labels.append(label)
        if len(crops) == size:
            judge()
    if crops:
        judge()
    return torch.cat(found)


PICTURES = {"resnet20-cifar10": things, "lenet5-mnist": digits}  # the others are shown photographs


def row(folder: Path, name: str) -> str:
    """One card's line of the table: registered and found, first and among five, in per cent."""
    lens, started = opened(folder, name), time.monotonic()
    found = right(lens, PICTURES.get(name, photographs)(folder))
    first, five = (100 * found.float().mean(0)).tolist()
    registered = " / ".join(f"{100 * figure['value']:.2f}" for figure in card(name)["figures"])
    seconds = time.monotonic() - started
    digest = str(lens.checkpoint.digest)[:12]
    return f"| {name} | `{digest}` | {len(found)} | {registered} | {first:.2f} / {five:.2f} | {seconds:.0f} |"


def main(page: Path) -> None:
    """Measure, tell on the way, and write the section."""
    rows = []
    for name in FILES:
        rows.append(row(Path(os.environ["ATLAS_REAL_DATA"]), name))
        print(rows[-1], flush=True)
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, Pillow {PIL.__version__}"
    said = f"{processor()}, {torch.get_num_threads()} thread, float32. {versions}."
    lines = [
        "# Accuracies of the shipped cards",
        "",
        f"By `benchmarks/accuracies.py` on {time.strftime('%Y-%m-%d', time.gmtime())}. Per cent right, first and among "
        f"five, of all pictures and under the crop that the card names. {said} Seconds are of a busy machine.",
        "",
        "| card | checkpoint | pictures | registered | found | seconds |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
    ]
    page.write_text("\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
