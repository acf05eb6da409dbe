"""Brings the pictures of a drawn world into the atlas, so that its network can be shown what it never saw."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from atlas.errors import AtlasError


class Command(BaseCommand):
    """Register the held-out pictures of an organism's world as a dataset; safe to run any number of times."""

    help = "Register the drawn world of a shipped checkpoint as a dataset: manage.py register_world miniception"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Whose world."""
        parser.add_argument("organism", help="the slug of the shipped checkpoint, a folder of workers/organisms")

    def handle(self, *args: Any, organism: str, **options: Any) -> None:
        """Register, or say in one sentence why not."""
        from workers import worlds  # torch: only where it is needed

        try:
            dataset = worlds.register(worlds.world_of(organism), progress=lambda step: self.stdout.write(f"  {step}"))
        except AtlasError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{dataset.slug} is registered: {dataset.size} pictures, digest {dataset.digest}")
