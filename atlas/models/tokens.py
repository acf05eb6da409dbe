"""Keys for scripts: shown once, kept as a hash, good for what their scopes say and no longer than their date."""

from django.db import models

from atlas.models.people import Team, User


class Scope(models.TextChoices):
    """What a token may be used for; its owner's roles bound it besides."""

    READ = "read", "read"
    WRITE = "write", "write"
    REVIEW = "review", "review"
    COMPUTE = "compute", "compute"
    IMPORT = "import", "import"
    ADMIN = "admin", "admin"


class Token(models.Model):
    """A person's key, `fh_<prefix>_<secret>`. It goes with its owner's login."""

    prefix = models.CharField(max_length=8, unique=True)
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=80)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="tokens")
    scopes = models.JSONField(help_text="Of read, write, review, compute, import, admin.")
    # When set, the token reaches what is public and what this team owns, and nothing of the owner's other teams.
    team = models.ForeignKey(Team, on_delete=models.CASCADE, null=True, related_name="tokens")
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"fh_{self.prefix}_…"
