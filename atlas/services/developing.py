"""The pictures of a dataset, opened one after another in one limited child, which is replaced when one ends it."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Any, Self

from atlas import errors, redrawing
from atlas.errors import ImageCorrupt, ImageFormat, ImageResource, TooLarge
from atlas.services.pictures import PATIENCE
from atlas.storage import SHA256

LARGEST = 10 << 20  # bytes of a file
HEAD = 12  # bytes by which a format is known
# By the bytes with which files of a format begin. These are what is opened, and nothing else that a library can.
MAGIC = {b"\x89PNG\r\n\x1a\n": "PNG", b"\xff\xd8\xff": "JPEG", b"GIF87a": "GIF", b"GIF89a": "GIF", b"BM": "BMP"}
KEPT = {"PNG": "image/png", "JPEG": "image/jpeg"}
SLACK = 64 << 20  # bytes of what is kept; a PNG can be larger than what it was made of


@dataclass(frozen=True, slots=True)
class Developed:
    """A picture's pixels: their digest, their size, and bytes that show just these again."""

    digest: str
    width: int
    height: int
    media_type: str
    data: bytes


def format_of(head: bytes) -> str | None:
    """What a file is by its first bytes; None for what is not opened here."""
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    return next((form for magic, form in MAGIC.items() if head.startswith(magic)), None)


class Darkroom:
    """Where pictures are developed. Used in a `with`: the child ends with it."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def develop(self, data: bytes) -> Developed:
        """Open a picture; raises TooLarge, ImageFormat and all that `pictures.redrawn` raises of its pixels."""
        if len(data) > LARGEST:
            raise TooLarge(most=LARGEST)
        form = format_of(data[:HEAD])
        if form is None:
            raise ImageFormat()
        said, kept = self._asked(data, form)
        if "error" in said:
            kind: type[errors.AtlasError] = getattr(errors, said["error"])
            raise kind(**said["facts"])
        if not SHA256.fullmatch(str(said["digest"])):
            raise ImageCorrupt()
        return Developed(said["digest"], int(said["width"]), int(said["height"]), KEPT[said["form"]], kept)

    def _asked(self, data: bytes, form: str) -> tuple[dict[str, Any], bytes]:
        """What the child says of a picture; one that says nothing in time has met its limits."""
        if self._child is not None and self._child.poll() is not None:
            self._end()
        child = self._child = self._child or _started()
        asking, telling = _pipes(child)
        timer = threading.Timer(PATIENCE, child.kill)
        timer.start()
        try:
            asking.write(json.dumps({"form": form, "size": len(data)}).encode() + b"\n" + data)
            asking.flush()
            said = json.loads(telling.readline(4096))
            kept = telling.read(min(said["size"], SLACK))
            if len(kept) != said["size"]:
                raise ValueError("the child ended")
            return said, kept
        except (OSError, ValueError):
            self._end()
            raise ImageResource() from None
        finally:
            timer.cancel()

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            for pipe in _pipes(self._child):
                _closed(pipe)
            self._child = None


def _started() -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-I", redrawing.__file__, redrawing.MANY]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={})


def _pipes(child: "subprocess.Popen[bytes]") -> tuple[IO[bytes], IO[bytes]]:
    assert child.stdin is not None
    assert child.stdout is not None
    return child.stdin, child.stdout


def _closed(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:  # what was not written any more; nobody is there to read it
        return
