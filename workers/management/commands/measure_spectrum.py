"""Measures what natural magnitudes are in a dataset, for pictures that are made with them."""

import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from atlas.errors import AtlasError
from atlas.models import Dataset
from atlas.services import artifacts, datasets

SIDE = 128  # pixels: the usual size of a picture; other sizes are interpolated


class Command(BaseCommand):
    """Measure, keep the spectrum as an artifact of the dataset, and say its hash."""

    help = "Measure the mean spectrum of a dataset's images; name the hash it says as the parameter `spectrum`."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The dataset."""
        parser.add_argument("slug", help="A registered dataset of images.")

    def handle(self, *args: Any, slug: str, **options: Any) -> None:
        """Measure every item once, at SIDE pixels."""
        from workers.interp import spectra  # torch: only where it is needed

        try:
            dataset = datasets.find(slug)
        except AtlasError as error:
            raise CommandError(str(error)) from None
        if not dataset.items.filter(artifact__isnull=False).exists():
            raise CommandError(f"{slug} has no image that is kept here.")
        with tempfile.TemporaryDirectory(prefix="atlas-spectrum-") as folder:
            path = Path(folder) / "spectrum.safetensors"
            spectra.write(path, spectra.measure(pictures(dataset)))
            kept = artifacts.keep(path, media_type=artifacts.SAFETENSORS)
        datasets.keep_spectrum(actor=None, dataset=dataset, spectrum=kept)
        self.stdout.write(kept.sha256)


def pictures(dataset: Dataset) -> Iterator[Any]:  # of [3, SIDE, SIDE] in [0, 1]
    """The images of a dataset in the order of their digests, each the largest square in its middle."""
    import numpy as np
    import torch
    from PIL import Image

    for item in dataset.items.filter(artifact__isnull=False).select_related("artifact").order_by("digest").iterator():
        assert item.artifact is not None
        with artifacts.open_checked(item.artifact) as file, Image.open(file) as image:
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            square = image.convert("RGB").crop((left, top, left + side, top + side))
            pixels = np.asarray(square.resize((SIDE, SIDE), Image.Resampling.LANCZOS), dtype=np.float32)
        yield torch.from_numpy(pixels / 255).permute(2, 0, 1)
