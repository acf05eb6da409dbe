"""Every network that is known by name, counted without a single weight, or refused with the reason."""

from collections.abc import Iterator
from math import prod

from workers.interp import architectures, geometry, layers
from workers.interp.errors import UnsupportedArchitecture
from workers.interp.layers import Anatomy

INTRODUCTION = """# Architectures

Which networks can be opened by name, and what there is in each: every convolution, linear map, residual sum and
concatenation is a layer (what feeds only a concatenation is a range of it), every channel of a layer a neuron.
Parameters are without the statistics of normalisations. The cost is of one forward pass at the side in pixels that the
network was made for, in millions of operations, a multiplication and an addition being two; at another side only the
cost is another.
[Register a checkpoint](../how-to/register-a-checkpoint.md) of one, or
[add an architecture](../how-to/add-an-architecture.md). Written by `make reference`.
"""
HEADS = "| name | side | layers | neurons | parameters | MFLOP |\n|---|---|---|---|---|---|\n"
REFUSED = """
## Refused

Their units are no channels of a map. Each is refused by name, until a file says what its units are.

| name | why |
|---|---|
"""
EVERY = 10  # a check counts anew each so-manieth of a large family, and takes the others' lines as they stand


def page(standing: str = "") -> str:
    """The page of all networks. With the text that is `standing`, of large families only a sample is counted anew."""
    known = dict(_lines(standing))
    opened, refused = "", ""
    for family in architectures.ARCHITECTURES.values():
        names = family.names()
        sample = set(names[::EVERY] if len(names) > EVERY else names)
        lines = [known[name] if name in known and name not in sample else line(name) for name in names]
        counts = [said for said in lines if said.count("|") == HEADS.partition("\n")[0].count("|")]
        refused += "".join(f"{said}\n" for said in lines if said not in counts)
        opened += f"\n## {family.name}\n\n{HEADS}" + "".join(f"{said}\n" for said in counts)
    return f"{INTRODUCTION}{opened}{REFUSED}{refused}"


def line(name: str) -> str:
    """One network: what it counts, or why it is refused."""
    try:
        found, parameters, cost = counted(name)
    except UnsupportedArchitecture as error:
        return f"| `{name}` | {error.facts['reason']} |"
    neurons = sum(layer.channels for layer in found.layers.values())
    numbers = " | ".join(f"{number:,}" for number in (architectures.side(name), len(found.layers), neurons, parameters))
    return f"| `{name}` | {numbers} | {cost / 1e6:,.{0 if cost > 1e7 else 1}f} |"


def counted(name: str) -> tuple[Anatomy, int, int]:
    """Layers, parameters and operations of a forward pass; raises UnsupportedArchitecture."""
    family, side = architectures.find(name), architectures.side(name)
    graph, tensors = family.graph(name), family.shapes(name)
    learnt = {one for node in graph for word, one in node.tensors.items() if not word.startswith("running_")}
    colours = tensors[next(node.tensors["weight"] for node in graph if node.op == "conv2d")][1]
    sizes = geometry.shapes(graph, tensors, given=(colours, side, side))
    found = layers.anatomy(graph, sizes=sizes, tensors=tensors)
    parameters = sum(prod(tensors[one]) for one in learnt)
    return found, parameters, layers.flops(graph, sizes=sizes, tensors=tensors)


def _lines(standing: str) -> Iterator[tuple[str, str]]:
    """Every network's line of a page."""
    for said in standing.splitlines():
        if said.startswith("| `"):
            yield said.split("`")[1], said
