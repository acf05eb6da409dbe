"""Circuits grown from what was measured: begun with a neuron's connections, and given a neuron's strongest inputs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from atlas.errors import Validation
from atlas.models import Checkpoint, Connection, Contributor, Foothold, Job, Revision
from atlas.permissions import readable_jobs
from atlas.services import addresses, footholds, jobs
from atlas.services.connections import PROBE
from atlas.services.questions import ask

MOST = 12  # neurons that a circuit is begun with, besides the one they feed
SAID = "Adds the strongest inputs of {unit}."


@dataclass(frozen=True, slots=True)
class Input:
    """A neuron that another one listens to, and the job that measured it."""

    source: str
    finding: str


def begun(checkpoint: Checkpoint, unit: str, finding: str, *, actor: Contributor) -> dict[str, Any]:
    """A circuit of a neuron and what it listens to as a job measured it, for its author to go on with; raises nothing.

    Where that job measured nothing of the kind, the neuron alone.
    """
    layer, _, channel = unit.rpartition(":")
    if not channel.isdecimal():
        return {}
    rows = Connection.objects.filter(
        readable_jobs(actor, "finding__job__"),
        finding__job__fingerprint=finding,
        finding__job__checkpoint=checkpoint,
        target__layer__key=layer,
        target__channel=int(channel[:9]),
    )
    strongest = rows.select_related("source__layer").order_by("-norm", "id")[:MOST]
    inputs = [Input(f"{it.source.layer.key}:{it.source.channel}", finding) for it in strongest]
    title = f"What {unit} is made of" if inputs else ""
    return grown({"title": title, "nodes": [{"unit": unit}], "edges": []}, unit, inputs)


def grow(
    *, actor: Contributor, foothold: Foothold, unit: str, inputs: Sequence[Input], based_on: int, summary: str = ""
) -> Revision:
    """Add inputs of one of its neurons to a circuit, as a new version on top of the one its author was looking at.

    Raises what `footholds.revise` does, and Validation where nothing was chosen, or of what is no circuit.
    """
    if foothold.kind != Foothold.Kind.CIRCUIT:
        raise Validation(errors=[{"pointer": "", "code": "not-a-circuit", "detail": "Only a circuit is grown."}])
    content = footholds.revision(foothold, based_on).content
    if not inputs:
        raise Validation(errors=[{"pointer": "/input", "code": "required", "detail": "Choose at least one."}])
    said = summary.strip() or SAID.format(unit=unit)
    after = grown(content, unit, inputs)
    return footholds.revise(actor=actor, foothold=foothold, content=after, based_on=based_on, summary=said)


def grown(content: dict[str, Any], unit: str, inputs: Iterable[Input]) -> dict[str, Any]:
    """A circuit with these inputs of a neuron in it; what it has already, it has once."""
    nodes, edges = list(content["nodes"]), list(content.get("edges", []))
    known = {node["unit"] for node in nodes}
    drawn = {(edge["source"], edge["target"]) for edge in edges}
    for it in inputs:
        if it.source not in known:
            nodes.append({"unit": it.source})
            known.add(it.source)
        if (it.source, unit) not in drawn:
            edges.append({"source": it.source, "target": unit, "finding": it.finding})
            drawn.add((it.source, unit))
    return {**content, "nodes": nodes, "edges": edges}


def measure(*, actor: Contributor, foothold: Foothold, unit: str) -> Job:
    """Ask which neurons one of a circuit's listens to; known questions are not asked again."""
    assert foothold.checkpoint is not None
    about: dict[str, Any] = {"subjects": [unit], "site": None, "params": {}, "many": False}
    questions = ask(checkpoint=foothold.checkpoint, probe=PROBE, **about)
    return jobs.request(actor=actor, checkpoint=foothold.checkpoint, questions=questions).jobs[0]


def asked_of(foothold: Foothold, place: addresses.Place, *, actor: Contributor) -> QuerySet[Job]:
    """The questions about a neuron's connections, newest first."""
    assert place.channel is not None
    rows = Job.objects.filter(readable_jobs(actor), checkpoint=foothold.checkpoint, probe__name=PROBE)
    return rows.filter(neuron__layer=place.layer, neuron__channel=place.channel).order_by("-id")
