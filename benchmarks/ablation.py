"""What does it cost to silence every unit of a layer, beside Captum and a loop of hooks?

Install the peer beside the project (benchmarks/requirements-captum.txt says how), then in a checkout:

    OMP_NUM_THREADS=1 PYTHONPATH=PEERS python -m benchmarks.ablation section.md

It takes some minutes on one core and writes its section of RESULTS.md. The goal at 4c is 9 times both.

What is measured, on torchvision's `googlenet` with seeded weights and calibrated BatchNorm, on 8 pictures of noise, one
thread, is the cost of one unit silenced for one picture, all logits, exactly:

* hooks: a forward hook on the layer's module sets the channel to zero, and the whole network runs on all pictures, as
  it comes from torchvision. A few channels, the mean.
* captum: `LayerFeatureAblation`, `perturbations_per_eval=1`, at the margin: the time of 8 groups of channels less that
  of 2, divided by 6, so that what it does once per call cancels. It gives one logit.
* ours: `Sweep`, the part before the layer counted in once for all its channels, then a number of its passes. With these
  weights hardly a channel is silent for a picture, so that next to nothing is skipped.

Sides take turns, the figure is the median over the rounds and the ratio the median of the rounds' ratios; the clock is
the process's own, which other processes do not run. `limit` is what has to run behind the short cuts at the best rate
measured beside it, of a matrix product (2048, float32) or a 3 × 3 convolution of 256 channels.
"""

import statistics
import sys
import time
from importlib.metadata import version
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from benchmarks.feature_visualization import seeded
from benchmarks.machine import processor
from workers.interp.layers import multiplications
from workers.interp.lens import Lens
from workers.interp.sweeps import TOGETHER, Sweep
from workers.interp.vision import torchvision

LAYERS = ("inception3b", "inception4c", "inception5b")
PICTURES, ROUNDS, CHANNELS, PASSES = 8, 5, 3, 12
GROUPS = (2, 8)
CONVOLVED = ((16, 256, 14, 14), (256, 256, 3, 3))  # where no product of MKL's is as quick on this processor


def spent(work: Any) -> float:
    """Seconds of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


def hooked(model: nn.Module, layer: str, images: Tensor, channel: int) -> Tensor:
    """The answers with one channel of a module's output at zero."""

    def silence(module: nn.Module, given: Any, output: Tensor) -> Tensor:
        fresh = output.clone()
        fresh[:, channel] = 0
        return fresh

    handle = model.get_submodule(layer).register_forward_hook(silence)
    try:
        with torch.no_grad():
            return model(images)
    finally:
        handle.remove()


def by_hooks(model: nn.Module, layer: str, images: Tensor) -> float:
    """Seconds for one unit and picture."""
    return spent(lambda: [hooked(model, layer, images, it) for it in range(CHANNELS)]) / CHANNELS / len(images)


