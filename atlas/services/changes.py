"""The trace that every verb leaves."""

import uuid
from typing import Any

from atlas.acting import current_request
from atlas.models import ChangeSet, Contributor


def record(actor: Contributor | None, verb: str, subject: str, **facts: Any) -> ChangeSet:
    """Write that `actor` (None: the instance itself) did `verb` to `subject`, inside the verb's own transaction."""
    return ChangeSet.objects.create(
        actor=actor, verb=verb, subject=subject, facts=facts, request_id=current_request.get() or uuid.uuid4()
    )
