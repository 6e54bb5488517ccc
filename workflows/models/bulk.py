"""The same change of many tasks: what is to be done, and what came of it for each."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from workflows.models.ids import ordered_uuid
from workflows.models.organisation import Organisation, User


class BulkState(models.TextChoices):
    WAITING = "waiting"
    DONE = "done"
    SAME = "same"
    REFUSED = "refused"


class BulkChange(models.Model):
    """A change that a person asked for. `patch`: one field of a task with its value; `undoes`: the change that it takes back."""

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False)
    person = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    patch = models.JSONField(default=dict)
    undoes = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    total = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.total} tasks, {self.created_at:%Y-%m-%d %H:%M}"


class BulkItem(models.Model):
    """One task of a change. The ids are plain: what came of it outlives the task.

    `seq`: the row of the history by which it can be taken back; while a taking back waits, the row that it is to take back.
    """

    change = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="items", db_index=False)
    position = models.PositiveIntegerField()
    task_id = models.UUIDField()
    execution_id = models.UUIDField(null=True)
    name = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=10, choices=BulkState.choices, default=BulkState.WAITING)
    reason = models.CharField(max_length=20, blank=True)
    seq = models.PositiveIntegerField(null=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["change", "position"], name="bulk_item_place"),
            models.UniqueConstraint(fields=["change", "task_id"], name="bulk_item_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.state}"
