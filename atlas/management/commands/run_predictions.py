"""Every night: put the claims that were tested before to the test again, where a probe has a newer version."""

from typing import Any

from django.core.management.base import BaseCommand

from atlas.errors import AtlasError
from atlas.models import Foothold
from atlas.services import predictions


class Command(BaseCommand):
    """Ask again in the name of who asked last; what is known is not asked. The first time is a person's decision."""

    help = "Have workers test again what was tested before, a line for each claim; one that cannot be asked says why."

    def handle(self, *args: Any, **options: Any) -> None:
        """A line for each: accession and version, and how many jobs test it, or why none does."""
        tested = Foothold.objects.filter(standing=Foothold.Standing.OPEN, trials__isnull=False).distinct()
        for foothold in tested.select_related("checkpoint").order_by("pk").iterator():
            last = foothold.trials.select_related("by").latest("pk")
            try:
                made = predictions.test(actor=last.by, foothold=foothold)
            except AtlasError as error:
                self.stdout.write(f"{foothold.version_tag} not tested: {error}")
            else:
                self.stdout.write(f"{foothold.version_tag} tested by {len(made)} jobs")
