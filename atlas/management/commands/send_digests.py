"""Every night: one mail for each who has not read something, and wants to hear of it."""

from typing import Any

from django.core.management.base import CommandError

from atlas.management.deeds import Deed
from atlas.services import digests


class Command(Deed):
    """Send the digests."""

    help = "Mail everybody who wants it what they have not read; run it once a day. Nothing is mailed twice."

    def act(self, options: dict[str, Any]) -> str:
        """Send the digests."""
        try:
            return f"{digests.send()} sent"
        except OSError as error:  # SMTP's own are among them
            raise CommandError(f"the mail server went away: {error}; what is left goes with the next run") from error
