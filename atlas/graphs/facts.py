"""What a circuit is drawn from: the neurons, how they are joined, and what says so."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A neuron, and what it does here."""

    unit: str
    url: str
    label: str
    group: str
    x: float | None
    y: float | None


@dataclass(frozen=True, slots=True)
class Edge:
    """From one neuron to another: by a link, with what that says and how it stands, or by the job that measured it."""

    source: str
    target: str
    link: str
    link_version: int | None
    finding: str
    relation: str
    sign: str
    state: str  # of the link today; empty in a version, which never changes


@dataclass(frozen=True, slots=True)
class Graph:
    """The neurons that a version of a foothold is about, and the edges between them."""

    accession: str
    version: int
    url: str
    kind: str
    title: str
    checkpoint: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
