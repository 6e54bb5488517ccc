"""Tasks of many executions as rows to show: what each is about, when it is due, and what can be done to it at once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext

from dashboard.people import People, Person
from dashboard.reasons import Timing, describe_timing
from dashboard.wording import STATUS, TYPES, Due, describe_due
from workflows.engine.status import FINISHED, TRANSITIONS, ExecutionStatus, TaskStatus, TaskType
from workflows.models import Assignment, ContextRef, Entity, Task
from workflows.permissions import UPDATE, Actor, allowed_tasks
from workflows.services.due import zone_of
from workflows.services.worklists import WAITING, WORKABLE_TYPES

DATE, ASSIGN = "workflow:execution:task:update_date", "workflow:execution:task:assign"
RIGHTS = (UPDATE, DATE, ASSIGN)
# Brings a task that rests back to work.
RESUME = gettext_lazy("Resume")


@dataclass(frozen=True, slots=True)
class Act:
    """The one thing that is mostly done next. `status` empty: it needs the task's pane."""

    label: str
    status: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A task in a list over all executions."""

    task: Task
    about: str
    type_name: str
    status_name: str
    due: Due | None
    people: list[Person]
    act: Act | None
    timing: Timing | None = None
    may_update: bool = False
    may_date: bool = False
    may_claim: bool = False
    rights: frozenset[str] = frozenset()

    @property
    def id(self) -> UUID:
        return self.task.id

    @property
    def key(self) -> str:
        """Where a page that ends with this row ended."""
        return f"{self.task.due_at.isoformat() if self.task.due_at else ''}~{self.task.id}"

    @property
    def is_finished(self) -> bool:
        return self.task.status in FINISHED


def build_rows(actor: Actor, tasks: Sequence[Task], people: People, now: datetime | None = None) -> list[Row]:
    """Add what the rows show of other tables; three statements for any number of tasks."""
    about = read_titles(actor, {task.execution_id for task in tasks})
    assignments: defaultdict[UUID | None, list[Assignment]] = defaultdict(list)
    for row in Assignment.objects.filter(task_id__in=[task.id for task in tasks]) if tasks else ():
        assignments[row.task_id].append(row)
    at = now or timezone.now()
    rights = find_rights(actor, [task.id for task in tasks])
    return [_build_row(actor, task, about, people.of(assignments[task.id]), rights[task.id], at) for task in tasks]


def find_rights(actor: Actor, ids: Sequence[UUID]) -> dict[UUID, frozenset[str]]:
    """Return what the person may do to each of some tasks; no query for whoever may do it to all or to none."""
    allowed = {action: allowed_tasks(actor, action, ids) for action in RIGHTS}
    return {pk: frozenset(action for action in RIGHTS if pk in allowed[action]) for pk in ids}


def _build_row(
    actor: Actor, task: Task, about: Mapping[UUID, str], assigned: list[Person], rights: frozenset[str], now: datetime
) -> Row:
    zone = zone_of(actor.organisation)
    is_closed = task.execution.status == ExecutionStatus.CLOSED
    return Row(
        task=task,
        about=about.get(task.execution_id, ""),
        type_name=str(TYPES[task.task_type]),
        status_name=str(STATUS[task.status]),
        due=describe_due(task.due_date, "CLOSED" if is_closed else task.status, zone, now),
        people=assigned,
        act=None if is_closed or UPDATE not in rights else find_act(task),
        timing=describe_timing(task),
        may_update=not is_closed and task.enabled and UPDATE in rights,
        may_date=not is_closed and task.status not in FINISHED and DATE in rights,
        may_claim=not is_closed and task.status not in FINISHED and ASSIGN in rights,
        rights=rights,
    )


def find_act(task: Task) -> Act | None:
    """Return what is mostly done next to a task; None when nothing can be done to it now."""
    if not task.enabled:
        return None
    status = TaskStatus(task.status)
    if status in FINISHED:
        return None
    if task.task_type == TaskType.DECISION:
        return Act(_("Decide…"))
    if task.task_type not in WORKABLE_TYPES or status in WAITING:
        return Act(pgettext("a task", "Open"))
    if TaskStatus.COMPLETED in TRANSITIONS[status]:
        return Act(_("Complete"), TaskStatus.COMPLETED)
    return Act(str(RESUME), TaskStatus.IN_PROGRESS) if TaskStatus.IN_PROGRESS in TRANSITIONS[status] else None


def read_titles(actor: Actor, executions: Iterable[UUID]) -> dict[UUID, str]:
    """Return the title of each execution's primary entity; two statements."""
    refs = dict(ContextRef.objects.filter(execution_id__in=executions, is_primary=True).values_list("execution_id", "entity_id"))
    known = Entity.objects.filter(organisation=actor.organisation, id__in=set(refs.values())).values_list("id", "title")
    names = dict(known)
    return {execution: names.get(entity, "") for execution, entity in refs.items()}
