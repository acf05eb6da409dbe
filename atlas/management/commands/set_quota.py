"""Lets the operator say how much of the devices a team, or a person, may use."""

from argparse import ArgumentParser
from typing import Any

from atlas.errors import NoSuchTeam, Validation
from atlas.management.deeds import Deed
from atlas.models import Team
from atlas.services import ledger


class Command(Deed):
    """Set a quota."""

    help = "Set the device-seconds that a team, or somebody's personal space, may use in any 24 hours."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose, and how many."""
        parser.add_argument("team", help="the team's slug, or a person's name in addresses")
        parser.add_argument("seconds", help="device-seconds in any 24 hours; `default` for what the setting says")

    def act(self, options: dict[str, Any]) -> str:
        """Set a quota."""
        team = Team.objects.filter(slug=options["team"]).first()
        if team is None:
            raise NoSuchTeam(team=options["team"])
        seconds = None if options["seconds"] == "default" else _seconds(options["seconds"])
        ledger.set_quota(team=team, seconds=seconds)
        said = "as many device-seconds as the setting says" if seconds is None else f"{seconds:g} device-seconds"
        return f"{team.slug} may use {said} in any 24 hours; it used {ledger.used(team):.0f} in the last"


def _seconds(given: str) -> float:
    try:
        seconds = float(given)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e9:
        detail = f"{given[:40]} is no number of seconds from 0 to 10⁹."
        raise Validation(errors=[{"pointer": "/seconds", "code": "no-number", "detail": detail}])
    return seconds
