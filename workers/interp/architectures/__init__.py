"""The networks that can be opened by name: one file per family, one line to register it."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from workers.interp.architectures import cifar_resnet, curve_circuit, inceptionv1, lenet, miniception, torchvision
from workers.interp.errors import NoSuchArchitecture
from workers.interp.graph import Graph
from workers.interp.registry import closest, registry


class Architecture(Protocol):
    """A family of networks. Each module in this folder is one."""

    @property
    def name(self) -> str:
        """The family's name."""

    def names(self) -> tuple[str, ...]:
        """The names of its networks."""

    def graph(self, name: str) -> Graph:
        """The layer graph of a network; raises UnsupportedArchitecture."""

    def shapes(self, name: str) -> Mapping[str, tuple[int, ...]]:
        """The shape of every tensor that the graph needs."""

    def spare(self, name: str) -> frozenset[str]:
        """Tensors that a file of this network may hold besides, and that never run."""


@runtime_checkable
class Named(Protocol):
    """A family that knows further names for its layers and branches, from a paper."""

    def aliases(self, name: str) -> Mapping[str, str]:
        """The key of a layer, or the name of a branch, by the further name."""


@runtime_checkable
class Sized(Protocol):
    """A family that knows what size of input its networks were made for."""

    def side(self, name: str) -> int:
        """The side in pixels."""


ARCHITECTURES = registry("architecture", curve_circuit, miniception, inceptionv1, cifar_resnet, lenet, torchvision)
USUAL = 224  # pixels a side, where a family says nothing else


def find(name: str) -> Architecture:
    """The family that has a network of this name; raises NoSuchArchitecture, naming the closest."""
    families: list[Architecture] = list(ARCHITECTURES.values())
    for family in families:
        if name in family.names():
            return family
    known = [known for family in families for known in family.names()]
    raise NoSuchArchitecture(architecture=name, closest=closest(name, known))


def aliases(name: str) -> Mapping[str, str]:
    """Further names for the layers and branches of a network, by what they stand for; most have none."""
    family = find(name)
    return family.aliases(name) if isinstance(family, Named) else {}


def side(name: str) -> int:
    """The side in pixels of the input that a network was made for."""
    family = find(name)
    return family.side(name) if isinstance(family, Sized) else USUAL
