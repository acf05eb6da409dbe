"""What can go wrong with the science: the docstring is the message, the name the contract, the facts travel along."""

import re
from typing import Any, ClassVar, Literal

Fault = Literal["yours", "ours"]
LONGEST_ECHO = 200  # characters of somebody's input that a message repeats


class InterpError(Exception):
    """Something went wrong."""

    fault: ClassVar[Fault] = "yours"

    def __init__(self, **facts: Any) -> None:
        self.facts = facts
        shown = {name: _printable(value) for name, value in facts.items()}
        said = " ".join((self.__doc__ or "").split()).format(**shown)
        super().__init__(said[:-1] if said.endswith("..") else said)  # a reason may be a sentence itself

    @property
    def slug(self) -> str:
        """The stable name of this kind of problem: `NoSuchUnit` is `no-such-unit`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()


def _printable(value: Any) -> str:
    """A fact as a message shows it: one bounded line without control characters."""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    clipped = text if len(text) <= LONGEST_ECHO else text[: LONGEST_ECHO - 1] + "…"
    return "".join(letter if letter.isprintable() else "�" for letter in clipped)


class BadAddress(InterpError):
    """{text} names no unit; write layer:channel, for example mixed4c:447."""


class UnreadableDataset(InterpError):
    """{name} is no part of a dataset: {reason}."""


class NoSuchMaterial(InterpError):
    """The artifact, dataset or checkpoint {sha256} that the parameters name is not at hand."""


class UnreadableMaterial(InterpError):
    """The artifact {sha256} is not {wanted}: {reason}."""


class NoDirection(InterpError):
    """{subject} is no direction: only units of one layer, weighted, point somewhere together."""


class NoOpposite(InterpError):
    """{subject} has no opposite: a whole layer can only be excited."""


class NoSuchUnit(InterpError):
    """{layer} has {width} units; there is no unit {index}."""


class NoSuchLayer(InterpError):
    """There is no layer {layer}; the closest are {closest}."""


class NoSuchSite(InterpError):
    """{layer} has no site {site}; it has {sites}."""


class NoSuchArchitecture(InterpError):
    """There is no architecture {architecture}; the closest are {closest}."""


class NoSuchProbe(InterpError):
    """There is no probe {probe}; the closest are {closest}."""


class UnsupportedArchitecture(InterpError):
    """{architecture} cannot be read unit by unit: {reason}."""


class BadParameters(InterpError):
    """The parameters cannot be used: {summary}"""

    def __init__(self, *, errors: list[dict[str, str]]) -> None:
        summary = "; ".join(f"{error['pointer'] or '/'}: {error['detail']}" for error in errors[:3])
        super().__init__(errors=errors, summary=summary)


class BadGraph(InterpError):
    """The graph cannot be used: {where} {reason}."""


class BadInputSpec(InterpError):
    """The input spec cannot be used: {field} {reason}."""


class NonfiniteActivation(InterpError):
    """{layer} answers with values that are not finite numbers."""


class ResponseMismatch(InterpError):
    """This machine does not reproduce {layer}: its {quantity} on {input} is {found}, recorded is {recorded}."""

    fault = "ours"


class RefusedWeights(InterpError):
    """The weights file was refused."""


class CheckpointEmpty(RefusedWeights):
    """The file is empty."""


class CheckpointFormat(RefusedWeights):
    """This is not a safetensors file; no other format is read."""


class CheckpointPickleRefused(RefusedWeights):
    """This is a pickle, which can run code when it is opened; save the tensors with safetensors."""


class CheckpointTorchscriptRefused(RefusedWeights):
    """This is a TorchScript archive, which holds code; save its state dict with safetensors."""


class TooLarge(RefusedWeights):
    """The file has {size} bytes; at most {limit} are accepted."""


class CheckpointHeaderTooLarge(RefusedWeights):
    """The header has {size} bytes; at most {limit} are accepted."""


class CheckpointTooManyTensors(RefusedWeights):
    """The file holds more than {limit} tensors."""


class CheckpointHeader(RefusedWeights):
    """The header cannot be read: {reason}."""


class CheckpointMetadata(RefusedWeights):
    """The metadata have {size} bytes; at most {limit} are accepted."""


class CheckpointName(RefusedWeights):
    """{name} cannot name a tensor; a name has 1 to 200 letters, digits, dots, dashes and underscores."""


class CheckpointDtype(RefusedWeights):
    """{name} has the type {dtype}; accepted are {accepted}."""


class CheckpointShape(RefusedWeights):
    """The shape of {name} cannot be used: {reason}."""


class CheckpointOffsets(RefusedWeights):
    """The bytes of {name} are not where they should be: {reason}."""


class CheckpointTruncated(RefusedWeights):
    """The file ends early: it has {size} bytes, and its header promises {promised}."""


class CheckpointTrailing(RefusedWeights):
    """The file goes on after its last tensor: it has {size} bytes, and its header promises {promised}."""


class CheckpointNonfinite(RefusedWeights):
    """{name} holds values that are not finite numbers."""


class CheckpointArchitecture(RefusedWeights):
    """The tensors do not fit the architecture: {reason}."""


class FixedInput(InterpError):
    """These units need an input of exactly {height} × {width} pixels; pictures are square."""


class NoPath(InterpError):
    """Nothing of {source} reaches {target}: no path leads from one to the other."""


class SameLayer(InterpError):
    """{layer} has no weights to itself; name a layer before or behind it."""


class NotLinear(InterpError):
    """Between {source} and {target} lies {operation}, which has no linear form."""


class TooFarApart(InterpError):
    """{weights} weights join {source} and {target}; at most {limit} are composed. Ask upstream, unit by unit."""


class NothingToTake(InterpError):
    """There is nothing to take as {what} for {name}: it takes pictures to take it from, or a place to put it."""


class NotCompared(InterpError):
    """What a {task} answers is not compared yet; intervene on {supported}."""


class BaselineOff(InterpError):
    """Before anything is changed {metric} is {found} on these {n} pictures, where {registered} is registered: they are
    shown or labelled otherwise than they were, and no effect would mean anything.
    """


class NotAdjacent(InterpError):
    """{source} and {target} are not adjacent: {operation} lies between them, so that no stored weight joins the two."""


class NothingComparable(InterpError):
    """{subject} has no counterpart to be compared with by {by}: {reason}."""