def by_captum(model: nn.Module, layer: str, images: Tensor, width: int) -> float:
    """Seconds for one group and picture, at the margin."""
    from captum.attr import LayerFeatureAblation

    method = LayerFeatureAblation(model, model.get_submodule(layer))
    taken = []
    for groups in GROUPS:
        mask = (torch.arange(width) * groups // width)[None, :, None, None]
        with torch.no_grad():
            taken.append(spent(lambda mask=mask: method.attribute(images, target=0, layer_mask=mask)))
    return (taken[1] - taken[0]) / (GROUPS[1] - GROUPS[0]) / len(images)


def by_sweep(sweep: Sweep, images: Tensor) -> float:
    """Seconds for one unit and picture: its share of the prefix, and its pass."""
    began = time.process_time()
    _, passes = sweep.silenced(images)
    once = time.process_time() - began
    count, began = 0, time.process_time()
    for one in islice(passes, PASSES):
        count += len(one.rows)
    return once / (sweep.layer.channels * len(images)) + (time.process_time() - began) / count


def behind(lens: Lens, sweep: Sweep) -> int:
    """Floating-point operations that have to run for one unit and picture, behind the short cuts."""
    shapes = {name: tuple(tensor.shape) for name, tensor in lens.tensors.items()}
    return 2 * sum(multiplications(node, lens.checkpoint.sizes[node.name], shapes) for node in sweep.computed)


def rate() -> float:
    """Floating-point operations a second of the best matrix product or 3 × 3 convolution, whichever is quicker."""
    a, b = torch.rand(2048, 2048), torch.rand(2048, 2048)
    x, w = (torch.rand(shape).contiguous(memory_format=torch.channels_last) for shape in CONVOLVED)
    product = 2 * 2048**3 / min(spent(lambda: a @ b) for _ in range(5))
    count = 2 * w.numel() * x.shape[0] * x.shape[2] * x.shape[3]
    convolution = count / min(spent(lambda: torch.nn.functional.conv2d(x, w, padding=1)) for _ in range(20))
    return max(product, convolution)


def rows() -> tuple[list[dict[str, Any]], float]:
    """A row for each layer, and the rate beside which it was measured."""
    model, checkpoint = seeded()
    lens = Lens(checkpoint)
    images = torch.rand(PICTURES, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    prepared, found, best = checkpoint.input_spec.prepare(images), [], rate()
    for layer in LAYERS:
        sweep = Sweep(lens, layer)
        width = lens.layers[layer].channels
        off = difference(model, layer, prepared, sweep, images)
        sides = {"hooks": [], "captum": [], "ours": []}
        for _ in range(ROUNDS):
            sides["ours"].append(by_sweep(sweep, images))
            sides["hooks"].append(by_hooks(model, layer, prepared))
            sides["captum"].append(by_captum(model, layer, prepared, width))
            best = max(best, rate())
        found.append({"layer": layer, "width": width, "off": off, "flops": behind(lens, sweep), **sides})
        print(layer, {name: statistics.median(taken) for name, taken in sides.items()}, flush=True)
    return found, best


def difference(model: nn.Module, layer: str, prepared: Tensor, sweep: Sweep, images: Tensor) -> float:
    """How far the first passes are from the hooks, of the largest effect."""
    intact, passes = sweep.silenced(images)
    one = next(iter(passes))
    looped = torch.stack(
        [
            hooked(model, layer, prepared[row : row + 1], int(c))[0]
            for c, row in zip(one.channels, one.rows, strict=True)
        ]
    )
    return float((one.answers - looped).abs().max() / (looped - intact[one.rows]).abs().max())


def section(found: list[dict[str, Any]], best: float) -> str:
    """The section of RESULTS.md."""
    lines = []
    for row in found:
        middle = {name: 1000 * statistics.median(row[name]) for name in ("hooks", "captum", "ours")}
        ratios = {
            name: statistics.median(a / b for a, b in zip(row[name], row["ours"], strict=True))
            for name in ("hooks", "captum")
        }
        limit = 1000 * row["flops"] / best
        share = "–" if limit < 0.01 else f"{limit / middle['ours']:.0%}"
        cells = [row["layer"], row["width"], *(f"{middle[name]:.3g}" for name in middle), f"{limit:.2g}", share]
        cells += [f"{ratios['hooks']:.3g}", f"{ratios['captum']:.3g}", f"{row['off']:.0e}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    table = "\n".join(lines)
    versions = f"torch {torch.__version__}, torchvision {torchvision().__version__}, captum {version('captum')}"
    return f"""# Ablation of every unit of a layer

By `benchmarks/ablation.py` on {time.strftime("%Y-%m-%d", time.gmtime())}; what is measured and how, is said there. The
goal at 4c is 9 times a loop of hooks and Captum.

{processor()}, 1 thread, {versions}; other work ran on the machine's other core. Best rate: {best / 1e9:.0f} GF/s.
Milliseconds of processor for one unit and picture, all logits (Captum: one).

| layer | units | hooks | Captum | ours | limit | of the limit | hooks ÷ ours | Captum ÷ ours | off by |
|---|---|---|---|---|---|---|---|---|---|
{table}

`off by` is the largest difference from the hooks' answers, of the largest effect, on the first {TOGETHER} pairs.
"""


def main(path: str) -> None:
    """Measure, and write the section."""
    torch.set_num_threads(1)
    torchvision()
    Path(path).write_text(section(*rows()))


if __name__ == "__main__":
    main(sys.argv[1])
