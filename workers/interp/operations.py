"""The closed table of operations a graph may use: for each what runs, its hyper-parameters and its tensors."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

LARGEST = 1 << 20  # of any integer hyper-parameter


@dataclass(frozen=True)
class Attribute:
    """A hyper-parameter: how it is checked and written, and its value where none is given (None: it must be)."""

    normal: Callable[[Any], Any]
    default: Any = None


@dataclass(frozen=True)
class Operation:
    """What a node computes: `run(*inputs, **tensors, **attributes)`."""

    run: Callable[..., Tensor]
    inputs: tuple[int, int] = (1, 1)
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    tensors: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()

    def complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All hyper-parameters in their one written form; raises ValueError saying which cannot be used."""
        unknown = sorted(map(str, set(given) - set(self.attributes)))
        if unknown:
            raise ValueError(f"has no hyper-parameter {unknown[0]}")
        return {name: _normal(name, attribute, given) for name, attribute in self.attributes.items()}


def _normal(name: str, attribute: Attribute, given: Mapping[str, Any]) -> Any:
    value = given.get(name, attribute.default)
    if value is None:
        raise ValueError(f"needs {name}")
    try:
        return attribute.normal(value)
    except ValueError as error:
        raise ValueError(f"has a {name} that {error}") from None


def integer(*, least: int) -> Callable[[Any], int]:
    """A whole number from `least` on."""

    def normal(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= LARGEST:
            raise ValueError(f"is no whole number from {least} to {LARGEST}")
        return value

    return normal


def pair(*, least: int) -> Callable[[Any], tuple[int, int]]:
    """Two whole numbers, vertical and horizontal; one stands for both."""
    single = integer(least=least)

    def normal(value: Any) -> tuple[int, int]:
        both = value if isinstance(value, list | tuple) else (value, value)
        if len(both) != 2:
            raise ValueError("is no pair")
        return single(both[0]), single(both[1])

    return normal


def number(value: Any) -> float:
    """A finite number."""
    # An integer of JSON may be larger than any float.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= sys.float_info.max:
        raise ValueError("is no finite number")
    return float(value)


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("is neither true nor false")
    return value


def identity(x: Tensor) -> Tensor:
    """The input itself."""
    return x


def concat(*parts: Tensor) -> Tensor:  # n × [N, C_i, H, W] -> [N, ΣC_i, H, W]
    """The channels of all parts, one after the other."""
    return torch.cat(parts, dim=1)


def add(first: Tensor, *others: Tensor) -> Tensor:
    """The sum."""
    for other in others:
        first = first + other
    return first


def mul(first: Tensor, second: Tensor) -> Tensor:
    """The product; a gate [N, C, 1, 1] is repeated over positions."""
    return first * second


def pad(
    x: Tensor, *, channels: tuple[int, int], height: tuple[int, int], width: tuple[int, int]
) -> Tensor:  # [N, C, H, W] -> [N, C + Σchannels, H + Σheight, W + Σwidth]
    """Zeros before and after, along each dimension: positions that a window sees, channels that nothing writes."""
    return F.pad(x, (*width, *height, *channels))


def chunk(x: Tensor, *, chunks: int, index: int) -> Tensor:  # [N, C, H, W] -> [N, C / chunks, H, W]
    """One of so many equal runs of channels; raises ValueError where they are not equal."""
    if x.shape[1] % chunks or index >= chunks:
        raise ValueError(f"{x.shape[1]} channels have no part {index} of {chunks}")
    each = x.shape[1] // chunks
    return x.narrow(1, index * each, each)


def channel_shuffle(x: Tensor, *, groups: int) -> Tensor:  # [N, C, H, W] -> [N, C, H, W]
    """The first channel of every group, then the second of every group, and so on (ShuffleNet, arXiv:1707.01083)."""
    if x.shape[1] % groups:
        raise ValueError(f"{x.shape[1]} channels are not {groups} equal groups")
    return x.reshape(x.shape[0], groups, -1, *x.shape[2:]).transpose(1, 2).reshape(x.shape)


def layer_norm(x: Tensor, *, eps: float, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
    """Each position's channels at mean 0 and deviation 1, then scaled and shifted (Ba et al., arXiv:1607.06450)."""
    return F.layer_norm(x.movedim(1, -1), (x.shape[1],), weight, bias, eps).movedim(-1, 1)


def scale(x: Tensor, *, weight: Tensor) -> Tensor:  # [N, C, H, W] -> [N, C, H, W]
    """Every channel times a number of its own; `weight` is [C, 1, 1]."""
    return x * weight


def linear(x: Tensor, *, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """A linear map of the channels, [N, C] -> [N, C']; of a map's at every position, [N, C, H, W] -> [N, C', H, W]."""
    return F.linear(x.movedim(1, -1), weight, bias).movedim(-1, 1)


def flatten(x: Tensor) -> Tensor:  # [N, C, H, W] -> [N, C·H·W]
    """All positions of an image as channels."""
    return torch.flatten(x, 1)


def softmax(x: Tensor) -> Tensor:
    """Probabilities over channels."""
    return torch.softmax(x, dim=1)


ONE, ZERO = pair(least=1), pair(least=0)
ACTIVATIONS: Mapping[str, Operation] = {
    "relu": Operation(F.relu),
    "relu6": Operation(F.relu6),
    "leaky_relu": Operation(F.leaky_relu, attributes={"negative_slope": Attribute(number)}),
    "elu": Operation(F.elu, attributes={"alpha": Attribute(number, 1.0)}),
    "silu": Operation(F.silu),
    "gelu": Operation(F.gelu),
    "hardswish": Operation(F.hardswish),
    "hardsigmoid": Operation(F.hardsigmoid),
    "sigmoid": Operation(torch.sigmoid),
    "tanh": Operation(torch.tanh),
}
OPERATIONS: Mapping[str, Operation] = {
    "input": Operation(identity, inputs=(0, 0)),
    "conv2d": Operation(
        F.conv2d,
        attributes={
            "stride": Attribute(ONE, 1),
            "padding": Attribute(ZERO, 0),
            "dilation": Attribute(ONE, 1),
            "groups": Attribute(integer(least=1), 1),
        },
        tensors=("weight",),
        optional=("bias",),
    ),
    "linear": Operation(linear, tensors=("weight",), optional=("bias",)),
    "batch_norm": Operation(
        F.batch_norm,
        attributes={"eps": Attribute(number)},
        tensors=("running_mean", "running_var"),
        optional=("weight", "bias"),
    ),
    "layer_norm": Operation(layer_norm, attributes={"eps": Attribute(number)}, optional=("weight", "bias")),
    "scale": Operation(scale, tensors=("weight",)),
    "local_response_norm": Operation(
        F.local_response_norm,
        attributes={
            "size": Attribute(integer(least=1)),
            "alpha": Attribute(number),
            "beta": Attribute(number),
            "k": Attribute(number),
        },
    ),
    "max_pool": Operation(
        F.max_pool2d,
        attributes={
            "kernel_size": Attribute(ONE),
            "stride": Attribute(ONE),
            "padding": Attribute(ZERO, 0),
            "dilation": Attribute(ONE, 1),
            "ceil_mode": Attribute(flag, False),
        },
    ),
    "avg_pool": Operation(
        F.avg_pool2d,
        attributes={
            "kernel_size": Attribute(ONE),
            "stride": Attribute(ONE),
            "padding": Attribute(ZERO, 0),
            "ceil_mode": Attribute(flag, False),
            "count_include_pad": Attribute(flag, True),
        },
    ),
    "adaptive_avg_pool": Operation(F.adaptive_avg_pool2d, attributes={"output_size": Attribute(ONE)}),
    "pad": Operation(pad, attributes={word: Attribute(ZERO, 0) for word in ("channels", "height", "width")}),
    "chunk": Operation(chunk, attributes={"chunks": Attribute(integer(least=1)), "index": Attribute(integer(least=0))}),
    "channel_shuffle": Operation(channel_shuffle, attributes={"groups": Attribute(integer(least=1))}),
    "concat": Operation(concat, inputs=(2, 1024)),
    "add": Operation(add, inputs=(2, 1024)),
    "mul": Operation(mul, inputs=(2, 2)),
    "flatten": Operation(flatten),
    "softmax": Operation(softmax),
    **ACTIVATIONS,
}
