"""Pixels to bytes: a lossless picture that can be measured again, and small ones for walls and progress."""

import hashlib
import io

import numpy as np
from PIL import Image
from torch import Tensor

from workers.interp import canonical
from workers.interp.images import quantised

THUMBNAIL = 112  # pixels: sharp at 56 on a screen of double density


def png(pixels: Tensor) -> bytes:  # [3, H, W] uint8
    """The exact pixels. PNG, because it is what papers, browsers and notebooks all open."""
    return png_of(picture(pixels))


def png_of(image: Image.Image) -> bytes:
    """A Pillow image as PNG."""
    return _bytes(image, format="PNG", compress_level=6)


def digest(pixels: Tensor) -> str:  # [3, H, W] uint8
    """Hex SHA-256 over the size and the RGB bytes, row by row: what a dataset calls an item, however it is stored."""
    rows = np.ascontiguousarray(pixels.permute(1, 2, 0).cpu().numpy())
    return hashlib.sha256(canonical.encode(["rgb8", *rows.shape[:2]]) + rows.tobytes()).hexdigest()


def webp(pixels: Tensor, *, quality: int = 90) -> bytes:  # [3, H, W] uint8
    """A small picture to look at, not to measure."""
    return _bytes(picture(pixels), format="WEBP", quality=quality, method=4)


def thumbnail(pixels: Tensor) -> tuple[bytes, tuple[int, int]]:  # [3, H, W] uint8
    """A WebP of at most 112 px a side, with its width and height; a smaller picture keeps its size."""
    small = picture(pixels)
    small.thumbnail((THUMBNAIL, THUMBNAIL), Image.Resampling.LANCZOS)
    return _bytes(small, format="WEBP", quality=85, method=4), small.size


def picture(pixels: Tensor) -> Image.Image:  # [3, H, W] uint8, or in [0, 1]
    """The pixels as a Pillow image."""
    stored = pixels if not pixels.is_floating_point() else quantised(pixels[None])[0]
    return Image.fromarray(np.ascontiguousarray(stored.permute(1, 2, 0).cpu().numpy()))


def in_colour(image: Image.Image) -> Image.Image:
    """A Pillow image in 8-bit RGB. Grey of 16 bits is scaled; Pillow would cut it off at 255."""
    if image.mode.startswith("I"):
        return Image.fromarray((np.asarray(image) // 257).clip(0, 255).astype(np.uint8)).convert("RGB")
    return image.convert("RGB")


def _bytes(image: Image.Image, *, format: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=format, **options)
    return buffer.getvalue()
