"""A finding and the claims it could speak for or against: what somebody is offered who wants to use it as evidence."""

from dataclasses import dataclass

from atlas.belonging import belongs
from atlas.dossiers.footholds import MOST_LISTED, FootholdFacts, listed, readable_by
from atlas.dossiers.jobs import JobFacts, with_answer
from atlas.dossiers.jobs import facts_of as job_facts
from atlas.models import Contributor, Foothold, Job, Role
from atlas.services import jobs
from atlas.services.evidence import CLAIMS

OPEN = (Foothold.Standing.OPEN, Foothold.Standing.DRAFT)


@dataclass(frozen=True, slots=True)
class Receivers:
    """A finished job, and the claims that take evidence from this person, those of its neuron if it has one."""

    job: JobFacts
    unit: str  # layer:channel; empty for a job of a whole layer, or of several units
    claims: tuple[FootholdFacts, ...]  # newest first
    may_claim: bool


def receivers(fingerprint: str, *, actor: Contributor, unit: str = "") -> Receivers:
    """For a job that this person may read; `unit` says of which neuron, where a job is about many. Raises NoSuchJob."""
    row = with_answer(Job.objects.filter(pk=jobs.find(fingerprint, actor=actor).pk)).get()
    facts = job_facts(row)
    about = facts.subject if facts.neuron_url else unit
    may_claim = belongs(actor, Role.READER)
    rows = readable_by(actor).filter(checkpoint=row.checkpoint_id, kind__in=CLAIMS, standing__in=OPEN)
    layer, _, channel = about.rpartition(":")
    if layer and channel.isascii() and channel.isdigit() and len(channel) < 8:
        rows = rows.filter(neurons__neuron__layer__key=layer, neurons__neuron__channel=int(channel)).distinct()
    shown = rows.order_by("-id")[:MOST_LISTED] if may_claim else ()
    return Receivers(facts, about, tuple(listed(shown, actor=actor)), may_claim)
