"""What somebody wants to hear of, and what they were told: each event once."""

from django.db import models
from django.db.models import Q

from atlas.models.checkpoints import Neuron
from atlas.models.comments import Comment
from atlas.models.footholds import Foothold
from atlas.models.people import Contributor


class Watch(models.Model):
    """That somebody wants to hear of a foothold, or of what is claimed about a neuron; or to hear nothing of it."""

    class Level(models.TextChoices):
        """How much of it."""

        EVERYTHING = "everything", "everything"
        MUTE = "mute", "nothing"

    contributor = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="watches")
    foothold = models.ForeignKey(Foothold, on_delete=models.PROTECT, null=True, related_name="watches")
    neuron = models.ForeignKey(Neuron, on_delete=models.PROTECT, null=True, related_name="watches")
    level = models.CharField(max_length=10, choices=Level, default=Level.EVERYTHING)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["contributor", "foothold"], name="one_watch_per_foothold"),
            models.UniqueConstraint(fields=["contributor", "neuron"], name="one_watch_per_neuron"),
            models.CheckConstraint(
                condition=Q(foothold__isnull=True, neuron__isnull=False)
                | Q(foothold__isnull=False, neuron__isnull=True),
                name="a_watch_is_on_one_thing",
            ),
        ]
        indexes = [
            models.Index(fields=["foothold", "level"], name="watchers_of_a_foothold"),
            models.Index(fields=["neuron", "level"], name="watchers_of_a_neuron"),
        ]

    def __str__(self) -> str:
        return f"{self.contributor_id}: {self.level} of {self.foothold_id or self.neuron_id}"


class Notification(models.Model):
    """That an event was told to somebody. `event` is its name, such as `comment:17`: nobody is told one twice."""

    class Reason(models.TextChoices):
        """Why they were told; the strongest first."""

        MENTION = "mention", "mentioned you"
        REPLY = "reply", "replied"
        COMMENT = "comment", "commented"
        VERSION = "version", "wrote a new version"
        VERDICT = "verdict", "gave a verdict"
        DECISION = "decision", "decided"
        EVIDENCE = "evidence", "gave evidence"
        TRIAL = "trial", "put it to the test"
        CLAIM = "claim", "claimed something new"

    recipient = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="notifications")
    event = models.CharField(max_length=40)
    reason = models.CharField(max_length=8, choices=Reason)
    actor = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="caused")
    foothold = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="told")
    comment = models.ForeignKey(Comment, on_delete=models.PROTECT, null=True, related_name="told")
    evidence = models.ForeignKey(Foothold, on_delete=models.PROTECT, null=True, related_name="told_as_evidence")
    at = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True)
    # By which digest it was taken, before that was sent: of two that are sent at once, one has it.
    digest = models.UUIDField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["recipient", "event"], name="told_once")]
        indexes = [models.Index(fields=["recipient", "read_at"], name="unread_of_somebody")]

    def __str__(self) -> str:
        return f"{self.event} to {self.recipient_id}: {self.reason}"
