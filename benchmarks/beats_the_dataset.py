"""Does a unit's picture excite it more than any of a thousand photographs? Feature visualization promises it: measured.

Run in a checkout, with the folder of real checkpoints and images named by ATLAS_REAL_DATA:

    OMP_NUM_THREADS=1 python -m benchmarks.beats_the_dataset googlenet-caffe section.md [neuron]

It takes about ten minutes on one core and writes what it found to the named file: its section in RESULTS.md.

What is compared, in SqueezeNet 1.1, Caffe's GoogLeNet or miniception, for 8 units of each of three layers, drawn by a
seeded generator:

* the picture: the probe's defaults (128 px, of miniception 64; 512 steps), exciting, and only the first of its three
  seeds, so that no best of three flatters it. Measured is the stored 8-bit PNG, decoded again, shown still at its own
  size as it is, as the probe itself measures it: the largest answer over positions.
* the photographs: all 1,000, each by the checkpoint's crop protocol at the native size (of miniception the 1,008
  held-out pictures of its world): the largest answer over positions and photographs. Photographs of 224 px have three
  times as many positions to be lucky at as the picture, which favours them.

The usual objective climbs the mean over positions, and what is compared is the largest answer: of a unit that answers
to something small, a texture of it everywhere can reach less than one good example. With `neuron` the pictures climb
the middle position alone, which is what is compared.

A picture at its own size has its border, where convolutions see zeros, closer to its middle than a photograph has. So
the table also says what the picture reaches in the middle of a grey canvas of the native size, where its border is an
edge to grey and the border of the input is where the photographs have it. The verdict is over the first measure.
"""

import io
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks.machine import processor
from benchmarks.real import opened
from workers.interp.address import Subject, Unit
from workers.interp.lens import Lens
from workers.interp.probe import Failure
from workers.interp.probes import PROBES
from workers.organisms.miniception import world

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {
    "squeezenet1_1-caffe": ("features.3", "features.7", "features.12"),
    "googlenet-caffe": ("mixed3b", "mixed4c", "mixed5b"),
    "miniception": ("mixed2a", "mixed2b", "mixed3b"),
}
SITE = "post_relu"
EACH = 8  # units of a layer
PARAMS = {"seeds": [0], "polarity": "positive"}  # the rest are the probe's defaults
SMALL = {"size": 64}  # of a network that sees no more
GREY = 0.5


@dataclass(frozen=True)
class Row:
    """One unit: the largest answer over positions to its picture, alone and framed in grey, and to any photograph."""

    unit: Unit
    picture: float
    framed: float
    photographs: float
    seconds: float

    @property
    def beats(self) -> bool:
        """Whether the picture excites more than every photograph."""
        return self.picture > self.photographs


def sampled(lens: Lens, layers: Sequence[str], *, seed: int = 0) -> list[Unit]:
    """Eight units of each layer."""
    random = np.random.Generator(np.random.Philox(seed))
    chosen = {layer: random.choice(lens.layers[layer].channels, EACH, replace=False) for layer in layers}
    return [Unit(layer, int(channel)) for layer, channels in chosen.items() for channel in sorted(channels)]


@torch.no_grad()
def over_photographs(lens: Lens, shown: Iterator[Tensor], layers: Sequence[str]) -> dict[str, Tensor]:  # {layer: [C]}
    """The largest answer of every channel to anything shown, anywhere."""
    read, best = lens.reading(layers, site=SITE), {layer: torch.tensor(-torch.inf) for layer in layers}
    for batch in shown:
        best = {layer: torch.maximum(best[layer], maps.amax((0, 2, 3))) for layer, maps in read(batch).items()}
    return best


def batches(lens: Lens, files: list[Path], *, size: int = 20) -> Iterator[Tensor]:  # of [N, 3, H, W]
    """Photographs as the network is shown them."""
    for first in range(0, len(files), size):
        crops = []
        for file in files[first : first + size]:
            with Image.open(file) as image:
                crops.append(lens.checkpoint.input_spec.crop(image))
        yield torch.stack(crops)


def drawn(*, size: int = 48) -> Iterator[Tensor]:  # of [N, 3, H, W]
    """The held-out pictures of miniception's world."""
    for first in range(0, world.HELD_OUT_SIZE, size):
        items = [world.picture(world.HELD_OUT, index).pixels for index in range(first, first + size)]
        yield torch.from_numpy(np.stack(items)).permute(0, 3, 1, 2).float() / 255


