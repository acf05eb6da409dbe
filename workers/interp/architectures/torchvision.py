"""torchvision's convolutional classifiers: each traced once, and written down in our own operations.

The trace is only the way in. What is hashed and run is our neutral graph, so another torchvision that traces the same
network differently still makes the same checkpoint. Nothing is downloaded: networks are built without weights.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from workers.interp import tracing
from workers.interp.errors import BadGraph, UnsupportedArchitecture
from workers.interp.graph import Graph
from workers.interp.vision import torchvision

name = "torchvision"


def names() -> tuple[str, ...]:
    """Every classifier of torchvision by its builder's name; some are refused when they are opened."""
    models = torchvision().models
    return tuple(models.list_models(module=models))


@cache
def graph(name: str) -> Graph:
    """The layer graph of a network; raises UnsupportedArchitecture with the first operation that has no units."""
    model = _model(name, auxiliary=False)
    attends = next((path for path, part in model.named_modules() if "Attention" in type(part).__name__), None)
    if attends:
        reason = f"{attends} attends to tokens, whose features are no channels of a map"
        raise UnsupportedArchitecture(architecture=name, reason=reason)
    try:
        return tracing.translated(model, whole=(torchvision().models.shufflenetv2.channel_shuffle,))
    except BadGraph as error:
        reason = f"{error.facts['where']} {error.facts['reason']}"
        raise UnsupportedArchitecture(architecture=name, reason=reason) from None


@cache
def shapes(name: str) -> Mapping[str, tuple[int, ...]]:
    """The shape of every tensor that the graph needs."""
    state = _model(name, auxiliary=False).state_dict()
    return {tensor: tuple(state[tensor].shape) for tensor in graph(name).tensors}


@cache
def spare(name: str) -> frozenset[str]:
    """Counters of batches, and the auxiliary heads that only training looks at."""
    return frozenset(_model(name, auxiliary=True).state_dict()) - set(graph(name).tensors)


def side(name: str) -> int:
    """The side in pixels of the images that the network was published for."""
    weights = torchvision().models.get_model_weights(name)
    return int(weights.DEFAULT.transforms().crop_size[0])


def _model(name: str, *, auxiliary: bool) -> nn.Module:
    """The network without numbers, in evaluation. Only two families have auxiliary heads, and ask for a word on it."""
    words = {"aux_logits": auxiliary, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with _WithoutNumbers():
        model: nn.Module = torchvision().models.get_model(name, weights=None, **words)
    return model.eval()


class _WithoutNumbers(TorchFunctionMode):
    """Weights take no memory and no time. Not all tensors: RegNet computes its widths with some."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        words = kwargs or {}
        if func in (torch.empty, torch.ones, torch.zeros) and words.get("device") is None:
            words = {**words, "device": "meta"}
        return func(*args, **words)
