"""A module's trace, written down in our own operations: the way in for networks that another library builds.

A trace follows the library's version, our graph does not. Values are followed by where their channels are: images have
them second, [N, C, H, W]; some modules move them last and back, [N, H, W, C], which our operations need not do.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

import torch
import torch.fx
import torch.nn.functional as F
from torch import nn

from workers.interp.errors import BadGraph
from workers.interp.graph import Graph, Node
from workers.interp.operations import ACTIVATIONS

Written = tuple[str, dict[str, Any]]  # operation, hyper-parameters
TRANSPARENT = (nn.Dropout, nn.Dropout2d, nn.Identity)  # in evaluation these hand on what they are given


def translated(model: nn.Module, *, whole: tuple[Callable[..., Any], ...] = ()) -> Graph:
    """The graph that a module runs; the functions in `whole` are operations of their own, not what they consist of.

    Raises BadGraph with the first thing for which there is no operation.
    """
    try:
        traced = _Tracer(autowrap_functions=whole).trace(model)
    except (torch.fx.proxy.TraceError, TypeError, RuntimeError, ValueError) as error:
        raise BadGraph(where="it", reason=f"depends on its input ({str(error).splitlines()[0]})") from None
    return _Translation(model).graph(traced)


class _Tracer(torch.fx.Tracer):
    """Layer normalisations are one operation, whoever derives from them."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return isinstance(m, nn.LayerNorm) or super().is_leaf_module(m, module_qualified_name)


