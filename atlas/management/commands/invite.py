"""Lets the operator bring people in: to a team in a role, or just to the service."""

from argparse import ArgumentParser
from typing import Any

from atlas.errors import NoSuchTeam
from atlas.management.deeds import Deed
from atlas.models import Role, Team
from atlas.services import teams


class Command(Deed):
    """Print an invitation, once."""

    help = "Print an invitation to a team, or without --team to the service; /accounts/signup takes it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom and what."""
        parser.add_argument("--team", help="the team's slug; without it the service itself")
        parser.add_argument("--role", choices=[role.label for role in Role], default=Role.ANNOTATOR.label)
        parser.add_argument("--uses", type=int, default=1, help="how many people may use it")
        parser.add_argument("--days", type=int, default=14, help="how long it holds")

    def act(self, options: dict[str, Any]) -> str:
        """Print an invitation, once."""
        team = Team.objects.filter(slug=options["team"]).first()
        if options["team"] and team is None:
            raise NoSuchTeam(team=options["team"])
        role = Role[options["role"].upper()] if team else None
        _, shown = teams.invite(actor=None, team=team, role=role, uses=options["uses"], days=options["days"])
        return shown
