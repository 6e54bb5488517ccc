"""The same change of many tasks. Each task is changed in a transaction of its own, as if somebody had changed it alone.

What came of a task is written in the transaction that changes it, so a change that is broken off goes on where it stopped, and
one that is run again does nothing twice. The work is a job; a small one is done at once by who asks for it.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from workflows.engine import due_dates
from workflows.engine.errors import InvalidBranch, UnknownNode, WorkflowError
from workflows.engine.status import ExecutionStatus, TaskStatus, TaskType
from workflows.models import BulkChange, BulkItem, BulkState, Job, JobState, Task, User
from workflows.models.rows import insert_rows
from workflows.permissions import UPDATE, VIEW, Actor, PermissionRefused, tasks_within
from workflows.services import queue
from workflows.services.errors import InvalidInput, NotFound, UndoRefused
from workflows.services.members import actor_of, find_membership
from workflows.services.tasks import RIGHTS, TaskPatch, parse_status, patch_task
from workflows.services.transactions import in_transaction
from workflows.services.undo import find_act_on, undo

KIND = "bulk_change"
# More than this is left to a worker.
MOST_AT_ONCE = 200
MOST = 10_000
# So many tasks are changed by one job; the next one does the next ones, so that no job runs long.
CHUNK = 500
# Why a task was not changed.
RIGHT, GONE, CLOSED, LOCKED, DECISION, MACHINE, TRANSITION, INVALID, UNDO, FAULT = (
    "right",
    "gone",
    "closed",
    "locked",
    "decision",
    "machine",
    "transition",
    "invalid",
    "undo",
    "fault",
)


class Overtaken(Exception):
    """Somebody else has done this item, or the job is somebody else's by now: nothing of this try may be kept."""


@in_transaction
def begin_bulk(
    actor: Actor, tasks: Sequence[UUID], patch: TaskPatch, *, worker: str = "", now: datetime | None = None
) -> tuple[BulkChange, Job]:
    """Write down a change of many tasks, and the job that does it. With `worker` it is that one's to do, if it is small.

    Raises InvalidInput, PermissionRefused when the actor may not do this to any task.
    """
    check_patch(patch)
    for field in patch:
        actor.require_some(RIGHTS.get(field, UPDATE))
    wanted = list(dict.fromkeys(tasks))
    _check_number(len(wanted))
    rows = Task.objects.filter(tasks_within(actor, VIEW), organisation=actor.organisation, pk__in=wanted)
    known = {
        row[0]: row for row in rows.filter(execution__deleted_at=None).values_list("pk", "execution_id", "name", "task_type")
    }
    begins = patch.get("status") == TaskStatus.IN_PROGRESS
    items = []
    for position, pk in enumerate(wanted):
        item = BulkItem(position=position, task_id=pk)
        if pk not in known:
            item.state, item.reason = BulkState.REFUSED, GONE
        else:
            _, item.execution_id, item.name, kind = known[pk]
            if begins and kind not in (TaskType.MANUAL, TaskType.DECISION):
                item.state, item.reason = BulkState.REFUSED, MACHINE
        items.append(item)
    return _write(actor, items, worker, now or timezone.now(), patch=dict(patch))


@in_transaction
def begin_undo(actor: Actor, change_id: UUID, *, worker: str = "", now: datetime | None = None) -> tuple[BulkChange, Job]:
    """Write down that a change is to be taken back, for all tasks that it has changed, the last one first."""
    change = find_bulk(actor, change_id)
    done = change.items.filter(state=BulkState.DONE, seq__isnull=False).order_by("-position")
    items = [
        BulkItem(position=place, task_id=row.task_id, execution_id=row.execution_id, name=row.name, seq=row.seq)
        for place, row in enumerate(done)
    ]
    if not items or change.undoes_id is not None:
        raise InvalidInput("change", "there is nothing to take back")
    return _write(actor, items, worker, now or timezone.now(), undoes=change)


def _write(actor: Actor, items: list[BulkItem], worker: str, now: datetime, **values: Any) -> tuple[BulkChange, Job]:
    person = User.objects.get(pk=int(actor.id))
    change = BulkChange.objects.create(organisation=actor.organisation, person=person, total=len(items), created_at=now, **values)
    for item in items:
        item.change_id = change.id
    insert_rows(items)
    mine = worker if len(items) <= MOST_AT_ONCE else ""
    held = {"state": JobState.RUNNING, "attempt": 1, "lease_until": now + queue.LEASE, "worker": mine} if mine else {}
    job = Job.objects.create(
        organisation=actor.organisation, kind=KIND, subject=change.id, payload={"change_id": str(change.id)}, run_at=now, **held
    )
    return change, job


