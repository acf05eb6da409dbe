"""The child that opens somebody's picture: limited in memory, time and what it may write, and told nothing else.

Run by its path, with the picture as standard input and an empty file as standard output. It knows no Django. What it
leaves is a PNG of the pixels and of nothing besides, or on standard error the name and the facts of what is wrong.
For the pictures of a dataset it is run once, and asked and answers on its pipes, picture by picture.
"""

import errno
import hashlib
import io
import json
import re
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
MANY = "many"  # instead of a format: develop one after another
# Where a scan's coded pixels end: at a marker that is no restart and no stuffed byte.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
END, SCAN, JFIF, ADOBE, COMMENT = 0xD9, 0xDA, 0xE0, 0xEE, 0xFE
SAID = range(JFIF, 0xF0)  # what applications say beside the pixels


class Refusal(Exception):
    """Why a picture is not taken: the name of an error of the record, and its facts."""

    def __init__(self, error: str, **facts: Any) -> None:
        super().__init__(error)
        self.error, self.facts = error, facts


def limit() -> None:
    """Bound what this process may use: a picture that wants more ends the child, never the service."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST, LARGEST))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def redrawn(data: bytes, *, form: str) -> Image.Image:
    """The picture's pixels, upright, as 8-bit RGB or RGBA; raises Refusal."""
    _require_end(data, form)
    with _opened(data, form) as picture:
        plain = _in_eight_bits(ImageOps.exif_transpose(picture))
        return Image.frombytes(plain.mode, plain.size, plain.tobytes())


def developed(data: bytes, *, form: str) -> tuple[dict[str, Any], bytes]:
    """The digest and the size of a picture's pixels, and what is kept to show just these again; raises Refusal.

    The pixels are those of a plain conversion to RGB of eight bits, neither turned upright nor laid on white: what the
    science reads in the same file, and calls by the same digest. A JPEG is kept as it is coded, less all that is not
    its pixels, where that gives the same ones again; all else becomes a PNG.
    """
    _require_end(data, form)
    with _opened(data, form, first=form == "JPEG") as picture:
        mode, plain = picture.mode, _scaled(picture).convert("RGB")
    pixels = plain.tobytes()
    head = json.dumps(["rgb8", plain.height, plain.width], separators=(",", ":")).encode()
    facts = {"digest": hashlib.sha256(head + pixels).hexdigest(), "width": plain.width, "height": plain.height}
    bare = _bare(data) if form == "JPEG" and mode in ("L", "RGB") else b""
    if bare and _pixels(bare) == pixels:
        return {**facts, "form": "JPEG"}, bare
    drawn = io.BytesIO()
    Image.frombytes("RGB", plain.size, pixels).save(drawn, "PNG", optimize=False)
    return {**facts, "form": "PNG"}, drawn.getvalue()


def _opened(data: bytes, form: str, *, first: bool = False) -> Image.Image:
    """The picture, loaded, once its size and its frames are known to be few.

    With `first` any number will do: the further frames of a JPEG are previews and depths, which cameras put behind it.
    """
    picture = Image.open(io.BytesIO(data), formats=(form,))
    _require_size(*picture.size)
    frames = 1 if first else int(getattr(picture, "n_frames", 1))
    if frames > 1:
        raise Refusal("ImageAnimated", frames=frames)
    picture.load()
    return picture


def _pixels(data: bytes) -> bytes:
    """Of a JPEG that was taken apart; nothing where it cannot be opened any more."""
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as picture:
            return picture.convert("RGB").tobytes()
    except (OSError, SyntaxError, ValueError):
        return b""


def _bare(data: bytes) -> bytes:
    """A JPEG's coded pixels and what it takes to decode them: no word beside them, and nothing behind its end.

    Nothing at all where it is not put together as the format says.
    """
    kept, place = [data[:2]], 2
    while place + 4 <= len(data) and data[place] == 0xFF:
        kind = data[place + 1]
        stop = place + 2 + int.from_bytes(data[place + 2 : place + 4], "big")
        if kind == SCAN:
            found = MARKER.search(data, stop)
            stop = found.start() if found else len(data)
        if (kind not in SAID and kind != COMMENT) or _needed(kind, data[place:stop]):
            kept.append(data[place:stop])
        place = stop
        if data[place : place + 2] == bytes((0xFF, END)):
            return b"".join([*kept, data[place : place + 2]])
    return b""


def _needed(kind: int, segment: bytes) -> bool:
    """The two that say which colours the coded ones are; the first without a small picture in it."""
    return kind == ADOBE or (kind == JFIF and segment[4:9] == b"JFIF\x00" and len(segment) == 18)


def _in_eight_bits(picture: Image.Image) -> Image.Image:
    picture = _scaled(picture)
    clear = picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info
    return picture.convert("RGBA" if clear else "RGB")


def _scaled(picture: Image.Image) -> Image.Image:
    """With grey of 16 bits brought to eight, which a conversion would cut off at 255; all else as it is."""
    if not picture.mode.startswith("I"):
        return picture
    return picture.convert("I").point(lambda value: value * (1 / 257)).convert("L")


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
    if form in complete and not complete[form]():
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
    if form == MANY:
        return answer()
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    try:
        redrawn(sys.stdin.buffer.read(), form=form).save(sys.stdout.buffer, "PNG", optimize=False)
        sys.stdout.buffer.flush()
    except Refusal as refusal:
        return _said(refusal.error, **refusal.facts)
    except Exception as error:  # noqa: BLE001 - decoders raise whatever they like; all of it is the picture's fault
        return _said(_blamed(error))
    return 0


def answer() -> int:
    """Develop one picture after another: a line of JSON and its bytes for each, until there are no more.

    Each has its own share of processor time. Whatever a decoder does to this process meets only pictures that the same
    person has sent together.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    asking, telling = sys.stdin.buffer, sys.stdout.buffer
    while line := asking.readline(200):
        asked = json.loads(line)
        used = resource.getrusage(resource.RUSAGE_SELF)
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + SECONDS, resource.RLIM_INFINITY))
        data, kept = asking.read(asked["size"]), b""
        try:
            said, kept = developed(data, form=asked["form"])
        except Refusal as refusal:
            said = {"error": refusal.error, "facts": refusal.facts}
        except Exception as error:  # noqa: BLE001 - as above
            said = {"error": _blamed(error), "facts": {}}
        telling.write(json.dumps({**said, "size": len(kept)}).encode() + b"\n" + kept)
        telling.flush()
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
