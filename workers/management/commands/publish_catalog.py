"""Makes the probes of this checkout known to the record."""

from typing import Any

from django.core.management.base import BaseCommand

from atlas.services import catalog


class Command(BaseCommand):
    """Publish every probe version; a changed schema under an old version is refused."""

    help = "Publish the probes of this checkout, so that the API and the pages know them."

    def handle(self, *args: Any, **options: Any) -> None:
        """Publish."""
        from workers import translate  # torch: only where it is needed

        for described in translate.kinds():
            kind = catalog.publish(**described)
            self.stdout.write(f"{kind} is published")
