"""What stands at an address as a work to cite: built from its dossier, and so the same at both doors."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest

from atlas.citing.facts import Around, Author, Item, Kind, Work
from atlas.citing.licences import CC_BY
from atlas.contents import CONTENTS
from atlas.dossiers.checkpoints import CheckpointDossier
from atlas.dossiers.datasets import DatasetFacts
from atlas.dossiers.figures import FigureDossier, MadeFacts
from atlas.dossiers.footholds import RevisionDossier
from atlas.dossiers.neurons import NeuronDossier

KINDS = {"circuit": Kind.CIRCUIT, "collection": Kind.COLLECTION}


def origin_of(request: HttpRequest) -> str:
    """Where this atlas is known: as its operator says, else as the request came. Citations must not hold a nickname."""
    return settings.ADDRESS or f"{request.scheme}://{request.get_host()}"


def of_checkpoint(found: CheckpointDossier, *, origin: str) -> Work:
    """A checkpoint, by what identifies it: its card may be corrected, its slug and architecture never change."""
    facts = found.checkpoint
    return Work(
        kind=Kind.CHECKPOINT,
        name=facts.slug,
        title=f"Checkpoint {facts.slug} ({facts.architecture})",
        url=f"{origin}{facts.url}",
        publisher=_publisher(origin),
        issued=facts.created_at.date(),
        checkpoint_sha256=facts.digest,
        around=Around(licence=facts.licence),
    )


def of_neuron(found: NeuronDossier, *, origin: str) -> Work:
    """A neuron's identity, which has no author and no date; its newest pictures stand around it."""
    neuron, checkpoint = found.neuron, found.checkpoint
    pictures = [shown.artifact for job in found.answered if job.finding for shown in job.finding.pictures]
    items = tuple(Item(f"{origin}{it.url}", it.media_type) for it in pictures)
    return Work(
        kind=Kind.NEURON,
        name=f"{neuron.checkpoint}/{neuron.unit}",
        title=f"Neuron {neuron.unit} of {neuron.checkpoint} ({checkpoint.architecture})",
        url=f"{origin}{neuron.url}",
        publisher=_publisher(origin),
        checkpoint_sha256=checkpoint.digest,
        part_of=f"{origin}{checkpoint.url}",
        around=Around(items=items, licence=checkpoint.licence),
    )


def of_dataset(facts: DatasetFacts, *, origin: str) -> Work:
    """A dataset, by the digests of its pictures: its title and licence may be corrected, these never change."""
    return Work(
        kind=Kind.DATASET,
        name=facts.slug,
        title=f"Dataset {facts.slug}",
        url=f"{origin}{facts.url}",
        publisher=_publisher(origin),
        issued=facts.created_at.date(),
        content_sha256=facts.digest,
        around=Around(licence=facts.licence),
    )


def of_figure(found: FigureDossier, *, origin: str) -> Work:
    """Bytes by their hash, and the first question whose answer they are."""
    made = found.made[0] if found.made else None
    return Work(
        kind=Kind.FIGURE,
        name=found.artifact.sha256[:16],
        title=_title(made, shows=made.shown.role) if made else f"File {found.artifact.sha256[:16]}",
        url=f"{origin}{found.url}",
        publisher=_publisher(origin),
        issued=made.computed_at.date() if made else found.kept_at.date(),
        checkpoint_sha256=made.checkpoint_sha256 if made else "",
        content_sha256=found.artifact.sha256,
        part_of=f"{origin}{made.job.url}" if made else "",
        around=Around(items=(Item(f"{origin}{found.artifact.url}", found.artifact.media_type),)),
    )


def of_plot(made: MadeFacts, *, name: str, origin: str) -> Work:
    """A drawing of a finding's numbers: it can be drawn anew from them, so that the question is what names it."""
    return Work(
        kind=Kind.FIGURE,
        name=made.job.fingerprint[:16],
        title=_title(made, shows=name),
        url=f"{origin}{made.job.url}",
        publisher=_publisher(origin),
        issued=made.computed_at.date(),
        checkpoint_sha256=made.checkpoint_sha256,
    )


def _title(made: MadeFacts, *, shows: str) -> str:
    job = made.job
    about = "all neurons" if job.subject == "*" else job.subject
    return f"{shows.capitalize()} of {about} of {job.checkpoint}, by {job.probe} version {job.version}"


def of_version(found: RevisionDossier, *, origin: str, items: tuple[Item, ...] = ()) -> Work:
    """A foothold in one version: what is cited is what was said then, by those whose words it holds."""
    facts = found.revision
    here = f"{origin}/f/{found.accession}"
    return Work(
        kind=KINDS.get(found.kind, Kind.FOOTHOLD),
        name=found.accession,
        title=CONTENTS[found.kind].title(found.content),
        url=f"{origin}{facts.url}",
        publisher=_publisher(origin),
        authors=tuple(Author(it.name, it.orcid, f"{origin}{it.url}", whole=it.erased) for it in found.authors),
        issued=facts.at.date(),
        version=facts.version,
        checkpoint_sha256=found.checkpoint_sha256 or "",
        content_sha256=facts.content_sha256,
        licence=CC_BY,
        part_of=f"{origin}/c/{found.checkpoint}" if found.checkpoint else "",
        around=Around(items=items, latest=here, history=f"{here}/history"),
    )


def _publisher(origin: str) -> str:
    return f"{urlsplit(origin).hostname} Atlas"
