"""What people say to each other about a claim: threads of comments, each bound to the version that was read."""

from django.db import models
from django.db.models import Q

from atlas.models.footholds import Foothold
from atlas.models.people import Contributor


class Comment(models.Model):
    """A word on one version of a foothold. What it says stands in its versions; `head_version` is the newest."""

    class Moderation(models.TextChoices):
        """Whether others see it."""

        VISIBLE = "visible", "visible"
        HIDDEN = "hidden", "hidden"

    foothold = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="comments")
    number = models.PositiveIntegerField(help_text="Of this foothold's comments, from 1.")
    # The comment that began the thread, and the one that is answered; neither for the first of a thread.
    thread = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="replies")
    reply_to = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="answers")
    version = models.PositiveIntegerField(help_text="The version of the foothold that was read.")
    quote = models.CharField(max_length=500, blank=True, help_text="A passage of that version.")
    author = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="comments")
    head_version = models.PositiveIntegerField(default=1)
    moderation = models.CharField(max_length=7, choices=Moderation, default=Moderation.VISIBLE)
    removed_at = models.DateTimeField(null=True)
    # Of a thread, on its first comment.
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(Contributor, on_delete=models.PROTECT, null=True, related_name="resolved_threads")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["foothold_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["foothold", "number"], name="one_comment_per_number"),
            models.CheckConstraint(
                condition=Q(thread__isnull=True, reply_to__isnull=True)
                | Q(thread__isnull=False, reply_to__isnull=False),
                name="a_reply_is_in_a_thread",
            ),
            models.CheckConstraint(
                condition=Q(thread__isnull=True) | Q(resolved_at__isnull=True), name="threads_are_resolved_not_replies"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.foothold_id} #{self.number}"

    @property
    def version_tag(self) -> str:
        """What an edit has to name: `D7K3Q9XD2M.c4.2`."""
        return f"{self.foothold.accession}.c{self.number}.{self.head_version}"


class CommentVersion(models.Model):
    """What a comment said from one edit to the next. Append-only.

    Names after an @ are taken out of the body and kept as `mentions`: [place in the body, contributor]. Whoever is
    erased is shown under their pseudonym there, too.
    """

    comment = models.ForeignKey(Comment, on_delete=models.PROTECT, related_name="versions")
    version = models.PositiveIntegerField()
    body = models.TextField()
    mentions = models.JSONField(default=list)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["comment_id", "version"]
        constraints = [models.UniqueConstraint(fields=["comment", "version"], name="one_body_per_comment_version")]

    def __str__(self) -> str:
        return f"{self.comment_id} v{self.version}"


class CommentModeration(models.Model):
    """A moderator's decision about a comment. It outlives the moderator's account."""

    comment = models.ForeignKey(Comment, on_delete=models.PROTECT, related_name="moderation_log")
    was = models.CharField(max_length=7)
    now = models.CharField(max_length=7)
    reason = models.CharField(max_length=1_000)
    moderator = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="moderated_comments")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.comment_id}: {self.was} → {self.now}"
