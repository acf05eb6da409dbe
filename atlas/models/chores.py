"""What is tidied up now and then, by whichever process finds that it is time: when that was, and what it removed."""

from django.db import models


class Chore(models.Model):
    """One rule of the janitor, or the whole round; a conditional update of `begun_at` says whose turn it is."""

    name = models.CharField(max_length=30, primary_key=True)
    begun_at = models.DateTimeField(null=True)
    whole_at = models.DateTimeField(null=True, help_text="When the last run that came to its end began.")
    removed = models.PositiveBigIntegerField(default=0)
    freed = models.PositiveBigIntegerField(default=0, help_text="Bytes.")
    paused_until = models.DateTimeField(null=True, help_text="While a backup copies what its database names.")

    def __str__(self) -> str:
        return self.name
