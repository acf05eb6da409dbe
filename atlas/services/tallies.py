"""What processes count and remember together without a row: in Redis, and without it each for itself.

Nothing here is a record. A tally may begin at nothing again, as those who read counters expect of them, and where
Redis is away nobody has to know.
"""

import contextlib
import hashlib
from collections.abc import Callable
from functools import cache as once_for_all
from pathlib import Path
from typing import TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError

T = TypeVar("T")
CODE = Path(__file__).parent.parent
STALE = "stale-writes"  # what came after its lease had gone to somebody else, and was refused


def count(name: str) -> None:
    """One more of these."""
    with contextlib.suppress(RedisError):
        cache.add(f"tally.{name}", 0, timeout=None)
        cache.incr(f"tally.{name}")


def counted(name: str) -> int:
    """How many of these there have been."""
    found: int = 0
    with contextlib.suppress(RedisError):
        found = cache.get(f"tally.{name}", 0)
    return found


def remembered(name: str, find: Callable[[], T], *, seconds: float) -> T:
    """What `find` found within this time, whoever asked it then, if their code was the same."""
    with contextlib.suppress(RedisError):
        known: T | None = cache.get(place(name))
        if known is not None:
            return known
    found = find()
    with contextlib.suppress(RedisError):
        cache.set(place(name), found, seconds)
    return found


def place(name: str) -> str:
    """Where it is kept."""
    return f"remembered.{stamp(CODE)}.{name}"


@once_for_all
def stamp(folder: Path) -> str:
    """A short name for the code in a folder: what other code has kept may lack what this one reads of it."""
    read = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        read.update(str(file.relative_to(folder)).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return read.hexdigest()[:12]
