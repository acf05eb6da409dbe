"""The one file that knows both vocabularies: neuron and unit, row and finding, job error and exception."""

import io
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from safetensors.numpy import load

from atlas.errors import AtlasError
from atlas.models import Artifact, DatasetItem, Job
from atlas.models import Checkpoint as CheckpointRow
from atlas.models import Dataset as DatasetRow
from atlas.models import Finding as FindingRow
from atlas.services import artifacts, catalog, connections, questions, recordings
from atlas.services.connections import Measured
from atlas.services.jobs import Shown
from atlas.services.recordings import Recorded
from workers import registration
from workers.interp.address import EVERYTHING, Subject
from workers.interp.checkpoint import Branch, Checkpoint, Figure, InputSpec
from workers.interp.datasets import Dataset, Item
from workers.interp.errors import InterpError, NoSuchMaterial, UnreadableMaterial
from workers.interp.graph import Graph
from workers.interp.lens import Lens
from workers.interp.probe import Blob, Finding, Probe
from workers.interp.probes import PROBES
from workers.interp.standings import Standing
from workers.registration import Refused


def checkpoint(row: CheckpointRow, tensors: Mapping[str, torch.Tensor]) -> Checkpoint:
    """The science's checkpoint of a row, with every name that its units have."""
    aliases = row.aliases.select_related("layer")
    return Checkpoint(
        architecture=row.architecture,
        graph=Graph.from_json(row.graph),
        tensors=dict(tensors),
        input_spec=InputSpec.from_json(row.input_spec),
        task=row.task,
        aliases={alias.name: Branch(alias.name, alias.layer.key, alias.start, alias.stop) for alias in aliases},
        labels=tuple(row.labels),
        figures=tuple(Figure(it["dataset"], it["metric"], it["n"], it["value"]) for it in row.figures),
    )


def subject(job: Job) -> Subject:
    """The units, the layer, or the whole checkpoint, that a job asks about."""
    return Subject.parse(job.subject.get("layer") or job.subject["units"] or EVERYTHING)


def name(job: Job) -> str:
    """What findings call a job's subject; a registration, which has none, is called by its slug."""
    return job.subject_text if job.probe.name == catalog.REGISTER else str(subject(job))


def kinds() -> list[dict[str, Any]]:
    """All that the workers of this checkout answer, as the catalogue publishes it."""
    return [*(kind(probe) for probe in PROBES.values()), registration.KIND]


def kind(probe: Probe) -> dict[str, Any]:
    """A probe as the catalogue publishes it."""
    return {
        "name": probe.name,
        "version": probe.version,
        "summary": probe.summary,
        "description": probe.description,
        "schema": probe.schema,
        "subjects": list(probe.subjects),
        "site": probe.site,
        "example": probe.example,
        "seconds": probe.seconds,
    }


LARGEST_MATERIAL = 16 * 2**20  # bytes: the largest spectrum that is read has 12.6 million


@contextmanager
def materials(job: Job) -> Iterator[list[Path]]:
    """The artifacts that a job's parameters name, as files for as long as they are needed; raises NoSuchMaterial."""
    with tempfile.TemporaryDirectory(prefix="atlas-materials-") as folder:
        paths = [Path(folder) / sha256 for _, sha256 in questions.materials(job.probe, job.params)]
        for path in paths:
            row = Artifact.objects.filter(sha256=path.name).first()
            if row is None:
                raise NoSuchMaterial(sha256=path.name)
            if row.size > LARGEST_MATERIAL:
                reason = f"it has {row.size} bytes, and {LARGEST_MATERIAL} are what a computation is handed"
                raise UnreadableMaterial(sha256=path.name, wanted="small enough", reason=reason)
            with artifacts.open_checked(row) as file, path.open("wb") as copy:
                shutil.copyfileobj(file, copy)
        yield paths


def datasets(job: Job) -> list[Dataset]:
    """The dataset that a job's parameters name; its pictures are opened one by one, when they are looked at."""
    digest = questions.dataset(job.probe, job.params)
    if digest is None:
        return []
    row = DatasetRow.objects.filter(digest=digest).first()
    if row is None:
        raise NoSuchMaterial(sha256=digest)
    return [dataset(row)]


