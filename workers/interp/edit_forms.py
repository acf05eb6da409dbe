"""Edits as people write them: the schema of their JSON, and the judge who fits them to a network or names faults."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from workers.interp.address import Unit
from workers.interp.checkpoint import Checkpoint
from workers.interp.edits import (
    CUT,
    MEAN,
    RESAMPLE,
    SCALE,
    SET,
    SPLICE,
    WEIGHT,
    ZERO,
    Cut,
    Edit,
    Region,
    Scale,
    Set,
    Splice,
    Weight,
)
from workers.interp.errors import BadParameters, InterpError, NoSuchMaterial, UnreadableMaterial
from workers.interp.header import Header, inspect
from workers.interp.makers import Maker, makers
from workers.interp.parameters import faults
from workers.interp.registry import closest
from workers.interp.weights import FLOATS

MOST = 16  # edits
LARGEST = 1_000_000.0  # of a value or a factor
_LAYER = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9_.]{0,119}$", "maxLength": 120}
_UNIT = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9_.]{0,119}:(0|[1-9][0-9]{0,8})$", "maxLength": 140}
_CHANNEL = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
_CHANNELS = {"type": "array", "items": _CHANNEL, "minItems": 1, "maxItems": 4096, "uniqueItems": True}
_ARTIFACT = {"type": "string", "pattern": "^[0-9a-f]{64}$", "format": "artifact"}
_NUMBER = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
_SITE = {"type": "string", "enum": ["pre_relu", "post_relu"]}
_POSITION = {"type": "integer", "minimum": 0, "maximum": 100_000}
_WHERE = {
    "type": ["object", "null"],
    "additionalProperties": False,
    "minProperties": 1,
    "maxProperties": 1,
    "properties": {
        "box": {"type": "array", "items": _POSITION, "minItems": 4, "maxItems": 4},
        "mask": _ARTIFACT,
    },
}
_INDEX = {"type": ["integer", "null"], "minimum": 0, "maximum": 999_999_999}
_OPS: Mapping[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    SET: (
        {
            "layer": _LAYER,
            "channels": _CHANNELS,
            "site": _SITE,
            "value": {"anyOf": [{"type": "string", "enum": [ZERO, MEAN, RESAMPLE]}, _NUMBER]},
            "where": {**_WHERE, "default": None},
            "alpha": {"type": "number", "minimum": 0, "maximum": 1, "default": 1},
        },
        ("value",),
    ),
    SCALE: ({"layer": _LAYER, "channels": _CHANNELS, "site": _SITE, "factor": _NUMBER}, ("factor",)),
    WEIGHT: (
        {
            "parameter": {"type": "string", "minLength": 1, "maxLength": 200},
            "index": {"type": "array", "items": _INDEX, "minItems": 1, "maxItems": 8},
            "value": _NUMBER,
        },
        ("parameter", "index", "value"),
    ),
    CUT: ({"source": _UNIT, "target": _UNIT}, ()),
    SPLICE: ({"layer": _LAYER, "channels": _CHANNELS, "weights": _ARTIFACT}, ("weights",)),
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["op"],
    "properties": {"op": {"type": "string", "enum": list(_OPS)}},
    "allOf": [
        {
            "if": {"properties": {"op": {"const": op}}, "required": ["op"]},
            "then": {
                "required": list(required),
                "additionalProperties": False,
                "properties": {"op": {"const": op}, **members},
            },
        }
        for op, (members, required) in _OPS.items()
    ],
}
LIST = {"type": "array", "items": SCHEMA, "maxItems": MOST}


def read(
    checkpoint: Checkpoint,
    given: Sequence[Mapping[str, Any]],
    *,
    site: str | None = None,
    subject: Unit | None = None,
    files: Mapping[str, Path] | None = None,
    at: str = "/edits",
) -> tuple[Edit, ...]:
    """Edits written as data, fitted to a checkpoint; raises BadParameters with a pointer to every fault.

    `site` is where layers are set that name none (their last one otherwise); `subject` the unit that is meant where
    no layer and no channels are named; `files` hold masks and weights by their SHA-256.
    """
    wrong = faults(list(given), LIST)
    if wrong:
        raise BadParameters(errors=[{**one, "pointer": at + one["pointer"]} for one in wrong])
    reader = _Reader(checkpoint, site, subject, files or {})
    found = [reader.edit(one, f"{at}/{place}") for place, one in enumerate(given)]
    if reader.errors:
        raise BadParameters(errors=reader.errors)
    return tuple(one for one in found if one is not None)


class _Unfit(Exception):
    """A member of an edit that does not fit the network: where, what kind of fault, and what it is."""

    def __init__(self, member: str, detail: str, *, code: str = "unfit") -> None:
        super().__init__(detail)
        self.member, self.detail, self.code = member, detail, code


class _Reader:
    """One list of edits on its way from data to what they mean; faults are collected."""

    def __init__(
        self, checkpoint: Checkpoint, site: str | None, subject: Unit | None, files: Mapping[str, Path]
    ) -> None:
        self.checkpoint = checkpoint
        self.site = site
        self.subject = subject
        self.files = files
        self.errors: list[dict[str, str]] = []
        self.makers = makers(checkpoint.graph, checkpoint)

    def edit(self, given: Mapping[str, Any], pointer: str) -> Edit | None:
        """The edit, or None and its fault noted."""
        read: Mapping[str, Callable[[Mapping[str, Any]], Edit]] = {
            SET: self._set, SCALE: self._scale, WEIGHT: self._weight, CUT: self._cut, SPLICE: self._splice,
        }  # fmt: skip
        try:
            return read[given["op"]](given)
        except _Unfit as error:
            self.errors.append({"pointer": f"{pointer}/{error.member}", "code": error.code, "detail": error.detail})
        return None

    def _set(self, given: Mapping[str, Any]) -> Set:
        layer, channels = self._units(given)
        value = 0.0 if given["value"] == ZERO else given["value"]
        where = self._region(layer, given.get("where"))
        value = value if isinstance(value, str) else float(value)
        return Set(layer, channels, self._site(layer, given), value, where, float(given.get("alpha", 1.0)))

    def _scale(self, given: Mapping[str, Any]) -> Scale:
        layer, channels = self._units(given)
        return Scale(layer, channels, self._site(layer, given), float(given["factor"]))

    def _weight(self, given: Mapping[str, Any]) -> Weight:
        name, shapes = given["parameter"], self.checkpoint.shapes
        if name not in shapes:
            near = ", ".join(closest(name, list(shapes)))
            raise _Unfit("parameter", f"There is no parameter {name[:80]}; the closest are {near}.", code="no-such")
        shape, index = shapes[name], tuple(None if one is None else int(one) for one in given["index"])
        if len(index) != len(shape):
            raise _Unfit("index", f"{name} has {len(shape)} dimensions {list(shape)}; null stands for all of one.")
        for place, (one, length) in enumerate(zip(index, shape, strict=True)):
            if one is not None and one >= length:
                raise _Unfit(f"index/{place}", f"Must be from 0 to {length - 1}, or null.", code="out-of-range")
        maker = self.makers.get(name)
        unit = Unit(maker.layer, maker.first + index[0]) if maker and index[0] is not None else None
        return Weight(name, index, float(given["value"]), unit, maker.first if maker else 0)

    def _cut(self, given: Mapping[str, Any]) -> Cut:
        source, target = self._end("source", given), self._end("target", given)
        layers = list(self.checkpoint.layers)
        if layers.index(source.layer) >= layers.index(target.layer):
            raise _Unfit("source", f"{source} does not come before {target}.")
        return Cut(source, target)

    def _splice(self, given: Mapping[str, Any]) -> Splice:
        layer, channels = self._units(given)
        maker = next(
            (it for it in self.makers.values() if it.layer == layer and it.holds(channels)),
            None,
        )
        if maker is None:
            detail = f"These channels of {layer} are not computed by one convolution or linear map."
            raise _Unfit("channels" if "channels" in given else "layer", detail)
        weight, bias = self._tensors(given["weights"], maker, len(channels))
        site = self.checkpoint.layers[layer].sites[-1]
        return Splice(layer, channels, site, maker.node, maker.first, given["weights"], weight, bias)

    def _end(self, end: str, given: Mapping[str, Any]) -> Unit:
        if end not in given:
            if self.subject is None:
                raise _Unfit(end, "Must be given, as layer:channel.", code="required")
            return self.subject
        unit = Unit.parse(given[end])
        return self._unit(unit.layer, unit.channel, end)

    def _units(self, given: Mapping[str, Any]) -> tuple[str, tuple[int, ...]]:
        """The layer and channels of an edit, under the layer's own key; the subject's where none are named."""
        if "layer" not in given and "channels" not in given:
            if self.subject is None:
                raise _Unfit("layer", "Must be given: nothing else says what is changed.", code="required")
            return self.subject.layer, (self.subject.channel,)
        if "layer" not in given and self.subject is None:
            raise _Unfit("layer", "Must be given.", code="required")
        name = given.get("layer") or (self.subject.layer if self.subject else "")
        if "channels" not in given:
            raise _Unfit("channels", "Must be given where a layer is.", code="required")
        units = [self._unit(name, int(one), f"channels/{place}") for place, one in enumerate(given["channels"])]
        return units[0].layer, tuple(unit.channel for unit in units)

    def _unit(self, layer: str, channel: int, member: str) -> Unit:
        try:
            self.checkpoint.place(layer)
        except InterpError as error:
            raise _Unfit("layer" if member.startswith("channels") else member, str(error), code=error.slug) from None
        try:
            return Unit(*self.checkpoint.channel(layer, channel))
        except InterpError as error:
            raise _Unfit(member, str(error), code=error.slug) from None

    def _site(self, layer: str, given: Mapping[str, Any]) -> str:
        sites = self.checkpoint.layers[layer].sites
        if "site" in given and given["site"] not in sites:
            raise _Unfit(
                "site", f"{layer} has no site {given['site']}; it has {', '.join(sites)}.", code="no-such-site"
            )
        asked = given.get("site", self.site)
        return str(asked) if asked in sites else sites[-1]

    def _region(self, layer: str, where: Mapping[str, Any] | None) -> Region | None:
        """Where a layer is set; None is everywhere."""
        if where is None:
            return None
        height, width = self.checkpoint.layers[layer].positions
        if "mask" in where:
            return Region(self._mask(where["mask"], (height, width)), (("mask", where["mask"]),))
        top, left, bottom, right = map(int, where["box"])  # of JSON 1.0 is a whole number, too
        if not (top < bottom <= height and left < right <= width):
            detail = f"[top, left, bottom, right] in positions of {layer}, which has {height} × {width}; ends excluded."
            raise _Unfit("where/box", detail, code="out-of-range")
        weights = torch.zeros(height, width)
        weights[top:bottom, left:right] = 1
        return Region(weights, (("box", (top, left, bottom, right)),))

    def _mask(self, sha256: str, size: tuple[int, int]) -> Tensor:
        wanted = f"a safetensors file with a tensor mask {list(size)} of numbers in [0, 1]"
        mask = _opened(self._file(sha256), sha256, {"mask": size}, wanted)["mask"].float()
        if not ((mask >= 0) & (mask <= 1)).all():
            raise UnreadableMaterial(sha256=sha256, wanted=wanted, reason="it has numbers outside of that range")
        return mask

    def _tensors(self, sha256: str, maker: Maker, count: int) -> tuple[Tensor, Tensor]:
        """Weight and bias of spliced units; without a bias it is zero."""
        shape = (count, *maker.shape[1:])
        wanted = f"a safetensors file with weight {list(shape)} and, if any, bias [{count}]"
        found = _opened(self._file(sha256), sha256, {"weight": shape, "bias": (count,)}, wanted)
        weight = found["weight"].double()
        return weight, found.get("bias", torch.zeros(count)).double()

    def _file(self, sha256: str) -> Path:
        if sha256 not in self.files:
            raise NoSuchMaterial(sha256=sha256)
        return self.files[sha256]


def _opened(path: Path, sha256: str, shapes: Mapping[str, tuple[int, ...]], wanted: str) -> dict[str, Tensor]:
    """The tensors of a small file, judged by its header before one is built; all but the first may be absent."""

    def refused(reason: str) -> UnreadableMaterial:
        return UnreadableMaterial(sha256=sha256, wanted=wanted, reason=reason)

    try:
        header: Header = inspect(path)
    except InterpError as error:
        raise refused(str(error)) from None
    first = next(iter(shapes))
    if first not in header.tensors or not set(header.tensors) <= set(shapes):
        raise refused(f"it has the tensors {', '.join(sorted(header.tensors))[:200] or 'none'}")
    for name, entry in header.tensors.items():
        if entry.shape != shapes[name]:
            raise refused(f"its {name} is {list(entry.shape)}, not {list(shapes[name])}")
        if entry.dtype not in FLOATS:
            raise refused(f"its {name} is of the type {entry.dtype}, which is no float")
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name).clone() for name in header.tensors}
    except SafetensorError as error:
        raise refused(f"the library refuses it ({error})") from None
    if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        raise refused("it has numbers that are not finite")
    return tensors
