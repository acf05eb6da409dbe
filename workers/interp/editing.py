"""Edits carried out on a copy: weights rewritten before normalisations are folded, values by nodes of their own.

An edited value keeps its node's name, so that whoever reads it, reads it as edited; what the network itself computes
there goes by another name. Weights are edited first, in the order of the list, then values; at one place the later edit
finds what the earlier has left, at different places the network's own order decides.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from workers.interp.address import Unit
from workers.interp.checkpoint import Checkpoint
from workers.interp.edits import MEAN, RESAMPLE, Cut, Edit, Scale, Set, Splice, Weight, blended
from workers.interp.errors import NoPath, NothingToTake
from workers.interp.graph import Graph, Node, Patch
from workers.interp.layers import Part
from workers.interp.makers import normalisation

Place = tuple[str, str]  # layer, site
Values = Mapping[Place, Tensor]
MARK = "|"  # in no stored graph's names: what is behind it numbers the edit


def reweighted(checkpoint: Checkpoint, edits: Iterable[Edit]) -> Checkpoint:
    """The checkpoint with its weights edited, in a copy; itself where no edit is about weights."""
    tensors = dict(checkpoint.tensors)
    for edit in edits:
        if isinstance(edit, Weight):
            tensors[edit.parameter] = _written(tensors[edit.parameter], edit)
        if isinstance(edit, Splice) and edit.dose:
            tensors.update(_spliced(checkpoint.graph, tensors, edit))
    changed = any(tensors[name] is not kept for name, kept in checkpoint.tensors.items())
    return replace(checkpoint, tensors=tensors) if changed else checkpoint


def _written(tensor: Tensor, edit: Weight) -> Tensor:
    fresh = tensor.clone()
    fresh[edit.place] = blended(fresh[edit.place], edit.value, edit.dose)
    return fresh


def _spliced(graph: Graph, tensors: Mapping[str, Tensor], edit: Splice) -> dict[str, Tensor]:
    """The tensors of a layer of which some units have other weights; a normalisation leaves these as they come."""
    node, norm = graph[edit.node], normalisation(graph, edit.node)
    rows = [channel - edit.first for channel in edit.channels]
    weight = tensors[node.tensors["weight"]].clone()
    scale, shift = _normalising(norm, tensors, rows)  # [k]
    before = tensors[node.tensors["bias"]][rows].double() if "bias" in node.tensors else torch.zeros(len(rows)).double()
    along = scale.reshape(-1, *(1 for _ in weight.shape[1:]))
    new = blended(weight[rows].double() * along, edit.weight, edit.dose)
    bias = blended(before * scale + shift, edit.bias, edit.dose)
    weight[rows] = new.to(weight.dtype)
    found = {node.tensors["weight"]: weight}
    neutral = {"running_mean": 0.0, "running_var": 1 - norm.attributes["eps"], "weight": 1.0} if norm else {}
    constants: dict[str, Tensor | float] = {f"{word}": value for word, value in neutral.items()}
    # The bias goes wherever there is room for one: a normalisation without a shift of its own moves its mean instead.
    if "bias" in node.tensors:
        found[node.tensors["bias"]] = _with_rows(tensors[node.tensors["bias"]], rows, bias)
        constants["bias"] = 0.0
    elif norm and "bias" in norm.tensors:
        constants["bias"] = bias
    elif norm:
        constants["running_mean"] = -bias
    elif bias.any():
        raise NothingToTake(what="a bias", name=edit.node)
    for word, value in constants.items():
        if norm and word in norm.tensors:
            found[norm.tensors[word]] = _with_rows(tensors[norm.tensors[word]], rows, value)
    return found


def _normalising(norm: Node | None, tensors: Mapping[str, Tensor], rows: list[int]) -> tuple[Tensor, Tensor]:
    """By what a normalisation multiplies some units, and what it adds: [k], [k]."""
    ones, zeros = torch.ones(len(rows)).double(), torch.zeros(len(rows)).double()
    if norm is None:
        return ones, zeros
    kept = {word: tensors[name][rows].double() for word, name in norm.tensors.items()}
    scale = kept.get("weight", ones) / torch.sqrt(kept["running_var"] + norm.attributes["eps"])
    return scale, kept.get("bias", zeros) - kept["running_mean"] * scale


def _with_rows(tensor: Tensor, rows: list[int], values: Tensor | float) -> Tensor:
    fresh = tensor.clone()
    fresh[rows] = torch.as_tensor(values).to(fresh.dtype)
    return fresh


def regraphed(
    checkpoint: Checkpoint, graph: Graph, edits: Iterable[Edit], *, means: Values, donors: Values
) -> tuple[Graph, dict[str, str]]:
    """The graph with values edited, and what it calls the network's own ones: {new name: old name}.

    `means` [C] and `donors` [N, C, …] are by layer and site; raises NoPath, NothingToTake.
    """
    surgery = _Surgery(checkpoint, graph)
    for edit in edits:
        if isinstance(edit, Set):
            surgery.change(edit, partial(_set, edit, means=means, donors=donors))
        elif isinstance(edit, Scale):
            surgery.change(edit, partial(_scaled, edit))
        elif isinstance(edit, Cut):
            surgery.cut(edit)
    return graph.rewired(surgery.nodes.values()), surgery.own


class _Surgery:
    """A graph on its way from one edit to the next."""

    def __init__(self, checkpoint: Checkpoint, graph: Graph) -> None:
        self.checkpoint = checkpoint
        self.graph = graph
        self.nodes = {node.name: node for node in graph}
        self.own: dict[str, str] = {}
        self._count = 0

    def change(self, edit: Set | Scale, how: Callable[[Tensor, list[int], list[int]], Tensor]) -> None:
        """Put a node behind each of a layer's that holds units which are edited."""
        for part in self.checkpoint.layers[edit.layer].require(edit.site):
            channels = [channel for channel in edit.channels if part.start <= channel < part.stop]
            if channels:
                local = [channel - part.start for channel in channels]
                self._put(part.node, lambda value, it=local, of=channels: how(value, it, of))

    def cut(self, edit: Cut) -> None:
        """Compute the target a second time with the source at zero, and take only the target from there."""
        source, target = self._holder(edit.source, -1), self._holder(edit.target, 0)
        deaf, mark = edit.source.channel - source.start, f"{MARK}cut{self._next()}"
        behind = self._between(source.node, target.node)
        if target.node not in behind:
            raise NoPath(source=str(edit.source), target=str(edit.target))
        self.nodes[source.node + mark] = Patch(source.node + mark, "edit", (source.node,), run=partial(_zeroed, deaf))
        twins = {name: name + mark for name in (source.node, *behind)}
        for name in behind:
            node = self.nodes[name]
            inputs = tuple(twins.get(one, one) for one in node.inputs)
            self.nodes[twins[name]] = replace(node, name=twins[name], inputs=inputs)
        take = partial(_taken, edit.target.channel - target.start, edit.dose)
        self._put(target.node, take, twins[target.node])

    def _put(self, name: str, run: Callable[..., Tensor], *others: str) -> None:
        """A node in the name of another, which goes by a new one."""
        own = f"{name}{MARK}{self._next()}"
        self.nodes[own] = replace(self.nodes[name], name=own)
        self.own[own] = self.own.get(name, name)
        self.nodes[name] = Patch(name, "edit", (own, *others), run=run)

    def _between(self, source: str, target: str) -> list[str]:
        """All that leads from one node to another, in order, the other included."""
        graph = self.graph.rewired(self.nodes.values())
        behind = {source}
        for node in graph:
            if behind.intersection(node.inputs):
                behind.add(node.name)
        above = {node.name for node in graph.ancestors([target])}
        return [node.name for node in graph if node.name in behind & above and node.name != source]

    def _holder(self, unit: Unit, site: int) -> Part:
        layer = self.checkpoint.layers[unit.layer]
        parts = layer.parts[layer.sites[site]]
        return next(part for part in parts if part.start <= unit.channel < part.stop)

    def _next(self) -> int:
        self._count += 1
        return self._count


