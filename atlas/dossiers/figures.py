"""A stored picture or file: how it was made, what it is of, and under which name it is kept outside."""

import re
from dataclasses import dataclass
from datetime import datetime

from atlas.dossiers.jobs import FindingFacts, JobFacts, facts_of, with_answer
from atlas.dossiers.pictures import ArtifactFacts, Shown, shown
from atlas.dossiers.pictures import facts_of as artifact_facts
from atlas.models import Artifact, Contributor, DatasetItem, FindingArtifact, Foothold, Job
from atlas.permissions import readable_dataset, readable_footholds, readable_jobs
from atlas.services import artifacts, jobs
from atlas.services.artifacts import EXTENSIONS, SHOWN

MOST = 20  # questions, datasets or claims that one picture is shown by
UNSAFE = re.compile(r"[^A-Za-z0-9._+-]+")


@dataclass(frozen=True, slots=True)
class MadeFacts:
    """A question whose answer holds this: in which role, of which function and under which licence."""

    job: JobFacts
    shown: Shown
    checkpoint_sha256: str
    licence: str  # of the checkpoint
    computed_at: datetime


@dataclass(frozen=True, slots=True)
class PlaceOfFacts:
    """What else shows it: a dataset that has it as an item, a claim whose evidence it is."""

    what: str
    name: str
    url: str
    note: str


@dataclass(frozen=True, slots=True)
class FigureDossier:
    """A stored file and all that this reader may know of where it comes from."""

    artifact: ArtifactFacts
    url: str
    alt: str
    file_name: str  # what it is saved as: says what it is
    is_picture: bool
    kept_at: datetime
    made: tuple[MadeFacts, ...]
    elsewhere: tuple[PlaceOfFacts, ...]


def figure(sha256: str, *, actor: Contributor | None) -> FigureDossier:
    """The dossier of one artifact; raises NoSuchArtifact."""
    row = artifacts.find(sha256, actor=actor)
    made = _made(row, actor)
    elsewhere = (*_items(row, actor), *_claims(row, actor))
    alt = made[0].shown.alt if made else f"{elsewhere[0].name}, of {elsewhere[0].note}" if elsewhere else "A file"
    return FigureDossier(
        artifact=artifact_facts(row),
        url=f"/figures/{row.sha256}",
        alt=alt,
        file_name=_named(made[0] if made else None, row),
        is_picture=row.media_type in SHOWN,
        kept_at=row.created_at,
        made=made,
        elsewhere=elsewhere,
    )


def drawn(fingerprint: str, *, actor: Contributor | None) -> MadeFacts | None:
    """The question whose numbers are drawn, None while it has no answer; raises NoSuchJob."""
    found = jobs.find(fingerprint, actor=actor)
    row = with_answer(Job.objects.filter(pk=found.pk)).get()
    facts = facts_of(row)
    if facts.finding is None:
        return None
    first = facts.finding.shown[0] if facts.finding.shown else _none(row)
    return _of(row, facts, first, facts.finding)


def bytes_of(addresses: set[str], *, actor: Contributor | None) -> dict[str, tuple[str, bytes]]:
    """(media type, bytes) of artifacts by hash, as far as this reader may have them."""
    rows = Artifact.objects.filter(artifacts.referred_to(actor), sha256__in=addresses, media_type__in=SHOWN)
    return {row.sha256: (row.media_type, artifacts.read(row)) for row in rows}


def file_name(made: MadeFacts | None, *, sha256: str, extension: str, shows: str = "") -> str:
    """`miniception-mixed3a-5-feature-visualization-image-positive-seed0-1f2e3d4c.png`."""
    if made is None:
        return f"{sha256[:16]}.{extension}"
    about = made.shown.facts
    seed = "" if made.shown.seed is None else f"seed{made.shown.seed}"
    parts = [made.job.checkpoint, made.job.subject.replace("*", "all"), made.job.probe, shows or made.shown.role]
    parts += [str(about.get("polarity", "")), seed] if not shows else []
    name = "-".join(UNSAFE.sub("-", part).strip("-") for part in parts if part)
    return f"{name[:120]}-{sha256[:8]}.{extension}"


def _named(made: MadeFacts | None, row: Artifact) -> str:
    return file_name(made, sha256=row.sha256, extension=EXTENSIONS.get(row.media_type, "bin"))


def _made(row: Artifact, actor: Contributor | None) -> tuple[MadeFacts, ...]:
    """The answers that hold it, the oldest first; in four queries."""
    held = FindingArtifact.objects.filter(readable_jobs(actor, "finding__job__"), artifact=row).order_by("pk")
    by_job = {one.finding.job_id: one for one in held.select_related("finding", "artifact")[:MOST]}
    found = []
    for job in with_answer(Job.objects.filter(pk__in=by_job)).order_by("pk"):
        facts = facts_of(job)
        assert facts.finding is not None
        found.append(_of(job, facts, shown(by_job[job.pk], subject=job.subject_text), facts.finding))
    return tuple(found)


def _of(row: Job, facts: JobFacts, what: Shown, finding: FindingFacts) -> MadeFacts:
    return MadeFacts(facts, what, row.checkpoint.digest or "", row.checkpoint.licence, finding.created_at)


def _none(row: Job) -> Shown:
    """For a finding of numbers alone."""
    return Shown("numbers", ArtifactFacts("", "", 0, ""), row.subject_text, {})


def _items(row: Artifact, actor: Contributor | None) -> tuple[PlaceOfFacts, ...]:
    items = DatasetItem.objects.filter(readable_dataset(actor, "dataset__"), artifact=row).select_related("dataset")
    return tuple(
        PlaceOfFacts("dataset", one.name, f"/d/{one.dataset.digest}", f"{one.dataset.title}, {one.dataset.licence}")
        for one in items.order_by("pk")[:MOST]
    )


def _claims(row: Artifact, actor: Contributor | None) -> tuple[PlaceOfFacts, ...]:
    rows = Foothold.objects.filter(readable_footholds(actor), shows__artifact=row).order_by("pk")
    return tuple(PlaceOfFacts("foothold", one.title, f"/f/{one.accession}", one.accession) for one in rows[:MOST])
