"""Lets the operator found a team; from then on its admins lead it."""

from argparse import ArgumentParser
from typing import Any

from atlas.management.deeds import Deed
from atlas.services import people, teams


class Command(Deed):
    """Found a team with its first admin."""

    help = "Found a team: its slug is its name in addresses, for ever."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What it is called, and who leads it."""
        parser.add_argument("slug", help="2 to 39 lower-case letters, digits, - and _")
        parser.add_argument("name", help="as people read it")
        parser.add_argument("--admin", required=True, help="the handle of its first admin")

    def act(self, options: dict[str, Any]) -> str:
        """Found it."""
        admin = people.find(options["admin"]).contributor
        team = teams.found(actor=None, slug=options["slug"], name=options["name"], admin=admin)
        return f"{team.slug} is founded, and {admin.handle} is its admin"
