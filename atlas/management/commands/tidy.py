"""Removes what is left behind; workers call it once an hour."""

from typing import Any

from django.core.management.base import CommandParser

from atlas.management.deeds import Deed
from atlas.services import janitor


class Command(Deed):
    """Tidy up, and say of every rule what it removed."""

    help = "Remove what is left behind: bytes that nothing refers to, imports never committed, files half-written."

    def add_arguments(self, parser: CommandParser) -> None:
        """One flag."""
        parser.add_argument("--dry-run", action="store_true", help="Say what would go, and remove nothing.")

    def act(self, options: dict[str, Any]) -> str:
        """Go through all rules."""
        dry = options["dry_run"]
        width = max(len(rule.name) for rule in janitor.RULES)
        lines = [
            f"{rule.name:{width}}  {found.count:>8}  {found.bytes / 2**20:>10.1f} MiB  {rule.says}"
            for rule, found in janitor.tidy(dry=dry)
        ]
        return "\n".join([*lines, "nothing was removed" if dry else "tidied"])
