"""The trace that every verb leaves."""

import uuid
from typing import Any

from django.db import models

from atlas.acting import current_request
from atlas.models import ChangeSet, Contributor


def record(actor: Contributor | None, verb: str, subject: str, **facts: Any) -> ChangeSet:
    """Write that `actor` (None: the instance itself) did `verb` to `subject`, inside the verb's own transaction."""
    return ChangeSet.objects.create(
        actor=actor, verb=verb, subject=subject, facts=facts, request_id=current_request.get() or uuid.uuid4()
    )


def take_turn(*rows: models.Model) -> None:
    """Wait for whoever writes about these just now; what is read of them afterwards stays so until one is done.

    On PostgreSQL a connection lines up as a writer before it locks such a row (`models.traces.tell`), so that two who
    write do not wait for each other; on SQLite every transaction that may write is the only one.
    """
    for row in rows:
        type(row)._default_manager.select_for_update().filter(pk=row.pk).first()
