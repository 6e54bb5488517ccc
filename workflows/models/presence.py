"""Who has an execution open just now."""

from django.db import models

from workflows.models.execution import Execution
from workflows.models.organisation import User


class Presence(models.Model):
    """A person has looked at an execution at `seen_at`; some seconds later it says nothing any more. No history is kept of it."""

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="viewers", db_index=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["execution", "user"], name="presence_once")]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.execution_id}"
