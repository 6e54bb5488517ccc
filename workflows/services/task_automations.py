"""Tasks and the runs of their automations: a run is started for a task, its status is told to the task, what got lost is healed.

The execution is locked here, the run never: a run tells its task by a job, and is cancelled by one.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from workflows.documents import timestamp
from workflows.engine.automations import ENDED, RunStatus, task_status
from workflows.engine.results import correct_result
from workflows.engine.status import ExecutionStatus, TaskStatus, TaskType
from workflows.models import AutomationAction, AutomationExecution, ContextRef, Job, JobState, Task
from workflows.permissions import UPDATE, Actor
from workflows.services import agent_runs
from workflows.services.automation_starts import RunRequest, start_automation
from workflows.services.errors import InvalidInput
from workflows.services.schedules import is_held
from workflows.services.steps import Step, lock_execution, parse_id
from workflows.services.task_notes import note_run
from workflows.services.transactions import in_transaction

RUNNING = (TaskStatus.IN_PROGRESS, TaskStatus.WAITING_FOR_CONFIRMATION)
HEAL_AFTER = timedelta(minutes=2)
HEAL_AGAIN = timedelta(minutes=5)
MAX_HEALS = 3
PAGE = 100

NO_AUTOMATION = "No automation is set for this task; choose one in the template, complete the task by hand, or skip it"
TOO_HOT = "The automation ran too often in a short time and was switched off; switch it on again, then run the task again"
LOST = f"The run was lost {MAX_HEALS} times and started again each time; run the task again, or go on by hand"


@in_transaction
def dispatch_run(
    actor: Actor, execution_id: str | UUID, task_id: str | UUID, caller: str = "", now: datetime | None = None
) -> None:
    """Start the automation of a task that is to run.

    With a run under way already, nothing happens; one that ended while the task did not listen is taken for this one.
    """
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    if task.status not in RUNNING or step.execution.status != ExecutionStatus.STARTED:
        return
    if task.task_type == TaskType.AI_AGENT:
        _dispatch_agent(step, task, caller)
        step.save()
        return
    known = _untold_run(task)
    if known is not None:
        if RunStatus(known.status) in ENDED:
            bring_in_line(step, task, known)
            step.save()
        return
    try:
        with transaction.atomic():
            run = _start(step, task, caller)
    except InvalidInput as error:
        _fail(step, task, _plain(error))
    else:
        note_run(task, {"execution_id": str(run.id), "execution_status": run.status})
        step.touch_task(task)
        step.record("task.run_started", None, {"automation": run.flow_name, "run": str(run.id)}, task=task)
    step.save()


def _dispatch_agent(step: Step, task: Task, caller: str) -> None:
    known = agent_runs.untold_run(task)
    if known is not None:
        if known.answer is not None and known.status in agent_runs.WAITING:
            agent_runs.settle(step, task, known)
        return
    try:
        with transaction.atomic():
            run = agent_runs.begin_run(step, task, caller)
    except InvalidInput as error:
        _fail(step, task, _plain(error))
        return
    news = {"execution_id": str(run.id), "execution_status": str(run.status), "outcome": None, "error_reason": None}
    note_run(task, news)
    step.touch_task(task)
    step.record("task.run_started", None, {"agent": run.agent.name, "run": str(run.id)}, task=task)


def _untold_run(task: Task) -> AutomationExecution | None:
    """Return the run of a task unless it has ended as the task knows."""
    run = task.extra.get("run") or {}
    if not run.get("execution_id") or run.get("execution_status") in ENDED:
        return None
    return AutomationExecution.objects.filter(pk=parse_id(run["execution_id"])).first()


def _start(step: Step, task: Task, caller: str) -> AutomationExecution:
    config = automation_config(step, task)
    if not config.get("flow_id"):
        raise InvalidInput("flow_id", NO_AUTOMATION)
    contexts = list(ContextRef.objects.filter(execution_id=step.execution.id).order_by("position"))
    return start_automation(
        step.actor,
        RunRequest(
            flow_id=str(config["flow_id"]),
            entity_id=_input_entity(step, config.get("input_context") or {}, contexts),
            trigger_event={
                "type": "flow_automation_task",
                "flow_execution_id": str(step.execution.id),
                "flow_automation_task_id": str(task.id),
            },
            workflow_execution_id=step.execution.id,
            workflow_task_id=task.id,
            entity_contexts=[
                {"entity_id": str(c.entity_id), "entity_schema": c.entity_schema, "is_primary": c.is_primary} for c in contexts
            ],
            execution_chain=step.execution.extra.get("execution_chain") or {},
            chain=(step.execution.extra.get("execution_chain") or {}).get("automations") or [],
            caller=caller,
        ),
        step.now,
    )


def automation_config(step: Step, task: Task) -> Mapping[str, Any]:
    """Return which automation a task runs: as designed, and what was set by hand over it."""
    design = step.compiled.task(task.template_id).get("automation_config") or {}
    return {**design, **(task.extra.get("automation_config") or {})}


def _input_entity(step: Step, given: Mapping[str, Any], contexts: Sequence[ContextRef]) -> UUID | str:
    """Return the entity that a run is about: the primary one, or the one that an earlier task's run has produced."""
    if given.get("source") != "task":
        primary = next((context for context in contexts if context.is_primary), None)
        if primary is None:
            raise InvalidInput("entity_id", "The flow has no primary entity")
        return primary.entity_id
    wanted = str(given.get("task_id") or "")
    source = next((task for task in step.tasks.values() if wanted in (task.template_id, str(task.id))), None)
    if source is None:
        raise InvalidInput("input_context.task_id", f"The flow has no task {wanted}")
    produced = AutomationAction.objects.filter(
        execution__workflow_task_id=source.id, status=RunStatus.SUCCESS, outputs__entity_id__isnull=False
    ).order_by("-execution__created_at", "-position")
    outputs = produced.values_list("outputs", flat=True).first()
    if not outputs:
        raise InvalidInput("input_context", f"The task {source.name} has produced no entity")
    return str(outputs["entity_id"])


