"""What people send as evidence, and the footholds that show it: by these rows it is known who may read which."""

from django.db import models

from atlas.models.artifacts import Artifact
from atlas.models.footholds import Foothold
from atlas.models.people import Contributor


class Upload(models.Model):
    """That somebody sent a picture or a table: whoever did may read it, and show it to others."""

    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="uploads")
    uploaded_by = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="uploads")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["artifact", "uploaded_by"], name="sent_once_by_each")]

    def __str__(self) -> str:
        return f"{self.uploaded_by_id}: {self.artifact_id}"


class FootholdArtifact(models.Model):
    """An upload that some version of a foothold shows: whoever may read the foothold may see it."""

    foothold = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="shows")
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="shown_by")
    since = models.PositiveIntegerField(help_text="The first version that shows it.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["foothold", "artifact"], name="shown_once_by_each")]

    def __str__(self) -> str:
        return f"{self.foothold_id} shows {self.artifact_id}"
