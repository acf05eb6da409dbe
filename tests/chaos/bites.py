"""Which fault has really struck somebody, by who was struck: a fault that nobody notices proves nothing."""

import errno

from django.db import Error, connection

STALE = "stopped past its leases"
FULL = "disk full"
SHUT = "folder read-only"
RESTART = "PostgreSQL killed and started"
CLOCK = "clock moved an hour"


def of(error: BaseException) -> str | None:
    """The fault that an exception comes from."""
    if isinstance(error, OSError):
        return {errno.ENOSPC: FULL, errno.EROFS: SHUT}.get(error.errno or 0)
    return RESTART if isinstance(error, Error) and connection.vendor == "postgresql" else None
