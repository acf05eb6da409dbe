"""From a picture to what the network takes: part of a checkpoint's identity, and one crop protocol for everybody."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from workers.interp import encode
from workers.interp.errors import BadInputSpec

INTERPOLATIONS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
ORDERS = {"RGB": 3, "BGR": 3, "L": 1}  # channels of the network's input
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue in grey (ITU-R BT.601, as Pillow has it)
LARGEST = 4096  # pixels a side


@dataclass(frozen=True)
class InputSpec:
    """How RGB in [0, 1] becomes the network's input: x·(high − low) + low, minus mean, over std, per channel of RGB.

    `size` is height and width. `channel_order` is that of the network: for `BGR` the channels are reversed at the end,
    for `L` they are weighed together to one of grey.
    The crop protocol: `stretch` resizes the whole picture to `resize_to` in height and width, `shorter-side` keeps the
    proportions; then the centre of `size` is cut out.
    """

    size: tuple[int, int]
    channel_order: str
    value_range: tuple[float, float]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize_mode: str
    resize_to: int
    interpolation: str

    @classmethod
    def from_json(cls, data: Any) -> "InputSpec":
        """The spec of a card; raises BadInputSpec naming the field that is missing, unknown or odd."""
        keys = {"size", "channel_order", "value_range", "mean", "std", "resize", "crop"}
        given = _object(data, keys, field="the spec")
        resize = _object(given["resize"], {"mode", "size", "interpolation"}, field="resize")
        _choice(given["crop"], ["center"], field="crop")
        low, high = _numbers(given["value_range"], 2, field="value_range")
        if low >= high:
            raise BadInputSpec(field="value_range", reason="must rise from low to high")
        spec = cls(
            size=_size(given["size"]),
            channel_order=_choice(given["channel_order"], list(ORDERS), field="channel_order"),
            value_range=(low, high),
            mean=_three(given["mean"], field="mean"),
            std=_three(given["std"], field="std"),
            resize_mode=_choice(resize["mode"], ["stretch", "shorter-side"], field="resize.mode"),
            resize_to=_pixels(resize["size"], field="resize.size"),
            interpolation=_choice(resize["interpolation"], list(INTERPOLATIONS), field="resize.interpolation"),
        )
        if min(spec.std) <= 0:
            raise BadInputSpec(field="std", reason="must be positive")
        if max(spec.size) > spec.resize_to:
            raise BadInputSpec(field="resize.size", reason="must not be smaller than the size that is cut out")
        return spec

    def to_json(self) -> dict[str, Any]:
        """The spec as data."""
        return {
            "size": list(self.size),
            "channel_order": self.channel_order,
            "value_range": list(self.value_range),
            "mean": list(self.mean),
            "std": list(self.std),
            "resize": {"mode": self.resize_mode, "size": self.resize_to, "interpolation": self.interpolation},
            "crop": "center",
        }

    @property
    def channels(self) -> int:
        """How many channels the network takes."""
        return ORDERS[self.channel_order]

    def prepare(self, images: Tensor) -> Tensor:  # [N, 3, H, W] in [0, 1] -> [N, C, H, W]
        """What the network takes, of any height and width, in the images' device and dtype."""
        low, high = self.value_range
        mean, std = (_constant(three, images.dtype, images.device) for three in (self.mean, self.std))
        prepared = (images * (high - low) + low - mean) / std
        if self.channel_order == "L":
            return (prepared * _constant(LUMA, images.dtype, images.device)).sum(1, keepdim=True)
        return prepared.flip(1) if self.channel_order == "BGR" else prepared

    def crop(self, image: Image.Image) -> Tensor:  # -> [3, H, W] in [0, 1]
        """The picture as the network is shown it: resized, its centre cut out, in `size`."""
        height, width = self.size
        resized = encode.in_colour(image).resize(self._resized(image.size), INTERPOLATIONS[self.interpolation])
        left, top = (resized.width - width) // 2, (resized.height - height) // 2
        pixels = np.asarray(resized.crop((left, top, left + width, top + height)), dtype=np.float32)
        return torch.from_numpy(pixels / 255).permute(2, 0, 1).contiguous()

    def covered(self, size: tuple[int, int]) -> tuple[float, float, float, float]:
        """Which part of a picture of this width and height `crop` shows: left, top, width, height, of 1."""
        height, width = self.size
        wide, high = self._resized(size)
        return (wide - width) // 2 / wide, (high - height) // 2 / high, width / wide, height / high

    def _resized(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height after resizing."""
        if self.resize_mode == "stretch":
            return self.resize_to, self.resize_to
        width, height = size
        ratio = self.resize_to / min(size)
        return max(self.resize_to, int(width * ratio)), max(self.resize_to, int(height * ratio))


@cache
def _constant(values: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:  # -> [3, 1, 1]
    # Brought to a device once: a step that is recorded there can bring nothing itself.
    return torch.tensor(values, dtype=dtype, device=device)[:, None, None]


def _object(value: Any, keys: set[str], *, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadInputSpec(field=field, reason=f"must be an object with {sorted(keys)}")
    for name in sorted(keys - set(value)):
        raise BadInputSpec(field=name, reason="is missing")
    for name in sorted(set(value) - keys):
        raise BadInputSpec(field=name, reason="is not known")
    return value


def _choice(value: Any, known: list[str], *, field: str) -> str:
    if value not in known:
        raise BadInputSpec(field=field, reason=f"must be one of {known}")
    return str(value)


def _list(value: Any, length: int, accepted: Callable[[Any], bool], *, field: str, of: str) -> list[Any]:
    if not isinstance(value, list | tuple) or len(value) != length or not all(map(accepted, value)):
        raise BadInputSpec(field=field, reason=f"must be a list of {length} {of}")
    return list(value)


def _numbers(value: Any, length: int, *, field: str) -> list[float]:
    return [float(item) for item in _list(value, length, _is_number, field=field, of="finite numbers")]


def _three(value: Any, *, field: str) -> tuple[float, float, float]:
    first, second, third = _numbers(value, 3, field=field)
    return first, second, third


def _size(value: Any) -> tuple[int, int]:
    height, width = _list(value, 2, _is_length, field="size", of=f"lengths from 1 to {LARGEST}")
    return height, width


def _pixels(value: Any, *, field: str) -> int:
    if not _is_length(value):
        raise BadInputSpec(field=field, reason=f"must be a length from 1 to {LARGEST}")
    return int(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 and math.isfinite(value)


def _is_length(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= LARGEST
