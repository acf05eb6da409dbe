"""Lets the operator say what somebody may do, in a team or in the whole service."""

from argparse import ArgumentParser
from typing import Any

from atlas.errors import NoSuchTeam, Validation
from atlas.management.deeds import Deed
from atlas.models import InstanceRole, Role, Team
from atlas.services import people, teams


class Command(Deed):
    """Set a role."""

    help = "Set what somebody may do: --team TEAM ROLE, or for the whole service moderator, operator or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom and what."""
        parser.add_argument("handle", help="whose")
        parser.add_argument("role", choices=[*(role.label for role in Role), *(it.label for it in InstanceRole)])
        parser.add_argument("--team", help="the team's slug; without it the whole service")

    def act(self, options: dict[str, Any]) -> str:
        """Set a role."""
        user, role = people.find(options["handle"]), options["role"]
        if options["team"] is None:
            instance = next((it for it in InstanceRole if it.label == role), None)
            if instance is None:
                raise Validation(errors=[_fault(f"{role} is a role in a team; say which with --team.")])
            people.set_instance_role(user=user, role=instance)
            return f"{user.contributor.handle} is {role} of the service"
        team = Team.objects.filter(slug=options["team"]).first()
        if team is None:
            raise NoSuchTeam(team=options["team"])
        if role not in [it.label for it in Role]:
            raise Validation(errors=[_fault(f"{role} is a role of the whole service; leave out --team.")])
        teams.set_role(actor=None, team=team, member=user.contributor, role=Role[role.upper()])
        return f"{user.contributor.handle} is {role} in {team.slug}"


def _fault(detail: str) -> dict[str, str]:
    return {"pointer": "/role", "code": "wrong-role", "detail": detail}