def pictured(lens: Lens, unit: Unit, objective: str) -> Tensor:  # -> [1, 3, S, S] in [0, 1]
    """The unit's picture, from the bytes that are stored."""
    (answer,) = PROBES["feature-visualization"].run(
        lens, [Subject.of(unit)], {**PARAMS, **small(lens), "objective": objective}
    )
    if isinstance(answer, Failure):
        raise answer.error
    (png,) = [blob.data for blob in answer.blobs if blob.role == "image"]
    with Image.open(io.BytesIO(png)) as image:
        pixels = torch.from_numpy(np.array(image))
    return pixels.permute(2, 0, 1)[None].float() / 255


def small(lens: Lens) -> dict[str, int]:
    """The size of a picture, where the usual one is larger than what the network sees."""
    return SMALL if max(lens.checkpoint.input_spec.size) < 128 else {}


def framed(picture: Tensor, size: tuple[int, int]) -> Tensor:  # [1, 3, S, S] -> [1, 3, H, W]
    """The picture in the middle of a grey canvas of the native size."""
    canvas = torch.full((1, 3, *size), GREY)
    top, left = ((whole - side) // 2 for whole, side in zip(size, picture.shape[2:], strict=True))
    canvas[:, :, top : top + picture.shape[2], left : left + picture.shape[3]] = picture
    return canvas


@torch.no_grad()
def compared(lens: Lens, unit: Unit, photographs: float, *, objective: str = "channel") -> Row:
    """One unit's picture, made and measured."""
    started = time.monotonic()
    picture = pictured(lens, unit, objective)
    seconds = time.monotonic() - started
    answer = lens.truncated(unit.layer, site=SITE, channels=[unit.channel])
    around = framed(picture, lens.checkpoint.input_spec.size)
    return Row(unit, float(answer(picture).max()), float(answer(around).max()), photographs, seconds)


def report(rows: list[Row], lens: Lens, name: str) -> str:
    """The results as a page."""
    wins, framed_wins = sum(row.beats for row in rows), sum(row.framed > row.photographs for row in rows)
    machine = f"{processor()}, {torch.get_num_threads()} thread, float32"
    versions = {"Python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
    listed = ", ".join(f"{name} {version}" for name, version in {**versions, "Pillow": Image.__version__}.items())
    return "\n".join(
        [
            "# Pictures against photographs",
            "",
            f"By `benchmarks/beats_the_dataset.py` on {time.strftime('%Y-%m-%d', time.gmtime())}; what is measured "
            "and why like this, is said there. The goal is 90 %.",
            "",
            f"**{wins} of {len(rows)} pictures ({wins / len(rows):.0%}) excite their unit more than any of the 1,000 "
            f"photographs**; framed in grey at the native size, {framed_wins} of {len(rows)}.",
            "",
            f"`{name}`, checkpoint `{lens.checkpoint.digest}`, site `{SITE}`. {machine}. {listed}.",
            "",
            "| unit | picture | framed in grey | best photograph | picture ÷ photograph | beats | seconds |",
            "|---|---|---|---|---|---|---|",
            *map(line, rows),
            "",
            "Answers are in the network's own units. A unit that no photograph excites has no ratio; where its picture "
            "does not excite it either, it counts as not beaten. Seconds are of a busy machine, no benchmark of speed.",
            "",
        ]
    )


def line(row: Row) -> str:
    """One row of the table."""
    ratio = f"{row.picture / row.photographs:.2f}" if row.photographs else "–"
    verdict = "yes" if row.beats else "**no**"
    measured = f"{row.picture:.1f} | {row.framed:.1f} | {row.photographs:.1f} | {ratio}"
    return f"| {row.unit} | {measured} | {verdict} | {row.seconds:.0f} |"


def main(name: str, page: Path, objective: str = "channel") -> None:
    """Measure, tell on the way, and write the page."""
    folder = Path(os.environ["ATLAS_REAL_DATA"])
    lens = opened(folder, name)
    layers = [lens.checkpoint.place(layer).layer for layer in LAYERS[name]]
    photographs = sorted((folder / "images" / "imagenet1000").glob("*.jpg"))
    best = over_photographs(lens, drawn() if name == "miniception" else batches(lens, photographs), layers)
    rows = []
    for unit in sampled(lens, layers):
        photograph = float(best[unit.layer][unit.channel])
        rows.append(compared(lens, unit, photograph, objective=objective))
        print(rows[-1], flush=True)
    page.write_text(report(rows, lens, f"{name}, objective {objective}"))
    print(f"{sum(row.beats for row in rows)} of {len(rows)}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:4])
