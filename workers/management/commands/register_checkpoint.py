"""The operator's way to bring a checkpoint into the atlas."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from atlas.errors import AtlasError
from atlas.models import Checkpoint
from workers import downloads, registration


class Command(BaseCommand):
    """Register a safetensors file of a known architecture, with its card."""

    help = (
        "Register a checkpoint: manage.py register_checkpoint SLUG --architecture NAME --weights FILE --card CARD, "
        "or torchvision's own weights: manage.py register_checkpoint resnet18 --published IMAGENET1K_V1"
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What, under which name."""
        parser.add_argument("slug", help="its name in addresses, for ever: lower-case letters, digits and dashes")
        parser.add_argument("--architecture", help="for example squeezenet1_1; the slug, unless it is said")
        parser.add_argument("--weights", type=Path, help="a safetensors file")
        parser.add_argument("--card", type=Path, help="JSON: title, input, labels, licence, figures …")
        parser.add_argument(
            "--published", metavar="NAME", help="weights that torchvision publishes, instead of a file and a card"
        )

    def handle(self, *args: Any, slug: str, architecture: str | None, **options: Any) -> None:
        """Register, or say in one sentence why not."""
        try:
            row, new = self._registered(slug, architecture=architecture or slug, **options)
        except AtlasError as error:
            raise CommandError(str(error)) from error
        neurons = sum(row.layers.values_list("channels", flat=True))
        verb = "registered" if new else "was registered already"
        self.stdout.write(f"{row.slug} {verb}: {row.layers.count()} layers, {neurons} neurons, digest {row.digest}")

    def _registered(
        self,
        slug: str,
        *,
        architecture: str,
        weights: Path | None = None,
        card: Path | None = None,
        published: str | None = None,
        **_: Any,
    ) -> tuple[Checkpoint, bool]:
        """From a file with its card, or from what torchvision publishes."""
        if published and not (weights or card):
            return downloads.register(
                slug=slug,
                architecture=architecture,
                published=downloads.find(architecture, published),
                progress=self._say,
            )
        if published or not (weights and card):
            raise CommandError("say either --weights and --card, or --published")
        return registration.register(
            slug=slug,
            architecture=architecture,
            weights=weights,
            card=registration.read_card(card),
            progress=self._say,
        )

    def _say(self, step: str) -> None:
        self.stdout.write(f"  {step}")
