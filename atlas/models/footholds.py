"""What people claim: one versioned record for descriptions, links, evidence, circuits and collections."""

from django.db import models
from django.db.models import Q

from atlas.models.checkpoints import Checkpoint, Neuron, Visibility
from atlas.models.people import Byline, Contributor, Team


class Foothold(models.Model):
    """A claim with a name that survives every edit. What it says stands in its revisions; `head_version` is the newest.

    `state` and `flags` are computed from the record by `services/standing.py` and never set by anybody; `standing` is
    what its people have decided.
    """

    class Kind(models.TextChoices):
        """What sort of claim."""

        DESCRIPTION = "description", "description"
        LINK = "link", "link"
        EVIDENCE = "evidence", "evidence"
        CIRCUIT = "circuit", "circuit"
        COLLECTION = "collection", "collection"

    class Standing(models.TextChoices):
        """What its people have decided about it."""

        DRAFT = "draft", "draft"
        OPEN = "open", "open"
        WITHDRAWN = "withdrawn", "withdrawn"
        RETRACTED = "retracted", "retracted"
        MERGED = "merged", "merged"

    class State(models.TextChoices):
        """What the team believes, computed."""

        DRAFT = "draft", "draft"
        PROPOSED = "proposed", "proposed"
        ACCEPTED = "accepted", "accepted"
        DISPUTED = "disputed", "disputed"
        RESOLVED = "resolved", "resolved"
        WITHDRAWN = "withdrawn", "withdrawn"
        RETRACTED = "retracted", "retracted"
        MERGED = "merged", "merged"

    class Rank(models.TextChoices):
        """Which of several claims about one thing is shown first."""

        PREFERRED = "preferred", "preferred"
        NORMAL = "normal", "normal"
        DEPRECATED = "deprecated", "deprecated"

    class Moderation(models.TextChoices):
        """Whether others see it."""

        VISIBLE = "visible", "visible"
        PENDING = "pending", "pending"
        HIDDEN = "hidden", "hidden"
        SPAM = "spam", "spam"

    accession = models.CharField(max_length=10, unique=True)
    kind = models.CharField(max_length=11, choices=Kind)
    # None for a collection of footholds from several checkpoints.
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, null=True, related_name="footholds")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="footholds")
    created_by = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="footholds")
    head_version = models.PositiveIntegerField(default=1)
    title = models.CharField(max_length=200, help_text="That of the newest version, for lists.")
    standing = models.CharField(max_length=9, choices=Standing, default=Standing.DRAFT)
    standing_reason = models.TextField(blank=True)
    state = models.CharField(max_length=9, choices=State, default=State.DRAFT)
    flags = models.JSONField(default=list)
    rank = models.CharField(max_length=10, choices=Rank, default=Rank.NORMAL)
    visibility = models.CharField(max_length=6, choices=Visibility, default=Visibility.PUBLIC)
    moderation = models.CharField(max_length=7, choices=Moderation, default=Moderation.VISIBLE)
    replaced_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="replaces")
    # Where an imported one came from: a second import finds it again.
    source = models.CharField(max_length=200, blank=True)
    external_id = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            # In its team: what is in another, which one may not be able to read, is no answer to an import.
            models.UniqueConstraint(
                fields=["team", "source", "external_id"], condition=~Q(source=""), name="imported_once"
            ),
            models.CheckConstraint(
                condition=Q(standing="merged", replaced_by__isnull=False)
                | (~Q(standing="merged") & Q(replaced_by__isnull=True)),
                name="merged_if_and_only_if_replaced",
            ),
        ]
        indexes = [
            models.Index(fields=["checkpoint", "kind", "state", "id"], name="footholds_of_a_checkpoint"),
            models.Index(fields=["team", "id"], name="footholds_of_a_team"),
            # Few have any, and those that have are listed where help is needed.
            models.Index(fields=["id"], condition=~Q(flags=[]), name="footholds_with_flags"),
        ]

    def __str__(self) -> str:
        return self.accession

    @property
    def version_tag(self) -> str:
        """What an edit has to name: `D7K3Q9XD2M.3`."""
        return f"{self.accession}.{self.head_version}"


