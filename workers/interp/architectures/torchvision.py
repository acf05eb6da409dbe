"""torchvision's convolutional classifiers: each traced once, and written down in our own operations.

The trace is only the way in. What is hashed and run is our neutral graph, so another torchvision that traces the same
network differently still makes the same checkpoint. Nothing is downloaded: networks are built without weights.
"""

import operator
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

import torch
import torch.fx
import torch.nn.functional as F
from torch import nn

from workers.interp.errors import BadGraph, UnsupportedArchitecture
from workers.interp.graph import Graph, Node
from workers.interp.vision import torchvision

name = "torchvision"

Written = tuple[str, dict[str, Any]]  # operation, hyper-parameters
TRANSPARENT = (nn.Dropout, nn.Dropout2d, nn.Identity)  # in evaluation these hand on what they are given


def names() -> tuple[str, ...]:
    """Every classifier of torchvision by its builder's name; some are refused when they are opened."""
    models = torchvision().models
    return tuple(models.list_models(module=models))


@cache
def graph(name: str) -> Graph:
    """The layer graph of a network; raises UnsupportedArchitecture with the first operation that has no units."""
    model = _model(name, auxiliary=False)
    try:
        traced = torch.fx.Tracer().trace(model)
    except (torch.fx.proxy.TraceError, TypeError, RuntimeError, ValueError) as error:
        reason = f"its graph depends on its input ({str(error).splitlines()[0]})"
        raise UnsupportedArchitecture(architecture=name, reason=reason) from None
    try:
        return _Translation(model).graph(traced)
    except BadGraph as error:
        raise UnsupportedArchitecture(
            architecture=name, reason=f"{error.facts['where']} {error.facts['reason']}"
        ) from None


@cache
def shapes(name: str) -> Mapping[str, tuple[int, ...]]:
    """The shape of every tensor that the graph needs."""
    state = _model(name, auxiliary=False).state_dict()
    return {tensor: tuple(state[tensor].shape) for tensor in graph(name).tensors}


@cache
def spare(name: str) -> frozenset[str]:
    """Counters of batches, and the auxiliary heads that only training looks at."""
    return frozenset(_model(name, auxiliary=True).state_dict()) - set(graph(name).tensors)


def _model(name: str, *, auxiliary: bool) -> nn.Module:
    """The network without numbers, in evaluation. Only two families have auxiliary heads, and ask for a word on it."""
    words = {"aux_logits": auxiliary, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    build = partial(torchvision().models.get_model, name, weights=None, **words)
    try:
        with torch.device("meta"):
            model: nn.Module = build()
    except NotImplementedError:  # RegNet computes its widths with tensors
        model = build()
    return model.eval()


class _Translation:
    """One trace, node by node, into our operations."""

    def __init__(self, model: nn.Module) -> None:
        self.modules = dict(model.named_modules())
        self.nodes: dict[str, Node] = {}
        self.known: dict[torch.fx.Node, str] = {}  # where each traced value is found
        self.results: dict[str, torch.fx.Node] = {}  # the last operation outside of any module, by its scope

    def graph(self, traced: torch.fx.Graph) -> Graph:
        """Everything that reaches the output."""
        self.results = {_scope(node): node for node in traced.nodes if node.op == "call_function"}
        for node in traced.nodes:
            if node.op == "output":
                return Graph(self.nodes.values(), output=self.known[node.args[0]])
            self.known[node] = self._translated(node)
        raise BadGraph(where="the graph", reason="has no output")

    def _translated(self, node: torch.fx.Node) -> str:
        if node.op == "placeholder":
            return self._add(Node("input", "input"))
        if node.op == "call_module":
            return self._of_module(node, self.modules[str(node.target)])
        written = METHODS.get(str(node.target)) if node.op == "call_method" else FUNCTIONS.get(node.target)
        written = written or WRAPPED.get(_spelled(node))
        if written:
            return self._of_function(node, *written(*node.args, **node.kwargs))
        raise BadGraph(where=_scope(node) or "it", reason=f"uses {_spelled(node)}, for which there is no operation")

    def _of_module(self, node: torch.fx.Node, module: nn.Module) -> str:
        source = self._source(node.args[0])
        if isinstance(module, TRANSPARENT):
            return source
        if type(module) not in MODULES:
            raise BadGraph(
                where=str(node.target), reason=f"is a {type(module).__name__}, for which there is no operation"
            )
        op, attributes = MODULES[type(module)](module)
        tensors = {word: f"{node.target}.{word}" for word in WORDS if getattr(module, word, None) is not None}
        return self._add(Node(self._free(str(node.target)), op, (source,), attributes, tensors))

    def _of_function(self, node: torch.fx.Node, op: str, attributes: dict[str, Any]) -> str:
        given = node.args[0] if isinstance(node.args[0], list | tuple) else node.all_input_nodes
        if op in ("add", "mul"):
            given = node.args[:2]
        sources = tuple(self._source(one) for one in given)
        if op == "mean":
            pooled = Node(self._free(self._named(node, op)), "adaptive_avg_pool", sources, {"output_size": 1})
            op, sources = "flatten", (self._add(pooled),)
        if op == "identity" or (op == "concat" and len(sources) == 1):
            return sources[0]
        return self._add(Node(self._free(self._named(node, op)), op, sources, attributes))

    def _named(self, node: torch.fx.Node, op: str) -> str:
        """A sum or concatenation that is its module's result has its name: `inception3b`, `features.3`, `layer1.0`."""
        scope = _scope(node)
        is_result = op in ("add", "concat") and self.results.get(scope) is node
        return scope if scope and is_result else f"{scope}.{op}".lstrip(".")

    def _source(self, value: Any) -> str:
        if not isinstance(value, torch.fx.Node):
            raise BadGraph(where="an operation", reason=f"reads {str(value)[:40]}, which is no value of the network")
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


def _local_response_norm(module: nn.LocalResponseNorm) -> Written:
    words = ("size", "alpha", "beta", "k")
    return "local_response_norm", {word: getattr(module, word) for word in words}


MODULES: Mapping[type[nn.Module], Callable[[Any], Written]] = {
    nn.Conv2d: _conv,
    nn.Linear: lambda _: ("linear", {}),
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
WRAPPED: Mapping[str, Callable[..., Written]] = {"stochastic_depth": _identity}  # torchvision's own functions
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
