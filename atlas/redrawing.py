"""The child that opens somebody's picture: limited in memory, time and what it may write, and told nothing else.

Run by its path, with the picture as standard input and an empty file as standard output. It knows no Django. What it
leaves is a PNG of the pixels and of nothing besides, or on standard error the name and the facts of what is wrong.
"""

import errno
import io
import json
import resource
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageOps

MEMORY = 1 << 30  # bytes of address space
SECONDS = 8  # of processor time
LARGEST = 64 << 20  # bytes of the PNG
MOST_PIXELS, LONGEST_SIDE = 16_000_000, 8_192
REFUSED = 3  # exit status


class Refusal(Exception):
    """Why a picture is not taken: the name of an error of the record, and its facts."""

    def __init__(self, error: str, **facts: Any) -> None:
        super().__init__(error)
        self.error, self.facts = error, facts


def limit() -> None:
    """Bound what this process may use: a picture that wants more ends the child, never the service."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def redrawn(data: bytes, *, form: str) -> Image.Image:
    """The picture's pixels, upright, as 8-bit RGB or RGBA; raises Refusal."""
    _require_end(data, form)
    with Image.open(io.BytesIO(data), formats=(form,)) as picture:
        _require_size(*picture.size)
        frames = int(getattr(picture, "n_frames", 1))
        if frames > 1:
            raise Refusal("ImageAnimated", frames=frames)
        picture.load()
        plain = _in_eight_bits(ImageOps.exif_transpose(picture))
        return Image.frombytes(plain.mode, plain.size, plain.tobytes())


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
    clear = picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info
    return picture.convert("RGBA" if clear else "RGB")


def _require_size(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise Refusal("ImageTooManyPixels", pixels=width * height, most=MOST_PIXELS)
    if max(width, height) > LONGEST_SIDE:
        raise Refusal("ImageDimensions", width=width, height=height, most=LONGEST_SIDE)


def _require_end(data: bytes, form: str) -> None:
    """Its last part is there; the library would draw grey for what is missing."""
    complete = {
        "PNG": lambda: any(kind == b"IEND" for kind in _chunks(data)),
        "JPEG": lambda: b"\xff\xd9" in data,
        "WEBP": lambda: int.from_bytes(data[4:8], "little") + 8 <= len(data),
    }
    if not complete[form]():
        raise Refusal("ImageTruncated")


def _chunks(data: bytes) -> Iterator[bytes]:
    """The kinds of a PNG's whole chunks."""
    place = 8
    while place + 12 <= len(data):
        stop = place + 12 + int.from_bytes(data[place : place + 4], "big")
        if stop <= len(data):
            yield data[place + 4 : place + 8]
        place = stop


def main(form: str) -> int:
    """Redraw standard input to standard output."""
    limit()
    Image.MAX_IMAGE_PIXELS = None  # ours is the stricter limit, and refuses instead of warning
    warnings.simplefilter("ignore")
    try:
        redrawn(sys.stdin.buffer.read(), form=form).save(sys.stdout.buffer, "PNG", optimize=False)
        sys.stdout.buffer.flush()
    except Refusal as refusal:
        return _said(refusal.error, **refusal.facts)
    except Exception as error:  # noqa: BLE001 - decoders raise whatever they like; all of it is the picture's fault
        return _said(_blamed(error))
    return 0


def _blamed(error: Exception) -> str:
    if isinstance(error, MemoryError) or getattr(error, "errno", None) == errno.EFBIG:
        return "ImageResource"
    return "ImageTruncated" if isinstance(error, OSError) and "truncated" in str(error) else "ImageCorrupt"


def _said(error: str, **facts: Any) -> int:
    sys.stderr.write(json.dumps({"error": error, "facts": facts}))
    return REFUSED


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
