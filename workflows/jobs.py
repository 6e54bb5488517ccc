"""The Celery function: a job's id comes in, the row says what is to be done, one service does it.

A message may be lost or come ten times: the claim decides who runs a job, and the row is what is remembered. A job has two parts:
`call` works outside of any transaction and may talk to the network; `record` writes what came of it, and commits together with
the job's end, under the fence of its attempt.
"""

import logging
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from celery import shared_task
from django.db import Error, connection, transaction
from django.utils import timezone

from workflows import origin
from workflows.automations.agent import call_agent
from workflows.automations.perform import call_action, give_up_action, record_result
from workflows.automations.webhook import deliver_webhook, give_up_delivery
from workflows.engine.status import TaskStatus
from workflows.isolation import Room
from workflows.models import ActorKind, BulkChange, Job, JobState
from workflows.permissions import Actor
from workflows.services import account_mails, bulk, entity_sync, queue
from workflows.services.agent_runs import cancel_agent_run, fail_run, settle_run
from workflows.services.automation_runs import cancel_run, heal_actions, wake_run
from workflows.services.automation_starts import RunRequest, start_automation
from workflows.services.entity_triggers import Origin
from workflows.services.errors import InvalidInput, NotFound
from workflows.services.idempotency import sweep_keys
from workflows.services.leases import keep_lease
from workflows.services.limits import forget_old
from workflows.services.presence import sweep_presence
from workflows.services.retention import forget_what_is_old
from workflows.services.runs import continue_execution, record_run
from workflows.services.schedules import fire_schedule, give_up_schedule, reconsider_execution
from workflows.services.sync_writes import record_sync_failure, write_entities
from workflows.services.task_automations import dispatch_run, heal_run, lost_runs, report_run
from workflows.services.tasks import TaskPatch
from workflows.services.transactions import in_transaction
from workflows.services.webhook_messages import begin_message

log = logging.getLogger(__name__)

# Set whenever a job has ended: what it left to be done need not wait for the dispatcher's next round.
ENDED = threading.Event()
ROOM = Room()


@dataclass(frozen=True, slots=True)
class Work:
    """How the jobs of one kind are done. `give_up` says on the thing itself that its job is dead; it shares the transaction."""

    record: Callable[[Actor, Job, Any], None]
    call: Callable[[Actor, Job], Any] | None = None
    give_up: Callable[[Actor, Job, str], None] | None = None
    limit: timedelta = timedelta(minutes=2)


def run_task(actor: Actor, job: Job, result: None) -> None:
    payload = job.payload
    dispatch_run(actor, payload["execution_id"], payload["task_id"], payload.get("caller", ""))


def give_up_task(actor: Actor, job: Job, reason: str) -> None:
    record_run(actor, job.payload["execution_id"], job.payload["task_id"], TaskStatus.FAILED, reason=reason)


def go_on(actor: Actor, job: Job, result: None) -> None:
    continue_execution(actor, job.payload["execution_id"])


def fire(actor: Actor, job: Job, result: None) -> None:
    payload = job.payload
    fire_schedule(actor, payload["execution_id"], payload["task_id"], payload["schedule_id"])


def give_up_firing(actor: Actor, job: Job, reason: str) -> None:
    payload = job.payload
    give_up_schedule(actor, payload["execution_id"], payload["task_id"], payload["schedule_id"], reason)


def reconsider(actor: Actor, job: Job, result: None) -> None:
    reconsider_execution(actor, job.payload["execution_id"])


def start_triggered(actor: Actor, job: Job, result: None) -> None:
    """Begin the automation that a change of an entity triggered; one that was disabled or deleted since is left alone."""
    payload = job.payload
    request = RunRequest(
        flow_id=payload["flow_id"],
        entity_id=payload["entity_id"],
        trigger_event=payload["event"],
        execution_chain=payload["execution_chain"],
        chain=payload["chain"],
        caller=payload["caller"],
    )
    try:
        start_automation(actor, request)
    except InvalidInput as error:
        log.info("job %s: nothing is started: %s", job.pk, error)


def tell_task(actor: Actor, job: Job, result: None) -> None:
    payload = job.payload
    report_run(actor, payload["execution_id"], payload["task_id"], payload["automation_id"])


def cancel(actor: Actor, job: Job, result: None) -> None:
    cancel_run(actor, job.payload["automation_id"])


def wake(actor: Actor, job: Job, result: None) -> None:
    wake_run(actor, job.payload["automation_id"], job.payload["schedule_id"])


