"""A question, how far it is, and its answer: the job page, its progress view and its API body."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, QuerySet

from atlas.dossiers import recordings
from atlas.dossiers.achievements import AchievedFacts, achieved
from atlas.dossiers.bodies import OnThePage, Spread
from atlas.dossiers.pictures import Shown, address_of, on_its_way, shown
from atlas.dossiers.recordings import StatisticsFacts
from atlas.models import Checkpoint, Contributor, FindingArtifact, Job, JobEvent, Snapshot
from atlas.permissions import curates, permits
from atlas.services import estimates, jobs, outlook, turns, workers
from atlas.services.outlook import Outlook

MOST_PICTURES = 8  # of a glance
# Columns of what a job refers to: a wall would read and decode each of them a hundred times.
OF_CHECKPOINT = ("graph", "input_spec", "response_check", "labels", "figures", "units", "card")
LARGE = (
    *(f"checkpoint__{name}" for name in OF_CHECKPOINT),
    *(f"probe__{name}" for name in ("description", "schema", "subjects", "example")),
    *(f"neuron__layer__{name}" for name in ("stride", "receptive_field", "positions", "sites")),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture and what its subject answers to it: `reached` is its strongest activation in the wanted direction."""

    shown: Shown
    reached: float | None
    silent: bool
    failed: bool  # no better than the noise it started from


@dataclass(frozen=True, slots=True)
class Row:
    """The pictures of one polarity."""

    polarity: str
    pictures: tuple[Picture, ...]

    @property
    def sign(self) -> str:
        """+ or −."""
        return self.pictures[0].shown.sign

    @property
    def title(self) -> str:
        """What these pictures do."""
        return {"positive": "Excites", "negative": "Inhibits"}.get(self.polarity, "Pictures")


@dataclass(frozen=True, slots=True)
class FindingFacts:
    """The answer: numbers, artifacts by role, and how it was made."""

    numbers: dict[str, Any]
    provenance: dict[str, Any]
    shown: tuple[Shown, ...]
    created_at: datetime

    @property
    def pictures(self) -> tuple[Shown, ...]:
        """The full-size pictures, in the order of the finding."""
        return tuple(one for one in self.shown if one.role == "image")

    @property
    def thumbnail(self) -> Shown | None:
        """The picture for a wall."""
        return next((one for one in self.shown if one.role == "thumbnail"), None)

    @property
    def gallery(self) -> tuple["Row", ...]:
        """The full-size pictures with what they reached, a row for each polarity."""
        measured = {(one.get("polarity", ""), one.get("seed")): one for one in self.numbers.get("pictures", ())}
        rows: dict[str, list[Picture]] = {}
        for one in self.pictures:
            rows.setdefault(one.polarity, []).append(_picture(one, measured.get((one.polarity, one.seed), {})))
        return tuple(Row(polarity, tuple(pictures)) for polarity, pictures in rows.items())

    @property
    def others(self) -> tuple[Shown, ...]:
        """What is not shown as a picture: for download."""
        return tuple(one for one in self.shown if one.role not in ("image", "thumbnail", "kernel", "stimulus"))


@dataclass(frozen=True, slots=True)
class EventFacts:
    """One transition."""

    kind: str
    from_state: str
    to_state: str
    fence: int
    at: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A question and where it stands."""

    fingerprint: str
    url: str
    checkpoint: str
    probe: str
    version: int
    subject: str
    units: tuple[tuple[str, float], ...]
    neuron_url: str | None
    site: str
    params: dict[str, Any]
    state: str
    generation: int
    attempts: int
    done_steps: int
    of_steps: int
    cancelling: bool
    estimate: OnThePage[float]  # device-seconds it was expected to take
    error: dict[str, Any] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    finding: FindingFacts | None

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in Job.ENDED

    @property
    def starts_over(self) -> bool:
        """Whether it need only be asked again, by anybody who may ask."""
        return self.state == Job.State.CANCELLED or (self.error or {}).get("slug") in jobs.BLAMELESS

    @property
    def progress(self) -> float:
        """Steps done as a fraction of all steps, 0 to 1."""
        return 1.0 if self.state == Job.State.DONE else self.done_steps / self.of_steps if self.of_steps else 0.0


@dataclass(frozen=True, slots=True)
class Glance:
    """How a question comes along: what somebody who follows it is told."""

    fingerprint: str
    state: str
    generation: int
    done_steps: int
    of_steps: int
    ahead: int
    step: int | None  # of the newest pictures
    pictures: tuple[str, ...]  # their addresses

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen by itself."""
        return self.state in Job.ENDED


@dataclass(frozen=True, slots=True)
class JobDossier:
    """Everything the job page shows."""

    job: Spread[JobFacts]
    snapshots: tuple[Shown, ...]  # of the latest step only: the picture forming
    path: tuple[Shown, ...]  # the first picture at every step kept
    events: tuple[EventFacts, ...]
    seconds: float  # about what it takes on one core, from the parameters
    outlook: OnThePage[Outlook]  # how many questions come before it, and when it begins and ends
    workers: OnThePage[int]
    achieved: tuple[AchievedFacts, ...]  # what its pictures reach, against a dataset
    recorded: OnThePage[tuple[StatisticsFacts, ...]]  # what it recorded of its neuron
    may_cancel: OnThePage[bool]
    may_requeue: OnThePage[bool]


