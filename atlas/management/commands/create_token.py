"""Lets the operator hand a script its key; prints it alone, so that a shell can take it."""

from argparse import ArgumentParser
from typing import Any

from atlas.errors import NoSuchTeam
from atlas.management.deeds import Deed
from atlas.models import Scope, Team
from atlas.services import people, tokens


class Command(Deed):
    """Print a token, once."""

    help = "Print a new API token of somebody, and nothing else."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom and what."""
        parser.add_argument("handle", help="whose")
        parser.add_argument("--scopes", default="read", help=f"separated by commas: {', '.join(Scope.values)}")
        parser.add_argument("--name", default="command line", help="what it is for")
        parser.add_argument("--days", type=int, default=90, help="how long it holds, at most 365")
        parser.add_argument("--team", help="bound to what is public and what this team owns")

    def act(self, options: dict[str, Any]) -> str:
        """Print a token, once."""
        team = Team.objects.filter(slug=options["team"]).first()
        if options["team"] and team is None:
            raise NoSuchTeam(team=options["team"])
        owner = people.find(options["handle"])
        scopes = [scope.strip() for scope in options["scopes"].split(",") if scope.strip()]
        _, shown = tokens.create(owner=owner, name=options["name"], scopes=scopes, days=options["days"], team=team)
        return shown
