"""Who keeps something and who collects keep out of each other's way: a shelf is a folder `ab/` of the store.

A file and its row cannot change in one step. Whoever keeps bytes holds their shelf from when the file was seen to be
there until its row is committed; whoever removes a file has the shelf alone while there is no row. On PostgreSQL these
are advisory locks that end with the transaction; SQLite has one writer at a time, which is the same for all shelves.
"""

from django.db import connection

SHELVES = 0x53484C46  # "SHLF": keeps these locks apart from all others


def hold(sha256: str) -> None:
    """Until this transaction ends, no file of the shelf is removed. Any number of writers may hold it."""
    _ask("SELECT pg_advisory_xact_lock_shared(%s, %s)", sha256)


def clear(sha256: str) -> bool:
    """Whether nobody holds the shelf; if so, nobody will until this transaction ends. It never waits."""
    return _ask("SELECT pg_try_advisory_xact_lock(%s, %s)", sha256)


def _ask(sql: str, sha256: str) -> bool:
    # 256 shelves and not one lock for each artifact: a dataset of thousands may be kept in one transaction.
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(sql, [SHELVES, int(sha256[:2], 16)])
        [found] = cursor.fetchone()
    return bool(found)
