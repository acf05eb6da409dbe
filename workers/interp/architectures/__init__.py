"""The networks that can be opened by name: one file per family, one line to register it."""

from collections.abc import Mapping
from typing import Protocol

from workers.interp.architectures import curve_circuit, torchvision
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


ARCHITECTURES = registry("architecture", curve_circuit, torchvision)


def find(name: str) -> Architecture:
    """The family that has a network of this name; raises NoSuchArchitecture, naming the closest."""
    families: list[Architecture] = list(ARCHITECTURES.values())
    for family in families:
        if name in family.names():
            return family
    known = [known for family in families for known in family.names()]
    raise NoSuchArchitecture(architecture=name, closest=closest(name, known))
