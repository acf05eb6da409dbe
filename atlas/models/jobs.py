"""Questions and who asked them. A row is the truth about a question; messages between processes are only a bell."""

import uuid

from django.db import models
from django.db.models import Q

from atlas.models.artifacts import Artifact
from atlas.models.checkpoints import Checkpoint, Neuron
from atlas.models.datasets import Dataset
from atlas.models.people import Contributor, Team


class ProbeKind(models.Model):
    """A probe version as its worker published it. Rows outlive code, so old findings keep their meaning."""

    name = models.CharField(max_length=60)
    version = models.PositiveIntegerField()
    summary = models.CharField(max_length=200)
    description = models.TextField()
    schema = models.JSONField(help_text="JSON Schema 2020-12 of the parameters.")
    subjects = models.JSONField(help_text="Kinds of subject it takes: unit, units, layer, pair, checkpoint.")
    site = models.CharField(max_length=20, help_text="The activation site it reads unless asked otherwise.")
    example = models.JSONField(help_text="The smallest honest parameters.")
    seconds = models.FloatField(help_text="What one question costs before anything has been measured.")
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "-version"]
        constraints = [models.UniqueConstraint(fields=["name", "version"], name="one_row_per_probe_version")]

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Worker(models.Model):
    """A process that computes, as it last reported itself."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    host = models.CharField(max_length=200)
    pid = models.PositiveIntegerField()
    born = models.CharField(
        max_length=40, help_text="Boot id and start time: tells a process from a later one of its pid."
    )
    parent = models.CharField(max_length=60, default="", help_text="Of the process that started it: pid and born.")
    device = models.CharField(max_length=100)
    versions = models.JSONField(default=dict)
    probes = models.JSONField(default=list, help_text="Ids of the probe versions it has the code of.")
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


class ResponseReport(models.Model):
    """Whether a worker reproduces a checkpoint's responses; one that does not may not serve it."""

    worker = models.ForeignKey(Worker, on_delete=models.CASCADE, related_name="reports")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="reports")
    passed = models.BooleanField()
    detail = models.TextField(blank=True)
    facts = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["worker", "checkpoint"], name="one_report_per_worker")]

    def __str__(self) -> str:
        return f"{self.checkpoint_id} on {self.worker_id}: {'passed' if self.passed else 'failed'}"


class Job(models.Model):
    """One question about one subject. The fingerprint names it, in the database and in addresses."""

    class State(models.TextChoices):
        """Where a question stands; `atlas/services/jobs.py` holds every edge between these."""

        QUEUED = "queued", "queued"
        RUNNING = "running", "running"
        DONE = "done", "done"
        FAILED = "failed", "failed"
        CANCELLED = "cancelled", "cancelled"
        QUARANTINED = "quarantined", "quarantined"

    OPEN = (State.QUEUED, State.RUNNING)
    ENDED = (State.DONE, State.FAILED, State.CANCELLED, State.QUARANTINED)

    fingerprint = models.CharField(max_length=64, unique=True)
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="jobs")
    probe = models.ForeignKey(ProbeKind, on_delete=models.PROTECT, related_name="jobs")
    subject = models.JSONField(help_text='{"kind": "unit", "units": [["mixed4c:447", 1]]}')
    subject_text = models.CharField(max_length=400)
    # Set when the subject is one unit: pages list a neuron's jobs by it.
    neuron = models.ForeignKey(Neuron, on_delete=models.PROTECT, null=True, related_name="jobs")
    site = models.CharField(max_length=20)
    params = models.JSONField()
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, null=True, related_name="jobs")
    # Equal for questions that one forward pass can answer together.
    batch_key = models.CharField(max_length=64)

    state = models.CharField(max_length=11, choices=State, default=State.QUEUED)
    priority = models.PositiveSmallIntegerField(default=0, help_text="0 somebody waits for it, 1 bulk.")
    # Whose turn it takes and out of whose quota it is paid; null for what was asked before there were any.
    asker = models.ForeignKey(Contributor, on_delete=models.PROTECT, null=True, related_name="+")
    payer = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    estimate = models.FloatField(default=0, help_text="Device-seconds it was expected to take.")
    together = models.PositiveSmallIntegerField(default=1, help_text="Jobs that were claimed with it, itself included.")
    generation = models.PositiveIntegerField(default=1)
    attempts = models.PositiveIntegerField(default=0)
    handbacks = models.PositiveIntegerField(default=0)
    crashes = models.PositiveIntegerField(default=0)
    # Grows with every change of hands: a write that carries an older fence comes from a superseded worker.
    fence = models.PositiveBigIntegerField(default=0)
    owner = models.ForeignKey(Worker, on_delete=models.PROTECT, null=True, related_name="jobs")
    lease_until = models.DateTimeField(null=True)
    run_at = models.DateTimeField()
    cancel_requested_at = models.DateTimeField(null=True)
    done_steps = models.PositiveIntegerField(default=0)
    of_steps = models.PositiveIntegerField(default=0)
    error = models.JSONField(null=True, help_text="slug, detail, facts and whose fault it is.")
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False, owner__isnull=False)
                | (~Q(state="running") & Q(lease_until__isnull=True, owner__isnull=True)),
                name="leased_if_and_only_if_running",
            )
        ]
        indexes = [
            # Never an index over ended rows: a queue of any length is claimed from these.
            models.Index(fields=["asker", "priority", "run_at", "id"], condition=Q(state="queued"), name="queue"),
            models.Index(fields=["batch_key", "id"], condition=Q(state="queued"), name="queue_by_batch"),
            models.Index(fields=["lease_until"], condition=Q(state="running"), name="leases"),
            models.Index(fields=["asker"], condition=Q(state__in=["queued", "running"]), name="open_by_asker"),
            models.Index(fields=["payer"], condition=Q(state__in=["queued", "running"]), name="open_by_payer"),
        ]

    def __str__(self) -> str:
        return self.fingerprint


class JobEvent(models.Model):
    """One transition of a job. Append-only: together they are its history."""

    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=20)
    from_state = models.CharField(max_length=11, blank=True)
    to_state = models.CharField(max_length=11)
    fence = models.PositiveBigIntegerField()
    worker = models.ForeignKey(Worker, on_delete=models.PROTECT, null=True, related_name="+")
    actor = models.ForeignKey(Contributor, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["at"], condition=Q(kind="reap"), name="reaps")]

    def __str__(self) -> str:
        return f"{self.kind} {self.job_id}"


class Snapshot(models.Model):
    """A picture on its way: what a running job looked like after so many steps."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="snapshots")
    fence = models.PositiveBigIntegerField()
    step = models.PositiveIntegerField()
    position = models.PositiveSmallIntegerField()
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="+")
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["step", "position"]
        constraints = [
            models.UniqueConstraint(fields=["job", "fence", "step", "position"], name="one_snapshot_per_step")
        ]

    def __str__(self) -> str:
        return f"{self.job_id} after {self.step}"


class Request(models.Model):
    """Who asked for which jobs. A bulk request is one request with many jobs."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    contributor = models.ForeignKey(Contributor, on_delete=models.PROTECT, null=True, related_name="requests")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="requests")
    jobs = models.ManyToManyField(Job, through="RequestedJob", related_name="requests")
    created_at = models.DateTimeField(auto_now_add=True)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return str(self.id)


class RequestedJob(models.Model):
    """That a request wants a job; withdrawn singly when one of many is cancelled."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="asked")
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="asked")
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["request", "job"], name="a_request_asks_once")]

    def __str__(self) -> str:
        return f"{self.request_id} → {self.job_id}"
