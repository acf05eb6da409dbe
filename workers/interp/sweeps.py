"""Every unit of a layer silenced in turn, exactly, for far less than a pass each.

What lies before the layer is computed once. A silenced channel takes W[:, c] · h_c from a 1 × 1 convolution or linear
map that reads it, also through poolings and activations of single channels, which leave a silent channel silent: so
nothing is convolved again there. What lies behind runs on many silenced units at once, and where a channel is zero for
a picture nothing has to run. Through what comes after that map there is no short cut: it runs whole.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from workers.interp.graph import Node
from workers.interp.layers import Part
from workers.interp.lens import Lens
from workers.interp.program import Program

TOGETHER = 16  # silenced pictures a pass: on CPUs more are slower
ALONE = ("max_pool", "avg_pool", "adaptive_avg_pool", "relu", "relu6", "leaky_relu", "elu", "silu", "gelu", "hardswish",
         "tanh")  # fmt: skip  # act on single channels and make nothing of nothing


@dataclass(frozen=True, slots=True)
class End:
    """A map over channels that reads the layer: `source` is what it reads, with the layer's own channels."""

    node: str
    source: str
    weight: Tensor  # [C, K]
    stride: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Silenced:
    """Answers [P, classes], each of the picture in `rows` without the unit in `channels`."""

    channels: Tensor  # [P]
    rows: Tensor  # [P]
    answers: Tensor


class Sweep:
    """The sweep of one layer at one site, its last unless asked otherwise; raises NoSuchLayer, NoSuchSite."""

    def __init__(self, lens: Lens, layer: str, *, site: str | None = None, together: int = TOGETHER) -> None:
        self.lens = lens
        self.layer = lens.layers[lens.checkpoint.place(layer).layer]
        self.together = together
        self.parts = self.layer.require(site or self.layer.sites[-1])
        self.ends = {part.node: self._ends(part.node) for part in self.parts}
        self.shortcuts = {name: ends for name, ends in self.ends.items() if ends is not None}
        self._output = lens.graph.output
        ends = [end.node for ends in self.shortcuts.values() for end in ends]
        behind = self._behind()
        given = [*ends, *(node.name for node in lens.graph if node.name not in behind)]
        self._after = Program(lens.graph, lens.tensors, targets=[self._output], given=given)
        sources = [end.source for ends in self.shortcuts.values() for end in ends]
        self._before = lens.program([*self._after.needs, *(part.node for part in self.parts), *sources, self._output])

    @property
    def computed(self) -> tuple[Node, ...]:
        """What has to run for every silenced unit."""
        return tuple(step.node for step in self._after.steps)

    @torch.no_grad()
    def silenced(self, images: Tensor) -> tuple[Tensor, Iterator[Silenced]]:  # [N, 3, H, W] -> [N, classes]
        """What the network answers as it is, and without each unit as far as that can be otherwise."""
        values = self._before({self.lens.graph.input: self.lens.prepare(images)})
        return values[self._output], self._passes(_Prepared.of(values, self))

    def answers(self, images: Tensor) -> Tensor:  # [N, 3, H, W] -> [C, N, classes]
        """What the network answers without each unit."""
        intact, passes = self.silenced(images)
        found = intact[None].repeat(self.layer.channels, 1, 1)
        for one in passes:
            found[one.channels, one.rows] = one.answers
        return found

    def _passes(self, values: "_Prepared") -> Iterator[Silenced]:
        for part in self.parts:
            maps = values.plain[part.node]
            lively = (maps != 0).flatten(2).any(2) if maps.ndim > 2 else maps != 0  # [N, C]
            # Unit by unit: the same row of weights is then at hand for all pictures of a unit.
            pairs = lively.T.nonzero()
            for start in range(0, len(pairs), self.together):
                chunk = pairs[start : start + self.together]
                with torch.no_grad():
                    answers = self._after(self._state(part, chunk[:, 0], chunk[:, 1], values))[self._output]
                yield Silenced(chunk[:, 0] + part.start, chunk[:, 1], answers)

    def _state(self, part: Part, channels: Tensor, rows: Tensor, values: "_Prepared") -> dict[str, Tensor]:
        """What the rest of the network starts from, for some pairs of unit and picture."""
        ends = {end.node: end for end in self.shortcuts.get(part.node, ())}
        state = {}
        for name in self._after.needs:
            if name in ends:
                state[name] = values.without(ends[name], channels, rows)
            else:
                state[name] = values.plain[name].index_select(0, rows)
                if name == part.node:
                    state[name][torch.arange(len(rows)), channels] = 0
        return state

    def _ends(self, name: str) -> list[End] | None:
        """The maps over channels that a value ends in, by ways that keep channels apart; None where others read it."""
        graph, found = self.lens.graph, []
        if name == graph.output:
            return None
        for reader in graph.consumers[name]:
            node = graph[reader]
            if _is_map(node, self.lens.tensors):
                weight = self.lens.tensors[node.tensors["weight"]].flatten(1).T.contiguous()
                found.append(End(reader, name, weight, node.attributes.get("stride", (1, 1))))
                continue
            apart = node.op in ALONE or (node.op == "flatten" and self._is_single(name))
            inner = self._ends(reader) if apart else None
            if inner is None:
                return None
            found += inner
        return found

    def _is_single(self, name: str) -> bool:
        return all(length == 1 for length in self.lens.checkpoint.sizes[name][2:])

    def _behind(self) -> set[str]:
        """All that is computed from the layer."""
        holders = {part.node for part in self.parts}
        found = set(holders)
        for node in self.lens.graph:
            if found.intersection(node.inputs):
                found.add(node.name)
        return found - holders


@dataclass(frozen=True, slots=True)
class _Prepared:
    """The intact network's values: as they are, and with channels last for what is subtracted from."""

    plain: Mapping[str, Tensor]
    last: Mapping[str, Tensor]  # [N, H, W, K] of ends, [N, H, W, C] of what they read

    @classmethod
    def of(cls, values: Mapping[str, Tensor], sweep: Sweep) -> "_Prepared":
        """Of one batch of pictures."""
        names = {name for ends in sweep.shortcuts.values() for end in ends for name in (end.node, end.source)}
        return cls(values, {name: _channels_last(values[name]) for name in names})

    def without(self, end: End, channels: Tensor, rows: Tensor) -> Tensor:  # -> [P, K, H, W] or [P, K]
        """The map's values for pictures that a channel of its input is silent for."""
        maps = self.last[end.source][..., :: end.stride[0], :: end.stride[1], :]
        gone = maps[rows, :, :, channels]  # [P, H, W]
        found = self.last[end.node].index_select(0, rows)
        found.addcmul_(gone[..., None], end.weight[channels][:, None, None, :], value=-1)
        return found.permute(0, 3, 1, 2) if self.plain[end.node].ndim == 4 else found[:, 0, 0]


def _channels_last(value: Tensor) -> Tensor:  # [N, C, H, W] or [N, C] -> [N, H, W, C]
    wide = value if value.ndim == 4 else value[:, :, None, None]
    return wide.permute(0, 2, 3, 1).contiguous()


def _is_map(node: Node, tensors: Mapping[str, Tensor]) -> bool:
    """Whether an operation mixes channels at single positions, and does no more."""
    if node.op == "linear":
        return True
    if node.op != "conv2d" or node.attributes["groups"] != 1:
        return False
    return tensors[node.tensors["weight"]].shape[2:] == (1, 1) and tuple(node.attributes["padding"]) == (0, 0)
