"""The work board: tasks over all executions, filtered, in columns, as a list, or by the days of a month.

Filters and columns are documents of the kind that saved boards hold, so that a view that is kept can be asked over the API too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import timezone

from workflows.engine.status import FINISHED, ExecutionStatus, TaskStatus
from workflows.models import Task
from workflows.models.slices import read_slices
from workflows.permissions import VIEW, Actor, tasks_within
from workflows.services.due import zone_of
from workflows.services.due_buckets import Bucket, Planner
from workflows.services.errors import InvalidInput
from workflows.services.task_conditions import LOGGED_IN_USER, build_filter, viewer_of
from workflows.services.task_filters import parse_filter
from workflows.services.task_query import TaskQuery, in_order
from workflows.services.worklists import MOST_COUNTED, ORDER, PAGE, Group, Place, behind

Json = dict[str, Any]

NOBODY = "nobody"
ME = "me"
# Statuses that are columns of their own, and those that stand together.
STATUS_COLUMNS: Mapping[str, Sequence[TaskStatus]] = {
    "PENDING": (TaskStatus.PENDING,),
    "IN_PROGRESS": (TaskStatus.IN_PROGRESS,),
    "ON_HOLD": (TaskStatus.ON_HOLD,),
    "WAITING": (TaskStatus.SCHEDULED, TaskStatus.CONDITION_PENDING, TaskStatus.WAITING_FOR_CONFIRMATION),
    "FAILED": (TaskStatus.FAILED,),
    "DONE": (TaskStatus.COMPLETED, TaskStatus.SKIPPED),
}
# What the words of a saved filter come nearest to a bucket: they know days only.
BUCKET_ITEMS: Mapping[Bucket, Sequence[tuple[str, str]]] = {
    Bucket.OVERDUE: [("LESS_THAN", "TODAY")],
    Bucket.TODAY: [("EQUALS", "TODAY")],
    Bucket.WEEK: [("EQUALS", "THIS_WEEK"), ("GREATER_THAN", "TODAY")],
    Bucket.LATER: [("GREATER_THAN", "THIS_WEEK")],
    Bucket.NONE: [("EMPTY", "")],
}


class Show(StrEnum):
    """Which tasks: those that can be worked on, all that are not finished, or all."""

    CURRENT = "current"
    OPEN = "open"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Filters:
    """What restricts a view; empty parts restrict nothing, several values of one part mean any of them.

    `assignees` may hold ME and NOBODY, `dues` buckets and days.
    """

    show: Show = Show.CURRENT
    templates: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    dues: tuple[str, ...] = ()
    entity: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """A column: a filter document, or a bucket of due dates."""

    key: str
    filter: Json | None = None
    bucket: Bucket | None = None


def item(key: str, operator: str, value: Any = None) -> Json:
    """Return a condition of a filter document."""
    return {"key": key, "operator": operator} | ({} if value is None else {"value": value})


def all_of(items: Iterable[Json]) -> Json:
    return {"items": list(items), "combination": "AND"}


def any_of(items: Iterable[Json]) -> Json:
    return {"items": list(items), "combination": "OR"}


def find_columns(
    actor: Actor,
    filters: Filters,
    lanes: Sequence[Lane],
    base: Json | None = None,
    sizes: Mapping[str, int] | None = None,
    now: datetime | None = None,
) -> list[Group]:
    """Return for each column the ids of its first tasks by due date, and their number; one statement for all of them."""
    at = now or timezone.now()
    rows = filtered_tasks(actor, filters, base, at).order_by(*ORDER)
    parts = [rows.filter(lane_condition(actor, lane, at)) for lane in lanes]
    wanted = [(sizes or {}).get(lane.key, PAGE) for lane in lanes]
    return [Group(piece.ids, piece.count, piece.count > len(piece.ids)) for piece in read_slices(parts, wanted, MOST_COUNTED)]


def find_more(actor: Actor, filters: Filters, lane: Lane, base: Json | None, after: Place) -> tuple[list[UUID], bool]:
    """Return the next ids of a column, in order, and whether there are more."""
    now = timezone.now()
    rows = filtered_tasks(actor, filters, base, now).filter(lane_condition(actor, lane, now), behind(after))
    ids = list(rows.order_by(*ORDER).values_list("pk", flat=True)[: PAGE + 1])
    return ids[:PAGE], len(ids) > PAGE


def find_listed(
    actor: Actor, filters: Filters, base: Json | None, sort_field: str, descending: bool, start: int, size: int = PAGE
) -> tuple[list[UUID], bool, int]:
    """Return `size` ids in the order of one of the keys of filters, whether there are more, and the number of all.

    The number goes up to `MOST_COUNTED` + 1.
    """
    rows = filtered_tasks(actor, filters, base, timezone.now())
    ordered = in_order(rows, TaskQuery(sort_field=sort_field, descending=descending)).values_list("pk", flat=True)
    ids = list(ordered[start : start + size + 1])
    if start == 0 and len(ids) <= size:
        return ids, False, len(ids)
    return ids[:size], len(ids) > size, rows.values("pk")[: MOST_COUNTED + 1].count()


def find_matching(actor: Actor, filters: Filters, base: Json | None, most: int) -> list[UUID]:
    """Return the ids of all tasks of a view, the most urgent first; at most `most`."""
    rows = filtered_tasks(actor, filters, base, timezone.now())
    return list(rows.order_by(*ORDER).values_list("pk", flat=True)[:most])


def find_between(actor: Actor, filters: Filters, base: Json | None, first: date, last: date) -> list[tuple[UUID, datetime]]:
    """Return ids and deadlines of the tasks that are due from one day to another; at most `MOST_COUNTED` + 1."""
    now = timezone.now()
    planner = Planner(now, zone_of(actor.organisation))
    rows = filtered_tasks(actor, filters, base, now).filter(days_condition(planner, first, last))
    found = rows.order_by(*ORDER).values_list("pk", "due_at")[: MOST_COUNTED + 1]
    return [(pk, due_at) for pk, due_at in found if due_at is not None]


def filtered_tasks(actor: Actor, filters: Filters, base: Json | None, now: datetime) -> QuerySet[Task]:
    """Return the tasks of a view in no order; `base`: a filter document that applies as well."""
    actor.require("kanban:view")
    rows = Task.objects.filter(tasks_within(actor, VIEW), organisation=actor.organisation, execution__deleted_at=None)
    if filters.show is not Show.ALL:
        rows = rows.filter(execution__status=ExecutionStatus.STARTED).exclude(status__in=FINISHED)
    if filters.show is Show.CURRENT:
        rows = rows.filter(crt_since__isnull=False)
    viewer = viewer_of(actor, now)
    rows = rows.filter(build_filter(parse_filter(all_of(filter_items(filters)), "filters"), viewer))
    if base is not None:
        rows = rows.filter(build_filter(parse_filter(base, "config.board_filter"), viewer))
    if filters.dues:
        condition = Q()
        for due in filters.dues:
            condition |= due_condition(Planner(now, viewer.zone), due)
        rows = rows.filter(condition)
    return rows


def lane_condition(actor: Actor, lane: Lane, now: datetime) -> Q:
    viewer = viewer_of(actor, now)
    if lane.bucket is not None:
        return Planner(now, viewer.zone).conditions[lane.bucket]
    return build_filter(parse_filter(lane.filter or all_of(()), f"config.swimlanes[{lane.key}]"), viewer)


def filter_items(filters: Filters) -> list[Json]:
    """Return the conditions of a view but for those of due dates and of which tasks are shown."""
    items = []
    if filters.templates:
        items.append(item("flow_template_id", "IS_ONE_OF", list(filters.templates)))
    if filters.phases:
        items.append(item("phase_name", "IS_ONE_OF", list(filters.phases)))
    if filters.statuses:
        items.append(item("status", "IS_ONE_OF", list(filters.statuses)))
    if filters.assignees:
        items.append(any_of(assignee_item(assignee) for assignee in filters.assignees))
    if filters.entity:
        items.append(item("context_entity", "EQUALS", filters.entity))
    if filters.words:
        items.append(any_of(item(key, "CONTAINS", filters.words) for key in ("name", "execution_name", "context_entity_title")))
    return items


def assignee_item(assignee: str) -> Json:
    if assignee == NOBODY:
        return item("assigned_to", "EMPTY")
    return item("assigned_to", "EQUALS", LOGGED_IN_USER if assignee == ME else assignee)


def due_condition(planner: Planner, due: str) -> Q:
    """Return the condition for a bucket's name or a day. Raises InvalidInput for anything else."""
    if due in [*Bucket]:
        return planner.conditions[Bucket(due)]
    try:
        day = date.fromisoformat(due)
    except ValueError as error:
        raise InvalidInput("due", f"must be a day or one of {', '.join(Bucket)}") from error
    return days_condition(planner, day, day)