def _plain(error: InvalidInput) -> str:
    """Return the sentence without the field that it is about."""
    text = str(error).removeprefix(f"{error.field}: ")
    return text[:1].upper() + text[1:]


def _fail(step: Step, task: Task, reason: str) -> None:
    step.apply(correct_result(step.flow(), task.template_id, TaskStatus.FAILED, step.moment()))
    note_run(task, {"execution_status": RunStatus.FAILED.value, "error_reason": reason})
    step.touch_task(task)
    step.record("task.run", None, {"status": TaskStatus.FAILED, "reason": reason}, task=task)


@in_transaction
def report_run(
    actor: Actor, execution_id: str | UUID, task_id: str | UUID, automation_id: str | UUID, now: datetime | None = None
) -> None:
    """Tell a task how its run stands. A run that the task does not wait for any more changes nothing."""
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    is_its_own = (task.extra.get("run") or {}).get("execution_id") == str(automation_id)
    waits = task.status in (*RUNNING, TaskStatus.FAILED) and step.execution.status == ExecutionStatus.STARTED
    if is_its_own and waits:
        bring_in_line(step, task, AutomationExecution.objects.get(pk=parse_id(automation_id)))
        step.save()


@in_transaction
def reconcile_task(actor: Actor, execution_id: str | UUID, task_id: str | UUID, now: datetime | None = None) -> None:
    """Correct a task by its run when that has ended, also when the task is not current. Otherwise nothing changes.

    A task that is about to be run again waits for the new run, not for the one before.
    """
    actor.require_some(UPDATE)
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    step.require(UPDATE, task)
    if task.task_type != TaskType.AUTOMATION:
        raise InvalidInput("task_id", "only the task of an automation can be brought in line with its run")
    run = AutomationExecution.objects.filter(workflow_task_id=task.id).order_by("-created_at").first()
    begins_anew = Job.objects.filter(subject=task.id, kind="run_task", state__in=[JobState.READY, JobState.RUNNING]).exists()
    if run is not None and RunStatus(run.status) in ENDED and not begins_anew:
        bring_in_line(step, task, run)
        step.save()