def others(job: Job) -> list[CheckpointRow]:
    """The other checkpoints that a job's parameters name; raises NoSuchMaterial."""
    named = questions.checkpoints(job.probe, job.params)
    rows = {row.digest: row for row in CheckpointRow.objects.filter(digest__in=named)}
    for digest in named:
        if digest not in rows:
            raise NoSuchMaterial(sha256=digest)
    return [rows[digest] for digest in named]


def dataset(row: DatasetRow) -> Dataset:
    """The science's dataset of a row: the items of which pictures are kept."""
    rows = row.items.filter(artifact__isnull=False).select_related("artifact")
    found = Dataset(tuple(Item(it.digest, it.name, it.label, _opener(it)) for it in rows), tuple(row.labels))
    if found.digest != row.digest:
        raise NoSuchMaterial(sha256=str(row.digest))
    return found


def _opener(item: DatasetItem) -> Callable[[], Image.Image]:
    artifact = item.artifact
    assert artifact is not None
    return lambda: Image.open(io.BytesIO(artifacts.read(artifact)))


def shown(blob: Blob) -> Shown:
    """A blob, stored, in its role."""
    return Shown(role=blob.role, artifact=artifacts.keep(blob.data, media_type=blob.media_type), facts=blob.facts)


def rows(job: Job, found: Finding) -> Callable[[FindingRow], None]:
    """What writes the queryable rows of a finding: search, links and lists read them."""
    if job.probe.name == recordings.PROBE:
        return recordings.writing(_recorded(found))
    measured = _connections(found.numbers) if job.probe.name == connections.PROBE else []
    return connections.writing(*measured)


def _recorded(found: Finding) -> Iterator[Recorded]:
    """What a finding says of its unit; of a whole checkpoint, of each, in the numbers that it alone would have."""
    if "layers" not in found.numbers:
        yield Recorded(found.numbers["subject"], found.numbers["site"], found.numbers)
        return
    tables = {blob.role: load(blob.data) for blob in found.blobs if isinstance(blob.data, bytes)}
    column = 0
    for layer in found.numbers["layers"]:
        for channel in range(layer["units"]):
            standing = Standing(tables["statistics"], tables["examples"], column)
            yield Recorded(f"{layer['layer']}:{channel}", layer["site"], standing.numbers())
            column += 1


def _connections(numbers: Mapping[str, Any]) -> list[Measured]:
    """The connections in a finding; those of the picture's colours join no two neurons."""
    edges = [edge for side in ("upstream", "downstream") if side in numbers for edge in numbers[side]["edges"]]
    return [
        Measured(kind=numbers["kind"], **{name: edge[name] for name in ("source", "target", "norm", "sign", "share")})
        for edge in edges
        if edge["source"]
    ]


def error(problem: InterpError | AtlasError) -> dict[str, Any]:
    """An exception of the science or of the record as a job's error; of a refused file, what was wrong with it."""
    if isinstance(problem, Refused):
        return {"slug": problem.reason, "detail": problem.facts["detail"], "facts": {}, "fault": problem.fault}
    slug = problem.slug if isinstance(problem, InterpError) else problem.slug()
    return {"slug": slug, "detail": str(problem), "facts": problem.facts, "fault": problem.fault}


def provenance(lens: Lens, *, started: float) -> dict[str, Any]:
    """With what, where and when a finding was made: enough to make it again."""
    return {
        **made(started),
        "device": str(lens.device),
        "dtype": str(lens.dtype).removeprefix("torch."),
        "threads": torch.get_num_threads(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
    }


def made(started: float) -> dict[str, Any]:
    """What is the same for all answers: the code and its libraries, when it began and how long it took."""
    from workers.drain import versions

    return {
        "code": code_version(),
        "versions": versions(),
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(started)),
        "seconds": round(time.time() - started, 3),
    }


@cache
def code_version() -> str:
    """The commit that runs, from ATLAS_CODE_VERSION or the checkout; `unknown` where there is neither."""
    given = os.environ.get("ATLAS_CODE_VERSION")
    if given:
        return given
    git = Path(__file__).resolve().parent.parent / ".git"
    try:
        head = (git / "HEAD").read_text().strip()
        return head if not head.startswith("ref: ") else (git / head[5:]).read_text().strip()
    except OSError:
        return "unknown"
