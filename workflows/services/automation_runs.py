"""What can be done to runs of automations: cancel, wake, resume, try again; and how the result of an action is taken in."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from workflows.engine.automations import ENDED, UNDER_WAY, RunStatus
from workflows.models import AutomationAction, AutomationExecution, Job, JobState
from workflows.permissions import Actor
from workflows.services import queue
from workflows.services.automation_run import Outcome, Run, done
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.resume_tokens import read_token
from workflows.services.steps import parse_id
from workflows.services.transactions import in_transaction

RETRY_AND_RESUME = "RETRY_AND_RESUME"
RETRY_AND_STOP = "RETRY_AND_STOP"
RETRY_ALL = "RETRY_ALL_PARENT_CONDITION_ACTIONS"
STRATEGIES = (RETRY_AND_RESUME, RETRY_AND_STOP, RETRY_ALL)


def find_run(actor: Actor, automation_id: str | UUID) -> AutomationExecution:
    """Return a run of the actor's organisation. Raises NotFound."""
    rows = AutomationExecution.objects.filter(pk=parse_id(automation_id), organisation=actor.organisation)
    execution = rows.select_related("organisation").first()
    if execution is None:
        raise NotFound
    return execution


def lock_run(actor: Actor, automation_id: str | UUID, now: datetime | None = None) -> Run:
    """Lock a run of the actor's organisation for a change. Raises NotFound; needs a transaction."""
    rows = AutomationExecution.objects.filter(pk=parse_id(automation_id), organisation=actor.organisation)
    execution = rows.select_for_update(no_key=True).first()
    if execution is None:
        raise NotFound
    execution.organisation = actor.organisation
    return Run(execution, now or timezone.now())


@in_transaction
def cancel_run(actor: Actor, automation_id: str | UUID, now: datetime | None = None) -> AutomationExecution:
    """Stop a run: nothing of it begins any more. What is on its way out already may still arrive. An ended run stays as it is."""
    actor.require("automation:trigger")
    run = lock_run(actor, automation_id, now)
    if run.status in UNDER_WAY:
        for action in run.actions:
            if action.status in UNDER_WAY:
                run.put(action, Outcome(RunStatus.CANCELLED, reason="The run was cancelled"))
        run.execution.status = RunStatus.CANCELLED.value
        queue.withdraw(run.execution.id, run.now)
        run.save()
    return run.execution


@in_transaction
def cancel_run_schedule(actor: Actor, automation_id: str | UUID, schedule_id: str, now: datetime | None = None) -> dict[str, Any]:
    """Drop a schedule that is armed: its actions are cancelled and the run goes on. Raises NotFound when it is not armed."""
    actor.require("automation:trigger")
    run = lock_run(actor, automation_id, now)
    schedule = run.find(run.execution.schedules, schedule_id)
    waiting = [action for action in run.of_schedule(schedule_id) if action.status == RunStatus.SCHEDULED] if schedule else []
    if schedule is None or not waiting:
        raise NotFound
    for action in waiting:
        run.put(action, Outcome(RunStatus.CANCELLED, reason="The schedule was cancelled"))
    Job.objects.filter(pk=parse_id(schedule["scheduleApiId"]), state=JobState.READY).update(
        state=JobState.DONE, finished_at=run.now, last_error="withdrawn"
    )
    run.go_on()
    run.save()
    return schedule


@in_transaction
def wake_run(actor: Actor, automation_id: str | UUID, schedule_id: str, now: datetime | None = None) -> None:
    """A schedule is due: its actions begin."""
    run = lock_run(actor, automation_id, now)
    waiting = [action for action in run.of_schedule(schedule_id) if action.status == RunStatus.SCHEDULED]
    if run.status not in UNDER_WAY or not waiting:
        return
    run.note(fired=[*(run.progress("fired") or []), schedule_id])
    for action in waiting:
        run.put(action, Outcome(RunStatus.PENDING))
    run.go_on()
    run.save()


@in_transaction
def resume_run(token: str, now: datetime | None = None) -> tuple[AutomationExecution, AutomationAction]:
    """Let a paused run go on; whoever has the token may.

    Raises NotFound for what is no token of ours, InvalidInput when the run does not wait for it.
    """
    automation_id, key, job_id = read_token(token)
    execution = AutomationExecution.objects.filter(pk=automation_id).select_for_update(no_key=True).first()
    if execution is None:
        raise NotFound
    run = Run(execution, now or timezone.now())
    action = run.action(key)
    if str(action.job_id) != job_id or run.status not in UNDER_WAY or run.progress("resumed") == job_id:
        raise InvalidInput("resume_token", "the run does not wait for this any more")
    run.note(resumed=job_id)
    if action.status == RunStatus.PAUSED:
        run.record(action, done())
    elif action.status not in (RunStatus.STARTING, RunStatus.IN_PROGRESS):
        raise InvalidInput("resume_token", "the run does not wait for this any more")
    run.save()
    return execution, action


