"""That something was written, by whom and through which door: the trace every verb leaves."""

import uuid

from django.db import models

from atlas.models.people import Contributor


class ChangeSet(models.Model):
    """One verb carried out. Append-only; the changes of single rows will hang below it."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(auto_now_add=True)
    # Nobody is the instance itself: a command at set-up, before there is a person.
    actor = models.ForeignKey(Contributor, on_delete=models.PROTECT, null=True, related_name="change_sets")
    verb = models.CharField(max_length=60)
    subject = models.CharField(max_length=200)
    facts = models.JSONField(default=dict)
    request_id = models.UUIDField(default=uuid.uuid4)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.verb} {self.subject}"
