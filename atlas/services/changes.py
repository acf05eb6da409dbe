"""The trace that every verb leaves."""

import uuid
from typing import Any

from django.db import models
from django.db.models import F

from atlas.acting import current_request
from atlas.models import ChangeSet, Contributor


def record(actor: Contributor | None, verb: str, subject: str, **facts: Any) -> ChangeSet:
    """Write that `actor` (None: the instance itself) did `verb` to `subject`, inside the verb's own transaction."""
    return ChangeSet.objects.create(
        actor=actor, verb=verb, subject=subject, facts=facts, request_id=current_request.get() or uuid.uuid4()
    )


def take_turn(*rows: models.Model) -> None:
    """Wait for whoever writes about these just now; what is read of them afterwards stays so until one is done.

    An UPDATE that changes nothing, and no SELECT … FOR UPDATE: on PostgreSQL it takes the lock under which changes are
    numbered before that of a row, as every write does. In the other order two writers would wait for each other.
    """
    for row in rows:
        type(row)._default_manager.filter(pk=row.pk).update(id=F("id"))
