"""One pass of a dataset through a network, with every unit of interest written down as it goes by.

Memory holds what a bare forward pass holds and a tally of each unit, however many items there are: what belongs to an
item goes to arrays on disk. What is on disk is enough to go on after an interruption, to the same bytes.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from safetensors.numpy import save_file
from torch import Tensor

from workers.interp import canonical, weights
from workers.interp.columns import Strip
from workers.interp.datasets import Dataset, Item
from workers.interp.errors import InterpError, UnreadableDataset
from workers.interp.lens import Lens
from workers.interp.tallies import EVERY, Lattice, Tally, as_maps

VERSION = 3  # of what is on disk
BATCH = 16  # items a pass: part of the numbers, because the size of a batch changes last bits
SAVED = 8  # batches between two states on disk
LATTICE = 8  # positions along each axis that are at most counted when not all are
STATE = "state.safetensors"
UNREADABLE = (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError)


class Recording:
    """What some units answered to a dataset: on disk by item, in tallies over all positions.

    `maxima` [items, units] float32 are spatial maxima, `places` the positions y·W + x where they are first, `sizes`
    width and height of each item's own picture. Tallies are of `every` position, or of a lattice of at most 8 × 8 that
    starts elsewhere in each batch. Where it is `resumable` the same question finds in `folder` what is there already.
    Raises UnreadableDataset where there is no picture, or one cannot be opened, by its digest.
    """

    def __init__(
        self,
        lens: Lens,
        of: Sequence[Strip],
        dataset: Dataset,
        *,
        folder: Path,
        every: bool = True,
        resumable: bool = True,
    ) -> None:
        if not len(dataset):
            raise UnreadableDataset(name="An empty set", reason="there is no picture in it")
        self.lens = lens
        self.strips = of
        self.every = every
        self.resumable = resumable
        self.dataset = dataset
        self.folder = folder
        self.tallies: dict[int, Tally] = {}
        self.done = 0  # batches
        self.units = sum(strip.width for strip in of)
        self._restore()
        self.maxima = self._array("maxima", np.float32, self.units)
        self.places = self._array("places", np.int32, self.units)
        self.sizes = self._array("sizes", np.int32, 2)
        self._highest = np.zeros((BATCH, self.units), np.float32)  # of a batch, which goes to disk at once
        self._places = np.zeros((BATCH, self.units), np.int32)
        self._by_node = {node: [it for it in of if it.node == node] for node in {strip.node for strip in of}}
        self._watched = lens.watching(self._by_node, self._see)

    @property
    def batches(self) -> int:
        """How many there are."""
        return -(-len(self.dataset) // BATCH)

    def run(self, observe: Callable[[int], None]) -> None:
        """Show the network what it has not been shown, telling `observe` of every batch; it may raise to stop."""
        while self.done < self.batches:
            items = self.dataset.items[self.done * BATCH : (self.done + 1) * BATCH]
            self.show(torch.stack([self._opened(row, item) for row, item in enumerate(items)]))
            self.done += 1
            if self.resumable and (self.done % SAVED == 0 or self.done == self.batches):
                self._save()
            observe(self.done)

    @torch.no_grad()
    def show(self, images: Tensor) -> None:  # [N, 3, H, W] in [0, 1]
        """Write down what the next items are answered."""
        self._watched(images)
        rows, shown = slice(self.done * BATCH, self.done * BATCH + len(images)), slice(len(images))
        self.maxima[rows], self.places[rows] = self._highest[shown], self._places[shown]

    def _see(self, node: str, values: Tensor, spent: bool) -> bool:
        maps = as_maps(values)
        lattice = EVERY if self.every else self._lattice(*maps.shape[2:])
        strips = self._by_node[node]
        for strip in strips:
            columns = slice(strip.at, strip.at + strip.width)
            if strip.at not in self.tallies:
                self.tallies[strip.at] = Tally.of(lattice.of(maps))
            highest, places = self.tallies[strip.at].see(maps, lattice, rectify=spent and strip is strips[-1])
            self._highest[: len(maps), columns], self._places[: len(maps), columns] = highest, places
        return spent

    def _lattice(self, height: int, width: int) -> Lattice:
        step = -(-max(height, width) // LATTICE)
        return Lattice(step, down=(self.done % step) % height, right=(self.done // step % step) % width)

    def _opened(self, row: int, item: Item) -> Tensor:
        try:
            with item.open() as image:
                self.sizes[self.done * BATCH + row] = image.size
                return self.lens.checkpoint.input_spec.crop(image)
        except UNREADABLE as error:
            raise UnreadableDataset(name=item.digest, reason=str(error)[:200]) from None

    def _array(self, name: str, dtype: type[Any], width: int) -> np.memmap[Any, Any]:
        path = self.folder / name
        mode: Any = "r+" if self.done and path.exists() else "w+"
        return np.memmap(path, dtype=dtype, mode=mode, shape=(len(self.dataset), width))

    # --- interruptions ------------------------------------------------------------------------------------------------
    @property
    def question(self) -> str:
        """What the state on disk has to be of."""
        checkpoint, read = self.lens.checkpoint.digest, [[it.node, it.at, it.width] for it in self.strips]
        return canonical.sha256(
            [VERSION, BATCH, self.every, checkpoint, str(self.lens.dtype), self.dataset.digest, read]
        )

    def _save(self) -> None:
        """The items first, then the state that says how far they go, whole or not at all."""
        for array in (self.maxima, self.places, self.sizes):
            array.flush()
        states = {at: tally.state() for at, tally in self.tallies.items()}
        held = {f"{at}.{name}": it for at, state in states.items() for name, it in state.items()}
        question = np.frombuffer(bytes.fromhex(self.question), dtype=np.uint8)
        path = self.folder / f"{STATE}.new"
        save_file({**held, "done": np.array(self.done), "question": question}, path)
        os.replace(path, self.folder / STATE)

    def _restore(self) -> None:
        """Go on from the state on disk, where it is of this question and whole."""
        path = self.folder / STATE
        try:
            held = weights.load(path) if path.exists() else {}
        except InterpError:
            return
        question = held.get("question")
        if question is None or bytes(question.tolist()).hex() != self.question:
            return
        self.done = int(held["done"])
        for strip in self.strips:
            state = {
                name.removeprefix(f"{strip.at}."): it for name, it in held.items() if name.startswith(f"{strip.at}.")
            }
            self.tallies[strip.at] = Tally.restored(state)
