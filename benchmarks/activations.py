"""What does it cost to record every unit of GoogLeNet, beside a bare forward pass and a loop of hooks that stores?

Run in a checkout:

    OMP_NUM_THREADS=1 python -m benchmarks.activations section.md

It takes about two minutes on one core and writes what it found to the named file: its section in RESULTS.md. The goal
is 1.08 times our own bare forward pass, maxima and their positions included.

What is measured, on the Caffe GoogLeNet with seeded weights (equally many weights cost the same, whatever they are),
normalisations folded, one batch of 16 pictures of 224 px that are at hand already:

* bare: the network's output, with our own forward pass.
* all: what the probe `activations` does with a batch: maxima and their positions of every unit to arrays on disk, and
  of every position a histogram, four moments and the fraction above zero.
* lattice: the same with at most 8 × 8 positions of each map in histogram, moments and fraction.
* stored: a loop as it is usually written: all values are kept until the pass is over, then looked at with `max`.
* stored, counted: the same, and a histogram of every position by `bincount` in 64 bits, and the moments.

Memory is kept as a worker keeps it (`workers/memory.py`): what that spares is a fifth of the bare pass, and would make
the same recording a smaller part of it. Processor seconds. The variants take turns, and each is compared with the bare
passes just before and just after it: the median of these ratios is what counts, because other work on the machine slows
all alike.
"""

import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from benchmarks import real
from benchmarks.machine import processor
from workers import memory
from workers.interp import architectures
from workers.interp.address import Subject
from workers.interp.checkpoint import Checkpoint, InputSpec
from workers.interp.columns import Asked, Strip, places, resolved, strips
from workers.interp.datasets import Dataset, Item
from workers.interp.lens import Lens
from workers.interp.recording import BATCH, Recording
from workers.interp.tallies import BINS, as_maps

CARD = "googlenet-caffe"
ROUNDS = 15
GOAL = 1.08


def opened() -> Lens:
    """The network with seeded weights."""
    card, random = real.card(CARD), np.random.Generator(np.random.Philox(0))
    family, known = architectures.find(card["architecture"]), card["architecture"]
    shapes = family.shapes(known)
    tensors = {name: torch.from_numpy(_drawn(shapes[name], random)) for name in sorted(shapes)}
    return Lens(Checkpoint(known, family.graph(known), tensors, InputSpec.from_json(card["input"])))


def _drawn(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    scale = np.sqrt(2 / np.prod(shape[1:])) if len(shape) > 1 else 0.1
    return random.normal(scale=scale, size=shape).astype(np.float32)


def recorder(lens: Lens, of: list[Strip], images: Tensor, folder: Path, *, every: bool) -> Callable[[], None]:
    """What the probe does with a batch."""
    items = Dataset(tuple(Item(f"{place:064x}", "", None, Image.Image) for place in range(len(images))))
    recording = Recording(lens, of, items, folder=folder, every=every, resumable=False)
    return lambda: recording.show(images)


def stored(lens: Lens, images: Tensor, *, counted: bool) -> Callable[[], None]:
    """A loop of hooks: keep everything, then look at it."""
    read = lens.places([(layer.key, layer.sites[0]) for layer in lens.layers.values()])

    @torch.no_grad()
    def run() -> None:
        for values in map(as_maps, read(images)):
            values.flatten(2).max(2)
            if counted:
                _count(values)

    return run


def _count(values: Tensor) -> None:
    """A histogram of each unit and its moments, without a thought of memory."""
    flat = values.transpose(0, 1).flatten(1)  # [C, N·H·W]
    low, high = flat.amin(1, keepdim=True), flat.amax(1, keepdim=True)
    bins = ((flat - low) / (high - low).clamp(min=1e-12) * BINS).long().clamp(0, BINS - 1)
    bins += torch.arange(len(flat))[:, None] * BINS
    torch.bincount(bins.flatten(), minlength=len(flat) * BINS)
    central = flat - flat.mean(1, keepdim=True)
    for power in (2, 3, 4):
        (central**power).mean(1)


def seconds(run: Callable[[], None]) -> float:
    """Of the processor."""
    start = time.process_time()
    run()
    return time.process_time() - start


def measured(bare: Callable[[], None], others: dict[str, Callable[[], None]]) -> dict[str, tuple[float, float]]:
    """By variant its seconds and its ratio to the bare passes around it, medians over all rounds."""
    for run in (bare, *others.values()):
        run()
    spent: dict[str, list[float]] = {name: [] for name in ("bare", *others)}
    ratios: dict[str, list[float]] = {name: [] for name in others}
    before = seconds(bare)
    for _ in range(ROUNDS):
        for name, run in others.items():
            took, after = seconds(run), seconds(bare)
            spent[name].append(took)
            spent["bare"].append(after)
            ratios[name].append(2 * took / (before + after))
            before = after
    return {
        name: (statistics.median(taken), statistics.median(ratios[name]) if name in ratios else 1.0)
        for name, taken in spent.items()
    }


def section(lens: Lens, found: dict[str, tuple[float, float]], units: int) -> str:
    """What RESULTS.md says."""
    rows = "\n".join(f"| {name} | {1e3 * taken / BATCH:.1f} | {ratio:.2f} |" for name, (taken, ratio) in found.items())
    goals = ", ".join(
        f"{name} {found[name][1]:.2f} ({'met' if found[name][1] <= GOAL else '**missed**'})"
        for name in ("all", "lattice")
    )
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, numba {numba.__version__}"
    return f"""# Recording every unit

By `benchmarks/activations.py` on {time.strftime("%Y-%m-%d", time.gmtime())}; what is measured and how, is said there.
The goal is {GOAL} times our own bare forward pass: {goals}.

Caffe GoogLeNet, {units:,} units, batch {BATCH}. {processor()}, 1 thread, float32.
{versions}. Milliseconds of processor an image; ratios are paired.

| variant | ms | of our bare forward |
|---|---|---|
{rows}
"""


def main(path: Path) -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    memory.keep()
    lens = opened()
    everything = resolved(lens, Subject(), site=None)
    assert isinstance(everything, Asked)
    of = strips(lens, places([everything]))
    random = torch.Generator().manual_seed(0)
    images = torch.rand(BATCH, 3, *lens.checkpoint.input_spec.size, generator=random)
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        others = {
            "all": recorder(lens, of, images, Path(one), every=True),
            "lattice": recorder(lens, of, images, Path(other), every=False),
            "stored": stored(lens, images, counted=False),
            "stored, counted": stored(lens, images, counted=True),
        }

        @torch.no_grad()
        def bare() -> None:
            lens(images)

        found = measured(bare, others)
    text = section(lens, found, sum(strip.width for strip in of))
    path.write_text(text)
    sys.stdout.write(text)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
