"""What a circuit is drawn from: the neurons, how they are joined, and what says so."""

from collections.abc import Mapping
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
    rests_on: str = ""  # the job whose finding the link rests on
    # What was measured of it by `finding` or `rests_on`, where that measured a connection: never changed.
    weights: str = ""  # expanded, best-case, raw, expected
    measured: str = ""  # its sign: +, -, mixed
    norm: float | None = None
    share: float | None = None  # of the target's norm² over the source's whole layer


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


@dataclass(frozen=True, slots=True)
class Picture:
    """Stored bytes to be shown, and what they are for those who do not see them."""

    sha256: str
    url: str
    media_type: str
    size: int  # bytes
    alt: str


@dataclass(frozen=True, slots=True)
class Neuron:
    """A node as a figure shows it: where it lies in the network and what it looks like, as far as anybody has asked."""

    node: Node
    layer: str
    depth: int  # index of its layer
    name: str  # what it is by construction, where the checkpoint says so
    thumbnail: Picture | None
    picture: Picture | None  # the same, larger
    state: str  # of its newest feature visualization; "" when nobody has asked


@dataclass(frozen=True, slots=True)
class Measure:
    """What a finding measured of an edge."""

    finding: str
    kind: str
    norm: float
    sign: str
    share: float  # of the target's norm² over the source's whole layer
    kernel: Picture | None


@dataclass(frozen=True, slots=True)
class Figure:
    """A graph with its pictures, what was measured of each edge, and the places somebody put its neurons into."""

    graph: Graph
    neurons: tuple[Neuron, ...]  # in the order of the graph's nodes
    measures: tuple[Measure | None, ...]  # in the order of the graph's edges
    places: Mapping[str, tuple[float, float]]
    tag: str  # what arranging it anew has to name
