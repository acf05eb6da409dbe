"""What each operation of a graph does to a kernel that is composed backwards through it, or why it cannot be."""

from dataclasses import replace

import torch
from torch import Tensor

from workers.interp.errors import NotAdjacent, NotLinear
from workers.interp.geometry import Shapes
from workers.interp.graph import Node
from workers.interp.kernels import Kernel, Pair, of_convolution
from workers.interp.layers import Part
from workers.interp.lens import Lens
from workers.interp.operations import ACTIVATIONS

GATES = ("sigmoid", "hardsigmoid")  # say how much of something else passes: no path of weights leads through them
WEIGHTED = ("conv2d", "linear")
SPATIAL = ("max_pool", "avg_pool", "adaptive_avg_pool", "add", "local_response_norm")
CHANNELWISE = ("scale", "channel_shuffle", "chunk", "pad")
PLAIN = ("batch_norm", "concat", "flatten")  # leave adjacent tensors adjacent, as activations do
OPEN = frozenset(ACTIVATIONS) - set(GATES)  # taken as identities
JOINING = OPEN.union(WEIGHTED, PLAIN)  # between tensors that are adjacent
LINEAR = JOINING.union(SPATIAL, CHANNELWISE)


def is_linear(node: Node, sizes: Shapes) -> bool:
    """Whether a path of weights may lead through a node: an adaptive pooling only where all its windows are alike."""
    if node.op != "adaptive_avg_pool":
        return node.op in LINEAR
    before, wanted = sizes[node.inputs[0]][2:], node.attributes["output_size"]
    return not any(length % parts for length, parts in zip(before, wanted, strict=True))


class Step:
    """What one operation does to a kernel on its way back to the source."""

    def __init__(self, lens: Lens, kind: str, *, source: str, target: str, absolute: bool) -> None:
        self.lens = lens
        self.kind = kind
        self.ends = {"source": source, "target": target}
        self.absolute = absolute
        self.tensors = lens.checkpoint.tensors if kind == "raw" else lens.tensors

    def tensor(self, node: Node, word: str) -> Tensor:
        """A node's tensor in the lens's precision."""
        found = self.tensors[node.tensors[word]].to(device=self.lens.device, dtype=self.lens.dtype)
        return found.abs() if self.absolute else found

    def start(self, leaf: Part, rows: slice) -> Kernel:
        """Units themselves: each listens to itself."""
        eye = torch.eye(leaf.stop - leaf.start, dtype=self.lens.dtype, device=self.lens.device)
        return Kernel(eye[rows][:, None, None])

    def first(self, node: Node, rows: slice) -> Kernel:
        """What the leaf's own operation makes of the units: of a convolution its kernels, taken as they lie."""
        leaf = Part(node.name, 0, self.lens.checkpoint.sizes[node.name][1])
        if node.op == "conv2d" and self.kind != "raw":
            given, weight = node.attributes, self.tensor(node, "weight")
            chosen = of_convolution(weight, rows, groups=given["groups"])
            if given["dilation"] == (1, 1):
                return Kernel(chosen).moved(chosen, given["stride"], given["padding"])
        if node.op == "linear":
            return Kernel(self.tensor(node, "weight")[rows][:, None, None])
        return self.through(node, self.start(leaf, rows), 0)

    def through(self, node: Node, kernel: Kernel | None, place: int) -> Kernel:
        """The kernel at input `place` of a node; raises NotLinear, NotAdjacent."""
        assert kernel is not None
        given = node.attributes
        match node.op:
            case "conv2d":
                return kernel.behind(self.tensor(node, "weight"), **given)
            case "linear":
                return replace(kernel, weights=kernel.weights @ self.tensor(node, "weight"))
            case "flatten":
                return self._unflattened(node, kernel)
            case "concat":
                return self._branch(node, kernel, place)
            case "batch_norm":
                return kernel if self.kind == "raw" else kernel.scaled(self._normalising(node))
            case op if op in SPATIAL and self.kind != "raw":
                return self._spatial(node, kernel)
            case op if op in CHANNELWISE and self.kind != "raw":
                return self._channelwise(node, kernel)
        if node.op in OPEN:
            return kernel
        refused = NotAdjacent if self.kind == "raw" else NotLinear
        raise refused(**self.ends, operation=node.op)

    def _spatial(self, node: Node, kernel: Kernel) -> Kernel:
        given = node.attributes
        if node.op == "add":
            return kernel
        if node.op == "local_response_norm":
            return kernel.scaled(given["k"] ** -given["beta"])
        if node.op == "adaptive_avg_pool":
            size = self._adaptive(node)
            return kernel.pooled(1 / (size[0] * size[1]), size, size, (0, 0))
        size, dilation = given["kernel_size"], given.get("dilation", (1, 1))
        free = node.op == "max_pool" and self.kind == "best-case"
        value = 1.0 if free else 1 / (size[0] * size[1])
        return kernel.pooled(value, size, given["stride"], given["padding"], dilation)

    def _channelwise(self, node: Node, kernel: Kernel) -> Kernel:
        """Through what moves or scales whole channels."""
        given, width = node.attributes, self.lens.checkpoint.sizes[node.inputs[0]][1]
        weights = kernel.weights
        if node.op == "scale":
            return kernel.scaled(self.tensor(node, "weight").flatten())
        if node.op == "channel_shuffle":
            apart = weights.reshape(*weights.shape[:3], -1, given["groups"])
            return replace(kernel, weights=apart.transpose(3, 4).reshape(weights.shape))
        if node.op == "chunk":
            wide = weights.new_zeros(*weights.shape[:3], width)
            start = given["index"] * weights.shape[3]
            wide[..., start : start + weights.shape[3]] = weights
            return replace(kernel, weights=wide)
        kept = kernel.part(given["channels"][0], given["channels"][0] + width)
        return kept.moved(kept.weights, (1, 1), (given["height"][0], given["width"][0]))

    def _adaptive(self, node: Node) -> Pair:
        """The window of an adaptive pooling at the native input, where all are alike."""
        before, wanted = self.lens.checkpoint.sizes[node.inputs[0]][2:], node.attributes["output_size"]
        return before[0] // wanted[0], before[1] // wanted[1]

    def _unflattened(self, node: Node, kernel: Kernel) -> Kernel:
        size = self.lens.checkpoint.sizes[node.inputs[0]]
        if len(size) != 4:
            return kernel
        maps = kernel.weights.reshape(len(kernel.weights), *size[1:])
        return Kernel(maps.permute(0, 2, 3, 1), kernel.first, kernel.stride)

    def _branch(self, node: Node, kernel: Kernel, place: int) -> Kernel:
        widths = [self.lens.checkpoint.sizes[name][1] for name in node.inputs]
        start = sum(widths[:place])
        return kernel.part(start, start + widths[place])

    def _normalising(self, node: Node) -> Tensor:  # [C]
        spread = torch.sqrt(self.tensor(node, "running_var") + node.attributes["eps"])
        return self.tensor(node, "weight") / spread if "weight" in node.tensors else 1 / spread
