"""What a probe is: a question with a schema, put to a lens, that yields one finding per subject as it goes."""

import hashlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from workers.interp.address import Subject
from workers.interp.datasets import Dataset
from workers.interp.errors import InterpError, NoSuchMaterial
from workers.interp.lens import Lens
from workers.interp.parameters import Params
from workers.interp.plan import Plan

SAFETENSORS = "application/x-safetensors"  # the media type of arrays


@dataclass(frozen=True, slots=True)
class Blob:
    """Bytes in their role (`image`, `thumbnail`, …). `facts` say what they show: seed, polarity, width, height, alt.

    What is too large for memory is a file, which is there until the next answer is asked for.
    """

    role: str
    media_type: str
    data: bytes | Path = field(repr=False)
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A picture on its way, after so many steps."""

    subject: Subject
    step: int
    blob: Blob


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is, in steps, and what can be shown already."""

    done: int
    of: int
    snapshots: tuple[Snapshot, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one subject. `plan` says in what company it was computed, for the provenance."""

    subject: Subject
    numbers: dict[str, Any]
    blobs: tuple[Blob, ...]
    plan: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why there is no finding about one subject, whatever becomes of the others."""

    subject: Subject
    error: InterpError


Answers = Iterator[Finding | Failure]
Observe = Callable[[Progress], None]


@dataclass(frozen=True, slots=True)
class Materials:
    """What parameters name: files by their SHA-256, datasets and other checkpoints by their digest; and a folder.

    What a computation leaves in `scratch` it finds there when the same question is asked again after an interruption.
    """

    files: Mapping[str, Path]
    datasets: Mapping[str, Dataset]
    checkpoints: Mapping[str, Lens] = field(default_factory=dict)
    scratch: Path | None = None


def unseen(progress: Progress) -> None:
    """Nobody watches."""


class Compute(Protocol):
    """The function behind a probe."""

    __doc__: str | None

    def __call__(
        self,
        lens: Lens,
        subjects: Sequence[Subject],
        params: Any,
        *,
        site: str | None,
        plan: Plan,
        observe: Observe,
        materials: Materials,
    ) -> Answers:
        """One finding or failure for each subject, in order; without a site each subject is read where it is usual.

        `materials` are the artifacts and datasets that the parameters name.
        """


@dataclass(frozen=True)
class Probe:
    """One kind of question. `version` goes up whenever the same parameters would give other numbers.

    `subjects` are the kinds it takes (`unit`, `units`, `layer`), `site` where it reads unless asked otherwise (a layer
    without that site is read at its last one), `example` the smallest honest parameters, `seconds` about what a
    question costs with the defaults.
    """

    name: str
    version: int
    summary: str
    subjects: tuple[str, ...]
    site: str
    seconds: float
    params: type[Params]
    example: dict[str, Any]
    compute: Compute

    @property
    def description(self) -> str:
        """What it computes, in full: its function's docstring."""
        return inspect.getdoc(self.compute) or self.summary

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema (draft 2020-12) of the parameters."""
        return self.params.schema()

    def validate(self, params: Any) -> dict[str, Any]:
        """The parameters with defaults filled in; raises BadParameters with a pointer to every fault."""
        return self.params.read(params).to_json()

    def run(
        self,
        lens: Lens,
        subjects: Sequence[Subject],
        params: dict[str, Any] | None = None,
        *,
        site: str | None = None,
        plan: Plan | None = None,
        observe: Observe = unseen,
        materials: Iterable[Path] = (),
        datasets: Iterable[Dataset] = (),
        checkpoints: Iterable[Lens] = (),
        scratch: Path | None = None,
    ) -> Answers:
        """One finding or failure for each subject, in order; raises BadParameters at once.

        `observe` is told of every step and may raise to stop everything: nothing stays behind. `materials` are the
        files of the artifacts that the parameters name, `datasets` the datasets, `checkpoints` the lenses of other
        checkpoints; raises NoSuchMaterial where one is missing. `scratch` is a folder for this question alone, for
        whoever may be interrupted.
        """
        asked = self.params.read(params or {})
        given = Materials(
            {_hash(path): path for path in materials},
            {one.digest: one for one in datasets},
            {one.checkpoint.digest: one for one in checkpoints},
            scratch,
        )
        named = [(asked.materials, given.files), (asked.datasets, given.datasets)]
        for names, there in (*named, (asked.checkpoints, given.checkpoints)):
            for sha256 in names:
                if sha256 not in there:
                    raise NoSuchMaterial(sha256=sha256)
        chosen = plan or Plan.for_(lens)
        return self.compute(lens, subjects, asked, site=site, plan=chosen, observe=observe, materials=given)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def probe(
    name: str,
    *,
    version: int,
    summary: str,
    subjects: tuple[str, ...],
    site: str,
    seconds: float,
    params: type[Params],
    example: dict[str, Any],
) -> Callable[[Compute], Probe]:
    """Make a function a probe; register it with a line in `probes/__init__.py`."""
    return lambda compute: Probe(name, version, summary, subjects, site, seconds, params, example, compute)
