"""What a neuron of a circuit listens to, as far as it was measured, and what of that is in the circuit already."""

from dataclasses import dataclass
from typing import Any

from atlas.dossiers import connections
from atlas.dossiers.checkpoints import Tile, newest_pictures, tile_of
from atlas.dossiers.connections import ConnectionFacts
from atlas.dossiers.drawings import KINDS, kernels
from atlas.dossiers.wirings import asked_of
from atlas.errors import NoSuchAddress
from atlas.graphs.facts import Picture
from atlas.models import Checkpoint, Contributor, Foothold, Job
from atlas.permissions import permits
from atlas.services import addresses, circuits, footholds

LISTED, CHOSEN = 16, 5  # the strongest, and how many of these are ticked at first


@dataclass(frozen=True, slots=True)
class InputFacts:
    """A neuron that acts on another, and how."""

    edge: ConnectionFacts
    tile: Tile
    kernel: Picture | None
    is_node: bool
    is_drawn: bool  # as an edge of the circuit
    chosen: bool


@dataclass(frozen=True, slots=True)
class InputsDossier:
    """The strongest inputs of a neuron by one kind of weights, strongest first; without a neuron, those to choose."""

    accession: str
    title: str
    version: int
    checkpoint: str
    nodes: tuple[str, ...]
    unit: str
    kind: str
    kinds: tuple[str, ...]  # that were measured
    inputs: tuple[InputFacts, ...]
    open: tuple[str, ...]  # fingerprints of the questions about it that are on their way
    answered: bool  # whether any was answered
    may_measure: bool


def of(row: Foothold, unit: str, *, kind: str, actor: Contributor) -> InputsDossier:
    """The dossier of one of a circuit's neurons; raises NoSuchAddress for what is none of them."""
    content = footholds.revision(row, row.head_version).content
    nodes = tuple(node["unit"] for node in content["nodes"])
    if unit and unit not in nodes:
        raise NoSuchAddress(address=f"/f/{row.accession}/inputs?unit={unit}")
    assert row.checkpoint is not None
    facts: dict[str, Any] = {"kind": "", "kinds": (), "inputs": (), "open": (), "answered": False}
    if unit:
        facts = _measured(row, row.checkpoint, unit, content, kind=kind, actor=actor)
    return InputsDossier(
        accession=row.accession,
        title=row.title,
        version=row.head_version,
        checkpoint=row.checkpoint.slug,
        nodes=nodes,
        unit=unit,
        may_measure=permits(actor, "job.request", row.checkpoint),
        **facts,
    )


def _measured(
    row: Foothold, checkpoint: Checkpoint, unit: str, content: dict[str, Any], *, kind: str, actor: Contributor
) -> dict[str, Any]:
    layer, _, channel = unit.rpartition(":")
    place = addresses.neuron(checkpoint, layer, channel)
    rows = connections.of_neuron(place, actor=actor, direction="upstream")
    known = set(rows.order_by().values_list("kind", flat=True))
    kinds = tuple(it for it in KINDS if it in known)
    chosen = kind if kind in kinds else next(iter(kinds), "")
    strongest = list(connections.with_ends(rows.filter(kind=chosen)).order_by("-norm", "-id")[:LISTED])
    asked = dict(circuits.asked_of(row, place, actor=actor).values_list("fingerprint", "state"))
    return {
        "kind": chosen,
        "kinds": kinds,
        "inputs": tuple(_inputs(strongest, checkpoint, unit, content)),
        "open": tuple(it for it, state in asked.items() if state in Job.OPEN),
        "answered": Job.State.DONE in asked.values(),
    }


def _inputs(strongest: list[Any], checkpoint: Checkpoint, unit: str, content: dict[str, Any]) -> list[InputFacts]:
    nodes = {node["unit"] for node in content["nodes"]}
    drawn = {edge["source"] for edge in content.get("edges", []) if edge["target"] == unit}
    edges = connections.facts(strongest)
    newest = newest_pictures(asked_of([it.source for it in edges], checkpoint))
    shown = kernels({it.finding_id for it in strongest})
    found: list[InputFacts] = []
    for row, edge in zip(strongest, edges, strict=True):
        layer, _, channel = edge.source.rpartition(":")
        left = CHOSEN - sum(it.chosen for it in found)
        found.append(
            InputFacts(
                edge=edge,
                tile=tile_of(checkpoint, layer, int(channel), newest),
                kernel=shown.get((row.finding_id, edge.source, edge.target)),
                is_node=edge.source in nodes,
                is_drawn=edge.source in drawn,
                chosen=edge.source not in drawn and left > 0,
            )
        )
    return found
