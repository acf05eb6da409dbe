"""How much work a picture costs, beside torch-lucent: step by step at equal work, and until the same result is reached.

Install the peer beside the project (benchmarks/requirements-lucent.txt says how), then in a checkout:

    OMP_NUM_THREADS=1 PYTHONPATH=PEERS python -m benchmarks.feature_visualization work section.md
    OMP_NUM_THREADS=1 PYTHONPATH=PEERS python -m benchmarks.feature_visualization result section.md

`result` needs ATLAS_REAL_DATA. One thread; the clock is the process's own, which other processes do not run.

**Equal work.** torchvision's `googlenet` with seeded weights (He), its BatchNorm calibrated on noise, so that signals
are alive in every layer; units of three depths; 224 px, Adam, Lucid's transforms on both sides: Lucent's five
resamplings show the network 248 … 273 px, ours in one 266 px. A step is (time of LONG steps − time of SHORT steps) ÷
their difference, so that opening and storing cancel. Sides take turns; the figure is the median over rounds, the ratio
the median of the rounds' ratios. Lucent is run as it comes (one picture a pass, all parameters with gradients, the
whole network forward), ours as one picture a pass and as the probe's own default, six pictures a pass. `limit` counts
forward and backward-data of the part of the network that has to run, by direct convolution, at the rate of the best
matrix product measured beside it (GEMM 2048, float32).

**Equal result.** Caffe's GoogLeNet. Lucent climbs 512 steps at 224 px; ours climbs by a declared schedule (SCHEDULE: a
smaller picture, wider steps, stopped at rest). One evaluator judges both: the stored 8-bit picture, still, in the
middle of a grey 224 × 224 canvas, the unit's largest answer after the ReLU. A larger picture has more places to be
lucky at: of Lucent's the middle is judged, as large as ours; what the whole of it reaches is in the table, too. Counted
is all of the time, opening apart. The ratio is taken over the units where ours reaches at least what Lucent's reached;
the others are said.
"""

import io
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from benchmarks.machine import processor
from benchmarks.real import opened
from workers.interp import architectures
from workers.interp.address import Subject, Unit
from workers.interp.checkpoint import Checkpoint, InputSpec
from workers.interp.geometry import shapes
from workers.interp.graph import Graph
from workers.interp.layers import multiplications
from workers.interp.lens import Lens
from workers.interp.operations import OPERATIONS
from workers.interp.probe import Finding
from workers.interp.probes import PROBES
from workers.interp.vision import torchvision

PROBE = PROBES["feature-visualization"]
LAYERS = ("inception3b", "inception4c", "inception5b")
SIZE, CANVAS = 224, 266
SHORT, LONG, ROUNDS = 1, 5, 5
SCHEDULE = {"size": 128, "learning_rate": 0.1, "rest": 0.02, "seeds": [0], "polarity": "positive"}


def peer() -> tuple[Callable[..., list[np.ndarray]], Callable[..., object], Callable[..., object]]:
    """Lucent's renderer, parameterisation and channel objective; two names that kornia has moved are put back."""
    torchvision()
    import kornia

    kornia.get_rotation_matrix2d = kornia.geometry.transform.get_rotation_matrix2d
    kornia.warp_affine = kornia.geometry.transform.warp_affine
    from lucent.optvis import objectives, param, render

    return render.render_vis, param.image, objectives.channel


class Plain(nn.Module):
    """A network as its users have it: every node runs, weights want gradients, the layer looked at is a module."""

    def __init__(self, graph: Graph, tensors: dict[str, Tensor], node: str) -> None:
        super().__init__()
        self.graph, self.node, self.target = graph, node, nn.Identity()
        self.weights = nn.ParameterDict({name.replace(".", "/"): nn.Parameter(t) for name, t in tensors.items()})

    def forward(self, images: Tensor) -> Tensor:
        """The output, by way of the target."""
        values = {self.graph.input: images}
        for node in self.graph:
            if node.op == "input":
                continue
            tensors = {word: self.weights[name.replace(".", "/")] for word, name in node.tensors.items()}
            given = [values[source] for source in node.inputs]
            try:
                values[node.name] = OPERATIONS[node.op].run(*given, **tensors, **node.attributes)
            except RuntimeError:  # the head takes one input size, and nobody looks at it
                if self.node in values:
                    return values[self.node]
                raise
            if node.name == self.node:
                values[node.name] = self.target(values[node.name])
        return values[self.graph.output]


