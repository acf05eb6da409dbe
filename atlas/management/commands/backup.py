"""Everything the atlas knows, in one folder, while it goes on working."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from atlas.management.deeds import Deed
from atlas.services import backups


class Command(Deed):
    """Make a backup."""

    help = "Write database and artifacts to a new folder while others work; on PostgreSQL as the owner's role."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where to, and what need not be copied again."""
        parser.add_argument("folder", type=Path, help="a new or empty folder")
        parser.add_argument("--since", type=Path, help="an earlier backup on the same disk: what it has is linked")

    def act(self, options: dict[str, Any]) -> str:
        """Take it; artifacts that were lost already are named, and the backup holds everything else."""
        folder = options["folder"]
        try:
            made = backups.take(folder, since=options["since"])
        except OSError as error:
            raise CommandError(f"the backup could not be written: {error}") from error
        said = f"{sum(made.rows.values())} rows and {made.artifacts} artifacts ({made.bytes >> 20} MiB) are in {folder}"
        if made.lost:
            lost = ", ".join(made.lost[:3])
            raise CommandError(f"{said}; {len(made.lost)} artifacts were lost before, and are not: {lost}")
        return said
