"""What networks are shown: a fixed set of pictures, known by the digests of their pixels, with labels where there are.

The digest is the one that a registered dataset has, so what a notebook computed over a folder of files and what a
worker computed over the record's rows answer one question.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from workers.interp import canonical, encode, responses
from workers.interp.errors import UnreadableDataset
from workers.interp.input_spec import InputSpec

MOST_LABELS = 100_000  # every one has a name
SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif")


@dataclass(frozen=True, slots=True)
class Item:
    """One picture: the digest of its pixels, a name to show, the index of its label, and how to open it."""

    digest: str
    name: str
    label: int | None
    open: Callable[[], Image.Image] = field(repr=False, compare=False)

    def shown(self, spec: InputSpec) -> Tensor:  # -> [3, H, W] in [0, 1]
        """The picture as a network of this spec is shown it."""
        with self.open() as image:
            return spec.crop(image)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored."""
        with self.open() as image:
            return image.size


@dataclass(frozen=True)
class Dataset:
    """A fixed set of pictures in the order of their digests. `labels` are the names of the labels, by index."""

    items: tuple[Item, ...]
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        distinct = {item.digest: item for item in self.items}
        object.__setattr__(self, "items", tuple(distinct[digest] for digest in sorted(distinct)))

    def __len__(self) -> int:
        return len(self.items)

    @property
    def digest(self) -> str:
        """SHA-256 over the sorted digests of the items."""
        return canonical.sha256([item.digest for item in self.items])

    def batches(self, spec: InputSpec, *, size: int) -> Iterator[tuple[tuple[Item, ...], Tensor]]:
        """The items, `size` at a time, and what the network is shown of them: [N, 3, H, W] in [0, 1]."""
        for start in range(0, len(self.items), size):
            chosen = self.items[start : start + size]
            yield chosen, torch.stack([item.shown(spec) for item in chosen])

    @classmethod
    def of_folder(cls, folder: Path, *, labels: Path | None = None) -> "Dataset":
        """All pictures of a folder. `labels` is a CSV with the columns `file` and `index`, and `words` where labels
        have names; raises UnreadableDataset naming the first file that cannot be opened.
        """
        known, names = _labels(labels) if labels else ({}, ())
        found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
        return cls(tuple(_file(path, folder, known) for path in found), names)


def fixed(spec: InputSpec) -> Dataset:
    """The eight pictures by which every checkpoint is checked, in eight bits: a dataset that is always at hand."""
    shown = responses.pictures(spec.size)
    images = {name: encode.picture(torch.from_numpy(pixels)) for name, pixels in shown.items()}
    return Dataset(tuple(Item(digest_of(image), name, None, image.copy) for name, image in images.items()))


def digest_of(image: Image.Image) -> str:
    """What a dataset calls a picture: the digest of its RGB pixels, however they are stored."""
    return encode.digest(torch.from_numpy(np.array(encode.in_colour(image))).permute(2, 0, 1))


def _file(path: Path, folder: Path, known: Mapping[str, int]) -> Item:
    name = path.relative_to(folder).as_posix()
    try:
        with Image.open(path) as image:
            digest = digest_of(image)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise UnreadableDataset(name=name, reason=str(error)[:200]) from None
    return Item(digest, name, known.get(name, known.get(path.name)), lambda: Image.open(path))


def _labels(path: Path) -> tuple[dict[str, int], tuple[str, ...]]:
    """Label by file, and the names of the labels."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    try:
        known = {row["file"]: _index(row["index"]) for row in rows}
    except (KeyError, ValueError, TypeError) as error:
        raise UnreadableDataset(name=path.name, reason=f"needs the columns file and index: {error}") from None
    return known, _names(rows)


def _index(text: str) -> int:
    index = int(text)
    if not 0 <= index < MOST_LABELS:
        raise ValueError(f"an index is from 0 to {MOST_LABELS - 1}, not {index}")
    return index


def _names(rows: Iterable[Mapping[str, str]]) -> tuple[str, ...]:
    named = {int(row["index"]): row.get("words") or row["index"] for row in rows}
    return tuple(named.get(index, str(index)) for index in range(max(named, default=-1) + 1))
