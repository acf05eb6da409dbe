"""What is looked up once while a page is read, however many of its parts ask for it.

A page is read at one moment: that a role, a checkpoint or its layers be the same in all of its parts is what its reader
expects, and most of what a page costs is asking for them again. Only requests that change nothing remember; a service
that writes looks at what is there when it writes, and so do streams, which outlive the request that opened them.
"""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

T = TypeVar("T")
_known: ContextVar[dict[Hashable, Any] | None] = ContextVar("known", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Within, `once` remembers; what is known is gone afterwards."""
    token = _known.set({})
    try:
        yield
    finally:
        _known.reset(token)


def is_remembering() -> bool:
    """Whether this is a page being read."""
    return _known.get() is not None


def once(key: Hashable, find: Callable[[], T]) -> T:
    """What `find` finds: while a page is read, at its first call of this key. What it raises is not remembered."""
    known = _known.get()
    if known is None:
        return find()
    if key not in known:
        known[key] = find()
    found: T = known[key]
    return found
