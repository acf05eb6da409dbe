"""The vocabulary in which descriptions say what a neuron detects: words may be renamed and merged, their slugs stay."""

from django.db import models
from django.db.models import Q

from atlas.models.checkpoints import is_slug
from atlas.models.footholds import Foothold
from atlas.models.people import Contributor


class Term(models.Model):
    """A word of the vocabulary. Never deleted, not even when nobody uses it: addresses lead to it."""

    slug = models.CharField(max_length=40, unique=True, validators=[is_slug])
    label = models.CharField(max_length=80)
    definition = models.CharField(max_length=1_000, blank=True)
    synonyms = models.JSONField(default=list)
    broader = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="narrower")
    # Merged into another: what says this one means that one.
    replaced_by = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="replaces")
    version = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(Contributor, on_delete=models.PROTECT, null=True, related_name="terms")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(condition=~Q(replaced_by=models.F("id")), name="no_term_replaces_itself"),
            models.CheckConstraint(condition=~Q(broader=models.F("id")), name="no_term_is_broader_than_itself"),
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def version_tag(self) -> str:
        """What an edit has to name: `curve.3`."""
        return f"{self.slug}.{self.version}"


class FootholdTerm(models.Model):
    """A term that the newest version of a description uses, and how."""

    foothold = models.ForeignKey(Foothold, on_delete=models.CASCADE, related_name="terms")
    term = models.ForeignKey(Term, on_delete=models.PROTECT, related_name="uses")
    polarity = models.CharField(max_length=15)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["foothold", "term", "polarity"], name="a_term_once_per_use")]

    def __str__(self) -> str:
        return f"{self.foothold_id} {self.polarity} {self.term_id}"
