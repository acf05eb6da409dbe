"""Makes the search index anew from the record: after an upgrade, or when doctor says that something cannot be found."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from atlas.models import Foothold
from atlas.services import indexing

BATCH = 500


class Command(BaseCommand):
    """Index every foothold, or only those that are missing."""

    help = "Make the search index anew from the record."

    def add_arguments(self, parser: CommandParser) -> None:
        """One flag."""
        parser.add_argument("--missing", action="store_true", help="Only what is not indexed in its newest version.")

    def handle(self, *args: Any, missing: bool, **options: Any) -> None:
        """Batch by batch, so that nobody who writes waits long."""
        rows = indexing.stale() if missing else Foothold.objects.all()
        waiting = list(rows.order_by("pk").values_list("pk", flat=True))
        with transaction.atomic():
            indexing.rename_all()
        done = 0
        for start in range(0, len(waiting), BATCH):
            with transaction.atomic():
                done += indexing.fill(waiting[start : start + BATCH])
        self.stdout.write(f"{done} footholds indexed")
