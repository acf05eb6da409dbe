"""Who writes: a login may be erased, the contributor behind every authorship stays."""

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.validators import RegexValidator
from django.db import models

HANDLE = r"^[a-z0-9][a-z0-9_-]{1,38}\Z"
is_handle = RegexValidator(HANDLE, "2 to 39 lower-case letters, digits, - and _.")
is_orcid = RegexValidator(r"^\d{4}-\d{4}-\d{4}-\d{3}[\dX]$", "Four groups of four digits, as on orcid.org.")


class Role(models.IntegerChoices):
    """What a member may do in a team; each role includes those before it."""

    READER = 10, "reader"
    ANNOTATOR = 20, "annotator"
    REVIEWER = 30, "reviewer"
    CURATOR = 40, "curator"
    ADMIN = 50, "admin"


class InstanceRole(models.TextChoices):
    """What a person may do to the whole instance."""

    NONE = "", "none"
    MODERATOR = "moderator", "moderator"
    OPERATOR = "operator", "operator"


class DigestChoice(models.TextChoices):
    """How often somebody hears by mail of what they have not read."""

    DAILY = "daily", "once a day"
    NEVER = "never", "never"


class Contributor(models.Model):
    """An author as the record knows them. Never deleted: erasure replaces the names by a stable pseudonym."""

    handle = models.CharField(max_length=39, unique=True, validators=[is_handle])
    citation_name = models.CharField(max_length=200)
    orcid = models.CharField(max_length=19, blank=True, validators=[is_orcid])
    erased_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.handle


class Byline(models.Model):
    """A name as somebody signed with it: a new one signs what they write from then on, not what they wrote before.

    Only erasure changes it, wherever it stands.
    """

    contributor = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="bylines")
    name = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.name


class User(AbstractUser):
    """A login. Deleting it leaves the contributor, and so every authorship, in place."""

    contributor = models.OneToOneField(Contributor, on_delete=models.PROTECT, related_name="login")
    instance_role = models.CharField(max_length=10, choices=InstanceRole, default=InstanceRole.NONE, blank=True)
    # A password somebody else has seen: the first thing its owner may do is to replace it.
    password_is_temporary = models.BooleanField(default=False)
    # Contributions are CC BY 4.0; whoever signs up agrees to that, and when is kept.
    licence_agreed_at = models.DateTimeField(null=True, blank=True)
    digest = models.CharField(max_length=5, choices=DigestChoice, default=DigestChoice.DAILY)
    # Whether single keys do something on pages; who dictates or holds keys down may not want them to.
    single_keys = models.BooleanField(default=True)

    REQUIRED_FIELDS = []

    @property
    def is_operator(self) -> bool:
        """Whether this person runs the service."""
        return self.is_active and self.instance_role == InstanceRole.OPERATOR


class Team(models.Model):
    """People who own checkpoints and footholds together; a personal space is a team of one."""

    slug = models.CharField(max_length=40, unique=True, validators=[is_handle])
    name = models.CharField(max_length=120)
    # A personal space never counts as a team in review.
    person = models.OneToOneField(
        Contributor, on_delete=models.PROTECT, null=True, blank=True, related_name="personal_space"
    )
    members: Any = models.ManyToManyField(Contributor, through="Membership", related_name="teams")
    # Its reviewers see nobody's verdict before they have given their own.
    blind_review = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1, help_text="Grows with every edit; an edit names the one it saw.")
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug

    @property
    def version_tag(self) -> str:
        """What an edit has to name: `curves.3`."""
        return f"{self.slug}.{self.version}"


class Membership(models.Model):
    """One person's role in one team."""

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    contributor = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="memberships")
    role = models.PositiveSmallIntegerField(choices=Role)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["team", "contributor"], name="one_role_per_team")]

    def __str__(self) -> str:
        return f"{self.contributor_id} in {self.team_id}: {self.get_role_display()}"

    @property
    def version_tag(self) -> str:
        """What an edit has to name: `m17.3`."""
        return f"m{self.pk}.{self.version}"


class Invitation(models.Model):
    """A link by which people join a team in a role, or without a team just the service. Shown once, kept as a hash."""

    prefix = models.CharField(max_length=8, unique=True)
    sha256 = models.CharField(max_length=64)
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="invitations")
    role = models.PositiveSmallIntegerField(choices=Role, null=True)
    invited_by = models.ForeignKey(Contributor, on_delete=models.PROTECT, null=True, related_name="invitations")
    uses_left = models.PositiveIntegerField(default=1)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(team__isnull=True, role__isnull=True)
                | models.Q(team__isnull=False, role__isnull=False),
                name="a_role_belongs_to_a_team",
            )
        ]

    def __str__(self) -> str:
        return self.prefix
