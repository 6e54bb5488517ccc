"""What automations did, ready to show: runs with their actions and every attempt, and jobs that were given up."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard.wording import describe_moment
from workflows.models import AutomationAction, AutomationExecution, Delivery, Entity, Job, JobState, Task
from workflows.permissions import Actor

# The words for a run's status, and the task's status whose colours and sign it has.
RUN_STATUS = {
    "pending": (gettext_lazy("Waits"), "PENDING"),
    "starting": (gettext_lazy("Starts"), "IN_PROGRESS"),
    "in_progress": (gettext_lazy("In progress"), "IN_PROGRESS"),
    "paused": (gettext_lazy("Waits for an answer"), "WAITING_FOR_CONFIRMATION"),
    "success": (gettext_lazy("Done"), "COMPLETED"),
    "failed": (gettext_lazy("Failed"), "FAILED"),
    "cancelled": (gettext_lazy("Cancelled"), "SKIPPED"),
    "skipped": (gettext_lazy("Skipped"), "SKIPPED"),
    "scheduled": (gettext_lazy("Scheduled"), "SCHEDULED"),
    "hot": (gettext_lazy("Stopped: ran too often"), "FAILED"),
}
ACTION_TYPES = {
    "trigger-webhook": gettext_lazy("Send to a webhook"),
    "send-email": gettext_lazy("Send an e-mail"),
    "map-entity": gettext_lazy("Change an entity"),
    "trigger-workflow": gettext_lazy("Start a flow"),
    "cancel-flow-execution": gettext_lazy("Close the flow"),
    "assign-entity": gettext_lazy("Assign"),
    "custom-action": gettext_lazy("Custom action"),
    "trigger-event": gettext_lazy("Report an event"),
}
OUTCOMES = {
    "taken": gettext_lazy("was taken"),
    "refused": gettext_lazy("was refused"),
    "unreachable": gettext_lazy("nobody answered"),
    "not_allowed": gettext_lazy("the address is not allowed"),
}
JOB_KINDS = {
    "run_task": gettext_lazy("Begin the automation of a task"),
    "deliver_webhook": gettext_lazy("Send to a webhook"),
    "call_agent": gettext_lazy("Ask an agent"),
    "settle_agent": gettext_lazy("Take an agent's answer into the flow"),
    "fire_schedule": gettext_lazy("Begin a scheduled task"),
    "report_run": gettext_lazy("Tell a task how its run ended"),
    "continue_execution": gettext_lazy("Let a flow go on"),
    "send_account_mail": gettext_lazy("Send a mail about an account"),
}

MOST_SHOWN = 2000


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to the outside in words."""

    number: int
    at: str
    iso: str
    what: str
    answer: str
    is_good: bool


@dataclass(frozen=True, slots=True)
class Action:
    """An action of a run: how far it has come, why it failed, when it is tried again."""

    name: str
    type_name: str
    status: str
    colour: str
    problem: str
    next_try: str
    attempts: list[Attempt]


