"""Bytes, known by their hash."""

from django.db import models


class Artifact(models.Model):
    """A file in the content store: the row says that its bytes are there, whole."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    media_type = models.CharField(max_length=100)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256
