"""A circuit as a graph: the neurons of a version, its edges, and what the links say on which these rest."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from atlas.contents import CONTENTS
from atlas.dossiers import connections
from atlas.dossiers.connections import ConnectionFacts
from atlas.graphs.facts import Edge, Graph, Node
from atlas.models import Checkpoint, Contributor, Foothold, Revision
from atlas.permissions import readable_footholds
from atlas.services import footholds, standing

Links = Mapping[str, Revision]


def graph(accession: str, *, actor: Contributor | None, version: str | None = None) -> Graph:
    """The graph of a foothold; of any but a circuit and a link its neurons alone.

    The newest version shows its links as they are; a version that is named shows what they said when it was written,
    and so is the same for ever to who may read them. Raises NoSuchFoothold, Gone, NoSuchVersion.
    """
    row = footholds.find(accession, actor=actor)
    head = version is None
    revision = footholds.revision(row, row.head_version) if version is None else footholds.revision_named(row, version)
    edges = _edges_of(row, revision.content)
    named = {edge["link"] for edge in edges if "link" in edge}
    links = _links(named, actor=actor, until=None if head else revision.at)
    states = _states(named, actor=actor) if head else {}
    drawn = [_edge(it, links, states) for it in edges]
    return Graph(
        accession=row.accession,
        version=revision.version,
        url=f"/f/{row.accession}/v{revision.version}",
        kind=row.kind,
        title=CONTENTS[row.kind].title(revision.content),
        checkpoint=row.checkpoint.slug if row.checkpoint else "",
        nodes=_nodes_of(row, revision.content),
        edges=_measured(drawn, row.checkpoint, actor=actor),
    )


def _edges_of(row: Foothold, content: dict[str, Any]) -> list[dict[str, Any]]:
    if row.kind == Foothold.Kind.LINK:
        return [{"source": content["source"], "target": content["target"], "link": row.accession}]
    return list(content.get("edges", [])) if row.kind == Foothold.Kind.CIRCUIT else []


def _nodes_of(row: Foothold, content: dict[str, Any]) -> tuple[Node, ...]:
    """The nodes as a circuit lists them; of all else the neurons it is about, each once."""
    units = (it.text for it in CONTENTS[row.kind].mentions(content) if it.what == "unit")
    listed = content["nodes"] if row.kind == Foothold.Kind.CIRCUIT else [{"unit": it} for it in dict.fromkeys(units)]
    return tuple(_node(it, row.checkpoint.slug if row.checkpoint else "") for it in listed)


def _node(it: dict[str, Any], slug: str) -> Node:
    layer, _, channel = it["unit"].rpartition(":")
    url = f"/c/{slug}/{layer}/{channel}"
    return Node(it["unit"], url, it.get("label", ""), it.get("group", ""), it.get("x"), it.get("y"))


def _edge(it: dict[str, Any], links: Links, states: Mapping[str, str]) -> Edge:
    accession = it.get("link", "")
    said = links.get(accession)
    return Edge(
        source=it["source"],
        target=it["target"],
        link=accession,
        link_version=said.version if said else None,
        finding=it.get("finding", ""),
        relation=said.content["relation"] if said else "",
        sign=said.content["sign"] if said else "",
        state=states.get(accession, ""),
        rests_on=(said.content["rests_on"] or {}).get("finding") or "" if said else "",
    )


def _measured(edges: Sequence[Edge], of: Checkpoint | None, *, actor: Contributor | None) -> tuple[Edge, ...]:
    """The edges with what the findings say of them on which they rest."""
    asked = [(it.finding or it.rests_on, it.source, it.target) for it in edges]
    found = connections.measured([it for it in asked if it[0]], of=of, actor=actor) if of else {}
    return tuple(_weighed(edge, found.get(it)) for edge, it in zip(edges, asked, strict=True))


def _weighed(edge: Edge, found: ConnectionFacts | None) -> Edge:
    if found is None:
        return edge
    return replace(edge, weights=found.kind, measured=found.sign, norm=found.norm, share=found.share)


def _links(accessions: set[str], *, actor: Contributor | None, until: datetime | None) -> Links:
    """What each link said in its newest version, or in its newest of some moment, as far as this person may read it."""
    rows = Revision.objects.filter(readable_footholds(actor, "foothold__"), foothold__accession__in=accessions)
    if until is not None:
        rows = rows.filter(at__lte=until)
    return {it.foothold.accession: it for it in rows.select_related("foothold").order_by("version")}


def _states(accessions: set[str], *, actor: Contributor | None) -> Mapping[str, str]:
    rows = Foothold.objects.filter(readable_footholds(actor), accession__in=accessions).select_related("team")
    hidden = standing.hidden_among(rows, actor)
    return {row.accession: standing.shown(row, hidden=row.pk in hidden) for row in rows}
