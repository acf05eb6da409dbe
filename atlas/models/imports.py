"""Claims that come in a file: the batch, and each of its rows with what became of it."""

import uuid
from typing import Any

from django.db import models
from django.db.models import Q

from atlas.models.checkpoints import Checkpoint, Visibility
from atlas.models.footholds import Foothold
from atlas.models.people import Contributor, Team


class Import(models.Model):
    """A file of claims. `done` says how many rows the pass that is under way has done: it goes on from there."""

    class State(models.TextChoices):
        """How far it has come; those that end in -ing are under way, or were broken off there."""

        JUDGING = "judging", "judging"
        STAGED = "staged", "staged"
        COMMITTING = "committing", "committing"
        COMMITTED = "committed", "committed"
        UNDOING = "undoing", "undoing"
        UNDONE = "undone", "undone"
        REDOING = "redoing", "redoing"

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="imports")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, null=True, related_name="imports")
    source = models.CharField(max_length=200, help_text="Where the claims come from; external ids are unique in it.")
    visibility = models.CharField(max_length=6, choices=Visibility, default=Visibility.PUBLIC)
    by = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="imports")
    form = models.CharField(max_length=5, help_text="jsonl or csv.")
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField(default=0, help_text="How many rows it has.")
    state = models.CharField(max_length=10, choices=State, default=State.JUDGING)
    done = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["team", "id"], name="imports_of_a_team")]

    def __str__(self) -> str:
        return str(self.public_id)


class ImportRow(models.Model):
    """A row: what it says, what a commit would do, what it did, and what came of taking that back."""

    class Outcome(models.TextChoices):
        """What a commit does, or would do."""

        NONE = "", "nothing yet"
        CREATED = "created", "created"
        REVISED = "revised", "revised"
        UNCHANGED = "unchanged", "unchanged"
        CONFLICT = "conflict", "conflict"
        REFUSED = "refused", "refused"

    class Reversal(models.TextChoices):
        """What the last undo or redo did: `kept` is what others have touched since."""

        NONE = "", "nothing"
        WITHDRAWN = "withdrawn", "withdrawn"
        RESTORED = "restored", "restored"
        REDONE = "redone", "redone"
        KEPT = "kept", "kept"

    batch = models.ForeignKey(Import, on_delete=models.PROTECT, related_name="rows")
    line = models.PositiveIntegerField()
    external_id = models.CharField(max_length=200, blank=True)
    given: Any = models.JSONField(null=True, help_text="The row as it was read; null where it could not be.")
    judged = models.CharField(max_length=9, choices=Outcome, default=Outcome.NONE, blank=True)
    outcome = models.CharField(max_length=9, choices=Outcome, default=Outcome.NONE, blank=True)
    reversal = models.CharField(max_length=9, choices=Reversal, default=Reversal.NONE, blank=True)
    errors = models.JSONField(default=list, help_text="Why it was refused, or left alone: pointer, code and detail.")
    foothold = models.ForeignKey(Foothold, on_delete=models.PROTECT, null=True, related_name="import_rows")
    version = models.PositiveIntegerField(null=True, help_text="The version of the foothold that it made.")
    # Where an undo or redo finds the foothold if nobody has revised it.
    left_at = models.PositiveIntegerField(null=True)

    class Meta:
        ordering = ["line"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "line"], name="one_row_per_line"),
            models.CheckConstraint(
                condition=~Q(outcome__in=("created", "revised")) | Q(foothold__isnull=False, version__isnull=False),
                name="what_was_made_is_named",
            ),
        ]
        indexes = [models.Index(fields=["batch", "external_id"], name="rows_by_external_id")]

    def __str__(self) -> str:
        return f"{self.batch_id} line {self.line}"