def _set(
    edit: Set, value: Tensor, local: list[int], channels: list[int], *, means: Values, donors: Values
) -> Tensor:  # [N, c, H, W] or [N, c]
    old = value[:, local]
    share: Tensor | float = edit.alpha
    if edit.where is not None:
        over = edit.where.weights.to(old)
        share = edit.alpha * (over if old.ndim == 4 else over.flatten()[0])
    return _with_channels(value, local, blended(old, _wanted(edit, old, channels, means, donors), share))


def _wanted(edit: Set, old: Tensor, channels: list[int], means: Values, donors: Values) -> Tensor | float:
    if not isinstance(edit.value, str):
        return edit.value
    known = {MEAN: means, RESAMPLE: donors}[edit.value]
    if (edit.layer, edit.site) not in known:
        raise NothingToTake(what=edit.value, name=edit.layer)
    found = known[edit.layer, edit.site].to(old)
    if edit.value == MEAN:
        return found[channels].reshape(1, -1, *(1 for _ in old.shape[2:]))
    if len(found) != len(old):
        raise NothingToTake(what=f"{len(old)} pictures to resample from", name=edit.layer)
    return found[:, channels]


def _scaled(edit: Scale, value: Tensor, local: list[int], _: list[int]) -> Tensor:
    return _with_channels(value, local, value[:, local] * edit.factor)


def _zeroed(channel: int, value: Tensor) -> Tensor:
    return _with_channels(value, [channel], torch.zeros_like(value[:, [channel]]))


def _taken(channel: int, dose: float, value: Tensor, other: Tensor) -> Tensor:
    return _with_channels(value, [channel], blended(value[:, [channel]], other[:, [channel]], dose))


def _with_channels(value: Tensor, channels: Sequence[int], new: Tensor) -> Tensor:
    fresh = value.clone()
    fresh[:, list(channels)] = new
    return fresh
