"""What checkpoints are shown: sets of images or stimuli, known by the digests of their items."""

from django.db import models

from atlas.models.artifacts import Artifact
from atlas.models.checkpoints import Visibility, is_slug
from atlas.models.people import Team


class Dataset(models.Model):
    """A fixed set of items. Its digest is over the sorted item digests, so order and names do not matter."""

    class Kind(models.TextChoices):
        """Where the items come from."""

        IMAGES = "images", "images"
        STIMULI = "stimuli", "synthetic stimuli"

    slug = models.CharField(max_length=40, unique=True, validators=[is_slug])
    digest = models.CharField(max_length=64, unique=True)
    kind = models.CharField(max_length=8, choices=Kind)
    title = models.CharField(max_length=120)
    size = models.PositiveIntegerField()
    labels = models.JSONField(default=list)
    licence = models.CharField(max_length=200)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="datasets")
    visibility = models.CharField(max_length=6, choices=Visibility, default=Visibility.PUBLIC)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug


class Spectrum(models.Model):
    """The mean magnitudes of a dataset's waves, as they were measured once; questions name the artifact for ever."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="spectra")
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["dataset", "artifact"], name="one_spectrum_per_artifact")]

    def __str__(self) -> str:
        return f"of {self.dataset_id}"


class DatasetItem(models.Model):
    """One image or stimulus, addressed by its digest."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="items")
    digest = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    label = models.IntegerField(null=True)
    artifact = models.ForeignKey(Artifact, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["dataset_id", "digest"]
        constraints = [models.UniqueConstraint(fields=["dataset", "digest"], name="one_item_per_digest")]

    def __str__(self) -> str:
        return self.name
