"""What can go wrong with the science: the docstring is the message, the name the contract, the facts travel along."""

import re
from typing import Any, ClassVar, Literal


class InterpError(Exception):
    """Something went wrong."""

    fault: ClassVar[Literal["yours", "ours"]] = "yours"

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        super().__init__((self.__doc__ or "").strip().format(**facts))

    @property
    def slug(self) -> str:
        """The stable name of this kind of problem: `NoSuchUnit` is `no-such-unit`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()


class BadAddress(InterpError):
    """{text} is no unit; a unit is written layer:channel, for example mixed4c:447."""


class NoSuchLayer(InterpError):
    """There is no layer {layer}; the closest names are {closest}."""


class NoSuchUnit(InterpError):
    """{layer} has {width} units; there is no unit {index}."""


class NoSuchSite(InterpError):
    """{layer} can be read at {sites}, not at {site}."""


class NoSuchArchitecture(InterpError):
    """No architecture is called {name}; the closest names are {closest}."""


class NotConvolutional(InterpError):
    """{name} cannot be opened: {reason}."""


class BadGraph(InterpError):
    """This layer graph cannot be run: {reason}."""


class BadInputSpec(InterpError):
    """The input convention cannot be used: {field} {reason}."""


class BadParameters(InterpError):
    """The parameters cannot be used: {summary}"""

    def __init__(self, *, errors: list[dict[str, str]]) -> None:
        summary = "; ".join(f"{error['pointer']}: {error['detail']}" for error in errors[:3])
        super().__init__(errors=errors, summary=summary)


class NonfiniteActivation(InterpError):
    """{subject} has activations that are not finite; its weights overflow on this input."""


class ResponseMismatch(InterpError):
    """Layer {layer} answers the fixed inputs differently from the registered checkpoint, by {off:.3g} standard deviations."""

    fault = "ours"


class IdentityMismatch(InterpError):
    """The {what} here are not the registered ones: {found} instead of {registered}."""

    fault = "ours"


class RefusedWeights(InterpError):
    """This weights file is refused."""


class CheckpointEmpty(RefusedWeights):
    """The file is empty."""


class CheckpointFormat(RefusedWeights):
    """This is no safetensors file ({reason}); only safetensors is read."""


class CheckpointPickleRefused(RefusedWeights):
    """This is a pickle, which can run code when it is opened; convert it to safetensors."""


class CheckpointTorchscriptRefused(RefusedWeights):
    """This is a TorchScript archive, which carries code; save the state dict as safetensors."""


class CheckpointHeaderTooLarge(RefusedWeights):
    """The header claims {size} bytes; at most {most} are read."""


class CheckpointHeader(RefusedWeights):
    """The header is broken: {reason}."""


class CheckpointTruncated(RefusedWeights):
    """The file ends {missing} bytes before its tensors do."""


class CheckpointTrailing(RefusedWeights):
    """{extra} bytes follow the last tensor."""


class CheckpointOffsets(RefusedWeights):
    """The place of tensor {name} is impossible: {reason}."""


class CheckpointShape(RefusedWeights):
    """The shape of tensor {name} is impossible: {reason}."""


class CheckpointDtype(RefusedWeights):
    """Tensor {name} is of type {dtype}; floating-point types are read."""


class CheckpointName(RefusedWeights):
    """{name} cannot name a tensor; letters, digits, dots, dashes and underscores can, up to 200 of them."""


class CheckpointMetadata(RefusedWeights):
    """The metadata has {size} bytes; at most {most} are read."""


class CheckpointTooManyTensors(RefusedWeights):
    """The file has {count} tensors; at most {most} are read."""


class CheckpointArchitecture(RefusedWeights):
    """The tensors are not those of the architecture: {reason}."""


class CheckpointNonfinite(RefusedWeights):
    """Tensor {name} contains values that are not finite."""
