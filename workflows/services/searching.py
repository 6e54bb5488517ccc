"""Searches over all executions of an organisation, and over their tasks, page by page.

Executions are paged by key: a page begins after the last row of the one before, so rows that are added meanwhile neither push
one to the next page nor hide one.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery

from workflows.engine.status import FINISHED, ExecutionStatus
from workflows.models import Assignment, Entity, Execution, Task
from workflows.permissions import VIEW, Actor, tasks_within
from workflows.services.reading import read_documents, seen_executions

PAGE = 100
MAX_PAGE = 1000


class Sorting(StrEnum):
    A_Z = "A_Z"
    Z_A = "Z_A"
    DUE_DATE_ASC = "DUE_DATE_ASC"
    DUE_DATE_DESC = "DUE_DATE_DESC"
    TRIGGER_DATE_ASC = "TRIGGER_DATE_ASC"
    TRIGGER_DATE_DESC = "TRIGGER_DATE_DESC"

    @property
    def column(self) -> str:
        if self in (Sorting.A_Z, Sorting.Z_A):
            return "name"
        return "due_at" if self in (Sorting.DUE_DATE_ASC, Sorting.DUE_DATE_DESC) else "created_at"

    @property
    def descending(self) -> bool:
        return self in (Sorting.Z_A, Sorting.DUE_DATE_DESC, Sorting.TRIGGER_DATE_DESC)


class StepState(StrEnum):
    OPEN = "OPEN"
    COMPLETE = "COMPLETE"
    NEXT_OPEN_ITEM_IN_WORKFLOW = "NEXT_OPEN_ITEM_IN_WORKFLOW"


class Key(NamedTuple):
    """Where a page ended: the value that is sorted by, and the id that decides between equal ones; None: any id."""

    value: str | datetime | None
    id: UUID | None


@dataclass(frozen=True, slots=True)
class ExecutionSearch:
    """What is looked for; without a status and without `include_done` only running executions are."""

    name: str = ""
    status: str | None = None
    include_done: bool = False
    assigned_to: str | None = None
    sorting: Sorting = Sorting.TRIGGER_DATE_DESC
    after: Key | None = None
    size: int = PAGE


@dataclass(frozen=True, slots=True)
class TaskSearch:
    """What is looked for; finished executions only when `include_done` says so."""

    execution_name: str = ""
    name: str = ""
    assigned_to: str | None = None
    include_done: bool = False
    manually_created: bool | None = None
    state: StepState | None = None
    sorting: Sorting = Sorting.TRIGGER_DATE_DESC
    start: int = 0
    size: int = 25


def search_executions(actor: Actor, search: ExecutionSearch) -> tuple[list[bytes], tuple[Key, datetime] | None]:
    """Return a page of documents, and when there are more the key at which it ended with that execution's time of start."""
    rows = seen_executions(actor)
    if search.name:
        rows = rows.filter(name__icontains=search.name)
    if search.status:
        rows = rows.filter(status=search.status)
    elif not search.include_done:
        rows = rows.filter(status=ExecutionStatus.STARTED)
    if search.assigned_to:
        own = Assignment.objects.filter(execution_id=OuterRef("pk"), task=None, phase=None, assignee=search.assigned_to)
        rows = rows.filter(Exists(own))
    if search.after is not None:
        rows = rows.filter(_behind(search.sorting, search.after))
    rows = _in_order(rows, search.sorting)
    page = list(rows.values_list("id", search.sorting.column, "created_at")[: search.size + 1])
    ids = [pk for pk, _, _ in page[: search.size]]
    found = read_documents(actor, Execution.objects.filter(organisation=actor.organisation, deleted_at=None, id__in=ids))
    more = len(page) > search.size
    last = page[search.size - 1] if more else None
    return [found[pk] for pk in ids if pk in found], (Key(last[1], last[0]), last[2]) if last else None


def _behind(sorting: Sorting, key: Key) -> Q:
    """Return what comes after a key. Rows without a value stand at the end."""
    column, step = sorting.column, "lt" if sorting.descending else "gt"
    next_id = Q(**{f"id__{step}": key.id}) if key.id else Q(pk__in=[])
    if key.value is None:
        return Q(**{f"{column}__isnull": True}) & next_id
    return Q(**{f"{column}__{step}": key.value}) | (Q(**{column: key.value}) & next_id) | Q(**{f"{column}__isnull": True})


def _in_order(rows: QuerySet[Any], sorting: Sorting, prefix: str = "", ties: Sequence[str] = ("id",)) -> QuerySet[Any]:
    column = F(prefix + sorting.column)
    if sorting.descending:
        return rows.order_by(column.desc(nulls_last=True), *(f"-{tie}" for tie in ties))
    return rows.order_by(column.asc(nulls_last=True), *ties)


def search_tasks(actor: Actor, search: TaskSearch) -> tuple[int, list[Task]]:
    """Return how many tasks there are, and one page of them with their executions."""
    rows = Task.objects.filter(tasks_within(actor, VIEW), organisation=actor.organisation, execution__deleted_at=None)
    if search.execution_name:
        rows = rows.filter(execution__name__icontains=search.execution_name)
    if search.name:
        rows = rows.filter(name__icontains=search.name)
    if search.manually_created is not None:
        rows = rows.filter(manually_created=search.manually_created)
    if not search.include_done:
        rows = rows.filter(execution__status=ExecutionStatus.STARTED)
    if search.assigned_to:
        rows = rows.filter(
            id__in=Assignment.objects.filter(
                organisation=actor.organisation, assignee=search.assigned_to, task__isnull=False
            ).values("task_id")
        )
    finished = [status.value for status in FINISHED]
    if search.state is StepState.OPEN:
        rows = rows.exclude(status__in=finished)
    elif search.state is StepState.COMPLETE:
        rows = rows.filter(status__in=finished)
    elif search.state is StepState.NEXT_OPEN_ITEM_IN_WORKFLOW:
        first = Task.objects.filter(execution_id=OuterRef("execution_id"), crt_since__isnull=False).order_by("position", "id")
        rows = rows.filter(crt_since__isnull=False, pk=Subquery(first.values("pk")[:1]))
    # Names and due dates are the tasks' own; the time of start is their execution's.
    prefix = "execution__" if search.sorting.column == "created_at" else ""
    page = _in_order(rows.select_related("execution"), search.sorting, prefix, ("execution_id", "position", "id"))
    return rows.count(), list(page[search.start : search.start + search.size])


def read_titles(actor: Actor, ids: Sequence[str]) -> dict[str, str]:
    """Return the titles of entities by id; those that are gone have none."""
    rows = Entity.objects.filter(organisation=actor.organisation, id__in=set(ids), deleted_at=None)
    return {str(pk): title for pk, title in rows.values_list("id", "title")} if ids else {}