class _Translation:
    """One trace, node by node, into our operations."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.modules = dict(model.named_modules())
        self.nodes: dict[str, Node] = {}
        self.known: dict[torch.fx.Node, str] = {}  # where each traced value is found
        self.layouts: dict[torch.fx.Node, str] = {}  # where its channels are: second, last, or all there is
        self.results: dict[str, torch.fx.Node] = {}  # the last operation outside of any module, by its scope

    def graph(self, traced: torch.fx.Graph) -> Graph:
        """Everything that reaches the output."""
        self.results = {_scope(node): node for node in traced.nodes if _may_name(node)}
        for node in traced.nodes:
            if node.op == "output":
                return Graph(self.nodes.values(), output=self._source(node.args[0]))
            if node.op == "placeholder":
                self.known[node], self.layouts[node] = self._add(Node("input", "input")), SECOND
            elif node.op != "get_attr" and _spelled(node) != "chunk":  # what reads a weight, or a part, takes it along
                self.known[node] = self._translated(node)
        raise BadGraph(where="the graph", reason="has no output")

    def _translated(self, node: torch.fx.Node) -> str:
        if node.op == "call_module":
            return self._of_module(node, self.modules[str(node.target)])
        if _spelled(node) == "permute":
            return self._permuted(node, *node.args)
        if node.target is operator.getitem:
            return self._of_chunk(node, *node.args)
        written = METHODS.get(str(node.target)) if node.op == "call_method" else FUNCTIONS.get(node.target)
        written = written or WHOLE.get(_spelled(node))
        if written:
            return self._of_function(node, *written(*node.args, **node.kwargs))
        raise BadGraph(where=_scope(node) or "it", reason=f"uses {_spelled(node)}, for which there is no operation")

    def _of_module(self, node: torch.fx.Node, module: nn.Module) -> str:
        source = self._source(node.args[0])
        if isinstance(module, TRANSPARENT):
            self.layouts[node] = self._layout(node)
            return source
        kind = nn.LayerNorm if _is_layer_norm(module) else type(module)
        if kind not in MODULES:
            raise BadGraph(
                where=str(node.target), reason=f"is a {type(module).__name__}, for which there is no operation"
            )
        op, attributes = MODULES[kind](module)
        self._settle(node, op, last=kind in (nn.Linear, nn.LayerNorm) and type(module) is kind)
        tensors = {word: f"{node.target}.{word}" for word in WORDS if getattr(module, word, None) is not None}
        return self._add(Node(self._free(str(node.target)), op, (source,), attributes, tensors))

    def _of_function(self, node: torch.fx.Node, op: str, attributes: dict[str, Any]) -> str:
        given = node.args[0] if isinstance(node.args[0], list | tuple) else node.all_input_nodes
        if op in ("add", "mul"):
            given = node.args[:2]
        weights = [str(one.target) for one in given if isinstance(one, torch.fx.Node) and one.op == "get_attr"]
        given = [one for one in given if not (isinstance(one, torch.fx.Node) and one.op == "get_attr")]
        sources = tuple(self._source(one) for one in given)
        self._settle(node, op)
        if op == "mul" and len(weights) == 1:
            return self._scaled(node, sources, weights[0])
        if op == "mean":
            pooled = Node(self._free(self._named(node, op)), "adaptive_avg_pool", sources, {"output_size": 1})
            op, sources = "flatten", (self._add(pooled),)
        if op == "identity" or (op == "concat" and len(sources) == 1):
            return sources[0]
        return self._add(Node(self._free(self._named(node, op)), op, sources, attributes))

    def _scaled(self, node: torch.fx.Node, sources: tuple[str, ...], weight: str) -> str:
        """A product with a weight: of every channel with its own."""
        shape = tuple(self.model.get_parameter(weight).shape)
        if self.layouts[node] != SECOND or len(shape) != 3 or shape[1:] != (1, 1):
            raise BadGraph(where=weight, reason=f"of shape {list(shape)} does not scale channels")
        return self._add(Node(self._free(self._named(node, "scale")), "scale", sources, {}, {"weight": weight}))

    def _permuted(self, node: torch.fx.Node, source: Any, *order: Any) -> str:
        """The same value: our channels stay where they are."""
        found = self._source(source)
        dims = tuple(order[0]) if isinstance(order[0], list | tuple) else order
        layout = PERMUTED.get((self.layouts[source], dims))
        if layout is None:
            raise BadGraph(where=_scope(node) or "it", reason=f"permutes its dimensions to {list(dims)}")
        self.layouts[node] = layout
        return found

    def _of_chunk(self, node: torch.fx.Node, parts: Any, index: Any) -> str:
        """One of the runs of channels that `chunk` cuts."""
        if not isinstance(parts, torch.fx.Node) or _spelled(parts) != "chunk" or not isinstance(index, int):
            raise BadGraph(where=_scope(node) or "it", reason="uses getitem, for which there is no operation")
        words: dict[str, Any] = {**dict(zip(("input", "chunks", "dim"), parts.args, strict=False)), **parts.kwargs}
        if words.get("dim") != 1 or self.layouts.get(words["input"]) != SECOND:
            raise BadGraph(where=_scope(node), reason="cuts another dimension than that of channels")
        self.layouts[node] = SECOND
        attributes = {"chunks": words["chunks"], "index": index}
        return self._add(
            Node(self._free(self._named(node, "chunk")), "chunk", (self._source(words["input"]),), attributes)
        )

    def _layout(self, node: torch.fx.Node) -> str:
        """Where the channels of all values are that a node reads."""
        found = {self.layouts[source] for source in node.all_input_nodes if source.op != "get_attr"}
        if len(found) != 1:
            raise BadGraph(where=_scope(node) or "it", reason="reads values whose channels are not in one place")
        return found.pop()

    def _settle(self, node: torch.fx.Node, op: str, *, last: bool = False) -> None:
        """Note where a result has its channels; raises BadGraph where the operation would take others for them."""
        layout = self._layout(node)
        if (last and layout == SECOND) or (layout == LAST and not (last or op in ANYWHERE)):
            raise BadGraph(where=_scope(node) or "it", reason=f"applies {op} along another dimension than the channels")
        self.layouts[node] = ALL if op in ("flatten", "mean") else layout

    def _named(self, node: torch.fx.Node, op: str) -> str:
        """A sum or concatenation that is its module's result has its name: `inception3b`, `features.3`, `layer1.0`."""
        scope = _scope(node)
        is_result = op in ("add", "concat") and self.results.get(scope) is node
        return scope if scope and is_result else f"{scope}.{op}".lstrip(".")

    def _source(self, value: Any) -> str:
        if not isinstance(value, torch.fx.Node):
            raise BadGraph(where="an operation", reason=f"reads {str(value)[:40]}, which is no value of the network")
        if value not in self.known:
            raise BadGraph(where=_scope(value) or "it", reason=f"reads {_spelled(value)} where a value is expected")
        return self.known[value]

    def _free(self, name: str) -> str:
        """The name, numbered where a module runs more than once."""
        taken = [name, *(f"{name}.{count}" for count in range(2, 1000))]
        return next(one for one in taken if one not in self.nodes)

    def _add(self, node: Node) -> str:
        self.nodes[node.name] = node
        return node.name