def heal_run_actions(actor: Actor, job: Job, result: None) -> None:
    heal_actions(actor, job.payload["automation_id"])


def nothing_to_record(actor: Actor, job: Job, result: None) -> None:
    """All that is to be kept of a delivery or a mail stands in its row."""


def settle_agent(actor: Actor, job: Job, result: Any) -> None:
    settle_run(actor, job.payload["execution_id"], job.payload["agent_run_id"])


def give_up_agent(actor: Actor, job: Job, reason: str) -> None:
    payload = job.payload
    fail_run(actor, payload["execution_id"], payload["agent_run_id"], job.pk, "INTERNAL_ERROR", reason)


def expire_agent(actor: Actor, job: Job, result: None) -> None:
    payload = job.payload
    asked = UUID(payload["job_id"])
    fail_run(actor, payload["execution_id"], payload["agent_run_id"], asked, "TIMEOUT", "The agent has not answered in its time")


def cancel_agent(actor: Actor, job: Job, result: None) -> None:
    cancel_agent_run(actor, job.payload["agent_run_id"])


def sync(actor: Actor, job: Job, result: None) -> None:
    payload = job.payload
    origin = Origin.of_execution(payload.get("execution_chain"))
    write_entities(actor, payload["execution_id"], payload["seq"], payload["writes"], origin=origin)


def give_up_sync(actor: Actor, job: Job, reason: str) -> None:
    record_sync_failure(actor, job.payload["execution_id"], reason)


def change_tasks(actor: Actor, job: Job) -> None:
    bulk.work_on_items(job)


def end_bulk(actor: Actor, job: Job, result: None) -> None:
    bulk.end_part(job)


def give_up_tasks(actor: Actor, job: Job, reason: str) -> None:
    bulk.give_up_bulk(job)


WORK: dict[str, Work] = {
    "run_task": Work(record=run_task, give_up=give_up_task),
    "continue_execution": Work(record=go_on),
    "fire_schedule": Work(record=fire, give_up=give_up_firing),
    "reconsider_execution": Work(record=reconsider),
    "start_automation": Work(record=start_triggered),
    "run_action": Work(record=record_result, call=call_action, give_up=give_up_action),
    "deliver_webhook": Work(record=nothing_to_record, call=deliver_webhook, give_up=give_up_delivery),
    "call_agent": Work(record=settle_agent, call=call_agent, give_up=give_up_agent, limit=timedelta(minutes=6)),
    "settle_agent": Work(record=settle_agent),
    "expire_agent": Work(record=expire_agent),
    "cancel_agent": Work(record=cancel_agent),
    "report_run": Work(record=tell_task),
    "cancel_run": Work(record=cancel),
    "wake_automation": Work(record=wake),
    "heal_run": Work(record=heal_run_actions),
    account_mails.KIND: Work(record=nothing_to_record, call=account_mails.send_mail),
    bulk.KIND: Work(record=end_bulk, call=change_tasks, give_up=give_up_tasks, limit=timedelta(minutes=10)),
    entity_sync.KIND: Work(record=sync, give_up=give_up_sync),
}


@shared_task(name="flowdeck.run_job")  # type: ignore[untyped-decorator]
def run_job(job_id: str) -> None:
    """Claim a job and do it; its result and its end commit together. One that has lost a worker is done alone."""
    with ROOM.beside_others():
        if claim_and_work(job_id, with_suspects=False):
            return
    if queue.is_suspect(job_id):
        with ROOM.alone():
            claim_and_work(job_id, with_suspects=True)


def claim_and_work(job_id: str, *, with_suspects: bool) -> bool:
    """Whether the job was to be had."""
    job = queue.claim(job_id, f"{socket.gethostname()}:{threading.get_native_id()}", with_suspects=with_suspects)
    if job is not None:
        with origin.working_for(origin.Origin(request_id=f"job {job.pk}"[:36], organisation_id=job.organisation_id)):
            work_on(job)
    return job is not None


def send_now(actor: Actor, webhook_id: str, body: dict[str, Any]) -> Job:
    """Send a message to an endpoint without waiting for a worker, and return its job as it stands then. Not in a transaction."""
    job = begin_message(actor, webhook_id, body, worker=_worker_of_request())
    work_on(job)
    return Job.objects.get(pk=job.pk)


