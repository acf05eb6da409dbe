"""What a claim is about and what speaks for it, as pictures: a fixed number of queries, however much there is."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import prefetch_related_objects

from atlas.dossiers.checkpoints import Tile, newest_pictures, tile_of
from atlas.dossiers.footholds import NAMED
from atlas.dossiers.jobs import JobFacts, answers, facts_of
from atlas.dossiers.pictures import ArtifactFacts, Shown
from atlas.dossiers.pictures import facts_of as artifact_facts
from atlas.models import Artifact, Contributor, Foothold, FootholdNeuron, Job, Revision
from atlas.permissions import readable_footholds, readable_jobs
from atlas.services import artifacts

Content = dict[str, Any]
MOST_NEURONS = 40  # with their pictures on one page
MOST_PICTURES = 6  # of one piece of evidence


@dataclass(frozen=True, slots=True)
class Exhibit:
    """A neuron that a claim names, in its role, with its newest picture."""

    unit: str
    role: str
    tile: Tile


@dataclass(frozen=True, slots=True)
class Testimony:
    """What a piece of evidence shows, and what it is taken to say."""

    pictures: tuple[Shown, ...]  # and tables
    interpretation: str


def neurons_of(row: Foothold) -> tuple[Exhibit, ...]:
    """The neurons that the newest version is about, as far as a page has room."""
    if row.checkpoint is None:
        return ()
    prefetch_related_objects([row], NAMED)
    named: list[FootholdNeuron] = row.named  # type: ignore[attr-defined]
    shown = sorted(named, key=lambda it: (it.role, it.neuron.layer.index, it.neuron.channel))[:MOST_NEURONS]
    newest = newest_pictures(Job.objects.filter(neuron__in=[it.neuron_id for it in shown]))
    return tuple(_exhibit(row, it, newest) for it in shown)


def _exhibit(row: Foothold, it: FootholdNeuron, newest: Mapping[tuple[str, int], Job]) -> Exhibit:
    key, channel = it.neuron.layer.key, it.neuron.channel
    assert row.checkpoint is not None
    return Exhibit(f"{key}:{channel}", it.role, tile_of(row.checkpoint, key, channel, newest))


def titles(content: Content, *, actor: Contributor | None) -> dict[str, str]:
    """By accession what the footholds that a content names are called: its family, and its items.

    Asked for only where it names any; those that this person may not read keep their accessions.
    """
    claims = content.get("claims")
    named = {claims.get("family") if isinstance(claims, dict) else None}
    named |= {one.get("foothold") for one in content.get("items") or ()}
    wanted = named - {None, ""}
    rows = Foothold.objects.filter(readable_footholds(actor), accession__in=wanted)
    return dict(rows.values_list("accession", "title")) if wanted else {}


def testimonies(evidence: Sequence[str], *, actor: Contributor | None) -> dict[str, Testimony]:
    """By accession what pieces of evidence show: what their jobs found, and what was uploaded."""
    if not evidence:
        return {}
    contents = _contents(evidence)
    jobs = {one for content in contents.values() for one in content.get("jobs", ())}
    found = {
        it.fingerprint: it
        for it in map(facts_of, answers(Job.objects.filter(readable_jobs(actor), fingerprint__in=jobs)))
    }
    stored = {one for content in contents.values() for one in content.get("artifacts", ())}
    readable = Artifact.objects.filter(artifacts.referred_to(actor), pk__in=stored)
    uploads = {it.sha256: artifact_facts(it) for it in readable}
    return {
        accession: Testimony(
            pictures=(*_of_jobs(content, found), *_of_uploads(content, uploads))[:MOST_PICTURES],
            interpretation=content.get("interpretation", ""),
        )
        for accession, content in contents.items()
    }


def _of_jobs(content: Content, found: Mapping[str, JobFacts]) -> Iterator[Shown]:
    for fingerprint in content.get("jobs", ()):
        job = found.get(fingerprint)
        yield from job.finding.pictures if job and job.finding else ()


def _of_uploads(content: Content, uploads: Mapping[str, ArtifactFacts]) -> Iterator[Shown]:
    for sha256 in content.get("artifacts", ()):
        if sha256 in uploads:
            alt = content.get("alt_text") or "An uploaded picture."
            yield Shown(_role(uploads[sha256]), uploads[sha256], alt, {})


def _role(upload: ArtifactFacts) -> str:
    return "image" if upload.media_type.startswith("image/") else "table"


def _contents(evidence: Sequence[str]) -> dict[str, Content]:
    """What these pieces of evidence say in their newest versions."""
    rows = Foothold.objects.filter(accession__in=evidence).values_list("pk", "accession", "head_version")
    heads = {pk: (accession, version) for pk, accession, version in rows}
    versions = Revision.objects.filter(foothold__in=heads)
    return {heads[it.foothold_id][0]: it.content for it in versions if it.version == heads[it.foothold_id][1]}
