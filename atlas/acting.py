"""On whose behalf this thread writes: what the trace of every change names."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# The request being served, set by the middleware; a command or a worker has one of its own.
current_request: ContextVar[uuid.UUID | None] = ContextVar("current_request", default=None)
# Asked only when something is written: a page that reads never looks up who reads it.
current_actor: ContextVar[Callable[[], int | None]] = ContextVar("current_actor", default=lambda: None)


@contextmanager
def acting(actor: Callable[[], int | None], *, request: uuid.UUID | None = None) -> Iterator[uuid.UUID]:
    """Within, writes are those of the contributor whose id `actor` returns, under one request id."""
    chosen = request or uuid.uuid4()
    tokens = current_actor.set(actor), current_request.set(chosen)
    try:
        yield chosen
    finally:
        current_actor.reset(tokens[0])
        current_request.reset(tokens[1])
