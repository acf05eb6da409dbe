"""Lets the operator give somebody a login, with a password that they replace when they first use it."""

from argparse import ArgumentParser
from typing import Any

from atlas.management.deeds import Deed
from atlas.services import people


class Command(Deed):
    """Make a person and print their one-time password."""

    help = "Give somebody a login: prints a one-time password, which they have to replace by one of their own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who."""
        parser.add_argument("handle", help="2 to 39 lower-case letters, digits, - and _")
        parser.add_argument("--name", default="", help="as they are cited; the handle unless said otherwise")
        parser.add_argument("--email", default="", help="shown to admins of their teams only")

    def act(self, options: dict[str, Any]) -> str:
        """Make them, and say with what they sign in."""
        user, password = people.admit(username=options["handle"], citation_name=options["name"], email=options["email"])
        return f"{user.username} signs in at /accounts/login with the one-time password {password}"
