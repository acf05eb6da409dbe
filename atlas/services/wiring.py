"""What a checkpoint's graph lets act on what: a claim that one neuron builds on another needs a path between them."""

from collections.abc import Mapping
from typing import Any

from atlas.models import Checkpoint, Layer


def leads_to(checkpoint: Checkpoint, source: Layer, target: Layer) -> bool:
    """Whether what a layer computes can reach another through the graph.

    Where a layer has no node of its own name (a concatenation that a library calls `cat_3`), depth alone decides.
    """
    graph: Mapping[str, Any] = checkpoint.graph or {}
    nodes = {str(node["name"]).replace("/", "."): place for place, node in enumerate(graph.get("nodes", ()))}
    if source.key not in nodes or target.key not in nodes:
        return source.index < target.index
    return source != target and nodes[source.key] in _upstream(graph, nodes[target.key])


def _upstream(graph: Mapping[str, Any], start: int) -> set[int]:
    """Every node from which a path leads to `start`."""
    seen: set[int] = set()
    waiting = list(graph["nodes"][start]["inputs"])
    while waiting:
        place = waiting.pop()
        if place not in seen:
            seen.add(place)
            waiting.extend(graph["nodes"][place]["inputs"])
    return seen
