"""A small disk of one's own, to be filled and shut: what a full disk does can only be seen on one that is full."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Disk:
    """A file system in memory, mounted on a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ballast = folder, folder / "ballast"

    def fill(self) -> None:
        """Take all the room there is, whoever else writes meanwhile."""
        with self.ballast.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 16))

    def empty(self) -> None:
        """Give it back."""
        self.ballast.unlink(missing_ok=True)

    def shut(self) -> bool:
        """Nobody may write any more; False while somebody is writing."""
        return subprocess.run(["mount", "-o", "remount,ro", self.folder], stderr=subprocess.DEVNULL).returncode == 0

    def open(self) -> None:
        """Everybody may write again."""
        subprocess.run(["mount", "-o", "remount,rw", self.folder], check=True)


@contextmanager
def small(folder: Path, *, size: str) -> Iterator[Disk | None]:
    """A disk of this size on the folder; None where we may not mount one."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0777", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, stderr=subprocess.DEVNULL).returncode:
        yield None
        return
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
