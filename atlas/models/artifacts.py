"""Bytes, known by their hash."""

from django.db import models
from django.db.models import Q


class Artifact(models.Model):
    """A file in the content store: the row says that its bytes are there, whole."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)
    # Since when nothing has been seen to refer to it; collection deletes only what has been marked for a while.
    marked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["marked_at"], condition=Q(marked_at__isnull=False), name="marked_artifacts")]

    def __str__(self) -> str:
        return self.sha256