def _scope(node: torch.fx.Node) -> str:
    """The path of the module in which a node was traced."""
    stack = list(node.meta.get("nn_module_stack", {}).values())
    return str(stack[-1][0]) if stack else ""


def _spelled(node: torch.fx.Node) -> str:
    return str(getattr(node.target, "__name__", node.target))


def _may_name(node: torch.fx.Node) -> bool:
    """Whether a module's result may be this: reordering what a concatenation joined makes nothing new."""
    return node.op == "call_function" and _spelled(node) not in WHOLE


def _is_layer_norm(module: nn.Module) -> bool:
    """ConvNeXt's derived class moves the channels last and back by itself."""
    return isinstance(module, nn.LayerNorm) and type(module).__name__ in ("LayerNorm", "LayerNorm2d")


SECOND, LAST, ALL = "second", "last", "all"  # [N, C, H, W], [N, H, W, C], [N, C]
PERMUTED = {(SECOND, (0, 2, 3, 1)): LAST, (LAST, (0, 3, 1, 2)): SECOND}
ANYWHERE = {*ACTIVATIONS, "add", "identity"}
WORDS = ("weight", "bias", "running_mean", "running_var")


def _conv(module: Any) -> Written:
    if module.padding_mode != "zeros" or isinstance(module.padding, str):
        raise BadGraph(where="a convolution", reason=f"is padded with {module.padding_mode} {module.padding}")
    words = ("stride", "padding", "dilation", "groups")
    return "conv2d", {word: getattr(module, word) for word in words}


def _max_pool(size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False) -> Written:
    given = {"kernel_size": size, "stride": stride or size, "padding": padding, "dilation": dilation}
    return "max_pool", {**given, "ceil_mode": ceil_mode}


def _avg_pool(
    size: Any, stride: Any = None, padding: Any = 0, ceil_mode: bool = False, count_include_pad: bool = True
) -> Written:
    given = {"kernel_size": size, "stride": stride or size, "padding": padding, "ceil_mode": ceil_mode}
    return "avg_pool", {**given, "count_include_pad": count_include_pad}


def _flatten(start: int = 0, end: int = -1) -> Written:
    if (start, end) != (1, -1):
        raise BadGraph(where="a flattening", reason=f"is of the dimensions {start} to {end}, not of the positions")
    return "flatten", {}


def _identity(*_: Any, **__: Any) -> Written:
    return "identity", {}


def _layer_norm(module: nn.LayerNorm) -> Written:
    if len(module.normalized_shape) != 1:
        raise BadGraph(where="a layer normalisation", reason=f"is over the dimensions {module.normalized_shape}")
    return "layer_norm", {"eps": module.eps}


def _local_response_norm(module: nn.LocalResponseNorm) -> Written:
    words = ("size", "alpha", "beta", "k")
    return "local_response_norm", {word: getattr(module, word) for word in words}


