"""What waits for a person, over all executions: their current tasks by due date, and those that nobody has taken yet.

Only open tasks are read, through the partial indexes over current ones; a page takes a fixed number of statements.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Case, Count, Exists, F, OuterRef, Q, QuerySet, Value, When, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from workflows.engine.status import FINISHED, ExecutionStatus, TaskStatus, TaskType
from workflows.models import Assignment, Task
from workflows.permissions import UPDATE, VIEW, Actor, tasks_within
from workflows.services.due import zone_of
from workflows.services.due_buckets import Bucket, Planner

PAGE = 50
MOST_COUNTED = 500
POOL = "pool"
GROUPS = (*Bucket, POOL)
# What a person can take on: work for people, decisions that wait for one, and what a machine could not do.
WORKABLE_TYPES = (TaskType.MANUAL, TaskType.DECISION)
WORKABLE = Q(task_type__in=WORKABLE_TYPES) | Q(status=TaskStatus.FAILED)
WAITING = (TaskStatus.SCHEDULED, TaskStatus.CONDITION_PENDING, TaskStatus.WAITING_FOR_CONFIRMATION)
ORDER = (F("due_at").asc(nulls_last=True), "id")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of a group ended: the due date of its last task, None for none, and the task's id."""

    due_at: datetime | None
    id: UUID


@dataclass(frozen=True, slots=True)
class Group:
    """The first tasks of a group, and how many there are; `MOST_COUNTED` + 1 means more than that."""

    ids: Sequence[UUID]
    count: int
    more: bool


def open_tasks(actor: Actor) -> QuerySet[Task]:
    """Return the current tasks of running executions that the actor may see, in no order."""
    rows = Task.objects.filter(tasks_within(actor, VIEW), organisation=actor.organisation, crt_since__isnull=False)
    return rows.filter(execution__deleted_at=None, execution__status=ExecutionStatus.STARTED).exclude(status__in=FINISHED)


def own_tasks(actor: Actor) -> QuerySet[Task]:
    """Return the open tasks that the actor is assigned to."""
    own = Assignment.objects.filter(organisation=actor.organisation, assignee=actor.id, task__isnull=False)
    return open_tasks(actor).filter(pk__in=own.values("task_id"))


def unclaimed_tasks(actor: Actor) -> QuerySet[Task]:
    """Return the open tasks that nobody is assigned to and that the actor may take on; none for who may not work."""
    if not may_claim(actor):
        return Task.objects.none()
    taken = Assignment.objects.filter(task_id=OuterRef("pk")).exclude(assignee="")
    return open_tasks(actor).filter(WORKABLE, ~Exists(taken), enabled=True).exclude(status__in=WAITING)


def may_claim(actor: Actor) -> bool:
    return actor.may("workflow:execution:task:assign") and actor.may(UPDATE)


def find_groups(actor: Actor, sizes: Mapping[str, int] | None = None, now: datetime | None = None) -> dict[str, Group]:
    """Return the first tasks of every group, and the counts; three statements. `sizes`: how many, where not one page."""
    actor.require_some(VIEW)
    wanted = {name: (sizes or {}).get(name, PAGE) for name in GROUPS}
    planner = Planner(now or timezone.now(), zone_of(actor.organisation))
    bucket = Case(*(When(condition, then=Value(name.value)) for name, condition in planner.conditions.items()))
    numbered = own_tasks(actor).annotate(
        bucket=bucket,
        place=Window(RowNumber(), partition_by=F("bucket"), order_by=list(ORDER)),
        number=Window(Count("pk"), partition_by=F("bucket")),
    )
    found: dict[str, list[UUID]] = {name: [] for name in Bucket}
    counts: dict[str, int] = {}
    rows = numbered.filter(place__lte=max(wanted.values())).values_list("bucket", "pk", "place", "number")
    for name, pk, place, number in sorted(rows, key=lambda row: row[2]):
        counts[name] = number
        if place <= wanted[name]:
            found[name].append(pk)
    groups = {name: Group(ids, counts.get(name, 0), counts.get(name, 0) > len(ids)) for name, ids in found.items()}
    pool = unclaimed_tasks(actor)
    ids = list(pool.order_by(*ORDER).values_list("pk", flat=True)[: wanted[POOL]])
    # A first page that is not full holds everything.
    count = len(ids) if len(ids) < wanted[POOL] else pool.values("pk")[: MOST_COUNTED + 1].count()
    return groups | {POOL: Group(ids, count, count > len(ids))}


def find_page(actor: Actor, group: str, after: Place | None, now: datetime | None = None) -> tuple[list[UUID], bool]:
    """Return the next tasks of a group, and whether there are more."""
    actor.require_some(VIEW)
    if group == POOL:
        rows = unclaimed_tasks(actor)
    else:
        planner = Planner(now or timezone.now(), zone_of(actor.organisation))
        rows = own_tasks(actor).filter(planner.conditions[Bucket(group)])
    if after is not None:
        rows = rows.filter(behind(after))
    ids = list(rows.order_by(*ORDER).values_list("pk", flat=True)[: PAGE + 1])
    return ids[:PAGE], len(ids) > PAGE


def behind(place: Place) -> Q:
    """Return what comes after a place in the order of due dates, those without one last."""
    if place.due_at is None:
        return Q(due_at__isnull=True, id__gt=place.id)
    return Q(due_at__gt=place.due_at) | Q(due_at=place.due_at, id__gt=place.id) | Q(due_at__isnull=True)


def read_tasks(actor: Actor, ids: Sequence[UUID]) -> dict[UUID, Task]:
    """Return tasks with what cards show of their executions and phases, by id; one statement."""
    rows = Task.objects.filter(organisation=actor.organisation, pk__in=ids).select_related("execution", "phase")
    return {task.id: task for task in rows.defer("taken", "execution__extra", "phase__extra")}
