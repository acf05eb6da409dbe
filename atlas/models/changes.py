"""That something was written, by whom and through which door: the trace of every verb, and of every row."""

import uuid

from django.db import models

from atlas.models.people import Contributor, Team


class ChangeSet(models.Model):
    """One verb carried out, with the id of its request; the changes of single rows carry the same id. Append-only."""

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


class Change(models.Model):
    """One row of people's tables written, by whatever door: `traces.py` says what is kept of it. Append-only.

    Numbers have no gap and follow the order of commits, so that `after=number` misses nothing.
    """

    number = models.PositiveBigIntegerField(primary_key=True)
    at = models.DateTimeField()
    # Nobody is the instance itself, or somebody who passed by the service.
    actor = models.ForeignKey(Contributor, on_delete=models.PROTECT, null=True, related_name="changes")
    request_id = models.UUIDField(null=True)
    table = models.CharField(max_length=40)
    row = models.PositiveBigIntegerField()
    kind = models.CharField(max_length=6, help_text="insert, update or delete.")
    changed = models.TextField(blank=True, help_text="Names of the columns an update changed, separated by spaces.")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)
    # Neither protects anything: a team may go, and its changes stay for the operator.
    team = models.ForeignKey(Team, on_delete=models.DO_NOTHING, null=True, db_constraint=False, related_name="+")
    public = models.BooleanField(default=False)

    class Meta:
        ordering = ["number"]
        indexes = [models.Index(fields=["team", "number"], name="changes_of_a_team")]

    def __str__(self) -> str:
        return f"{self.number}: {self.kind} {self.table} {self.row}"