def seeded() -> tuple[nn.Module, Checkpoint]:
    """torchvision's GoogLeNet with weights of a seed, alive in every layer; as it comes, and as ours."""
    torch.manual_seed(0)
    model = torchvision().models.get_model("googlenet", weights=None, aux_logits=False, init_weights=False)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # the plain mean over what it is shown
    with torch.no_grad():
        model.train()(torch.rand(8, 3, SIZE, SIZE))
    family = architectures.find("googlenet")
    state = model.state_dict()
    tensors = {name: state[name] for name in family.graph("googlenet").tensors}
    return model.eval(), Checkpoint("googlenet", family.graph("googlenet"), tensors, imagenet_spec())


def imagenet_spec() -> InputSpec:
    """As torchvision's classifiers take pictures."""
    return InputSpec.from_json(
        {
            "size": [SIZE, SIZE],
            "channel_order": "RGB",
            "value_range": [0, 1],
            "mean": [0.485, 0.456, 0.406],
            "std": [0.229, 0.224, 0.225],
            "resize": {"mode": "shorter-side", "size": 256, "interpolation": "bilinear"},
            "crop": "center",
        }
    )


def spent(work: Callable[[], object]) -> float:
    """Seconds of this process."""
    started = time.process_time()
    work()
    return time.process_time() - started


def a_step(run: Callable[[int], object], pictures: int) -> float:
    """Seconds a step and picture."""
    return (spent(lambda: run(LONG)) - spent(lambda: run(SHORT))) / (LONG - SHORT) / pictures


def ceiling() -> float:
    """Floating-point operations a second of the best matrix product."""
    a, b = torch.rand(2048, 2048), torch.rand(2048, 2048)
    return 2 * 2048**3 / min(spent(lambda: a @ b) for _ in range(5))


def operations(lens: Lens, layer: str) -> int:
    """Of forward and backward-data up to a layer on the canvas; the first layer has no picture weights to pass by."""
    graph, nodes = lens.checkpoint.graph, lens.cut(layer, site="post_relu")
    ours = list(graph.ancestors(nodes, given=[graph.input]))
    sizes = shapes(graph, lens.checkpoint.shapes, given=(3, CANVAS, CANVAS), targets=nodes)
    return 4 * sum(multiplications(node, sizes[node.name], lens.checkpoint.shapes) for node in ours)


def work() -> str:
    """The table of equal work."""
    render, image, channel = peer()
    model, checkpoint = seeded()
    lens, rows = Lens(checkpoint), []
    best = ceiling()
    for layer in LAYERS:
        subject, found = Subject.of(Unit(layer, 11)), {"lucent": [], "one": [], "six": []}

        def theirs(steps: int, layer: str = layer) -> None:
            goal, start = channel(layer, 11), lambda: image(SIZE)
            render(model, goal, start, thresholds=(steps,), progress=False, show_image=False)

        def ours(steps: int, subject: Subject = subject, **more: object) -> None:
            list(PROBE.run(lens, [subject], {"size": SIZE, "steps": steps, **more}))

        for _ in range(ROUNDS):
            found["lucent"].append(a_step(theirs, 1))
            found["one"].append(a_step(lambda steps: ours(steps, seeds=[0], polarity="positive"), 1))
            found["six"].append(a_step(ours, 6))
        rows.append((layer, found, operations(lens, layer) / best))
        print(rows[-1], flush=True)
    return written(rows, best)


def written(rows: list[tuple[str, dict[str, list[float]], float]], best: float) -> str:
    """The section."""
    lines, ratios = [], {"one": [], "six": []}
    for layer, found, limit in rows:
        middle = {side: statistics.median(times) for side, times in found.items()}
        for side in ratios:
            pairs = zip(found["lucent"], found[side], strict=True)
            ratios[side].append(statistics.median(lucent / ours for lucent, ours in pairs))
        lines.append(
            f"| {layer} | {middle['lucent'] * 1e3:.0f} | {middle['one'] * 1e3:.0f} | {middle['six'] * 1e3:.0f} | "
            f"{limit * 1e3:.0f} | {ratios['one'][-1]:.2f} | {ratios['six'][-1]:.2f} | {limit / middle['six']:.0%} |"
        )
    means = {side: statistics.geometric_mean(values) for side, values in ratios.items()}
    return "\n".join(
        [
            f"**{means['one']:.2f}× Lucent** with one a pass, **{means['six']:.2f}×** with six (geometric means).",
            "",
            f"{machine()} Best matrix product: {best / 1e9:.0f} GF/s. Milliseconds of processor a step and picture.",
            "",
            "| layer | Lucent | ours, one a pass | ours, six | limit | ratio, one | ratio, six | of the limit |",
            "|---|---|---|---|---|---|---|---|",
            *lines,
            "",
        ]
    )