def job(fingerprint: str, *, actor: Contributor | None) -> JobDossier:
    """The dossier of one job; raises NoSuchJob."""
    found = jobs.find(fingerprint, actor=actor)
    row = with_answer(Job.objects.filter(pk=found.pk)).defer(None).get()
    taken = list(Snapshot.objects.filter(job=row, fence=row.fence).select_related("artifact"))
    snapshots = [on_its_way(one, subject=row.subject_text) for one in taken]
    newest = taken[-1].step if taken else None
    usual, recorded = recordings.of_job(row, actor=actor)
    facts = facts_of(row)
    found = {row.fingerprint: facts.finding.numbers} if facts.finding else {}
    return JobDossier(
        job=facts,
        snapshots=tuple(one for one in snapshots if one.facts["step"] == newest),
        path=tuple(view for view, one in zip(snapshots, taken, strict=True) if one.position == 0),
        events=tuple(_event(event) for event in JobEvent.objects.filter(job=row)),
        seconds=_seconds(row),
        outlook=outlook.of(row),
        workers=workers.count(),
        achieved=achieved(found, usual),
        recorded=recorded,
        may_cancel=row.state in (Job.State.QUEUED, Job.State.RUNNING) and permits(actor, "job.cancel", row),
        may_requeue=row.state in (Job.State.FAILED, Job.State.QUARANTINED) and permits(actor, "job.requeue", row),
    )


def glance(fingerprint: str, *, actor: Contributor | None) -> Glance:
    """How one job comes along, in few queries; raises NoSuchJob."""
    row = jobs.find(fingerprint, actor=actor)
    taken = Snapshot.objects.filter(job=row, fence=row.fence).select_related("artifact").order_by("-step", "position")
    newest = list(taken[:MOST_PICTURES])
    step = newest[0].step if newest else None
    return Glance(
        fingerprint=row.fingerprint,
        state=row.state,
        generation=row.generation,
        done_steps=row.done_steps,
        of_steps=row.of_steps,
        ahead=_ahead(row),
        step=step,
        pictures=tuple(address_of(one.artifact) for one in newest if one.step == step),
    )


def cancellable(asked: QuerySet[Job], *, of: Checkpoint, actor: Contributor | None) -> frozenset[str]:
    """The fingerprints of those open questions about a checkpoint that this person may withdraw: `job.cancel` for many.

    One query beside those for the person's roles.
    """
    if actor is None:
        return frozenset()
    rows = asked.filter(state__in=Job.OPEN)
    mine = rows if curates(actor, of) else rows.filter(asked__request__contributor=actor)
    return frozenset(mine.order_by().values_list("fingerprint", flat=True))


def with_answer(rows: Any) -> Any:
    """Jobs with all that `facts_of` reads, in two queries; what is large beside it is left out."""
    artifacts = FindingArtifact.objects.select_related("artifact")
    related = rows.select_related("checkpoint", "probe", "finding", "neuron__layer", "dataset").defer(*LARGE)
    return related.prefetch_related(Prefetch("finding__shown", queryset=artifacts))


def answers(rows: QuerySet[Job]) -> list[Job]:
    """The same in their order; of most neurons nothing was asked, and then nothing large is asked of the record."""
    ids = list(rows.values_list("pk", flat=True))
    found = with_answer(Job.objects.filter(pk__in=ids)).in_bulk() if ids else {}
    return [found[pk] for pk in ids]


def facts_of(row: Job) -> JobFacts:
    """A job's facts, from a row read by `with_answer`."""
    return JobFacts(
        fingerprint=row.fingerprint,
        url=f"/j/{row.fingerprint}",
        checkpoint=row.checkpoint.slug,
        probe=row.probe.name,
        version=row.probe.version,
        subject=row.subject_text,
        units=tuple((unit, weight) for unit, weight in row.subject["units"]),
        neuron_url=_neuron_url(row),
        site=row.site,
        params=row.params,
        state=row.state,
        generation=row.generation,
        attempts=row.attempts,
        done_steps=row.done_steps,
        of_steps=row.of_steps,
        cancelling=row.cancel_requested_at is not None,
        estimate=row.estimate,
        error=row.error,
        created_at=row.created_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        finding=_finding(row),
    )


def _picture(shown: Shown, numbers: dict[str, Any]) -> Picture:
    reached = numbers.get("minimum" if shown.polarity == "negative" else "maximum")
    return Picture(
        shown=shown,
        reached=numbers.get("mean") if reached is None else reached,
        silent=bool(numbers.get("silent")),
        failed=numbers.get("beats_noise") is False,
    )


def _finding(row: Job) -> FindingFacts | None:
    finding = getattr(row, "finding", None)
    if finding is None:
        return None
    return FindingFacts(
        numbers=finding.numbers,
        provenance=finding.provenance,
        shown=tuple(shown(one, subject=row.subject_text) for one in finding.shown.all()),
        created_at=finding.created_at,
    )


def _neuron_url(row: Job) -> str | None:
    if row.neuron is None:
        return None
    return f"/c/{row.checkpoint.slug}/{row.neuron.layer.key}/{row.neuron.channel}"


def _event(row: JobEvent) -> EventFacts:
    return EventFacts(row.kind, row.from_state, row.to_state, row.fence, row.at, row.data)


def _seconds(row: Job) -> float:
    pictures = row.dataset.size if row.dataset else None
    return estimates.seconds(
        row.probe.schema, row.params, usual=row.probe.seconds, flops=row.checkpoint.flops, pictures=pictures
    )


def _ahead(row: Job) -> int:
    if row.state != Job.State.QUEUED:
        return 0
    return turns.ahead_of(row)
