"""Trains `miniception` on its drawn world: one thread, every random number from a stream, the same weights each time.

Run `python -m workers.organisms.miniception.train` in a checkout: ten minutes on one core. `--steps` and `--seed`
make other networks, `--out` says where they go. Every step sees pictures that no step has seen: the training set never
ends, and so the accuracy on held-out pictures is that of the network and not of its memory.
"""

import argparse
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from workers.interp import weights
from workers.interp.architectures import miniception
from workers.interp.checkpoint import Checkpoint, InputSpec
from workers.interp.graph import Graph
from workers.interp.lens import Lens
from workers.interp.operations import OPERATIONS
from workers.organisms.miniception import world

HERE = Path(__file__).resolve().parent
NAME = "miniception"
BATCH = 64  # pictures a step
STEPS = 2500
WARM = 100  # steps in which the learning rate rises
RATE = 0.1  # the highest learning rate
MOMENTUM = 0.9
DECAY = 2e-3  # of kernels: what no gradient keeps alive fades, so that filters come out clean
GRAIN = 0.08  # standard deviation of the noise laid over every picture: filters must average over pixels
FIRST = "conv0.weight"
STATISTICS = ("running_mean", "running_var")  # what is counted and not learned


def trained(*, steps: int, seed: int, batch: int = BATCH, say: Callable[[str], None] = print) -> dict[str, Tensor]:
    """The weights after some steps of `batch` pictures; `say` hears how it goes."""
    graph, tensors, started = miniception.graph(NAME), initial(seed), time.monotonic()
    with reproducible():
        learned = {name: tensor.requires_grad_() for name, tensor in tensors.items() if not name.endswith(STATISTICS)}
        kernels = [tensor for tensor in learned.values() if tensor.ndim > 1]
        others = [tensor for tensor in learned.values() if tensor.ndim == 1]
        groups = [{"params": kernels, "weight_decay": DECAY}, {"params": others, "weight_decay": 0.0}]
        optimiser = torch.optim.SGD(groups, lr=RATE, momentum=MOMENTUM, nesterov=True)
        for step in range(steps):
            for group in optimiser.param_groups:
                group["lr"] = RATE * schedule(step, steps)
            images, labels = world.batch(seed, range(step * batch, (step + 1) * batch))
            images += GRAIN * stream(seed, step + 1).standard_normal(images.shape, dtype=np.float32)
            answers = forward(graph, tensors, torch.from_numpy(images))
            loss = F.cross_entropy(answers, torch.from_numpy(labels))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            if step % 50 == 0 or step == steps - 1:
                right = (answers.argmax(1).numpy() == labels).mean()
                say(f"step {step}: loss {loss:.3f}, right {right:.2f}, {time.monotonic() - started:.0f} s")
    return {name: tensor.detach() for name, tensor in tensors.items()}


def initial(seed: int) -> dict[str, Tensor]:
    """He's normals for kernels (2015), ones for scales and variances, zeros for what is added.

    The first filters start smooth: chance that no gradient corrects would stay in them as noise.
    """
    random = stream(seed, 0)
    found = {}
    for name, shape in sorted(miniception.shapes(NAME).items()):
        spread = math.sqrt((1 if name.startswith("readout") else 2) / math.prod(shape[1:]))
        flat = np.ones(shape) if name.endswith(("weight", "running_var")) else np.zeros(shape)
        drawn = random.normal(scale=spread, size=shape) if len(shape) > 1 else flat
        found[name] = torch.from_numpy((smooth(drawn) if name == FIRST else drawn).astype(np.float32))
    return found


def smooth(kernels: np.ndarray) -> np.ndarray:  # [C, 3, K, K]
    """Kernels without fine grain, fading towards their borders."""
    away = np.arange(kernels.shape[-1]) - kernels.shape[-1] // 2
    blur = np.exp(-((away[:, None] - away[None, :]) ** 2) / 2)
    window = np.exp(-(away**2) / 8)
    return (blur @ kernels @ blur) * window[:, None] * window / 2


def stream(seed: int, step: int) -> np.random.Generator:
    """The random numbers of one step, beside those of the world: step 0 draws the start, step s ≥ 1 the s-th noise."""
    return np.random.Generator(np.random.Philox(key=seed, counter=[0, 0, 1, step]))


def schedule(step: int, steps: int) -> float:
    """The share of the highest learning rate: it rises in a line and falls along a cosine to 0."""
    warm = min(WARM, steps // 10 + 1)
    if step < warm:
        return (step + 1) / warm
    return 0.5 + 0.5 * math.cos(math.pi * (step - warm) / max(steps - warm, 1))


def forward(graph: Graph, tensors: dict[str, Tensor], images: Tensor) -> Tensor:  # [N, 3, H, W] -> [N, classes]
    """The graph as it is trained: each batch normalised by its own moments, which are counted in passing."""
    values = {graph.input: prepared(images)}
    for node in graph:
        if node.op == "input":
            continue
        inputs = [values[source] for source in node.inputs]
        arguments = {**{word: tensors[name] for word, name in node.tensors.items()}, **node.attributes}
        if node.op == "batch_norm":
            arguments["training"] = True
        values[node.name] = OPERATIONS[node.op].run(*inputs, **arguments)
    return values[graph.output]


def prepared(images: Tensor) -> Tensor:  # [N, 3, H, W] in [0, 1]
    """What the network takes."""
    return spec().prepare(images).contiguous(memory_format=torch.channels_last)


def spec() -> InputSpec:
    """How pictures go in: 64 pixels, −1 to 1."""
    half = (0.5, 0.5, 0.5)
    side = world.SIDE
    return InputSpec((side, side), "RGB", (0.0, 1.0), half, half, "stretch", side, "bilinear")


@contextmanager
def reproducible() -> Iterator[None]:
    """Within, torch computes with one thread and in one order."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def checkpoint(tensors: dict[str, Tensor]) -> Checkpoint:
    """The network with these weights."""
    return Checkpoint(NAME, miniception.graph(NAME), tensors, spec())


def accuracy(network: Checkpoint) -> float:
    """The share of the held-out pictures for which the strongest answer is the label."""
    lens, right, n = Lens(network), 0, world.HELD_OUT_SIZE
    for start in range(0, n, BATCH):
        images, labels = world.batch(world.HELD_OUT, range(start, min(start + BATCH, n)))
        with torch.no_grad():
            right += int((lens(torch.from_numpy(images)).argmax(1).numpy() == labels).sum())
    return right / n


def main(arguments: list[str] | None = None) -> None:
    """Train, write the weights and say what they are."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=HERE, help="the folder for weights.safetensors")
    given = parser.parse_args(arguments)
    if given.seed == world.HELD_OUT:
        parser.error(f"seed {given.seed} draws the pictures that are held out")
    made = trained(steps=given.steps, seed=given.seed)
    weights.save(given.out / "weights.safetensors", made)
    network = checkpoint(made)
    right = accuracy(network)
    print(f"digest {network.digest}")
    print(f"{network.flops / 1e6:.1f} MFLOP, accuracy on {world.HELD_OUT_SIZE} held-out pictures {right:.4f}")


if __name__ == "__main__":
    main()