def days_condition(planner: Planner, first: date, last: date) -> Q:
    return Q(due_at__gte=planner.begin(first), due_at__lt=planner.begin(last + timedelta(days=1)))


def saved_filter(filters: Filters) -> Json:
    """Return a view's filters as a document that says all of them, for other readers of a saved board."""
    items = filter_items(filters)
    if filters.show is Show.CURRENT:
        items.append(item("is_current", "EQUALS", value=True))
    if filters.show is not Show.ALL:
        items.append(item("execution_status", "EQUALS", ExecutionStatus.STARTED.value))
        items.append(item("status", "IS_NONE_OF", sorted(FINISHED)))
    if filters.dues:
        items.append(any_of(due_document(due) for due in filters.dues))
    return all_of(items)


def due_document(due: str) -> Json:
    if due in [*Bucket]:
        return all_of(item("due_date", operator, value or None) for operator, value in BUCKET_ITEMS[Bucket(due)])
    return item("due_date", "EQUALS", due)


def status_lane(key: str) -> Lane:
    return Lane(key, all_of([item("status", "IS_ONE_OF", [status.value for status in STATUS_COLUMNS[key]])]))


def lane_document(lane: Lane) -> Json:
    """Return a column's filter for a saved board."""
    return due_document(lane.bucket) if lane.bucket is not None else lane.filter or all_of(())
