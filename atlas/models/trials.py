"""Predictions put to the test: which job a claim's predictions were asked of."""

from django.db import models

from atlas.models.footholds import Foothold
from atlas.models.jobs import Job
from atlas.models.people import Contributor


class Trial(models.Model):
    """That a job tests a claim. Which of its predictions, and what came of them, is read off the job when asked."""

    foothold = models.ForeignKey(Foothold, on_delete=models.PROTECT, related_name="trials")
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="trials")
    by = models.ForeignKey(Contributor, on_delete=models.PROTECT, related_name="trials")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["foothold", "job"], name="a_job_tests_a_claim_once")]

    def __str__(self) -> str:
        return f"{self.job_id} tests {self.foothold_id}"
