"""Comments: what people tell each other about an execution or one of its tasks, and whom they mention."""

from typing import Any, ClassVar

from django.db import models

from workflows.models.execution import Execution
from workflows.models.ids import ordered_uuid
from workflows.models.organisation import Organisation, User


class Comment(models.Model):
    """Plain text by a person. Without `task_id` it is about the execution as a whole. A deleted one keeps its row.

    `task_id` is a plain id, as in the history: a comment outlives the task that it speaks of.
    """

    id = models.UUIDField(primary_key=True, default=ordered_uuid, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE, db_index=False)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="comments")
    task_id = models.UUIDField(null=True)
    author = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    text = models.TextField()
    created_at = models.DateTimeField()
    edited_at = models.DateTimeField(null=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["task_id", "created_at"], name="comment_task")]

    def __str__(self) -> str:
        return self.text[:80]


class Mention(models.Model):
    """A person named in a comment. `handle`: the name as it was written, behind the @."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="mentions", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="mentions", db_index=False)
    handle = models.CharField(max_length=254)
    read_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "user"], name="mention_once")]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["user", "-id"], name="mention_user")]

    def __str__(self) -> str:
        return f"@{self.handle}"
