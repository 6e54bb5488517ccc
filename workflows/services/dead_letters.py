"""Jobs that were given up: which there are, and how each kind is begun again, under the same name of its effect."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from workflows.engine.errors import WorkflowError
from workflows.models import AutomationAction, Job, JobState
from workflows.permissions import Actor
from workflows.services import queue
from workflows.services.automation_runs import retrigger_action
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.schedules import execute_task
from workflows.services.transactions import in_transaction


def dead_jobs(actor: Actor) -> QuerySet[Job]:
    """Return the organisation's jobs that were given up, the latest first."""
    return Job.objects.filter(organisation=actor.organisation, state=JobState.DEAD).order_by("-finished_at", "-id")


@in_transaction
def redrive(actor: Actor, job_id: UUID, now: datetime | None = None) -> None:
    """Begin a dead job again with a new budget of tries; its action and its task wait for it again.

    Raises NotFound unless the job is dead, InvalidInput when nothing waits for it any more.
    """
    actor.require("automation:trigger")
    at = now or timezone.now()
    job = dead_jobs(actor).filter(pk=job_id).first()
    if job is None:
        raise NotFound
    if job.kind == "run_action":
        _redrive_action(actor, job, at)
    elif job.kind in ("run_task", "call_agent"):
        _redrive_task(actor, job, at)
    elif not queue.rearm(job.pk, at):
        raise NotFound


def _redrive_action(actor: Actor, job: Job, at: datetime) -> None:
    action = AutomationAction.objects.filter(execution_id=job.payload["automation_id"], job_id=job.pk).first()
    if action is None:
        raise InvalidInput("job", "its action was done again by another job")
    retrigger_action(actor, action.execution_id, action.key, now=at)


def _redrive_task(actor: Actor, job: Job, at: datetime) -> None:
    """The task is run again, which leaves a job of its own; nothing had begun under the old one."""
    try:
        execute_task(actor, job.payload["execution_id"], job.payload["task_id"], at)
    except WorkflowError as error:
        raise InvalidInput("job", str(error)) from error
    Job.objects.filter(pk=job.pk, state=JobState.DEAD).update(state=JobState.DONE, last_error="the task was run again")
