"""From a drawn world to a dataset of the record: every held-out picture with its digest, its label and its pixels.

The world of an organism is the module `workers/organisms/<slug>/world.py`. An item's digest is that of its pixels
(`encode.digest`), its name is seed/index: the generator draws the same pixels again, and its PNG holds them.
"""

import importlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from atlas.errors import AtlasError
from atlas.models import Contributor, Dataset
from atlas.services import artifacts, datasets
from atlas.services.datasets import Item
from workers.interp import encode


class NoSuchWorld(AtlasError):
    """{organism} has no drawn world: there is no workers/organisms/{organism}/world.py."""


class Picture(Protocol):
    """One item of a world."""

    @property
    def pixels(self) -> Any:
        """RGB in 8 bits, [H, W, 3]."""

    @property
    def label(self) -> int:
        """The index of its label."""


class World(Protocol):
    """What the module of a world offers."""

    SLUG: str
    TITLE: str
    LICENCE: str
    LABELS: tuple[str, ...]

    def held_out(self) -> Iterator[tuple[str, Picture]]:
        """The pictures that are registered, by name."""


def world_of(organism: str) -> World:
    """The world of a shipped checkpoint, by its slug; raises NoSuchWorld."""
    name = f"workers.organisms.{organism}.world"
    try:
        module: Any = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not name.startswith(error.name):
            raise
        raise NoSuchWorld(organism=organism) from None
    world: World = module
    return world


def register(
    world: World, *, actor: Contributor | None = None, progress: Callable[[str], None] = lambda step: None
) -> Dataset:
    """Draw the held-out pictures and publish them; the same ones again change nothing.

    Files are kept one by one before the rows are written at once, so that nobody waits for the database meanwhile.
    Raises RegisteredDifferently when the world has changed under its slug.
    """
    items = [kept(name, picture) for name, picture in world.held_out()]
    progress(f"{len(items)} pictures are drawn")
    return datasets.register(
        actor=actor,
        slug=world.SLUG,
        items=items,
        kind=Dataset.Kind.STIMULI,
        title=world.TITLE,
        licence=world.LICENCE,
        labels=list(world.LABELS),
    )


def kept(name: str, picture: Picture) -> Item:
    """A picture as an item, its PNG stored."""
    pixels = channels_first(picture)
    artifact = artifacts.keep(encode.png(pixels), media_type="image/png")
    return Item(digest=encode.digest(pixels), name=name, label=picture.label, artifact=artifact)


def channels_first(picture: Picture) -> Tensor:  # -> [3, H, W] uint8
    """A picture's pixels as the science has them."""
    pixels: Tensor = torch.from_numpy(picture.pixels).permute(2, 0, 1)
    return pixels
