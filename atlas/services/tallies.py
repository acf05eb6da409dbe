"""What processes count and remember together without a row: in Redis, and without it each for itself.

Nothing here is a record. A tally may begin at nothing again, as those who read counters expect of them, and where
Redis is away nobody has to know.
"""

import contextlib
from collections.abc import Callable
from typing import TypeVar

from django.core.cache import cache
from redis.exceptions import RedisError

T = TypeVar("T")
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
    """What `find` found within this time, whoever asked it then."""
    with contextlib.suppress(RedisError):
        known: T | None = cache.get(f"remembered.{name}")
        if known is not None:
            return known
    found = find()
    with contextlib.suppress(RedisError):
        cache.set(f"remembered.{name}", found, seconds)
    return found
