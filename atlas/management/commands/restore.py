"""A backup becomes an atlas again, in an empty place, and what doctor says of it is shown."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from atlas import health
from atlas.management.deeds import Deed
from atlas.services import backups


class Command(Deed):
    """Restore a backup."""

    help = "Fill an empty database and an empty store from a backup, once all of it is found whole; then check both."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where from."""
        parser.add_argument("folder", type=Path, help="what `backup` wrote")

    def act(self, options: dict[str, Any]) -> str:
        """Restore it and check what concerns the records; a worker and its checks come when one is started."""
        try:
            made = backups.restore(options["folder"])
        except OSError as error:
            raise CommandError(f"the backup could not be restored: {error}; empty the place and try again") from error
        verdicts = list(health.verdicts(health.RESTORED))
        for verdict in verdicts:
            self.stdout.write(f"{'OK ' if verdict.ok else 'FIX'} {verdict.name}: {verdict.found}")
            if not verdict.ok:
                self.stdout.write(f"    → {verdict.fix}")
        if not all(verdict.ok for verdict in verdicts):
            raise CommandError("restored, but not everything is as it should be")
        return f"restored what was there at {made.made_at}: {sum(made.rows.values())} rows, {made.artifacts} artifacts"
