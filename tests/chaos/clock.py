"""A clock that somebody moves: the processes of a campaign read it, and on SQLite the database in them does, too.

PostgreSQL has a clock of its own, and a worker's must not matter to it. SQLite has none but its process's: there the
machine's clock jumps for everybody at once.
"""

import sqlite3
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.db.backends.signals import connection_created
from django.utils import timezone

HOUR = 3600
real = time.time


def move(home: Path, seconds: int) -> None:
    """From now on it is so much later, or earlier, than it is."""
    new = home / "clock.new"
    new.write_text(str(seconds))
    new.replace(home / "clock")


def moved(home: Path) -> int:
    """By how many seconds the clock is wrong."""
    try:
        return int((home / "clock").read_text())
    except FileNotFoundError:
        return 0


def follow(home: Path) -> None:
    """Let this process believe the clock."""
    time.time = lambda: real() + moved(home)
    timezone.now = lambda: datetime.now(tz=UTC) + timedelta(seconds=moved(home))
    plain = sqlite3.connect(":memory:", check_same_thread=False)

    def strftime(form: str, *what: Any) -> str:
        shift = [f"{moved(home)} seconds"] if what == ("now",) else []
        places = ", ".join("?" * (1 + len(what) + len(shift)))
        [said] = plain.execute(f"SELECT strftime({places})", [form, *what, *shift]).fetchone()
        return str(said)

    def opened(*, connection: Any, **_: Any) -> None:
        if connection.vendor == "sqlite":
            connection.connection.create_function("strftime", -1, strftime)

    connection_created.connect(opened, weak=False)
