"""Answers kept under the key of their request: a script that asks again after a broken line does nothing twice."""

from django.db import models

from atlas.models.people import Contributor


class KeptAnswer(models.Model):
    """What was answered to a request with an `Idempotency-Key`; while `status` is null it is still being answered."""

    contributor = models.ForeignKey(Contributor, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    route = models.CharField(max_length=300)
    body_sha256 = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    headers = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["contributor", "key"], name="one_answer_per_key")]
        indexes = [models.Index(fields=["created_at"], name="kept_answers_by_age")]

    def __str__(self) -> str:
        return f"{self.route} {self.key}"
