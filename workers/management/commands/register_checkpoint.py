"""The operator's way to bring a checkpoint into the atlas."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from atlas.errors import AtlasError
from workers import registration


class Command(BaseCommand):
    """Register a safetensors file of a known architecture, with its card."""

    help = "Register a checkpoint: manage.py register_checkpoint SLUG --architecture NAME --weights FILE --card CARD"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, under which name."""
        parser.add_argument("slug", help="its name in addresses, for ever: lower-case letters, digits and dashes")
        parser.add_argument("--architecture", required=True, help="for example squeezenet1_1")
        parser.add_argument("--weights", required=True, type=Path, help="a safetensors file")
        parser.add_argument("--card", required=True, type=Path, help="JSON: title, input, labels, licence, figures …")

    def handle(self, *args: Any, slug: str, architecture: str, weights: Path, card: Path, **options: Any) -> None:
        """Register, or say in one sentence why not."""
        try:
            row, new = registration.register(
                slug=slug,
                architecture=architecture,
                weights=weights,
                card=registration.read_card(card),
                progress=lambda step: self.stdout.write(f"  {step}"),
            )
        except AtlasError as error:
            raise CommandError(str(error)) from error
        neurons = sum(row.layers.values_list("channels", flat=True))
        verb = "registered" if new else "was registered already"
        self.stdout.write(f"{row.slug} {verb}: {row.layers.count()} layers, {neurons} neurons, digest {row.digest}")