@in_transaction
def retrigger_action(
    actor: Actor,
    automation_id: str | UUID,
    key: str,
    strategy: str = RETRY_AND_RESUME,
    condition_id: str | None = None,
    now: datetime | None = None,
) -> AutomationExecution:
    """Do a failed or stuck action again, under the same name of its effect.

    RETRY_AND_RESUME goes on with the rest afterwards, RETRY_AND_STOP does not, the third does all actions of a condition again.
    """
    actor.require("automation:trigger")
    run = lock_run(actor, automation_id, now)
    action = run.action(key)
    if strategy == RETRY_ALL:
        again = _of_condition(run, condition_id or action.design.get("condition_id"))
    elif action.status in (RunStatus.STARTING, RunStatus.IN_PROGRESS):
        if _is_alive(action):
            raise InvalidInput("action_id", "the action is under way")
        again = [action]
    elif action.status in ENDED - {RunStatus.SUCCESS}:
        again = [action]
    else:
        raise InvalidInput("action_id", f"only a failed or stuck action can be done again; this one is {action.status}")
    for each in again:
        run.put(each, Outcome(RunStatus.PENDING))
        each.retry_strategy = strategy
        each.outputs = None
    run.note(stop_after=action.key if strategy == RETRY_AND_STOP else None, pause=None)
    if strategy == RETRY_AND_STOP:
        run.dispatch(action)
        run.execution.status = RunStatus.IN_PROGRESS.value
    else:
        run.go_on()
    run.save()
    return run.execution


def _of_condition(run: Run, condition_id: str | None) -> list[AutomationAction]:
    """Return the actions of a condition, which is evaluated anew. They are new effects: what they did before stays done."""
    condition = run.find(run.execution.conditions, condition_id)
    actions = [action for action in run.actions if condition and action.design.get("condition_id") == condition["id"]]
    if condition is None or not actions:
        raise InvalidInput("condition_id", "the run has no such condition")
    if any(action.status in (RunStatus.STARTING, RunStatus.IN_PROGRESS) for action in actions):
        raise InvalidInput("condition_id", "one of its actions is under way")
    condition.pop("evaluationResult", None)
    condition.pop("error_output", None)
    for action in actions:
        action.job_id = None
    return actions


@in_transaction
def heal_actions(actor: Actor, automation_id: str | UUID, now: datetime | None = None) -> None:
    """Do again what a run is in the middle of when no job is left that does it; the names of the effects stay."""
    run = lock_run(actor, automation_id, now)
    if run.status not in UNDER_WAY - {RunStatus.PAUSED}:
        return
    for action in run.actions:
        if action.status in (RunStatus.STARTING, RunStatus.IN_PROGRESS, RunStatus.SCHEDULED) and not _is_alive(action):
            run.put(action, Outcome(RunStatus.PENDING))
    run.go_on()
    run.save()


def _is_alive(action: AutomationAction) -> bool:
    return Job.objects.filter(pk__in=[action.job_id], state__in=[JobState.READY, JobState.RUNNING]).exists()


def begin_action(job: Job, now: datetime | None = None) -> tuple[AutomationExecution, AutomationAction] | None:
    """Mark the action of a job as under way; None when the run was cancelled, or the action is another job's by now."""
    at = now or timezone.now()
    rows = AutomationAction.objects.filter(execution_id=job.payload["automation_id"], job_id=job.pk)
    under_way = rows.filter(status__in=[RunStatus.STARTING, RunStatus.IN_PROGRESS])
    if not under_way.update(status=RunStatus.IN_PROGRESS, started_at=at, updated_at=at):
        return None
    action = rows.select_related("execution__organisation", "execution__flow").get()
    return action.execution, action


@in_transaction
def record_action(actor: Actor, job: Job, produce: Callable[[], Outcome], now: datetime | None = None) -> None:
    """Write what the action of a job came to; `produce` is asked for it under the run's lock, and may write too.

    For a run or action that does not wait for it any more nothing is asked and nothing written.
    """
    run = lock_run(actor, job.payload["automation_id"], now)
    action = next((action for action in run.actions if action.job_id == job.pk), None)
    if action is None or action.status not in (RunStatus.STARTING, RunStatus.IN_PROGRESS):
        return
    run.record(action, produce())
    run.save()
