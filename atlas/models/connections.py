"""What a finding measured between two neurons, as rows: lists, search and links read them."""

from django.db import models

from atlas.models.checkpoints import Neuron
from atlas.models.findings import Finding


class Connection(models.Model):
    """How strongly one neuron acts on another, and in which way; never changed, because its finding is not.

    Of one edge there is a row for each finding that lists it: an answer about either end, or about more units.
    """

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="connections")
    source = models.ForeignKey(Neuron, on_delete=models.PROTECT, related_name="feeds")
    target = models.ForeignKey(Neuron, on_delete=models.PROTECT, related_name="listens")
    kind = models.CharField(max_length=12, help_text="expanded, best-case or raw.")
    norm = models.FloatField(help_text="L2 norm of the kernel over space.")
    sign = models.CharField(max_length=5, help_text="+, - or mixed.")
    share = models.FloatField(help_text="norm² ÷ the sum of norm² of the source's whole layer on the target.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["finding", "source", "target"], name="an_edge_once_per_finding")]
        indexes = [
            models.Index(fields=["target", "kind", "norm", "id"], name="connections_upstream"),
            models.Index(fields=["source", "kind", "norm", "id"], name="connections_downstream"),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} → {self.target_id}"
