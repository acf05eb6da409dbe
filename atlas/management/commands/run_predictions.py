"""Every night: put the claims that stand to the test, with the probes as they are today."""

from typing import Any

from django.core.management.base import BaseCommand

from atlas.errors import AtlasError
from atlas.models import Foothold
from atlas.services import predictions


class Command(BaseCommand):
    """Ask what every standing claim predicts, in the name of who claimed it; what is known is not computed again."""

    help = "Have workers compute what claims predict, a line for each claim; one that cannot be asked says why."

    def handle(self, *args: Any, **options: Any) -> None:
        """A line for each: accession and version, and how many jobs test it, or why none does."""
        standing = Foothold.objects.filter(standing=Foothold.Standing.OPEN, kind__in=("description", "link"))
        for foothold in standing.select_related("checkpoint", "created_by").order_by("pk").iterator():
            if not foothold.revisions.get(version=foothold.head_version).content.get("predictions"):
                continue
            try:
                made = predictions.test(actor=foothold.created_by, foothold=foothold)
            except AtlasError as error:
                self.stdout.write(f"{foothold.version_tag} not tested: {error}")
            else:
                self.stdout.write(f"{foothold.version_tag} tested by {len(made)} jobs")
