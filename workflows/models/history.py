"""History: one row per transition, append-only, with a gapless number per execution."""

from django.db import models

from workflows.models.execution import Execution
from workflows.models.organisation import Organisation


class ActorKind(models.TextChoices):
    USER = "user"
    TOKEN = "token"  # noqa: S105 - the name of a kind, no secret
    SYSTEM = "system"
    # Somebody who holds a signed link; the id says which.
    LINK = "link"


class Event(models.Model):
    """What happened: who did it, to what, from which value to which. `before` and `after` hold small JSON objects.

    `request_id` and `address` say from where: with them the history is the audit trail of executions.

    `task_id` and `phase_id` are plain ids: history outlives the row that it speaks of.
    """

    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=10, choices=ActorKind.choices)
    actor_id = models.CharField(max_length=128, blank=True)
    action = models.CharField(max_length=40)
    task_id = models.UUIDField(null=True)
    phase_id = models.UUIDField(null=True)
    request_id = models.CharField(max_length=36, blank=True, default="")
    address = models.CharField(max_length=45, blank=True, default="")
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["execution", "seq"], name="event_seq_once")]
        indexes = [
            models.Index(fields=["task_id", "seq"], name="event_task"),
            models.Index(fields=["organisation", "-at"], name="event_recent"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.action}"
