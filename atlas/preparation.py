"""What has to be true before pages are served, made true only where it is not: a second start is quick."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connections
from django.db.migrations.executor import MigrationExecutor


def prepare() -> list[str]:
    """Migrate and collect static files where needed, side by side; what was done, in words."""
    done = []
    with ThreadPoolExecutor(1) as beside:
        collecting = beside.submit(collect_static)
        if pending := pending_migrations():
            call_command("migrate", verbosity=0, interactive=False)
            done.append(f"applied {pending} migrations")
        if collected := collecting.result():
            done.append(f"collected {collected} static files")
    # The children open their own connections; an idle one here would only hold a lock or a slot.
    connections.close_all()
    return done


def pending_migrations() -> int:
    """How many migrations the database has not seen yet."""
    executor = MigrationExecutor(connections["default"])
    return len(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def collect_static() -> int:
    """Collect static files unless those collected are still these; how many, or 0."""
    if not settings.STATIC_ROOT:
        return 0
    files = sorted(sources())
    stamp = Path(settings.STATIC_ROOT) / ".collected"
    state = hashlib.sha256("\n".join(files).encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == state:
        return 0
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(state)
    return len(files)


def sources() -> list[str]:
    """Every static file with its size and time of change: cheaper than its bytes, and different whenever they are."""
    files = []
    for finder in get_finders():
        for path, storage in finder.list([]):
            facts = Path(storage.path(path)).stat()
            files.append(f"{path} {facts.st_size} {facts.st_mtime_ns}")
    return files
