"""Moving a task to another column of the work board: what that writes, and why it may not be possible."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils.translation import gettext_lazy

from workflows.engine.status import FINISHED, TRANSITIONS, ExecutionStatus, TaskStatus, TaskType
from workflows.models import Task
from workflows.permissions import UPDATE, Actor
from workflows.services.due_buckets import Bucket, Planner
from workflows.services.errors import InvalidInput
from workflows.services.tasks import RIGHTS, TaskPatch
from workflows.services.workboard import NOBODY, STATUS_COLUMNS

# The status that a column gives, where it gives one.
GIVEN = {"PENDING": "PENDING", "IN_PROGRESS": "IN_PROGRESS", "ON_HOLD": "ON_HOLD", "DONE": "COMPLETED"}
FIELDS = {"status": "status", "assignee": "assigned_to", "due": "due_date"}
REASONS = {
    "phase": gettext_lazy("The phase of a task comes from its process and is not changed by moving a card."),
    "template": gettext_lazy("A task stays in the process in which it was begun."),
    "lanes": gettext_lazy("The columns of this board are filters; they have no one value that a card could be given."),
    "right": gettext_lazy("You may look at this, but not change it."),
    "locked": gettext_lazy("It waits for other tasks."),
    "closed": gettext_lazy("Its execution is closed."),
    "finished": gettext_lazy("It is finished."),
    "decision": gettext_lazy("It is a decision: open it and choose its branch."),
    "machine": gettext_lazy("A machine does it: open it to run it."),
    "system": gettext_lazy("This status comes about by itself."),
    "transition": gettext_lazy("Its status does not allow this."),
    "past": gettext_lazy("A day that has passed cannot be set."),
    "week": gettext_lazy("No day is left of this week."),
}


@dataclass(frozen=True, slots=True)
class Target:
    """A column as a place to move a card to. `reason`: why that is not possible, a key of REASONS; empty: it is."""

    key: str
    title: str
    reason: str = ""
    origin: str = ""
    was: str = ""

    @property
    def values(self) -> str:
        """What the request that moves the card sends along."""
        return json.dumps({"to": self.key, "from": self.origin, "was": self.was})

    @property
    def words(self) -> str:
        return str(REASONS[self.reason]) if self.reason else ""


@dataclass(frozen=True, slots=True)
class Mover:
    """Judges moves on a board whose columns are `by` something."""

    actor: Actor
    by: str
    planner: Planner

    def refuse(self, task: Task, column: str, rights: Collection[str]) -> str:
        """Return why a task cannot be moved to a column, a key of REASONS; empty: it can. `rights`: what may be done to it."""
        if self.by not in FIELDS:
            return self.by
        if RIGHTS.get(FIELDS[self.by], UPDATE) not in rights:
            return "right"
        if task.execution.status == ExecutionStatus.CLOSED:
            return "closed"
        if self.by == "status":
            return refuse_status(task, column)
        if task.status in FINISHED:
            return "finished"
        return self._refuse_bucket(Bucket(column)) if self.by == "due" else ""

    def _refuse_bucket(self, bucket: Bucket) -> str:
        if bucket is Bucket.OVERDUE:
            return "past"
        return "week" if bucket is Bucket.WEEK and self.planner.day_for(bucket) is None else ""

    def patch(self, column: str, origin: str, assigned: Sequence[str]) -> TaskPatch:
        """Return what a move writes. `assigned`: who was seen to be assigned; whose column it comes from is replaced."""
        if self.by == "status":
            return {"status": GIVEN[column]}
        if self.by == "due":
            day = self.planner.day_for(Bucket(column))
            return {"due_date": f"{day}T00:00:00.000" if day else ""}
        added = [] if column == NOBODY else [column]
        if origin == NOBODY or (column == NOBODY and origin not in assigned):
            return {"assigned_to": added}
        people = [person for key in assigned for person in (added if key == origin else [key])]
        return {"assigned_to": list(dict.fromkeys([*people, *added]))}

    def expected(self, seen: str) -> TaskPatch:
        """Return what the person saw, to notice that it is no longer so."""
        if self.by == "assignee":
            return {"assigned_to": read_ids(seen)}
        value: Any = {FIELDS[self.by]: seen}
        return value  # type: ignore[no-any-return]


def refuse_status(task: Task, column: str) -> str:
    if column not in GIVEN:
        return "system"
    status, after = TaskStatus(task.status), TaskStatus(GIVEN[column])
    if not task.enabled:
        return "locked"
    if status in FINISHED:
        return "" if after is TaskStatus.PENDING and task.execution.status == ExecutionStatus.STARTED else "transition"
    if task.task_type == TaskType.DECISION and after is TaskStatus.COMPLETED:
        return "decision"
    if task.task_type not in (TaskType.MANUAL, TaskType.DECISION) and after is TaskStatus.IN_PROGRESS:
        return "machine"
    return "" if after in TRANSITIONS[status] else "transition"


def seen_value(by: str, task: Task, assigned: Sequence[str]) -> str:
    """Return the grouped field of a task as a card carries it."""
    if by == "assignee":
        return json.dumps(list(assigned))
    return task.status if by == "status" else task.due_date if by == "due" else ""


def read_ids(text: str) -> list[str]:
    """Read the assignees that a card carried. Raises InvalidInput."""
    try:
        ids = json.loads(text or "[]")
    except ValueError:
        ids = None
    if not isinstance(ids, list) or not all(isinstance(key, str) for key in ids):
        raise InvalidInput("was", "must be a list of ids")
    return ids[:100]


def column_of(by: str, task: Task, planner: Planner) -> str:
    """Return the column in which a task stands now, where that is one."""
    if by == "status":
        return next(key for key, statuses in STATUS_COLUMNS.items() if task.status in statuses)
    if by != "due":
        return ""
    if task.due_at is None:
        return Bucket.NONE
    tomorrow, monday = planner.begin(planner.today + timedelta(days=1)), planner.begin(planner.next_monday)
    limits = ((planner.now, Bucket.OVERDUE), (tomorrow, Bucket.TODAY), (monday, Bucket.WEEK))
    return next((bucket for limit, bucket in limits if task.due_at < limit), Bucket.LATER)
