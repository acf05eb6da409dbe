"""A full disk, one that cannot be written, a database that is away or only read: told by name, since waiting helps.

What the operating system and the two databases raise then is many things; here they become four errors of ours.
"""

import errno
import os
import shutil

from django.conf import settings
from django.db import Error, connection

from atlas.errors import AtlasError, DatabaseAway, InsufficientStorage, ReadOnly, StorageUnusable

FULL = {errno.ENOSPC, errno.EDQUOT}
UNUSABLE = {errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}
NO_ROOM = 1 << 20  # bytes: with less, SQLite cannot even write that it has none
LATER, SOON = 60, 5  # seconds until another try is worth it: for somebody to make room, for a database to start


def named(error: BaseException) -> AtlasError | None:
    """The shortage that an exception comes from; None when it is none."""
    if isinstance(error, Error):
        return _of_postgres(error) if connection.vendor == "postgresql" else _of_sqlite(error)
    if isinstance(error, OSError) and error.errno in FULL:
        return InsufficientStorage(retry_after=LATER)
    if isinstance(error, OSError) and error.errno in UNUSABLE:
        return StorageUnusable(reason=os.strerror(error.errno).lower(), retry_after=LATER)
    return None


def _of_sqlite(error: Error) -> AtlasError | None:
    name = getattr(error.__cause__, "sqlite_errorname", "")
    if name == "SQLITE_FULL" or (name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")) and _is_full()):
        return InsufficientStorage(retry_after=LATER)
    if name.startswith(("SQLITE_IOERR", "SQLITE_CANTOPEN")):
        return StorageUnusable(reason="the database's file cannot be read or written", retry_after=LATER)
    if name.startswith("SQLITE_READONLY"):
        return ReadOnly(retry_after=LATER)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return DatabaseAway(reason="too many write at once", retry_after=SOON)
    return None


def _of_postgres(error: Error) -> AtlasError | None:
    code = getattr(error.__cause__, "pgcode", None)
    if code == "53100":
        return InsufficientStorage(retry_after=LATER)
    if code == "25006":  # read_only_sql_transaction
        return ReadOnly(retry_after=LATER)
    if code and not code.startswith(("08", "53", "57P", "58")):
        return None
    # Without a code nobody has answered; but what Django finds wrong by itself comes from no driver at all.
    return DatabaseAway(reason="it does not answer", retry_after=SOON) if code or _unanswered(error) else None


def _unanswered(error: Error) -> bool:
    return type(error).__name__ in ("OperationalError", "InterfaceError") and error.__cause__ is not None


def _is_full() -> bool:
    return shutil.disk_usage(settings.HOME).free < NO_ROOM
