"""What a database says that can be read but not written: in each engine's own words, and as an error of ours."""

from django.db import DatabaseError

from atlas.errors import AtlasError, ReadOnly

POSTGRES = "25006"  # read_only_sql_transaction
SQLITE = "attempt to write a readonly database"  # a file, a folder or a connection that may not be written
RETRY = 60  # seconds


def is_read_only(error: BaseException | None) -> bool:
    """Whether something failed for the sole reason that it would have written."""
    if not isinstance(error, DatabaseError):
        return False
    return SQLITE in str(error) or getattr(error.__cause__, "sqlstate", "") == POSTGRES


def known(error: BaseException | None) -> AtlasError | None:
    """Our error for an outage of the database's, None for anything else."""
    return ReadOnly(retry_after=RETRY) if is_read_only(error) else None