def check_patch(patch: TaskPatch) -> None:
    """Raise InvalidInput unless it is one field that can be given to many tasks."""
    if len(patch) != 1 or not patch.keys() <= {"status", "assigned_to", "due_date"}:
        raise InvalidInput("patch", "must name one of status, assigned_to and due_date")
    if "status" in patch:
        parse_status(patch["status"])
    if patch.get("due_date"):
        try:
            due_dates.parse(patch["due_date"] or "")
        except ValueError as error:
            raise InvalidInput("due_date", str(error)) from error


def _check_number(count: int) -> None:
    if count == 0:
        raise InvalidInput("task", "choose at least one")
    if count > MOST:
        raise InvalidInput("task", f"at most {MOST} at a time")


def find_bulk(actor: Actor, change_id: UUID) -> BulkChange:
    """Return a change that the actor has asked for. Raises NotFound."""
    found = BulkChange.objects.filter(pk=change_id, organisation=actor.organisation, person_id=int(actor.id or 0)).first()
    if found is None:
        raise NotFound
    return found


def count_states(change: BulkChange) -> dict[str, int]:
    """Return how many of the tasks are in which state; one statement."""
    return dict(change.items.order_by().values_list("state").annotate(number=Count("pk")))


def work_on_items(job: Job) -> None:
    """Do what waits, at most a chunk of it; outside of any transaction."""
    change = BulkChange.objects.select_related("organisation", "person").get(pk=job.payload["change_id"])
    membership = find_membership(change.person, change.organisation) if change.person.is_active else None
    actor = actor_of(membership) if membership else None
    for item in change.items.filter(state=BulkState.WAITING).order_by("position")[:CHUNK]:
        try:
            _do(job, change, item, actor)
        except Overtaken:
            continue


@in_transaction
def _do(job: Job, change: BulkChange, item: BulkItem, actor: Actor | None) -> None:
    """Change one task and write down what came of it; both or neither."""
    state, reason, seq = BulkState.REFUSED, RIGHT, None
    if actor is not None:
        try:
            with transaction.atomic():
                state, seq = _change(actor, change, item)
            reason = ""
        except (PermissionRefused, NotFound, UnknownNode, InvalidInput, UndoRefused, WorkflowError) as error:
            reason = _name_reason(error, item)
    kept = seq if seq is not None else item.seq
    waiting = BulkItem.objects.filter(pk=item.pk, state=BulkState.WAITING)
    if not waiting.update(state=state, reason=reason, seq=kept):
        raise Overtaken
    if not queue.extend(job):
        raise queue.LeaseLost(str(job.pk))


def _change(actor: Actor, change: BulkChange, item: BulkItem) -> tuple[BulkState, int | None]:
    if item.execution_id is None:
        raise NotFound
    if change.undoes_id is not None:
        undo(actor, item.execution_id, item.seq or 0)
        return BulkState.DONE, None
    now = timezone.now()
    task = patch_task(actor, item.execution_id, item.task_id, change.patch, now=now)
    act = find_act_on(actor, task)
    if act is None or act.events[0].at != now:
        return BulkState.SAME, None
    return BulkState.DONE, act.seq


def _name_reason(error: Exception, item: BulkItem) -> str:
    """Return why a task was not changed, in a word; what the engine refuses is told from how the task stands."""
    match error:
        case PermissionRefused():
            return RIGHT
        case NotFound() | UnknownNode():
            return GONE
        case UndoRefused():
            return UNDO
        case InvalidBranch():
            return DECISION
        case InvalidInput():
            return INVALID
    task = Task.objects.select_related("execution").get(pk=item.task_id)
    if task.execution.status == ExecutionStatus.CLOSED:
        return CLOSED
    return TRANSITION if task.enabled else LOCKED


def end_part(job: Job) -> None:
    """End a job's part of a change: the whole is finished, or the next job goes on. Shares the job's transaction."""
    change = BulkChange.objects.get(pk=job.payload["change_id"])
    if change.items.filter(state=BulkState.WAITING).exists():
        Job.objects.create(organisation=job.organisation, kind=KIND, subject=change.id, payload=job.payload)
    else:
        BulkChange.objects.filter(pk=change.pk, finished_at=None).update(finished_at=timezone.now())


def give_up_bulk(job: Job) -> None:
    """Say of what still waits that it will not be done."""
    change = BulkChange.objects.get(pk=job.payload["change_id"])
    change.items.filter(state=BulkState.WAITING).update(state=BulkState.REFUSED, reason=FAULT)
    BulkChange.objects.filter(pk=change.pk, finished_at=None).update(finished_at=timezone.now())


def list_items(change: BulkChange, states: Collection[str], most: int) -> list[BulkItem]:
    return list(change.items.filter(state__in=states).order_by("position")[:most])
