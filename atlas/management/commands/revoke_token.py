"""Lets the operator end a token that has got about."""

from argparse import ArgumentParser
from typing import Any

from atlas.errors import NoSuchToken
from atlas.management.deeds import Deed
from atlas.models import Token
from atlas.services import tokens


class Command(Deed):
    """End a token at once."""

    help = "End a token at once; it may be given whole or by its prefix."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whom and what."""
        parser.add_argument("token", help="fh_<prefix>_…, or just the prefix")

    def act(self, options: dict[str, Any]) -> str:
        """End a token at once."""
        prefix = options["token"].removeprefix("fh_")[:8]
        token = Token.objects.filter(prefix=prefix).select_related("owner").first()
        if token is None:
            raise NoSuchToken(prefix=prefix)
        tokens.revoke(actor=None, token=token)
        return f"{token} is revoked"