MODULES: Mapping[type[nn.Module], Callable[[Any], Written]] = {
    nn.Conv2d: _conv,
    nn.Linear: lambda _: ("linear", {}),
    nn.LayerNorm: _layer_norm,
    nn.BatchNorm2d: lambda it: ("batch_norm", {"eps": it.eps}),
    nn.LocalResponseNorm: _local_response_norm,
    nn.ReLU: lambda _: ("relu", {}),
    nn.ReLU6: lambda _: ("relu6", {}),
    nn.LeakyReLU: lambda it: ("leaky_relu", {"negative_slope": it.negative_slope}),
    nn.ELU: lambda it: ("elu", {"alpha": it.alpha}),
    nn.SiLU: lambda _: ("silu", {}),
    nn.GELU: lambda _: ("gelu", {}),
    nn.Hardswish: lambda _: ("hardswish", {}),
    nn.Hardsigmoid: lambda _: ("hardsigmoid", {}),
    nn.Sigmoid: lambda _: ("sigmoid", {}),
    nn.Tanh: lambda _: ("tanh", {}),
    nn.MaxPool2d: lambda it: _max_pool(it.kernel_size, it.stride, it.padding, it.dilation, it.ceil_mode),
    nn.AvgPool2d: lambda it: _avg_pool(it.kernel_size, it.stride, it.padding, it.ceil_mode, it.count_include_pad),
    nn.AdaptiveAvgPool2d: lambda it: ("adaptive_avg_pool", {"output_size": it.output_size}),
    nn.Flatten: lambda it: _flatten(it.start_dim, it.end_dim),
    nn.Softmax: lambda _: ("softmax", {}),
}
FUNCTIONS: Mapping[Any, Callable[..., Written]] = {
    torch.cat: lambda parts, dim=0: _concat(dim),
    torch.add: lambda *_: ("add", {}),
    operator.add: lambda *_: ("add", {}),
    operator.iadd: lambda *_: ("add", {}),
    operator.mul: lambda *_: ("mul", {}),
    torch.flatten: lambda _, start_dim=0, end_dim=-1: _flatten(start_dim, end_dim),
    torch.relu: lambda _: ("relu", {}),
    torch.sigmoid: lambda _: ("sigmoid", {}),
    F.relu: lambda _, inplace=False: ("relu", {}),
    F.relu6: lambda _, inplace=False: ("relu6", {}),
    F.silu: lambda _, inplace=False: ("silu", {}),
    F.hardswish: lambda _, inplace=False: ("hardswish", {}),
    F.dropout: _identity,
    F.max_pool2d: lambda _, kernel_size, **words: _max_pool(kernel_size, **_pooled(words)),
    F.avg_pool2d: lambda _, kernel_size, **words: _avg_pool(kernel_size, **_pooled(words)),
    F.adaptive_avg_pool2d: lambda _, output_size: ("adaptive_avg_pool", {"output_size": output_size}),
}
WHOLE: Mapping[str, Callable[..., Written]] = {  # torchvision's own functions
    "stochastic_depth": _identity,
    "channel_shuffle": lambda _, groups: ("channel_shuffle", {"groups": groups}),
}
METHODS: Mapping[str, Callable[..., Written]] = {
    "flatten": lambda _, start_dim=0, end_dim=-1: _flatten(start_dim, end_dim),
    "relu": lambda _: ("relu", {}),
    "contiguous": _identity,
    "mean": lambda _, dim, keepdim=False: _mean(dim, keepdim),
}


def _concat(dim: int) -> Written:
    if dim != 1:
        raise BadGraph(where="a concatenation", reason=f"joins the dimension {dim}, not channels")
    return "concat", {}


def _mean(dim: Any, keepdim: bool) -> Written:
    if tuple(dim) not in ((2, 3), (-2, -1)) or keepdim:
        raise BadGraph(where="a mean", reason=f"is over the dimensions {dim}, not over the positions alone")
    return "mean", {}


def _pooled(words: Mapping[str, Any]) -> dict[str, Any]:
    """The words of a functional pooling that change what it computes."""
    known = ("stride", "padding", "dilation", "ceil_mode", "count_include_pad")
    return {word: words[word] for word in known if word in words}
