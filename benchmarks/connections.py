"""How long do all connections between adjacent layers of GoogLeNet take, composed, and by autograd unit by unit?

Run in a checkout:

    OMP_NUM_THREADS=1 python -m benchmarks.connections section.md

It takes about a minute on one core and writes what it found to the named file: its section in RESULTS.md. The goals, on
one core, are 0.2 s for all norms and 1 s with the kernels of the strongest connections.

What is measured, on torchvision's `googlenet` with seeded weights (equally many weights cost the same, whatever they
are), normalisations folded, from each block to the block before it, through bottlenecks, pool branches and poolings:

* norms: the L2 norm over space of every connection; kernels are composed and not kept.
* top 20: the same, and for every unit the kernels of the 20 strongest connections in both directions.
* autograd: a straightforward loop, no named tool: the linearised network between two blocks on a 14 × 14 map, one
  backward pass for each unit, for a few units of each block, extrapolated to all.

Processor seconds, the median of several rounds in which the variants take turns.
"""

import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from workers.interp import architectures, connectome
from workers.interp.checkpoint import Checkpoint, InputSpec
from workers.interp.lens import Lens
from workers.interp.operations import ACTIVATIONS, OPERATIONS
from workers.interp.pathways import Pathways

NAME = "googlenet"
ROUNDS = 7
TOP = 20
MAP = 14
EACH = 4  # units of a block by autograd


def opened() -> Lens:
    """The network with seeded weights."""
    family = architectures.find(NAME)
    random = np.random.Generator(np.random.Philox(0))
    shapes = family.shapes(NAME)
    tensors = {name: torch.from_numpy(_drawn(shapes[name], random)) for name in sorted(shapes)}
    spec = {
        "size": [224, 224],
        "channel_order": "RGB",
        "value_range": [0, 1],
        "mean": [0, 0, 0],
        "std": [1, 1, 1],
        "resize": {"mode": "stretch", "size": 224, "interpolation": "bilinear"},
        "crop": "center",
    }
    return Lens(Checkpoint(NAME, family.graph(NAME), tensors, InputSpec.from_json(spec)))


def _drawn(shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray:
    scale = float(np.prod(shape[1:])) ** -0.5 if len(shape) > 1 else 0.0
    values = random.normal(scale=scale, size=shape) if scale else random.uniform(0.5, 1.5, size=shape)
    return values.astype(np.float32)


def by_autograd(lens: Lens) -> tuple[float, float]:
    """Seconds for all units, extrapolated, and the largest difference to the composed norms, of their largest."""
    total, worst = 0.0, 0.0
    for target, source in connectome.adjacent(lens):
        if source == "input" or lens.layers[target].kind == "linear":
            continue
        width = lens.layers[target].channels
        norms = Pathways(lens, target=target, source=source).norms()
        began = time.process_time()
        found = dict(gradients(lens, target, source, units=range(0, width, width // EACH)))
        total += (time.process_time() - began) * width / len(found)
        off = max(float((found[unit] - norms[unit]).abs().max()) for unit in found)
        worst = max(worst, off / float(norms.max()))
    return total, worst


def gradients(lens: Lens, target: str, source: str, *, units: range) -> Iterator[tuple[int, Tensor]]:
    """For each unit the norm over space of its gradient [S] with respect to the source, at the middle of a map."""
    layers = lens.layers
    start = layers[source].parts[layers[source].sites[-1]][0].node
    parts = layers[target].parts[layers[target].sites[0]]
    value = torch.zeros(1, layers[source].channels, MAP, MAP, requires_grad=True)
    known: dict[str, Tensor] = {start: value}
    for node in lens.graph.ancestors([part.node for part in parts], given=[start]):
        given = {**{word: lens.tensors[name] for word, name in node.tensors.items()}, **node.attributes}
        inputs = [known[name] for name in node.inputs]
        if node.op in ACTIVATIONS:
            known[node.name] = inputs[0]
        elif node.op == "max_pool":
            known[node.name] = torch.nn.functional.avg_pool2d(
                inputs[0], node.attributes["kernel_size"], node.attributes["stride"], node.attributes["padding"]
            )
        else:
            known[node.name] = OPERATIONS[node.op].run(*inputs, **given)
    for unit in units:
        part = next(part for part in parts if part.start <= unit < part.stop)
        maps = known[part.node]
        at = maps[0, unit - part.start, maps.shape[2] // 2, maps.shape[3] // 2]
        yield unit, torch.autograd.grad(at, value, retain_graph=True)[0][0].flatten(1).norm(dim=1)


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of one run."""
    began = time.process_time()
    work()
    return time.process_time() - began


def main(path: str) -> None:
    """Measure, and write the section."""
    torch.set_num_threads(1)
    lens = opened()
    variants: dict[str, Callable[[], object]] = {
        "norms": lambda: connectome.norms(lens),
        "top": lambda: list(connectome.connectome(lens, top=TOP)),
    }
    for work in variants.values():
        work()
    rounds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, work in variants.items():
            rounds[name].append(seconds(work))
    found = {name: statistics.median(taken) for name, taken in rounds.items()}
    slow, off = by_autograd(lens)
    pairs = list(connectome.connectome(lens, top=TOP))
    connections = sum(pair.norms.numel() for pair in pairs)
    kernels = sum(len(bundle.pairs) for pair in pairs for bundle in pair.bundles)
    Path(path).write_text(_section(found, slow, off, connections=connections, kernels=kernels))


def _section(found: dict[str, float], slow: float, off: float, *, connections: int, kernels: int) -> str:
    versions = f"Python {platform.python_version()}, torch {torch.__version__}, numpy {np.__version__}"
    return f"""# Connections of a whole network

By `benchmarks/connections.py` on {time.strftime("%Y-%m-%d", time.gmtime())}; what is measured and how, is said there.
The goals are 0.2 s for all norms and 1 s with the strongest kernels, on one core.

**{found["norms"]:.2f} s for the norms of all {connections:,} connections between adjacent layers of GoogLeNet,
{found["top"]:.2f} s with the {kernels:,} kernels of each unit's {TOP} strongest in both directions.**

AMD EPYC, 1 thread, float32; other work ran on the machine's other cores. {versions}.

| way | processor seconds | autograd ÷ this |
|---|---|---|
| autograd, one unit at a time, extrapolated from {EACH} of each block | {slow:.0f} | 1 |
| composed, with the {TOP} strongest kernels both ways | {found["top"]:.2f} | {slow / found["top"]:.0f} |
| composed, norms alone | {found["norms"]:.3f} | {slow / found["norms"]:.0f} |

Norms by autograd and composed differ by at most {off:.0e} of the largest. The loop is ours, of no named tool.
"""


if __name__ == "__main__":
    main(sys.argv[1])
