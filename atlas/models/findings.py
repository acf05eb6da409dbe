"""What a probe computed: numbers, and the artifacts that show them. Never changed; asked again, found again."""

from django.db import models

from atlas.models.artifacts import Artifact
from atlas.models.jobs import Job


class Finding(models.Model):
    """The one accepted answer to a question, with everything needed to repeat it."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="finding")
    numbers = models.JSONField()
    provenance = models.JSONField(
        help_text="Code, libraries, device, dtype, batch plan, determinism, started, seconds."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"finding of {self.job_id}"


class FindingArtifact(models.Model):
    """An artifact in its role: a new probe's result is shown by role, without touching the page."""

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="shown")
    position = models.PositiveSmallIntegerField()
    role = models.CharField(max_length=20)
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="shown")
    facts = models.JSONField(default=dict, help_text="What the picture shows: seed, polarity, size.")

    class Meta:
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["finding", "position"], name="one_artifact_per_position")]

    def __str__(self) -> str:
        return f"{self.role} {self.artifact_id}"