class Revision(models.Model):
    """What a foothold said from one edit to the next. Append-only, for the application's database role too."""

    foothold = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="revisions")
    version = models.PositiveIntegerField()
    author = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="revisions")
    # As its author signed it; None where that was not kept yet.
    byline = models.ForeignKey(Byline, on_delete=models.PROTECT, null=True, related_name="revisions")
    at = models.DateTimeField(auto_now_add=True)
    summary = models.CharField(max_length=300, blank=True)
    content = models.JSONField()
    content_sha256 = models.CharField(max_length=64)
    base_version = models.PositiveIntegerField(null=True, help_text="The version its author was looking at.")
    restores = models.PositiveIntegerField(null=True, help_text="The version whose content it brings back.")
    derived_from = models.CharField(max_length=20, blank=True, help_text="Accession.version it was copied from.")

    class Meta:
        ordering = ["foothold_id", "version"]
        constraints = [
            models.UniqueConstraint(fields=["foothold", "version"], name="one_content_per_version"),
            models.CheckConstraint(condition=Q(version__gte=1), name="versions_start_at_one"),
        ]

    def __str__(self) -> str:
        return f"{self.foothold_id} v{self.version}"

    @property
    def signed(self) -> str:
        """Its author's name as they signed it."""
        return self.byline.name if self.byline else self.author.citation_name


class FootholdNeuron(models.Model):
    """A neuron that the newest version of a foothold is about: coverage, links and circuits are looked up here."""

    foothold = models.ForeignKey(Foothold, on_delete=models.CASCADE, related_name="neurons")
    neuron = models.ForeignKey(Neuron, on_delete=models.PROTECT, related_name="footholds")
    role = models.CharField(max_length=10, help_text="subject, source, target, node, item.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["foothold", "neuron", "role"], name="a_neuron_once_per_role"),
        ]
        indexes = [models.Index(fields=["neuron", "role"], name="footholds_of_a_neuron")]

    def __str__(self) -> str:
        return f"{self.role} of {self.foothold_id}: {self.neuron_id}"


class Reference(models.Model):
    """Another foothold that the newest version of one names: an edge's link, an item, a family."""

    foothold = models.ForeignKey(Foothold, on_delete=models.CASCADE, related_name="references")
    target = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="referred_to")
    role = models.CharField(max_length=10, help_text="edge, item, family.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["foothold", "target", "role"], name="named_once_per_role")]

    def __str__(self) -> str:
        return f"{self.role} of {self.foothold_id}: {self.target_id}"


class Support(models.Model):
    """That evidence speaks for or against a claim or an aspect of it, as the claim stood when that was said."""

    class Role(models.TextChoices):
        """Which way it speaks."""

        SUPPORTS = "supports", "supports"
        CONTRADICTS = "contradicts", "contradicts"
        NEUTRAL = "neutral", "neutral"

    class Facet(models.TextChoices):
        """What of the claim it speaks to."""

        WHOLE = "", "the claim"
        CAUSALITY = "causality", "causality"
        GENERALITY = "generality", "generality"
        PURITY = "purity", "purity"
        FAMILY = "family", "family"
        MECHANISM = "mechanism", "mechanism"

    evidence = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="speaks_of")
    claim = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="support")
    claim_version = models.PositiveIntegerField()
    role = models.CharField(max_length=11, choices=Role, default=Role.SUPPORTS)
    facet = models.CharField(max_length=10, choices=Facet, default=Facet.WHOLE, blank=True)
    note = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="supports")
    at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["evidence", "claim", "role", "facet"],
                condition=Q(withdrawn_at__isnull=True),
                name="evidence_speaks_once",
            ),
            models.CheckConstraint(condition=~Q(evidence=models.F("claim")), name="no_evidence_of_itself"),
        ]

    def __str__(self) -> str:
        return f"{self.evidence_id} {self.role} {self.claim_id}"


class UnsavedText(models.Model):
    """What somebody typed and has not saved: kept until they save it or throw it away."""

    contributor = models.ForeignKey(Contributor, on_delete=models.CASCADE, related_name="unsaved")
    item = models.CharField(max_length=200, help_text="What it was typed for: an accession, or new:description:…")
    base_version = models.PositiveIntegerField(null=True)
    content = models.JSONField()
    at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [models.UniqueConstraint(fields=["contributor", "item"], name="one_unsaved_text_per_item")]

    def __str__(self) -> str:
        return f"{self.contributor_id} on {self.item}"