@torch.no_grad()
def judged(lens: Lens, unit: Unit, pixels: np.ndarray) -> float:  # of [H, W, 3] uint8
    """What the one evaluator makes of a picture."""
    canvas = torch.full((1, 3, SIZE, SIZE), 0.5)
    picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 255
    top, left = ((SIZE - side) // 2 for side in picture.shape[1:])
    canvas[0, :, top : top + picture.shape[1], left : left + picture.shape[2]] = picture
    return float(lens.truncated(unit.layer, site="post_relu", channels=[unit.channel])(canvas).max())


@dataclass(frozen=True)
class Row:
    """One unit: seconds and what the evaluator makes of the picture, theirs and ours; ours in pixels and steps."""

    unit: Unit
    slow: float
    whole: float
    reached: float
    quick: float
    own: float
    size: int
    steps: int


def result(folder: Path, *, layers: tuple[str, ...] = ("mixed3b", "mixed4c", "mixed5b"), each: int = 2) -> str:
    """The table of equal results."""
    lens, rows = opened(folder, "googlenet-caffe"), []
    checkpoint = lens.checkpoint
    random = np.random.Generator(np.random.Philox(5))
    for layer in layers:
        [node] = lens.cut(layer, site="post_relu")
        plain = Plain(checkpoint.graph, dict(checkpoint.tensors), node)
        width = checkpoint.place(layer).stop
        for index in sorted(random.choice(width, each, replace=False).tolist()):
            rows.append(both(lens, plain, lens.resolve(Unit(layer, index))))
            print(rows[-1], flush=True)
    return compared(rows)


def both(lens: Lens, plain: Plain, unit: Unit) -> Row:
    """A unit's picture by either, and what the evaluator makes of them."""
    kept: list[Any] = []
    slow = spent(lambda: kept.append(by_lucent(lens, plain, unit)))
    quick = spent(lambda: kept.extend(PROBE.run(lens, [Subject.of(unit)], SCHEDULE)))
    theirs, finding = kept
    assert isinstance(finding, Finding)
    own = np.asarray(Image.open(io.BytesIO(finding.blobs[0].data)))
    size, steps = finding.numbers["size"], finding.numbers["steps"]
    start = (SIZE - size) // 2
    middle = theirs[start : start + size, start : start + size]
    reached = judged(lens, unit, middle)
    return Row(unit, slow, judged(lens, unit, theirs), reached, quick, judged(lens, unit, own), size, steps)


def by_lucent(lens: Lens, plain: Plain, unit: Unit) -> np.ndarray:  # -> [H, W, 3] uint8
    """Lucent's picture: its defaults at 224 px, with this network's own input convention behind its transforms."""
    render, image, channel = peer()
    torch.manual_seed(0)
    [picture] = render(
        plain, channel("target", unit.channel), lambda: image(SIZE), transforms=[*standard(), lens.prepare],
        preprocess=False, progress=False, show_image=False,
    )  # fmt: skip
    return (picture[0] * 255).round().clip(0, 255).astype(np.uint8)


def standard() -> list[Callable[[Tensor], Tensor]]:
    """Lucent's own transforms."""
    from lucent.optvis import transform

    return list(transform.standard_transforms)


def compared(rows: list[Row]) -> str:
    """The section."""
    level = [row for row in rows if row.own >= row.reached]
    ratio = statistics.geometric_mean(row.slow / row.quick for row in level) if level else float("nan")
    lines = [
        f"| {row.unit} | {row.slow:.0f} | {row.whole:.0f} | {row.reached:.0f} | "
        f"{row.quick:.1f} | {row.own:.0f} | {row.size} | {row.steps} | {row.slow / row.quick:.1f} |"
        for row in rows
    ]
    won = f"{len(level)} of {len(rows)} units reach at least what Lucent's picture reached"
    return "\n".join(
        [
            f"**{won}; over these {ratio:.1f}×**.",
            "",
            f"{machine()} Seconds of processor for one picture; answers in the network's own units.",
            "",
            "| unit | Lucent | its picture | its middle | ours | our picture | px | steps | ratio |",
            "|---|---|---|---|---|---|---|---|---|",
            *lines,
            "",
        ]
    )


def machine() -> str:
    """When and on what."""
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return f"{day}, {processor()}, {torch.get_num_threads()} thread, torch {torch.__version__}."


if __name__ == "__main__":
    section = work() if sys.argv[1] == "work" else result(Path(os.environ["ATLAS_REAL_DATA"]))
    Path(sys.argv[2]).write_text(section)
    print(section)
