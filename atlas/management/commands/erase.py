"""Lets the operator forget a person and keep the science."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from atlas.management.deeds import Deed
from atlas.services import people


class Command(Deed):
    """Erase a login and replace the name by a pseudonym."""

    help = "Forget who somebody was: the login goes, a pseudonym stands for the name, no word is lost."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom and what."""
        parser.add_argument("handle", help="whom")
        parser.add_argument("--yes", action="store_true", help="really: there is no way back")

    def act(self, options: dict[str, Any]) -> str:
        """Erase a login and replace the name by a pseudonym."""
        user = people.find(options["handle"])
        if not options["yes"]:
            raise CommandError(f"this forgets who {options['handle']} was, for good; say --yes to do it")
        person = people.erase(actor=None, user=user)
        return f"{options['handle']} is forgotten and goes on as {person.handle}"