def bring_in_line(step: Step, task: Task, run: AutomationExecution) -> None:
    """Write a run's status into its task, and let the flow move on where that finishes it."""
    status = RunStatus(run.status)
    awaits_person = (run.progress.get("pause") or {}).get("awaits") == "confirmation"
    outcome = correct_result(step.flow(), task.template_id, task_status(status, awaits_person=awaits_person), step.moment())
    known = task.extra.get("run") or {}
    news = {"execution_id": str(run.id), "execution_status": status.value, "error_reason": error_of(run)}
    if not outcome.changes and all(known.get(name) == value for name, value in news.items()):
        return
    step.apply(outcome)
    note_run(task, news)
    step.touch_task(task)
    if news["error_reason"]:
        step.record("task.run", None, {"status": status.value, "reason": news["error_reason"]}, task=task)


def error_of(run: AutomationExecution) -> str | None:
    """Return in a sentence why a run failed; None when it did not."""
    if run.status == RunStatus.HOT:
        return TOO_HOT
    if run.status != RunStatus.FAILED:
        return None
    failed = AutomationAction.objects.filter(execution_id=run.id, status=RunStatus.FAILED).order_by("position")
    action = failed.filter(allow_failure=False).first() or failed.first()
    if action is None or not action.error:
        return "The run ended before all of its actions were done"
    return f"{action.design.get('name') or action.type}: {action.error['error_reason']}"


def lost_runs(now: datetime) -> Iterator[Task]:
    """Yield current tasks of automations and agents that have run for a while and have no work left anywhere, page by page."""
    rows = Task.objects.select_related("organisation").filter(
        crt_since__isnull=False,
        task_type__in=[TaskType.AUTOMATION, TaskType.AI_AGENT],
        status=TaskStatus.IN_PROGRESS,
        status_updated_at__lt=now - HEAL_AFTER,
        execution__status=ExecutionStatus.STARTED,
        execution__deleted_at=None,
    )
    page = list(rows.order_by("id")[:PAGE])
    while page:
        # An agent that has ended without having done the work has left it to a person.
        alive = {task.id for task in page if is_held(task)}
        alive |= _with_work({task.id: (task.extra.get("run") or {}).get("execution_id") for task in page})
        yield from (task for task in page if task.id not in alive)
        page = list(rows.filter(id__gt=page[-1].id).order_by("id")[:PAGE])


def _with_work(runs: Mapping[UUID, str | None]) -> set[UUID]:
    """Return the tasks for which, or for whose runs, a job waits or runs, or whose runs wait for somebody outside."""
    ids = {UUID(run): task for task, run in runs.items() if run}
    jobs = Job.objects.filter(subject__in=[*runs, *ids], state__in=[JobState.READY, JobState.RUNNING])
    busy = {subject for subject in jobs.values_list("subject", flat=True) if subject is not None}
    paused = AutomationExecution.objects.filter(pk__in=ids, status=RunStatus.PAUSED).values_list("pk", flat=True)
    return (busy & set(runs)) | {ids[run] for run in (busy & set(ids)) | set(paused)}


@in_transaction
def heal_run(actor: Actor, execution_id: UUID, task_id: UUID, now: datetime | None = None) -> None:
    """Start again what was lost, three times at most; tell a task what it was not told."""
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    run = task.extra.get("run") or {}
    last = run.get("last_heal_attempted_at")
    is_too_soon = last is not None and datetime.fromisoformat(last) > step.now - HEAL_AGAIN
    if task.status != TaskStatus.IN_PROGRESS or _with_work({task.id: run.get("execution_id")}) or is_too_soon or is_held(task):
        return
    is_agent = task.task_type == TaskType.AI_AGENT
    known = None
    if run.get("execution_id") and not is_agent:
        known = AutomationExecution.objects.filter(pk=parse_id(run["execution_id"])).first()
    if known is not None and RunStatus(known.status) in ENDED:
        bring_in_line(step, task, known)
    elif run.get("heal_attempts", 0) >= MAX_HEALS:
        _fail(step, task, LOST)
    else:
        note_run(task, {"heal_attempts": run.get("heal_attempts", 0) + 1, "last_heal_attempted_at": timestamp(step.now)})
        step.touch_task(task)
        step.record("task.run_healed", None, {"attempt": run.get("heal_attempts", 0) + 1}, task=task)
        if is_agent:
            agent_runs.heal(step, task)
        elif known is not None:
            step.add_job("heal_run", known.id, automation_id=str(known.id))
        else:
            step.add_job("run_task", task.id, task_id=str(task.id), caller="")
    step.save()
