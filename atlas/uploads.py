"""A file that somebody sends: streamed to a nameless file, hashed on its way, cut where it grows too large."""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest, UnreadablePostError
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from atlas.errors import Malformed, TooLarge, UnsupportedMediaType, Validation

LARGEST = 2 << 30  # bytes of the file
BESIDE = 2 << 20  # bytes of a body besides its file
CHUNK = 1 << 16
MULTIPART = "multipart/form-data"
TWICE = "Is sent twice."
NO_FILE = "Is no file here: send it as text, without a filename."


class Received(UploadedFile):  # type: ignore[type-arg]
    """The file, whole, with its SHA-256. It has no name on disk: when it is closed nothing of it is left."""

    def __init__(self, file: IO[bytes], *, name: str, size: int, sha256: str, declared: str = "") -> None:
        super().__init__(file, name=name, size=size, content_type=declared)
        self.sha256 = sha256


def receive(request: HttpRequest, *, name: str, most: int | None = None, beside: str = "") -> None:
    """Take in a multipart body with at most one file, called `name`: its fields and file are the request's from now on.

    A second file may come where `beside` says what it is called; together they are no larger than `most`.

    Raises UnsupportedMediaType, TooLarge (by Content-Length before a byte is read, else in the middle), Malformed, and
    Validation for another file. Django closes the files when the request ends.
    """
    largest = most or LARGEST
    stream, length = _body(request, most=largest)
    taker = Taker(name, most=largest, beside=beside)
    try:
        meta = {**request.META, "CONTENT_LENGTH": str(length)}
        fields, files = MultiPartParser(meta, stream, [taker], "utf-8").parse()
    except RequestDataTooBig:
        raise TooLarge(most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE) from None
    except (MultiPartParserError, TooManyFieldsSent, TooManyFilesSent, UnreadablePostError):
        raise Malformed(detail="The body cannot be read as multipart/form-data.") from None
    finally:
        if not taker.complete:
            taker.close()
    request._post, request._files = fields, files  # type: ignore[attr-defined]


@contextmanager
def received(request: HttpRequest, *, most: int) -> Iterator[IO[bytes]]:
    """A body that is a file and nothing else, as a nameless file; raises TooLarge, Malformed, UnsupportedMediaType."""
    stream, length = _plain(request, most=most)
    settings.HOME.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.HOME) as file:
        try:
            while chunk := stream.read(min(CHUNK, length - file.tell() + 1)):
                file.write(chunk)
                if file.tell() > most:
                    raise TooLarge(most=most)
        except UnreadablePostError:
            raise Malformed(detail="The body ends before it is complete.") from None
        file.seek(0)
        yield file


class Taker(FileUploadHandler):
    """Django's hook for files on their way in: takes the one that is wanted, and refuses any other at once."""

    chunk_size = 1 << 20
    complete = True
    file: IO[bytes] | None = None

    def __init__(self, name: str, *, most: int, beside: str = "") -> None:
        super().__init__()
        self.names, self.most, self.left = {name, beside} - {""}, most, most
        self.taken: set[str] = set()

    def new_file(self, field_name: str, *args: Any, **kwargs: Any) -> None:
        """The beginning of a file."""
        if field_name not in self.names - self.taken:
            code, detail = ("repeated", TWICE) if field_name in self.taken else ("not-text", NO_FILE)
            raise Validation(errors=[{"pointer": f"/{field_name[:80]}", "code": code, "detail": detail}])
        super().new_file(field_name, *args, **kwargs)
        settings.HOME.mkdir(parents=True, exist_ok=True)
        self.taken.add(field_name)
        self.size, self.hash, self.complete = 0, hashlib.sha256(), False
        self.file = tempfile.TemporaryFile(dir=settings.HOME)  # noqa: SIM115 - closed when the request ends

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """The next bytes of it."""
        assert self.file is not None
        self.size += len(raw_data)
        self.left -= len(raw_data)
        if self.left < 0:
            raise TooLarge(most=self.most)
        self.hash.update(raw_data)
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> Received:
        """The end of it."""
        assert self.file is not None
        self.complete = True
        self.file.seek(0)
        declared = str(self.content_type or "")
        return Received(
            self.file, name=str(self.field_name), size=self.size, sha256=self.hash.hexdigest(), declared=declared
        )

    def close(self) -> None:
        """Forget what has come so far."""
        if self.file is not None:
            self.file.close()


def _plain(request: HttpRequest, *, most: int) -> tuple[Any, int]:
    """The stream of a body and the most bytes it may have."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(media_type=encoding[:40], wanted="it as it is")
    return _measured(request, most=most)


def _body(request: HttpRequest, *, most: int) -> tuple[Any, int]:
    """The stream of a multipart body and the most bytes it may have."""
    if request.content_type != MULTIPART:
        raise UnsupportedMediaType(media_type=str(request.content_type)[:100], wanted=MULTIPART)
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":  # nothing is unpacked here, so nothing can unfold
        raise UnsupportedMediaType(media_type=encoding[:40], wanted=MULTIPART)
    return _measured(request, most=most + BESIDE, said=most, wanted=MULTIPART)


def _measured(request: HttpRequest, *, most: int, said: int = 0, wanted: str = "a file") -> tuple[Any, int]:
    """The stream of a body and its length, or the most it may have; `said` is what is called the most."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if length.isdecimal() and int(length) > most:
        raise TooLarge(most=said or most)
    if length.isdecimal() and int(length):
        return request, int(length)
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        return request.META["wsgi.input"], most  # which the server ends, as it knows where the body does
    raise Malformed(detail=f"There is no body: send {wanted}, with its Content-Length.")
