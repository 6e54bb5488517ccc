"""What machines report: how the run of a task ended, and that a long step is to go on."""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from workflows.engine import advance
from workflows.engine.status import TaskStatus
from workflows.models import Task
from workflows.permissions import Actor
from workflows.services.steps import lock_execution
from workflows.services.transactions import in_transaction


@in_transaction
def record_run(
    actor: Actor,
    execution_id: str | UUID,
    task_id: str | UUID,
    status: TaskStatus,
    *,
    reason: str = "",
    now: datetime | None = None,
) -> Task:
    """Write what the run of a task came to, and let the flow move on. A result that comes too late changes nothing."""
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    outcome = advance.record_result(step.flow(), task.template_id, status, step.moment())
    if outcome.changes:
        run = {"execution_status": "success" if status is TaskStatus.COMPLETED else status.lower()}
        task.extra = {**task.extra, "run": run | ({"error_reason": reason} if reason else {})}
        step.touch_task(task)
        step.apply(outcome)
        if reason:
            step.record("task.run", None, {"status": status, "reason": reason}, task=task)
        step.save()
    return task


@in_transaction
def continue_execution(actor: Actor, execution_id: str | UUID, now: datetime | None = None) -> None:
    """Go on where a step stopped because it was long enough for one transaction."""
    step = lock_execution(actor, execution_id, now or timezone.now())
    step.apply(advance.resume(step.flow(), step.moment()))
    step.save()


@in_transaction
def note_failure(
    actor: Actor, execution_id: str | UUID, task_id: str | UUID | None, reason: str, now: datetime | None = None
) -> None:
    """Write into the history of an execution, or of its task, that something done for it came to nothing; the flow goes on."""
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.find_task(task_id) if task_id else None
    step.record("task.failure" if task else "execution.failure", None, {"reason": reason}, task=task)
    step.save()
