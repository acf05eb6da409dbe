"""A circuit as a figure: its neurons' pictures, what was measured of its edges, and where somebody put them.

The newest version shows what is known today. An older one shows what was known until the next one was written: from
then on nothing in its figure changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from atlas.dossiers import circuits
from atlas.dossiers.checkpoints import Tile, newest_pictures, tile_of
from atlas.dossiers.pictures import Shown, alt_of
from atlas.dossiers.pictures import facts_of as artifact_facts
from atlas.dossiers.wirings import SIDES, asked_of
from atlas.errors import ArtifactCorrupt, ArtifactMissing
from atlas.graphs.facts import Edge, Figure, Graph, Measure, Neuron, Node, Picture
from atlas.models import Artifact, Checkpoint, Connection, Contributor, FindingArtifact, Foothold, Revision
from atlas.models import Neuron as NeuronRow
from atlas.permissions import readable_jobs
from atlas.services import arrangements, artifacts
from atlas.services.connections import named

KINDS = ("expanded", "best-case", "expected", "raw")  # the first that was measured is drawn
LARGEST = 4 << 20  # bytes of pictures in one file; beyond, thumbnails stand for them
Pairs = Mapping[tuple[str, str], Sequence[Connection]]


def figure(row: Foothold, *, actor: Contributor | None, version: int | None = None) -> Figure:
    """The figure of a foothold's newest version, or of the one that is named, in a fixed number of queries.

    Raises NoSuchFoothold, Gone, NoSuchVersion.
    """
    drawn = circuits.graph(row.accession, actor=actor, version=None if version is None else str(version))
    until = _replaced_at(row, drawn.version)
    arranged = arrangements.of(row, drawn.version)
    checkpoint = row.checkpoint
    if checkpoint is None:
        return Figure(drawn, (), (None,) * len(drawn.edges), arranged.places, arranged.tag)
    return Figure(
        graph=drawn,
        neurons=_neurons(drawn.nodes, checkpoint, until),
        measures=_measures(row, drawn, actor=actor, until=until),
        places=arranged.places,
        tag=arranged.tag,
    )


def bytes_of(drawn: Figure) -> dict[str, bytes]:
    """The pictures of a figure by their hash, for a file that holds them itself; what is lost is left out."""
    large = [it.picture for it in drawn.neurons if it.picture]
    small = [it.thumbnail for it in drawn.neurons if it.thumbnail]
    chosen = large if sum(it.size for it in large) <= LARGEST else small
    kernels = [it.kernel for it in drawn.measures if it and it.kernel]
    rows = Artifact.objects.filter(sha256__in={it.sha256 for it in (*chosen, *kernels)})
    found = {}
    for row in rows:
        try:
            found[row.sha256] = artifacts.read(row)
        except (ArtifactMissing, ArtifactCorrupt):  # a blank says so; doctor says which
            continue
    return found


def _replaced_at(row: Foothold, version: int) -> datetime | None:
    """When the next version was written; None of the newest."""
    if version == row.head_version:
        return None
    return Revision.objects.values_list("at", flat=True).get(foothold=row, version=version + 1)


def _neurons(nodes: Sequence[Node], of: Checkpoint, until: datetime | None) -> tuple[Neuron, ...]:
    asked = asked_of([node.unit for node in nodes], of)
    newest = newest_pictures(asked if until is None else asked.filter(finding__created_at__lt=until))
    depths = dict(of.layers.values_list("key", "index"))
    found = []
    for node in nodes:
        layer, _, channel = node.unit.rpartition(":")
        tile = tile_of(of, layer, int(channel), newest)
        found.append(_neuron(node, layer, depths.get(layer, 0), tile))
    return tuple(found)


def _neuron(node: Node, layer: str, depth: int, tile: Tile) -> Neuron:
    shown = tile.finding
    thumbnail = _picture(shown.thumbnail) if shown and shown.thumbnail else None
    picture = _picture(shown.pictures[0]) if shown and shown.pictures else thumbnail
    return Neuron(node, layer, depth, tile.name, thumbnail or picture, picture, tile.state)


def _picture(shown: Shown) -> Picture:
    facts = shown.artifact
    return Picture(facts.sha256, facts.url, facts.media_type, facts.size, shown.alt)


# --- what was measured ------------------------------------------------------------------------------------------------
def _measures(
    row: Foothold, drawn: Graph, *, actor: Contributor | None, until: datetime | None
) -> tuple[Measure | None, ...]:
    """Of each edge what the finding it rests on measured; of a link that rests on none, what is known of its ends."""
    if not drawn.edges:
        return ()
    pairs = _connections(row, drawn, actor=actor, until=until)
    chosen = [_chosen(edge, pairs.get((edge.source, edge.target), ())) for edge in drawn.edges]
    shown = kernels({it.finding_id for it in chosen if it})
    return tuple(_measure(it, shown) if it else None for it in chosen)


def _connections(row: Foothold, drawn: Graph, *, actor: Contributor | None, until: datetime | None) -> Pairs:
    ends = NeuronRow.objects.filter(named(it.unit for it in drawn.nodes), layer__checkpoint=row.checkpoint).values("pk")
    rows = Connection.objects.filter(readable_jobs(actor, "finding__job__"), source__in=ends, target__in=ends)
    if until is not None:
        rows = rows.filter(finding__created_at__lt=until)
    found: dict[tuple[str, str], list[Connection]] = {}
    for it in rows.select_related("source__layer", "target__layer", "finding__job").order_by("-id"):
        source, target = (f"{end.layer.key}:{end.channel}" for end in (it.source, it.target))
        found.setdefault((source, target), []).append(it)
    return found


def _chosen(edge: Edge, measured: Sequence[Connection]) -> Connection | None:
    """What the edge's own finding says of it; of a link's, what it rests on, else the newest of the first kind."""
    finding = edge.finding or edge.rests_on
    if finding:
        return next((it for it in measured if it.finding.job.fingerprint == finding), None)
    return min(measured, key=lambda it: KINDS.index(it.kind) if it.kind in KINDS else len(KINDS), default=None)


def kernels(findings: Iterable[int]) -> dict[tuple[int, str, str], Picture]:
    """By finding, source and target the picture of the weights between them, in one query."""
    rows = FindingArtifact.objects.filter(finding__in=findings, role="kernel")
    found = {}
    for it in rows.select_related("artifact", "finding"):
        edge = _edge_of(it.finding.numbers, it.facts)
        if edge:
            facts = artifact_facts(it.artifact)
            alt = alt_of(it.facts, subject=str(edge["target"]))
            picture = Picture(facts.sha256, facts.url, facts.media_type, facts.size, alt)
            found[it.finding_id, str(edge["source"]), str(edge["target"])] = picture
    return found


def _edge_of(numbers: Mapping[str, Any], facts: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The connection that a kernel is of."""
    side, rank = facts.get("direction"), facts.get("rank")
    edges = numbers.get(side, {}).get("edges", ()) if side in SIDES else ()
    return edges[rank] if isinstance(rank, int) and 0 <= rank < len(edges) else None


def _measure(it: Connection, shown: Mapping[tuple[int, str, str], Picture]) -> Measure:
    source, target = (f"{end.layer.key}:{end.channel}" for end in (it.source, it.target))
    return Measure(
        finding=it.finding.job.fingerprint,
        kind=it.kind,
        norm=it.norm,
        sign=it.sign,
        share=it.share,
        kernel=shown.get((it.finding_id, source, target)),
    )
