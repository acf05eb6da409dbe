"""Pictures that come together, in a ZIP archive or a folder: read one by one, and never unpacked to a path.

A name is only what a picture is called. What is no plain file under a plain name is refused by it, and what would
unfold without end is refused before it does.
"""

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from atlas import texts
from atlas.errors import Validation

MOST_FILES = 50_000
MOST_UNPACKED = 8 << 30  # bytes of all files together, as the archive says; no file unfolds into more than it says
LARGEST_LIST = 8 << 20  # bytes of the archive's own list of its files
LONGEST_NAME = 200  # characters
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # the others may take memory beyond what they say
ENCRYPTED = 0x1
DRIVE = re.compile(r"[A-Za-z]:")
# What systems and archivers leave beside the files that are meant.
BESIDE = ("__MACOSX", "Thumbs.db", "desktop.ini")
# Everything that reading a broken archive raises.
BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, UnicodeError, ValueError,
    OverflowError, IndexError, struct.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refused:
    """What was not taken, and why: a stable word and a sentence."""

    name: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file: what it is called, how large it says it is, and how its bytes are read."""

    name: str
    size: int
    open: Callable[[], AbstractContextManager[IO[bytes]]]


def in_zip(file: IO[bytes], *, most: int = MOST_FILES) -> Iterator[Entry | Refused]:
    """The files of an archive by name, and those that are refused unread.

    Raises Validation for what is no ZIP archive, has more than `most` files, or unfolds into too much.
    """
    try:
        archive = zipfile.ZipFile(_Sparing(file))
    except BROKEN as error:
        raise refusal("not-an-archive", f"This is no ZIP archive that can be read: {str(error)[:100]}.") from None
    listed = [info for info in archive.infolist() if not info.filename.endswith("/")]
    if len(listed) > most:
        raise refusal("too-many", f"The archive has {len(listed)} files; at most {most} are taken.")
    unpacked = sum(info.file_size for info in listed)
    if unpacked > MOST_UNPACKED:
        raise refusal("unfolds", f"Unpacked it has {unpacked} bytes; at most {MOST_UNPACKED} are taken.")
    seen: set[str] = set()
    for info in sorted(listed, key=lambda info: info.filename):
        found = _packed(archive, info, seen)
        seen.add(info.filename)
        if found is not None:
            yield found


def in_folder(folder: Path) -> Iterator[Entry | Refused]:
    """The files of a folder and of those in it, by name; links are not followed."""
    found = sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    if len(found) > MOST_FILES:
        raise refusal("too-many", f"The folder has {len(found)} files; at most {MOST_FILES} are taken.")
    for path in found:
        name, kind = path.relative_to(folder).as_posix(), path.lstat()
        wrong = fault_of(name) or _special(kind.st_mode)
        if wrong:
            yield Refused(printable(name), *wrong)
        elif not _is_beside(name):
            yield Entry(name, kind.st_size, partial(_bytes_of, path))


def fault_of(name: str) -> tuple[str, str] | None:
    """What keeps a name from being one: it leads elsewhere, or could not be shown as what it is."""
    plain = name.replace("\\", "/")
    if plain.startswith("/") or DRIVE.match(plain):
        return "absolute", "Its name is an absolute path."
    if ".." in plain.split("/"):
        return "outside", "Its name leads out of the archive."
    if faults := texts.faults_of_line(name, at="", longest=LONGEST_NAME):
        return faults[0]["code"], f"Its name cannot be kept: {faults[0]['detail']}"
    return None


def printable(name: str) -> str:
    """A name as it can be said: what cannot be shown is written out, and it ends after so many characters."""
    bare = name if not texts.faults_of_line(name[:LONGEST_NAME], at="", longest=LONGEST_NAME) else ascii(name)[1:-1]
    return bare if len(bare) <= LONGEST_NAME else f"{bare[: LONGEST_NAME - 1]}…"


def refusal(code: str, detail: str) -> Validation:
    """That nothing of it is taken."""
    return Validation(errors=[{"pointer": "/pictures", "code": code, "detail": detail}])


def _packed(archive: zipfile.ZipFile, info: zipfile.ZipInfo, seen: set[str]) -> Entry | Refused | None:
    """A file of an archive as it can be read, or why not; None for what was not meant."""
    # The upper half is the mode where the archive was made on Unix; others leave it empty.
    wrong = fault_of(info.filename) or _special(info.external_attr >> 16)
    if wrong is None and _is_beside(info.filename):
        return None
    if wrong is None and info.filename in seen:
        wrong = "repeated", "Another file of the archive has the same name."
    if wrong is None and info.flag_bits & ENCRYPTED:
        wrong = "encrypted", "It is encrypted."
    if wrong is None and info.compress_type not in PACKED:
        wrong = "packed", "It is packed in another way than deflated or stored."
    if wrong is not None:
        return Refused(printable(info.filename), *wrong)
    return Entry(info.filename, info.file_size, partial(archive.open, info))


def _bytes_of(path: Path) -> IO[bytes]:
    return path.open("rb")


def _is_beside(name: str) -> bool:
    """Whether a file was not meant, but left there by a system: what is hidden, and what is known by its name."""
    return any(part in BESIDE or part.startswith(".") for part in name.split("/"))


def _special(mode: int) -> tuple[str, str] | None:
    if stat.S_ISLNK(mode):
        return "link", "It is a symbolic link."
    return None if stat.S_IFMT(mode) in (0, stat.S_IFREG) else ("no-file", "It is no plain file.")


class _Sparing:
    """A file of which no more than an honest list of files is read in one piece: an archive says itself how long it is.

    All that `zipfile` needs of a file.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, size: int = -1) -> bytes:
        """The next bytes; raises ValueError for more than there may be."""
        found = self.file.read(LARGEST_LIST + 1 if size < 0 else min(size, LARGEST_LIST + 1))
        if len(found) > LARGEST_LIST:
            raise ValueError("its list of files is too long")
        return found
