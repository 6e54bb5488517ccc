"""What can be done to tasks that begin by themselves: run one now, fire or cancel a schedule, look again at what waits.

A schedule is two columns of its task and one job, written when it is armed and taken away when it is cancelled. Its id fences:
a job whose schedule is not the task's any more does nothing, however often it comes.
"""

from datetime import datetime
from uuid import UUID

from django.utils import timezone

from workflows.engine import machines
from workflows.engine.advance import changeable
from workflows.engine.flow import Outcome
from workflows.engine.status import TaskStatus, TaskType
from workflows.models import Task
from workflows.permissions import UPDATE, Actor
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.steps import Step, lock_execution
from workflows.services.transactions import in_transaction

# Schedules of one execution that fire in one step.
MOST_AT_ONCE = 50


@in_transaction
def execute_task(actor: Actor, execution_id: str | UUID, task_id: str | UUID, now: datetime | None = None) -> Task:
    """Do a task now, whatever its type: complete it, dispatch it, or evaluate the decision. A schedule is cancelled by it."""
    actor.require_some(UPDATE)
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    step.require(UPDATE, task)
    if is_held(task):
        return _ask_again(step, task)
    return _take(step, task, machines.execute(step.flow(), task.template_id, step.moment()))


def is_held(task: Task) -> bool:
    """Whether the agent of a task has ended its run without having done the work: then it may be asked again."""
    run = task.extra.get("run") or {}
    ended = run.get("execution_status") == "completed"
    return task.task_type == TaskType.AI_AGENT and task.status == TaskStatus.IN_PROGRESS and ended


def _ask_again(step: Step, task: Task) -> Task:
    changeable(step.flow(), task.template_id)
    step.add_job("run_task", task.id, task_id=str(task.id), caller=step.caller)
    step.record("task.agent_again", task=task)
    step.save()
    task.execution = step.execution
    return task


@in_transaction
def run_automation(actor: Actor, execution_id: str | UUID, task_id: str | UUID, now: datetime | None = None) -> Task:
    """Start the automation of a task now. Raises InvalidInput for a task of another type."""
    actor.require_some(UPDATE)
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    step.require(UPDATE, task)
    if task.task_type != TaskType.AUTOMATION:
        raise InvalidInput("task_id", f"a task of type {task.task_type} has no automation")
    return _take(step, task, machines.execute(step.flow(), task.template_id, step.moment()))


@in_transaction
def run_schedule_now(actor: Actor, execution_id: str | UUID, task_id: str | UUID, now: datetime | None = None) -> Task:
    """Cancel the schedule of a task and begin the task."""
    actor.require_some(UPDATE)
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    step.require(UPDATE, task)
    return _take(step, task, machines.run_schedule_now(step.flow(), task.template_id, step.moment()))


@in_transaction
def cancel_schedule(actor: Actor, execution_id: str | UUID, task_id: str | UUID, now: datetime | None = None) -> Task:
    """Cancel the schedule of a task; the task is skipped and the flow goes on."""
    actor.require_some(UPDATE)
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    step.require(UPDATE, task)
    return _take(step, task, machines.cancel_schedule(step.flow(), task.template_id, step.moment()))


@in_transaction
def cancel_schedule_by_id(actor: Actor, execution_id: str | UUID, schedule_id: str, now: datetime | None = None) -> Task:
    """The same, by the schedule's own id. Raises NotFound for one that is not armed."""
    actor.require_some(UPDATE)
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = next((task for task in step.tasks.values() if task.schedule_id and task.schedule_id == schedule_id), None)
    if task is None:
        raise NotFound
    task = step.task(task.id)
    step.require(UPDATE, task)
    return _take(step, task, machines.cancel_schedule(step.flow(), task.template_id, step.moment()))


@in_transaction
def fire_schedule(
    actor: Actor, execution_id: str | UUID, task_id: str | UUID, schedule_id: str, now: datetime | None = None
) -> bool:
    """Let a schedule that is due begin its task; False when it was cancelled, fired or armed anew meanwhile.

    What else is due in the execution fires in the same step: locking, reading and writing cost more than the firing. Raises
    ActionNotAllowed before its time, so that whoever calls too early calls again.
    """
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    if task.schedule_id != schedule_id:
        return False
    moment = step.moment()
    step.apply(machines.fire(step.flow(), task.template_id, moment))
    for other in _also_due(step, task):
        # Looked at anew each time: what fired before it may have cancelled it.
        if other.schedule_id:
            step.forget_schedule(other)
            step.apply(machines.fire(step.flow(), other.template_id, moment))
    return step.save()


def _also_due(step: Step, first: Task) -> list[Task]:
    """The other tasks whose schedules are due, the longest overdue first, as many as one step may carry."""
    found = [t for t in step.tasks.values() if t is not first and t.schedule_id and t.scheduled_at and t.scheduled_at <= step.now]
    return sorted(found, key=lambda task: (task.scheduled_at, task.position))[: MOST_AT_ONCE - 1]


@in_transaction
def give_up_schedule(
    actor: Actor, execution_id: str | UUID, task_id: str | UUID, schedule_id: str, error: str, now: datetime | None = None
) -> None:
    """Say on a task that its schedule could not be carried out, so that a person can go on."""
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    if task.schedule_id == schedule_id:
        step.apply(machines.give_up_schedule(step.flow(), task.template_id, error, step.moment()))
        step.save()


@in_transaction
def reconsider_execution(actor: Actor, execution_id: str | UUID, now: datetime | None = None) -> None:
    """Look again at the decisions and schedules that wait for entities, because one was changed."""
    step = lock_execution(actor, execution_id, now or timezone.now())
    step.apply(machines.reconsider(step.flow(), step.moment()))
    step.save()


def _take(step: Step, task: Task, outcome: Outcome) -> Task:
    step.apply(outcome)
    step.save()
    task.execution = step.execution
    return task
