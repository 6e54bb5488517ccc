"""Answers that are remembered, so that a request that is sent again is not done again."""

from django.db import models

from workflows.models.organisation import Organisation


class IdempotencyKey(models.Model):
    """What a request with an Idempotency-Key came to, its body sealed; written in the transaction of its effect."""

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False)
    credential = models.CharField(max_length=128)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=1000)
    key = models.CharField(max_length=255)
    body_hash = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "credential", "method", "path", "key"], name="idempotency_key_once")
        ]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.key}"
