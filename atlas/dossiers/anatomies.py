"""The layers of a checkpoint as a graph: what feeds what, with the branches of concatenations, and nothing between."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atlas.models import Checkpoint


@dataclass(frozen=True, slots=True)
class OrganFacts:
    """A layer, or a branch of a concatenation: channels start … start + channels − 1 of `layer`."""

    name: str
    layer: str
    kind: str
    start: int
    channels: int
    branch: bool
    after: tuple[int, ...]  # places of what feeds it; −1 is the input


@dataclass(frozen=True, slots=True)
class AnatomyFacts:
    """Layers and branches from the input to the output."""

    organs: tuple[OrganFacts, ...]


def anatomy(of: Checkpoint, layers: Iterable[Any]) -> AnatomyFacts:
    """The graph of a checkpoint, from that by which it is identified; nothing of a draft, or where no node is known."""
    named = _named(layers)
    found: list[OrganFacts] = []
    reached: list[frozenset[int]] = []  # by node, the organs whose values it sees through what has no units
    for node in (of.graph or {}).get("nodes", ()):
        after = frozenset[int]().union(*(reached[place] for place in node["inputs"]))
        part = named.get(_key(node["name"])) if node["op"] in KINDS else None
        if node["op"] == "input":
            after = frozenset({-1})
        elif part is not None:
            found.append(_organ(part, after))
            after = frozenset({len(found) - 1})
        reached.append(after)
    return AnatomyFacts(tuple(found))


KINDS = {"conv2d": "conv", "linear": "linear", "add": "sum", "concat": "concat"}


def _key(name: str) -> str:
    """A node's name as layers and branches are called."""
    return re.sub(r"[^A-Za-z0-9_.]", "_", name.replace("/", ".")).lstrip("._")


def _named(layers: Iterable[Any]) -> Mapping[str, tuple[str, str, str, int, int, bool]]:
    """By name the layers, and the branches of concatenations."""
    every = list(layers)
    branches = {
        alias.name: (alias.name, layer.key, "conv", alias.start, alias.stop - alias.start, True)
        for layer in every
        if layer.kind == "concat"
        for alias in layer.aliases
    }
    own = {layer.key.rstrip("_"): (layer.key, layer.key, layer.kind, 0, layer.channels, False) for layer in every}
    return branches | own | {layer.key: own[layer.key.rstrip("_")] for layer in every}


def _organ(part: Sequence[Any], after: Iterable[int]) -> OrganFacts:
    return OrganFacts(*part, after=tuple(sorted(after)))
