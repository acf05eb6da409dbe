"""A frozen model you can look through: read any layer, run nothing past it, leave no trace."""

import copy
from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workers.interp.address import Subject, Unit
from workers.interp.checkpoint import Checkpoint, Layer
from workers.interp.edit_forms import read
from workers.interp.editing import Place, Values, regraphed, reweighted
from workers.interp.edits import RESAMPLE, Edit, needs
from workers.interp.errors import BadAddress
from workers.interp.folding import fold
from workers.interp.graph import Graph
from workers.interp.layers import Part
from workers.interp.program import Program, Watch


class Lens:
    """A checkpoint opened on one device.

    Images go in as RGB in [0, 1], [N, 3, H, W]; gradients flow to them, never to weights. Normalisations are folded and
    weights laid out channels-last in a private copy: the checkpoint's own tensors stay what they are. `folded=False`
    runs the graph as it is written, for comparison.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
        folded: bool = True,
    ) -> None:
        self.checkpoint = checkpoint
        self.device = torch.device(device)
        self.dtype = dtype
        self._folded = folded
        self._graph, self._tensors = self._opened(checkpoint)
        self._own_names: dict[str, str] = {}
        self._programs: dict[tuple[str, ...], Program] = {}
        self._redirects = False
        self._others: dict[torch.dtype, Lens] = {}
        self._edit: Callable[[Lens], Lens] = _unedited
        self._made: Made | None = None

    @property
    def layers(self) -> Mapping[str, Layer]:
        """The checkpoint's layers by key, in depth order."""
        return self.checkpoint.layers

    @property
    def image_dtype(self) -> torch.dtype:
        """What pictures are held in: the network's own precision, but never less than 32 bits."""
        return self.dtype if self.dtype.itemsize >= 4 else torch.float32

    def in_dtype(self, dtype: torch.dtype) -> "Lens":
        """The same checkpoint on the same device, computed in another precision; opened once."""
        if dtype == self.dtype:
            return self
        if dtype not in self._others:
            opened = Lens(self.checkpoint, device=self.device, dtype=dtype)
            self._others[dtype] = self._edit(opened)
        return self._others[dtype]

    @property
    def graph(self) -> Graph:
        """What runs: the checkpoint's graph, with its normalisations folded."""
        return self._graph

    @property
    def own_names(self) -> Mapping[str, str]:
        """In an edited lens, by the name that they go by there, the values that an edit changes, before it does."""
        return self._own_names

    @property
    def tensors(self) -> Mapping[str, Tensor]:
        """The weights of what runs, on the lens's device; to be read, not changed."""
        return self._tensors

    def resolve(self, unit: Unit) -> Unit:
        """The unit under its layer's own key; raises NoSuchLayer, NoSuchUnit."""
        return Unit(*self.checkpoint.channel(unit.layer, unit.channel))

    def named(self, subject: Subject) -> Subject:
        """The subject under its layers' own keys; raises NoSuchLayer, NoSuchUnit, BadAddress for part of a layer."""
        if subject.kind == "checkpoint":
            return subject
        if subject.layer is None:
            return Subject(tuple((self.resolve(unit), weight) for unit, weight in subject.terms))
        place = self.checkpoint.place(subject.layer)
        if place.stop - place.start < self.layers[place.layer].channels:
            raise BadAddress(text=subject.layer)
        return Subject((), place.layer)

    @contextmanager
    def redirecting(self, really: bool = True) -> Iterator[None]:
        """Within, ReLUs that are shut for a whole sample redirect its gradient; values are what they always are."""
        before, self._redirects = self._redirects, really
        try:
            yield
        finally:
            self._redirects = before

    @contextmanager
    def editing(
        self,
        edits: Sequence[Mapping[str, Any]],
        *,
        means: Values | None = None,
        donors: Tensor | None = None,
        files: Mapping[str, Path] | None = None,
    ) -> Iterator["Lens"]:
        """A lens on the edited network, for as long as it is needed; this one stays what it is.

        It reads, cuts and answers as this one does, under the same names. Edits are data, as `edit_forms` has them.
        What is set to its `mean` finds it in `means`, [C] by layer and site; what is resampled takes each
        picture's values from the picture in the same place of `donors` [N, 3, H, W]; masks and weights are in `files`
        by their SHA-256. Raises BadParameters, NoPath, NothingToTake, NoSuchMaterial, UnreadableMaterial.
        """
        typed = read(self.checkpoint, edits, files=files)
        yield self.edited(typed, means=means, donors=self.donated(typed, donors))

    def edited(
        self, edits: Sequence[Edit], *, means: Values | None = None, donors: MutableMapping[Place, Tensor] | None = None
    ) -> "Lens":
        """The same without the ceremony, for edits that were read already and values that are known."""
        means, donors = means or {}, {} if donors is None else donors
        if self._made is not None:  # an edited one is made anew: weights come before values, whoever asked first
            whole, before, known, given = self._made
            return whole.edited([*before, *edits], means={**known, **means}, donors=ChainMap(donors, given))
        lens = copy.copy(self)
        lens._made = (self, tuple(edits), means, donors)
        changed = reweighted(self.checkpoint, edits)
        graph, tensors = (self._graph, self._tensors) if changed is self.checkpoint else self._opened(changed)
        lens._graph, lens._own_names = regraphed(self.checkpoint, graph, edits, means=means, donors=donors)
        # What an edit leaves alone is held once, however many edited lenses there are.
        lens._tensors = {name: _kept(self._tensors.get(name), tensor) for name, tensor in tensors.items()}
        lens._programs, lens._others = {}, {}
        lens._edit = lambda opened: opened.edited(edits, means=means, donors=donors)
        return lens

    @torch.no_grad()
    def donated(self, edits: Sequence[Edit], donors: Tensor | None) -> dict[Place, Tensor]:
        """What the layers that are resampled answer to the donors."""
        places = list(dict.fromkeys((edit.layer, edit.site) for edit in needs(edits, RESAMPLE)))
        return dict(zip(places, self.places(places)(donors), strict=True)) if places and donors is not None else {}

    def prepare(self, images: Tensor) -> Tensor:  # [N, 3, H, W] in [0, 1] -> [N, C, H, W]
        """What the network takes, on the lens's device and in its dtype."""
        prepared = self.checkpoint.input_spec.prepare(images.to(device=self.device, dtype=self.image_dtype))
        return prepared.to(self.dtype).contiguous(memory_format=torch.channels_last)

    def __call__(self, images: Tensor) -> Tensor:  # [N, 3, H, W] in [0, 1] -> [N, classes]
        """The network's output."""
        output = self._graph.output
        return self._run(images, [output])[output]

    def reading(
        self, layers: Iterable[str], *, site: str | None = None
    ) -> Callable[[Tensor], dict[str, Tensor]]:  # [N, 3, H, W] -> {name: [N, C, H, W] or [N, C]}
        """A function from images to the values of layers (or branches), by the names that were asked for.

        Without `site` each layer is read at its last one. One pass computes all of them and nothing past the last.
        Raises NoSuchLayer, NoSuchSite.
        """
        names = list(layers)
        read = self.places([(name, site) for name in names])
        return lambda images: dict(zip(names, read(images), strict=True))

    def places(
        self, asked: Iterable[tuple[str, str | None]]
    ) -> Callable[[Tensor], list[Tensor]]:  # [N, 3, H, W] -> [[N, C, H, W] or [N, C]]
        """The same for (layer, site) pairs, in their order: several sites of a layer in one pass."""
        views = [self._view(name, site=site) for name, site in asked]
        targets = [node for view in views for node in view.nodes]

        def read(images: Tensor) -> list[Tensor]:
            values = self._run(images, targets)
            return [view.of(values) for view in views]

        return read

    def watching(self, nodes: Iterable[str], watch: Watch) -> Callable[[Tensor], None]:  # [N, 3, H, W] -> nothing
        """A function from images that shows the values of nodes, [N, C, H, W] or [N, C], one after the other.

        None is kept, so that memory holds what a bare forward pass holds; a value is not to be used afterwards.
        """
        program = Program(self._graph, self._tensors, targets=(), given=[self._graph.input], watched=nodes)

        def run(images: Tensor) -> None:
            program({self._graph.input: self.prepare(images)}, watch=watch)

        return run

    def program(self, targets: Iterable[str]) -> Program:
        """What computes the values of nodes, by name, from what is prepared."""
        wanted = tuple(dict.fromkeys(targets))
        if wanted not in self._programs:
            self._programs[wanted] = Program(self._graph, self._tensors, targets=wanted, given=[self._graph.input])
        return self._programs[wanted]

    def truncated(
        self, layer: str, *, site: str, channels: Sequence[int] | None = None
    ) -> Callable[[Tensor], Tensor]:  # [N, 3, H, W] -> [N, C, H, W] or [N, C]
        """The network up to one site of a layer or branch: nothing past it runs, nor branches it does not read.

        With `channels` only these are returned, in their order, and of a concatenation only their branches run.
        Raises NoSuchLayer, NoSuchSite, NoSuchUnit.
        """
        view = self._view(layer, site=site, channels=channels)
        return lambda images: view.of(self._run(images, view.nodes))

    def prefix(self, layer: str, *, site: str) -> Callable[[Tensor], dict[str, Tensor]]:
        """A function from images to the state at a cut: the site's value and whatever else the rest reads, by node."""
        program = self._suffix(layer, site)
        return lambda images: self._run(images, program.needs)

    def suffix(self, layer: str, *, site: str) -> Callable[[Mapping[str, Tensor]], Tensor]:
        """A function from the state at a cut to the network's output: the rest of the network, and nothing before."""
        program = self._suffix(layer, site)
        return lambda state: program(state)[self._graph.output]

    def cut(self, layer: str, *, site: str) -> tuple[str, ...]:
        """The nodes of the state at a cut that hold the layer's values, side by side."""
        return self._view(layer, site=site).nodes

    def _suffix(self, layer: str, site: str) -> Program:
        cut = self.cut(layer, site=site)
        behind = set(cut)
        for node in self._graph:
            if behind.intersection(node.inputs):
                behind.add(node.name)
        read = {source for name in behind.difference(cut) for source in self._graph[name].inputs}
        outside = [node.name for node in self._graph if node.name in read and node.name not in behind]
        return Program(self._graph, self._tensors, targets=[self._graph.output], given=[*cut, *outside])

    def _opened(self, checkpoint: Checkpoint) -> tuple[Graph, dict[str, Tensor]]:
        """What runs, and the weights of that on the lens's device."""
        plain = (checkpoint.graph, checkpoint.tensors)
        graph, tensors = fold(*plain) if self._folded else plain
        return graph, {name: self._own(tensor) for name, tensor in tensors.items()}

    def _own(self, tensor: Tensor) -> Tensor:
        moved = tensor.detach().to(device=self.device, dtype=self.dtype)
        return moved.contiguous(memory_format=torch.channels_last) if moved.ndim == 4 else moved

    def _view(self, name: str, *, site: str | None, channels: Sequence[int] | None = None) -> "View":
        """Which nodes hold the asked values. A range of a concatenation is read from its branches, not from all."""
        place = self.checkpoint.place(name)
        layer = self.layers[place.layer]
        asked = range(place.stop - place.start) if channels is None else channels
        wanted = [self.checkpoint.channel(name, index)[1] for index in asked]
        parts = layer.require(site or layer.sites[-1])
        if len(wanted) < layer.channels:
            leaves = [leaf for part in parts for leaf in self._leaves(part)]
            parts = tuple(leaf for leaf in leaves if any(leaf.start <= channel < leaf.stop for channel in wanted))
        held = {channel: position for position, channel in enumerate(_channels(parts))}
        order = [held[channel] for channel in wanted]
        return View(tuple(part.node for part in parts), None if order == list(range(len(held))) else order)

    def _leaves(self, part: Part) -> list[Part]:
        """The branches of a concatenation, down to what is none."""
        node = self._graph[part.node]
        if node.op != "concat":
            return [part]
        start, leaves = part.start, []
        for source in node.inputs:
            stop = start + self.checkpoint.sizes[source][1]
            leaves.extend(self._leaves(Part(source, start, stop)))
            start = stop
        return leaves

    def _run(self, images: Tensor, targets: Iterable[str]) -> dict[str, Tensor]:
        return self.program(targets)({self._graph.input: self.prepare(images)}, redirect=self._redirects)


def _kept(known: Tensor | None, tensor: Tensor) -> Tensor:
    """The tensor that is known, where they are equal."""
    return known if known is not None and torch.equal(known, tensor) else tensor


def _unedited(lens: Lens) -> Lens:
    return lens


# Of which lens an edited one is made, by what, with which means and donors.
Made = tuple[Lens, tuple[Edit, ...], Values, MutableMapping[Place, Tensor]]


@dataclass(frozen=True)
class View:
    """Where values are: the channels of nodes, side by side; of these the ones in `order`, or all."""

    nodes: tuple[str, ...]
    order: list[int] | None

    def of(self, values: Mapping[str, Tensor]) -> Tensor:  # {node: [N, C_i, ...]} -> [N, C, ...]
        """The asked channels."""
        parts = [values[node] for node in self.nodes]
        joined = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
        return joined if self.order is None else joined[:, self.order]


def _channels(parts: Iterable[Part]) -> list[int]:
    return [channel for part in parts for channel in range(part.start, part.stop)]
