"""The facts: exactly which function is studied, and the address of each of its neurons."""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Q

from atlas.models.artifacts import Artifact
from atlas.models.people import Contributor, Team

SLUG = r"^[a-z0-9][a-z0-9-]{1,39}\Z"
is_slug = RegexValidator(SLUG, "2 to 40 lower-case letters, digits and dashes.")
KEY = r"^[A-Za-z0-9][A-Za-z0-9_.]*\Z"
is_key = RegexValidator(KEY, "Letters, digits, dots and underscores.")
# What the registration of an upload finds out.
IDENTITY = (
    "digest", "weights_sha256", "graph_sha256", "graph", "input_spec", "weights", "response_check", "flops",
    "parameters",
)  # fmt: skip


class Visibility(models.TextChoices):
    """Who may read a thing."""

    TEAM = "team", "team"
    PUBLIC = "public", "public"


class Checkpoint(models.Model):
    """One exact function: weights, graph and input convention. What names it never changes.

    A draft is an upload whose identity nobody knows yet: the columns that name the function are null until the
    registration of its upload has found them out.
    """

    class Status(models.TextChoices):
        """How far a checkpoint has come."""

        DRAFT = "draft", "draft"
        PUBLISHED = "published", "published"
        DEPRECATED = "deprecated", "deprecated"

    class Task(models.TextChoices):
        """What goes in and what comes out."""

        CLASSIFIER = "classifier", "classifier"
        GENERATOR = "generator", "generator"
        POLICY = "policy", "policy"

    slug = models.CharField(max_length=40, unique=True, validators=[is_slug])
    digest = models.CharField(max_length=64, unique=True, null=True)
    weights_sha256 = models.CharField(max_length=64, null=True)
    graph_sha256 = models.CharField(max_length=64, null=True)
    graph = models.JSONField(null=True)
    input_spec = models.JSONField(null=True)
    architecture = models.CharField(max_length=100)
    task = models.CharField(max_length=10, choices=Task, default=Task.CLASSIFIER)
    # The canonical safetensors file; the digest above is over its tensors, not over this container.
    weights = models.ForeignKey(Artifact, on_delete=models.PROTECT, null=True, related_name="+")
    response_check = models.JSONField(null=True)
    flops = models.PositiveBigIntegerField(
        null=True, help_text="One forward pass at the native input, multiply and add as two."
    )
    parameters = models.PositiveBigIntegerField(null=True)

    # Of a draft only: the file as it was sent, the card as it was typed, and the fingerprint of the one question whose
    # answer may publish them. A later upload asks another question, and the answer to the former publishes nothing.
    upload = models.ForeignKey(Artifact, on_delete=models.PROTECT, null=True, related_name="+")
    card = models.JSONField(null=True)
    question = models.CharField(max_length=64, blank=True)

    title = models.CharField(max_length=120)
    summary = models.TextField(blank=True)
    labels = models.JSONField(default=list)
    figures = models.JSONField(default=list)
    units = models.JSONField(default=dict, help_text="What is known of units by construction, by layer.")
    source = models.TextField(blank=True)
    paper = models.TextField(blank=True)
    licence = models.CharField(max_length=200)

    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="checkpoints")
    visibility = models.CharField(max_length=6, choices=Visibility, default=Visibility.PUBLIC)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    registered_by = models.ForeignKey(Contributor, on_delete=models.PROTECT, null=True, related_name="checkpoints")
    version = models.PositiveIntegerField(default=1, help_text="Grows with every edit; an edit names the one it saw.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        constraints = [
            models.CheckConstraint(
                condition=Q(status="draft") | Q(**{f"{name}__isnull": False for name in IDENTITY}),
                name="a_draft_or_the_identity_is_known",
            )
        ]

    def __str__(self) -> str:
        return self.slug

    @property
    def version_tag(self) -> str:
        """What an edit has to name: `curve-circuit.3`."""
        return f"{self.slug}.{self.version}"


class Layer(models.Model):
    """A convolution, linear map, residual sum or concatenation; normalisation and ReLU are its sites."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="layers")
    key = models.CharField(max_length=120, validators=[is_key])
    kind = models.CharField(max_length=20)
    index = models.PositiveIntegerField(help_text="Depth order in the graph, from 0.")
    channels = models.PositiveIntegerField()
    stride = models.JSONField(
        null=True, help_text="Input pixels per position, vertical and horizontal; null after flattening."
    )
    receptive_field = models.JSONField(help_text="Input pixels seen by one position, vertical and horizontal.")
    positions = models.JSONField(help_text="Height and width of the map at the native input.")
    sites = models.JSONField()

    class Meta:
        ordering = ["checkpoint_id", "index"]
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "key"], name="one_layer_per_key"),
            models.UniqueConstraint(fields=["checkpoint", "index"], name="one_layer_per_index"),
        ]

    def __str__(self) -> str:
        return self.key


class LayerAlias(models.Model):
    """Another name for a run of a layer's channels: a branch of a concatenation, or a name used in a paper."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="aliases")
    name = models.CharField(max_length=120, validators=[is_key])
    layer = models.ForeignKey(Layer, on_delete=models.PROTECT, related_name="aliases")
    start = models.PositiveIntegerField()
    stop = models.PositiveIntegerField(help_text="Exclusive.")

    class Meta:
        ordering = ["layer_id", "start"]
        constraints = [
            models.UniqueConstraint(fields=["checkpoint", "name"], name="one_meaning_per_alias"),
            models.CheckConstraint(condition=Q(start__lt=F("stop")), name="an_alias_is_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name


class Neuron(models.Model):
    """A channel of a layer, tied over positions. Its identity is its coordinates; it is never deleted."""

    layer = models.ForeignKey(Layer, on_delete=models.PROTECT, related_name="neurons")
    channel = models.PositiveIntegerField()

    class Meta:
        ordering = ["layer_id", "channel"]
        constraints = [models.UniqueConstraint(fields=["layer", "channel"], name="one_neuron_per_channel")]

    def __str__(self) -> str:
        return f"{self.layer_id}:{self.channel}"
