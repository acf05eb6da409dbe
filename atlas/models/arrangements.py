"""Where the neurons of a circuit were put in its figure: how it is drawn, beside what it says."""

from django.db import models

from atlas.models.footholds import Foothold
from atlas.models.people import Contributor


class Arrangement(models.Model):
    """The places of a version's neurons; of a version that has none, its predecessors' hold.

    Only the newest version is arranged, so that the figure of an older one stays as it was. `number` counts the times
    it was, for whoever arranges on top of what they saw.
    """

    foothold = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="arrangements")
    version = models.PositiveIntegerField()
    number = models.PositiveIntegerField(default=1)
    places = models.JSONField(default=dict, help_text='{"mixed4b:447": [120, 40]}; empty: as it is laid out by itself.')
    by = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="arrangements")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["foothold_id", "version"]
        constraints = [models.UniqueConstraint(fields=["foothold", "version"], name="one_arrangement_per_version")]

    def __str__(self) -> str:
        return f"{self.foothold_id} v{self.version}, {self.number}"
