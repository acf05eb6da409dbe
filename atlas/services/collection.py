"""Artifacts that nothing refers to are marked, and after a day of grace deleted: first the row, then the file.

Killed between any two of its steps it leaves a mark too many or a file too many, and the next round finds both. What
it must never leave is a row without its file, so a row goes only while nothing refers to it and nobody keeps its bytes
anew, and a file only while there is no row.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, QuerySet
from django.db.models.functions import Now

from atlas.models import Artifact, Chore
from atlas.services import artifacts, references, shelves
from atlas.storage import SHA256, path_of

log = logging.getLogger(__name__)
NAME = "artifacts"  # of the chore
UNMARKED = timedelta(hours=1)  # a new artifact is on its way to whoever refers to it
PAUSE = timedelta(minutes=10)


def grace() -> timedelta:
    """How long a mark has to stand, or a file without a row to lie, before it counts."""
    return timedelta(hours=settings.GRACE_HOURS)


def before(age: timedelta) -> "ExpressionWrapper[Any]":
    """So long ago, by the database's clock."""
    return ExpressionWrapper(Now() - age, output_field=DateTimeField())


def mark() -> int:
    """Mark what nothing refers to; first take back the marks of what something refers to again."""
    Artifact.objects.filter(~references.none_to(), marked_at__isnull=False).update(marked_at=None)
    return unmarked().update(marked_at=Now())


def unmarked() -> QuerySet[Artifact]:
    """What would be marked now."""
    return Artifact.objects.filter(references.none_to(), marked_at=None, created_at__lt=before(UNMARKED))


def condemned() -> dict[str, int]:
    """Bytes by hash of what has been marked for long enough, and no text names."""
    marked = Artifact.objects.filter(references.none_to(), marked_at__lt=before(grace()))
    found = dict(marked.order_by("pk").values_list("sha256", "size"))
    named = references.named(found)
    return {sha256: size for sha256, size in found.items() if sha256 not in named}


def sweep() -> tuple[int, int]:
    """Delete what is condemned, row by row; (how many, bytes)."""
    gone = [size for sha256, size in condemned().items() if forget(sha256) and remove(sha256)]
    return len(gone), sum(gone)


def forget(sha256: str) -> bool:
    """Delete a row that is condemned, in a transaction of its own; whether it is gone.

    The lock first, then the look: whoever refers to it meanwhile is waited for, or has been.
    """
    with transaction.atomic():
        if _is_paused() or not shelves.clear(sha256):
            return False
        rows = Artifact.objects.filter(pk=sha256, marked_at__lt=before(grace()))
        if not list(rows.select_for_update(skip_locked=True)):
            return False
        # Looked up by a statement of its own: it sees what was committed while the row was being locked.
        if not rows.filter(references.none_to()).exists():
            return False
        rows._raw_delete(rows.db)
    return True


def remove(sha256: str) -> bool:
    """Remove a file that no row knows; whether it is gone. Whoever keeps it anew has the shelf, or waits for it."""
    with transaction.atomic():
        if not shelves.clear(sha256) or Artifact.objects.filter(pk=sha256).exists():
            return False
        try:
            artifacts.store().delete(path_of(sha256))
        except OSError as error:
            log.warning("%s cannot be removed, and belongs to nobody: %s", sha256[:12], error)
            return False
    return True


def orphans() -> Iterator[tuple[str, int]]:
    """(hash, bytes) of files that have lain for long enough and that no row knows."""
    store, until = artifacts.store(), datetime.now(UTC) - grace()
    for sha256 in sorted(filter(SHA256.fullmatch, artifacts.orphans())):
        try:
            if store.get_modified_time(path_of(sha256)) < until:
                yield sha256, store.size(path_of(sha256))
        except FileNotFoundError:
            continue  # somebody else removed it


def sweep_orphans() -> tuple[int, int]:
    """Remove them; (how many, bytes)."""
    gone = [size for sha256, size in orphans() if remove(sha256)]
    return len(gone), sum(gone)


def pause() -> None:
    """Delete no artifact for ten minutes: whoever copies what a database names says so, again and again."""
    Chore.objects.get_or_create(name=NAME)
    Chore.objects.filter(name=NAME).update(paused_until=ExpressionWrapper(Now() + PAUSE, output_field=DateTimeField()))


def _is_paused() -> bool:
    """Whether nothing may be deleted now; nobody can begin a pause before this transaction has ended."""
    Chore.objects.select_for_update().get_or_create(name=NAME)
    return Chore.objects.filter(name=NAME, paused_until__gt=Now()).exists()
