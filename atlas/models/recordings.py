"""What a finding recorded of a neuron over a dataset, as rows: pages, lists and other findings read them."""

from django.db import models

from atlas.models.checkpoints import Neuron
from atlas.models.datasets import Dataset
from atlas.models.findings import Finding


class UnitStatistics(models.Model):
    """What a neuron answers to a dataset: never changed, because its finding is not.

    Of one neuron and dataset there is a row for each finding that says so: about it alone, or about the checkpoint.
    """

    finding = models.ForeignKey(Finding, on_delete=models.PROTECT, related_name="statistics")
    neuron = models.ForeignKey(Neuron, on_delete=models.PROTECT, related_name="statistics")
    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="statistics")
    site = models.CharField(max_length=20)
    rectified = models.BooleanField(help_text="Whether a ReLU follows, behind which a positive maximum is the same.")
    items = models.PositiveIntegerField(help_text="Of the dataset; of each the spatial maximum counts.")
    maximum = models.FloatField(help_text="Over items and positions.")
    maximum_mean = models.FloatField(help_text="Of the items' maxima.")
    maximum_std = models.FloatField(help_text="Of the items' maxima.")
    percentiles = models.JSONField(help_text="101 values that occur: of the items' maxima.")
    positions = models.BigIntegerField(help_text="Of all items together, as far as they were counted.")
    mean = models.FloatField(help_text="Over positions.")
    variance = models.FloatField(help_text="Over positions.")
    skewness = models.FloatField(null=True, help_text="Over positions; null for a constant.")
    kurtosis = models.FloatField(null=True, help_text="Over positions, 3 for a normal distribution.")
    active = models.FloatField(help_text="The fraction of positions above 0.")
    histogram = models.JSONField(help_text="Of positions: low, high, below, counts, above.")
    examples = models.JSONField(help_text="Items by quantile and by rank, with value, position and crop.")

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["finding", "neuron"], name="a_neuron_once_per_finding")]
        indexes = [models.Index(fields=["neuron", "dataset", "id"], name="statistics_of_a_neuron")]

    def __str__(self) -> str:
        return f"{self.neuron_id} over {self.dataset_id}"
