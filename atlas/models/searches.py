"""Queries that people keep under a name, to ask them again."""

from django.db import models

from atlas.models.people import Contributor, Team


class SavedSearch(models.Model):
    """A query as it was typed: its owner's, and read by the team it is shared with."""

    contributor = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="searches")
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=1_000)
    team = models.ForeignKey(Team, on_delete=models.SET_NULL, null=True, related_name="searches")
    seen_at = models.DateTimeField(help_text="When its owner last looked: what was written since then is new.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["contributor", "name"], name="one_search_of_a_name")]

    def __str__(self) -> str:
        return f"{self.contributor_id}: {self.name}"
