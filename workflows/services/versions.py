"""The versions of things under the lock with which they are changed, for callers who say what they have seen."""

from uuid import UUID

from django.utils import timezone

from workflows.models import Phase, Task
from workflows.permissions import VIEW, Actor, tasks_within
from workflows.services.errors import NotFound
from workflows.services.steps import lock_execution, parse_id
from workflows.services.templates import lock_template


def lock_execution_version(actor: Actor, execution_id: str | UUID) -> int:
    """Lock an execution for the caller's transaction and return its version. Raises NotFound."""
    return lock_execution(actor, execution_id, timezone.now()).execution.version


def lock_task_version(actor: Actor, execution_id: str | UUID, task_id: str | UUID) -> int:
    """Lock a task's execution and return the task's version. Raises NotFound."""
    step = lock_execution(actor, execution_id, timezone.now())
    rows = Task.objects.filter(tasks_within(actor, VIEW), execution_id=step.execution.id, pk=parse_id(task_id))
    return _version(rows.values_list("version", flat=True).first())


def lock_phase_version(actor: Actor, execution_id: str | UUID, phase_id: str | UUID) -> int:
    """Lock a phase's execution and return the phase's version. Raises NotFound."""
    step = lock_execution(actor, execution_id, timezone.now())
    return _version(
        Phase.objects.filter(execution_id=step.execution.id, pk=parse_id(phase_id)).values_list("version", flat=True).first()
    )


def lock_template_version(actor: Actor, template_id: str) -> int:
    """Lock a template and return its version. Raises NotFound."""
    return lock_template(actor, template_id).version


def _version(found: int | None) -> int:
    if found is None:
        raise NotFound
    return found
