"""Lets the operator close a login at once, without losing a word its owner wrote."""

from argparse import ArgumentParser
from typing import Any

from atlas.management.deeds import Deed
from atlas.services import people


class Command(Deed):
    """Close a login, or open it again."""

    help = "Close a login: its sessions and tokens open nothing any more. --undo opens it again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom and what."""
        parser.add_argument("handle", help="whose")
        parser.add_argument("--undo", action="store_true", help="open it again")

    def act(self, options: dict[str, Any]) -> str:
        """Close a login, or open it again."""
        user = people.find(options["handle"])
        if options["undo"]:
            people.reactivate(actor=None, user=user)
            return f"{options['handle']} may sign in again"
        people.deactivate(actor=None, user=user)
        return f"{options['handle']} is deactivated: sessions and tokens open nothing any more"
