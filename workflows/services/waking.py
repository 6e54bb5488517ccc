"""Executions that wait for a change of an entity: which do, and how they are woken."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef

from workflows.definitions import Compiled
from workflows.engine.schedules import Origin
from workflows.engine.status import ExecutionStatus, TaskStatus, TriggerMode
from workflows.models import ContextRef, Entity, Execution, Job, JobState, Task
from workflows.models.rows import insert_rows

KIND = "reconsider_execution"


def waits_for_entity(compiled: Compiled, tasks: Iterable[Task]) -> bool:
    """Whether a current task is waiting for a change of an entity."""
    return any(task.crt_since is not None and _is_waiting(compiled, task) for task in tasks)


def _is_waiting(compiled: Compiled, task: Task) -> bool:
    if task.status == TaskStatus.CONDITION_PENDING:
        return True
    node = compiled.graph.nodes.get(task.template_id)
    if node is None or node.schedule is None or node.trigger_mode is TriggerMode.MANUAL:
        return False
    return node.schedule.origin is Origin.ATTRIBUTE and task.status in (TaskStatus.PENDING, TaskStatus.SCHEDULED)


def wake_waiting(entity: Entity, now: datetime) -> None:
    """Have the executions that wait for this entity look at it again: each by a job of its own, in a transaction of its own."""
    about = ContextRef.objects.filter(organisation_id=entity.organisation_id, entity_id=entity.id).values("execution_id")
    waiting = Execution.objects.filter(
        organisation_id=entity.organisation_id,
        status=ExecutionStatus.STARTED,
        waits_for_entity=True,
        deleted_at=None,
        id__in=about,
    )
    # One that has not begun will see this change too: it reads the entity behind the lock that this transaction holds.
    pending = Job.objects.filter(subject=OuterRef("id"), kind=KIND, state=JobState.READY, run_at__lte=now)
    waiting = waiting.exclude(Exists(pending))
    insert_rows(
        [
            Job(
                organisation_id=entity.organisation_id,
                kind=KIND,
                subject=execution_id,
                payload={"execution_id": str(execution_id)},
                run_at=now,
                created_at=now,
            )
            for execution_id in waiting.values_list("id", flat=True)
        ]
    )
