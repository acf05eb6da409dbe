"""The whole database as one file, and back: each engine's own online copy, of one moment, while others write."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import connection, transaction

from atlas.errors import ToolFailed
from atlas.models import Artifact

FILES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
# The roles and rights of one installation are none of another's: `migrate` grants them where it is restored.
BARE = ("--no-owner", "--no-privileges", "--no-comments")
Ask = Callable[[str], Iterable[Sequence[Any]]]


@dataclass(frozen=True)
class Dump:
    """What was in the database at the moment of the dump: rows by table, the migrations, artifacts and their sizes."""

    rows: dict[str, int]
    migrations: list[str]
    artifacts: list[tuple[str, int]]


def file_name() -> str:
    """What the dump of this engine is called."""
    return FILES[connection.vendor]


def dump(to: Path) -> Dump:
    """Write the database to a new file, as it is at one moment; nobody who writes has to wait."""
    return _dump_postgresql(to) if connection.vendor == "postgresql" else _dump_sqlite(to)


def load(file: Path) -> None:
    """Fill the database, which has to be empty, from a dump of its engine; all of it or nothing."""
    if connection.vendor == "postgresql":
        _run("pg_restore", "--exit-on-error", "--single-transaction", *BARE, "--dbname", _name(), str(file))
    else:
        connection.close()
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(_name())) as target:
            source.backup(target)


def counted(tables: Iterable[str]) -> dict[str, int]:
    """How many rows these tables have."""
    return _counted(_asked, tables)


def present() -> list[str]:
    """The tables that are there already."""
    with connection.cursor() as cursor:
        return sorted(connection.introspection.table_names(cursor))


def _dump_sqlite(to: Path) -> Dump:
    with closing(sqlite3.connect(_name())) as source, closing(sqlite3.connect(to)) as target:
        # In one step: a reader of the write-ahead log holds up nobody, and a copy in parts begins again at every write.
        source.backup(target)
        # One file, whole in itself: a log beside it would be part of it.
        target.execute("PRAGMA journal_mode = DELETE")
        return _told(target.execute)


def _dump_postgresql(to: Path) -> Dump:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        cursor.execute("SELECT pg_export_snapshot()")
        (snapshot,) = cursor.fetchone()
        _run("pg_dump", "--format=custom", f"--snapshot={snapshot}", *BARE, f"--file={to}", "--dbname", _name())
        # Counted in the same snapshot, hence what the dump has, whatever was written meanwhile.
        return _told(_asked)


def _told(ask: Ask) -> Dump:
    return Dump(
        rows=_counted(ask, _tables()),
        migrations=sorted(f"{app}.{name}" for app, name in ask("SELECT app, name FROM django_migrations")),
        artifacts=sorted((sha256, size) for sha256, size in ask(f"SELECT sha256, size FROM {_quoted(Artifact)}")),  # noqa: S608 - our own names
    )


def _counted(ask: Ask, tables: Iterable[str]) -> dict[str, int]:
    name = connection.ops.quote_name
    return {table: next(iter(ask(f"SELECT count(*) FROM {name(table)}")))[0] for table in tables}  # noqa: S608


def _tables() -> list[str]:
    known = apps.get_models(include_auto_created=True)
    return sorted({model._meta.db_table for model in known if model._meta.managed and not model._meta.proxy})


def _quoted(model: type[Any]) -> str:
    return str(connection.ops.quote_name(model._meta.db_table))


def _asked(statement: str) -> list[Sequence[Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return list(cursor.fetchall())


def _name() -> str:
    return str(connection.settings_dict["NAME"])


def _run(tool: str, *words: str) -> None:
    """One of PostgreSQL's own programs; told where by the environment, for a list of processes shows what words say."""
    if shutil.which(tool) is None:
        raise ToolFailed(tool=tool, detail="it is not installed; on Debian: sudo apt-get install postgresql-client")
    at = connection.settings_dict
    where = {"PGHOST": at["HOST"], "PGPORT": at["PORT"], "PGUSER": at["USER"], "PGPASSWORD": at["PASSWORD"]}
    told = {name: str(value) for name, value in where.items() if value}
    done = subprocess.run([tool, *words], env={**os.environ, **told}, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise ToolFailed(tool=tool, detail=said[0][:500])
