"""The trace that every verb leaves."""

import uuid
from contextvars import ContextVar
from typing import Any

from atlas.models import ChangeSet, Contributor

# The request being served, set by the middleware; a command or a worker has one of its own.
current_request: ContextVar[uuid.UUID | None] = ContextVar("current_request", default=None)


def record(actor: Contributor | None, verb: str, subject: str, **facts: Any) -> ChangeSet:
    """Write that `actor` (None: the instance itself) did `verb` to `subject`, inside the verb's own transaction."""
    return ChangeSet.objects.create(
        actor=actor, verb=verb, subject=subject, facts=facts, request_id=current_request.get() or uuid.uuid4()
    )