@dataclass(frozen=True, slots=True)
class Run:
    """A run of an automation."""

    id: UUID
    name: str
    status: str
    colour: str
    at: datetime
    when: str
    about: str
    task_link: tuple[UUID, UUID] | None
    actions: list[Action]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that was given up."""

    id: UUID
    name: str
    problem: str
    tries: int
    when: str
    task_link: tuple[UUID, UUID] | None
    attempts: list[Attempt]


def load_runs(actor: Actor, executions: Sequence[AutomationExecution]) -> list[Run]:
    """Return runs with all that was tried; four queries for any number of them."""
    ids = [execution.id for execution in executions]
    actions: defaultdict[UUID, list[AutomationAction]] = defaultdict(list)
    for action in AutomationAction.objects.filter(execution_id__in=ids).order_by("position"):
        actions[action.execution_id].append(action)
    jobs = list(Job.objects.filter(subject__in=ids, kind__in=("run_action", "deliver_webhook")))
    attempts = load_attempts(jobs)
    entities = Entity.objects.filter(organisation=actor.organisation, id__in={e.entity_id for e in executions})
    titles = dict(entities.values_list("id", "title"))
    return [
        Run(
            id=execution.id,
            name=execution.flow_name,
            status=str(RUN_STATUS[execution.status][0]),
            colour=RUN_STATUS[execution.status][1],
            at=execution.created_at,
            when=describe_moment(execution.created_at),
            about=titles.get(execution.entity_id, ""),
            task_link=task_link(execution.workflow_execution_id, execution.workflow_task_id),
            actions=[build_action(action, jobs_of(action, jobs), attempts) for action in actions[execution.id]],
        )
        for execution in executions
    ]


def task_link(execution_id: UUID | None, task_id: UUID | None) -> tuple[UUID, UUID] | None:
    return (execution_id, task_id) if execution_id and task_id else None


def jobs_of(action: AutomationAction, jobs: Iterable[Job]) -> list[Job]:
    """Return the job that does an action, and the deliveries that it has left to others."""
    return [job for job in jobs if job.pk == action.job_id or job.payload.get("action") == action.key]


def build_action(action: AutomationAction, jobs: Sequence[Job], attempts: Mapping[UUID, list[Attempt]]) -> Action:
    waits = next((job for job in jobs if job.state == JobState.READY and job.last_error and job.attempt), None)
    dead = next((job for job in jobs if job.state == JobState.DEAD), None)
    text = (action.error or {}).get("error_reason") or (action.reason or {}).get("message") or ""
    if not text and (dead or waits):
        text = (dead or waits).last_error  # type: ignore[union-attr]
    return Action(
        name=str(action.design.get("name") or ACTION_TYPES.get(action.type, action.type)),
        type_name=str(ACTION_TYPES.get(action.type, action.type)),
        status=str(RUN_STATUS[action.status][0]),
        colour=RUN_STATUS[action.status][1],
        problem=text,
        next_try=describe_moment(waits.run_at) if waits else "",
        attempts=[attempt for job in jobs for attempt in attempts[job.pk]],
    )


def load_attempts(jobs: Iterable[Job]) -> defaultdict[UUID, list[Attempt]]:
    """Return the calls of jobs, in order; one query."""
    found: defaultdict[UUID, list[Attempt]] = defaultdict(list)
    rows = Delivery.objects.filter(job_id__in=[job.pk for job in jobs])
    for row in rows.order_by("started_at", "attempt"):
        words = str(OUTCOMES.get(row.outcome, row.outcome)) if row.finished_at else _("it is not known whether it arrived")
        found[row.job_id].append(
            Attempt(
                number=row.attempt,
                at=describe_moment(row.started_at),
                iso=row.started_at.isoformat(),
                what=f"{row.target}: {words}" + (f" ({row.http_status})" if row.http_status else ""),
                answer=row.answer[:MOST_SHOWN],
                is_good=row.outcome == "taken",
            )
        )
    return found


def load_task_runs(actor: Actor, task: Task) -> list[Run]:
    """Return the latest runs that were started for a task."""
    rows = AutomationExecution.objects.filter(organisation=actor.organisation, workflow_task_id=task.id)
    return load_runs(actor, list(rows.order_by("-created_at", "-id")[:3]))


def load_dead_letters(jobs: Sequence[Job]) -> list[DeadLetter]:
    """Return jobs that were given up, in words; three queries for any number of them."""
    attempts = load_attempts(jobs)
    actions = {a.job_id: a for a in AutomationAction.objects.filter(job_id__in=[job.pk for job in jobs])}
    runs = AutomationExecution.objects.filter(id__in=[job.subject for job in jobs if job.subject])
    owners = {run.id: task_link(run.workflow_execution_id, run.workflow_task_id) for run in runs}
    return [
        DeadLetter(
            id=job.pk,
            name=name_job(job, actions.get(job.pk)),
            problem=job.last_error,
            tries=job.attempt,
            when=describe_moment(job.finished_at or job.run_at),
            task_link=owners.get(job.subject) if job.subject in owners else link_of_payload(job.payload),
            attempts=attempts[job.pk],
        )
        for job in jobs
    ]


def name_job(job: Job, action: AutomationAction | None) -> str:
    if action is not None:
        return str(action.design.get("name") or ACTION_TYPES.get(action.type, action.type))
    return str(JOB_KINDS.get(job.kind, job.kind))


def link_of_payload(payload: Mapping[str, Any]) -> tuple[UUID, UUID] | None:
    if "execution_id" not in payload or "task_id" not in payload:
        return None
    return UUID(payload["execution_id"]), UUID(payload["task_id"])
