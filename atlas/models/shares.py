"""Who may use how much of the devices, who has, and whose turn it is."""

from django.db import models
from django.db.models import Q

from atlas.models.checkpoints import Checkpoint
from atlas.models.jobs import Job, ProbeKind
from atlas.models.people import Contributor, Team


class Quota(models.Model):
    """How many device-seconds a team or a personal space may use in any 24 hours; without a row, the setting's."""

    team = models.OneToOneField(Team, on_delete=models.PROTECT, related_name="quota")
    seconds = models.FloatField(help_text="Device-seconds in any 24 hours.")

    def __str__(self) -> str:
        return f"{self.seconds:g} s for {self.team_id}"


class LedgerEntry(models.Model):
    """A line of the ledger of device-seconds: held when a job is asked for, settled or released when it ends.

    Append-only. Each hold, of one job in one generation, is closed once: at what it took, or at nothing.
    """

    class Kind(models.TextChoices):
        """What a line does."""

        HOLD = "hold", "hold"
        SETTLE = "settle", "settle"
        RELEASE = "release", "release"

    CLOSING = (Kind.SETTLE, Kind.RELEASE)

    kind = models.CharField(max_length=7, choices=Kind)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="ledger")
    generation = models.PositiveIntegerField()
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="ledger")
    seconds = models.FloatField(help_text="Held: the estimate. Settled: what it took. Released: 0.")
    at = models.DateTimeField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["job", "generation"], condition=Q(kind="hold"), name="held_once_a_generation"
            ),
            models.UniqueConstraint(
                fields=["job", "generation"], condition=~Q(kind="hold"), name="closed_once_a_generation"
            ),
        ]
        indexes = [models.Index(fields=["team", "kind", "at"], name="ledger_of_a_day")]

    def __str__(self) -> str:
        return f"{self.kind} {self.seconds:g} s, job {self.job_id}"


class Share(models.Model):
    """A person's turn: the device-seconds that count against them when it is asked whose question is next."""

    person = models.OneToOneField(Contributor, on_delete=models.PROTECT, primary_key=True, related_name="share")
    turn = models.FloatField(default=0)

    class Meta:
        indexes = [models.Index(fields=["turn", "person"], name="turns")]

    def __str__(self) -> str:
        return f"{self.person_id} at {self.turn:g}"


class Breaker(models.Model):
    """A probe that crashed on a checkpoint with several different questions: its questions wait until `until`.

    From then on they are claimed singly; one that is answered takes the row away, another crash moves `until` on.
    """

    probe = models.ForeignKey(ProbeKind, on_delete=models.PROTECT, related_name="breakers")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="breakers")
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["probe", "checkpoint"], name="one_breaker_for_a_pair")]

    def __str__(self) -> str:
        return f"{self.probe_id} on {self.checkpoint_id}"
