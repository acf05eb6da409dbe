"""What others make of a claim: verdicts on its versions, resolutions of disputes, and decisions of moderators."""

from django.db import models
from django.db.models import Q

from atlas.models.footholds import Foothold
from atlas.models.people import Contributor, Team


class Review(models.Model):
    """One person's verdict on one version. A newer one supersedes it; both are kept."""

    class Verdict(models.TextChoices):
        """What the reviewer says."""

        AGREE = "agree", "agree"
        DISPUTE = "dispute", "dispute"
        UNSURE = "unsure", "unsure"

    class Reason(models.TextChoices):
        """Why somebody disputes."""

        NONE = "", "none"
        WRONG = "wrong", "it is wrong"
        TOO_NARROW = "too-narrow", "it answers to more than this"
        TOO_BROAD = "too-broad", "it answers to less than this"
        EVIDENCE = "evidence", "the evidence does not show it"
        METHOD = "method", "the evidence was made badly"
        DUPLICATE = "duplicate", "it has been said already"
        UNCLEAR = "unclear", "it cannot be understood or checked"

    foothold = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="reviews")
    version = models.PositiveIntegerField()
    reviewer = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="reviews")
    # For which team it was cast; it stays with that team when the person leaves.
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="reviews")
    verdict = models.CharField(max_length=7, choices=Verdict)
    reason = models.CharField(max_length=10, choices=Reason, default=Reason.NONE, blank=True)
    text = models.TextField(blank=True)
    blind = models.BooleanField(help_text="Whether it was given before the reviewer could see those of others.")
    at = models.DateTimeField(auto_now_add=True)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["foothold", "reviewer"],
                condition=Q(superseded_at__isnull=True),
                name="one_current_verdict_per_person",
            ),
            models.CheckConstraint(
                condition=~Q(verdict="dispute") | (~Q(reason="") & ~Q(text="")), name="a_dispute_says_why"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reviewer_id} on {self.foothold_id} v{self.version}: {self.verdict}"


class Resolution(models.Model):
    """A curator's decision of a dispute, with the reasons for it. It holds until somebody disputes again."""

    foothold = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="resolutions")
    version = models.PositiveIntegerField()
    curator = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="resolutions")
    outcome = models.CharField(max_length=8, choices=[("upheld", "upheld"), ("rejected", "rejected")])
    rationale = models.TextField()
    considered = models.JSONField(help_text="Ids of the verdicts that stood then.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.foothold_id} v{self.version}: {self.outcome}"


class ModerationEntry(models.Model):
    """A moderator's decision. It outlives the moderator's account."""

    foothold = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="moderation_log")
    was = models.CharField(max_length=7)
    now = models.CharField(max_length=7)
    reason = models.CharField(max_length=1_000)
    moderator = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="moderated")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.foothold_id}: {self.was} → {self.now}"