def change_now(actor: Actor, tasks: Sequence[UUID], patch: TaskPatch) -> BulkChange:
    """Change many tasks without waiting for a worker, unless they are too many. Not in a transaction."""
    return _do_now(*bulk.begin_bulk(actor, tasks, patch, worker=_worker_of_request()))


def undo_now(actor: Actor, change_id: UUID) -> BulkChange:
    """Take a change of many tasks back without waiting for a worker, unless they are too many. Not in a transaction."""
    return _do_now(*bulk.begin_undo(actor, change_id, worker=_worker_of_request()))


def _do_now(change: BulkChange, job: Job) -> BulkChange:
    if job.state == JobState.RUNNING:
        work_on(job)
        change.refresh_from_db()
    return change


def _worker_of_request() -> str:
    return f"{socket.gethostname()}:request"


def work_on(job: Job) -> None:
    """Do a job that was claimed, and write how it ended."""
    try:
        work = WORK[job.kind]
        actor = Actor(job.organisation, ActorKind.SYSTEM)
        with keep_lease(job, work.limit):
            result = work.call(actor, job) if work.call else None
            _end(work, actor, job, result)
    except queue.LeaseLost:
        log.warning("job %s was taken over while it ran; its result is dropped", job.pk)
    except queue.TryAgain as error:
        _try_again(job, str(error), error)
    except Exception as error:
        log.exception("job %s (%s) failed, attempt %s", job.pk, job.kind, job.attempt)
        reason = f"{type(error).__name__}: {error}"
        _try_again(job, reason, queue.TryAgain(reason))
    finally:
        ENDED.set()


@in_transaction
def _end(work: Work, actor: Actor, job: Job, result: Any) -> None:
    try:
        with transaction.atomic():
            work.record(actor, job, result)
    except NotFound:
        # What it was about was deleted meanwhile: nothing is left to do.
        log.info("job %s: what it was about is gone", job.pk)
    queue.finish(job)


def _try_again(job: Job, reason: str, policy: queue.TryAgain) -> None:
    """Leave a job for later, or give it up; a database that does not answer leaves it to the sweeper."""
    try:
        _fail(job, reason, policy)
    except queue.LeaseLost:
        log.warning("job %s was taken over while it ran", job.pk)
    except Error as error:
        log.warning("job %s: its failure could not be noted: %s", job.pk, error)


@in_transaction
def _fail(job: Job, reason: str, policy: queue.TryAgain) -> None:
    if not queue.fail(job, reason, delay=policy.delay, tries=policy.tries):
        log.error("job %s (%s): given up: %s", job.pk, job.kind, reason)
        _give_up(job, f"Given up after {job.tries} attempts: {reason}")


def _give_up(job: Job, reason: str) -> None:
    """Say so where people look. A job that cannot even be given up properly is dead all the same."""
    work = WORK.get(job.kind)
    if work is None or work.give_up is None:
        return
    try:
        with transaction.atomic():
            work.give_up(Actor(job.organisation, ActorKind.SYSTEM), job, reason)
    except NotFound:
        log.info("job %s: what it was about is gone", job.pk)
    except Exception:
        if connection.needs_rollback:
            raise
        log.exception("job %s: its end could not be told", job.pk)


def sweep() -> None:
    """Take back the jobs of dead workers, one failing or not; forget old idempotency keys, counts, and who looked at what."""
    for job in queue.expired_jobs():
        try:
            _release(job)
        except Error as error:
            log.warning("job %s could not be taken back: %s", job.pk, error)
    sweep_keys()
    sweep_presence()
    forget_old()


@in_transaction
def _release(job: Job) -> None:
    state = queue.release(job)
    if state is JobState.READY:
        log.warning("job %s: its worker died; it is run again", job.pk)
    elif state is JobState.DEAD:
        log.error("job %s: given up, it took %s workers with it", job.pk, job.crashes + 1)
        _give_up(job, f"Given up after {job.tries} attempts: its worker stopped each time")


def forget() -> None:
    """Forget what the operator says is old enough; a database that is busy is asked again the next time."""
    try:
        forget_what_is_old()
    except Error as error:
        log.warning("what is old could not be forgotten: %s", error)


def heal() -> None:
    """Begin again the runs of tasks for which no work is left anywhere: after a restored backup, or a hand in the database."""
    now = timezone.now()
    for task in lost_runs(now):
        try:
            heal_run(Actor(task.organisation, ActorKind.SYSTEM), task.execution_id, task.id, now)
        except (Error, NotFound) as error:
            log.warning("task %s could not be healed: %s", task.id, error)
