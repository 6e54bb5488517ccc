"""Variable assignees in a step: filled from the entities when they are set, and while empty whenever the flow comes to a task."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Q

from workflows.engine.conditions import Facts
from workflows.engine.variables import resolve_variable
from workflows.models import Assignment, Execution, Phase, Task
from workflows.models.rows import insert_rows, update_rows
from workflows.services.assignments import build_assignments, replace_assignments

if TYPE_CHECKING:
    from workflows.services.steps import Step

# Of an execution's `extra`: some variable stands for nobody yet, so entering a task is worth a look.
OPEN_VARIABLES = "open_variables"


def fill_entries(entries: Sequence[Any], facts: Facts) -> list[Any]:
    """Return a list of assignees with its variables filled: by what they stand for now, else by what was given."""
    return [
        entry
        if isinstance(entry, str)
        else {"variable": entry["variable"], "value": resolve_variable(entry["variable"], facts) or entry.get("value") or []}
        for entry in entries
    ]


def note_open_variables(execution: Execution, rows: Iterable[Assignment]) -> None:
    if not execution.extra.get(OPEN_VARIABLES) and any(row.variable and not row.assignee for row in rows):
        execution.extra = {**execution.extra, OPEN_VARIABLES: True}


def assign(step: "Step", entries: Sequence[Any], *, task: Task | None = None, phase: Phase | None = None) -> list[Assignment]:
    """Put a new list of assignees in the place of the old one, with its variables filled, and return its rows."""
    rows = replace_assignments(step.execution, _filled(step, entries), task=task, phase=phase)
    note_open_variables(step.execution, rows)
    return rows


def assign_added(step: "Step", entries: Sequence[Any], task: Task) -> None:
    rows = build_assignments(step.execution, _filled(step, entries), task=task)
    note_open_variables(step.execution, rows)
    insert_rows(rows)


def _filled(step: "Step", entries: Sequence[Any]) -> Sequence[Any]:
    if all(isinstance(entry, str) or entry.get("value") for entry in entries):
        return entries
    return fill_entries(entries, step.facts())


def fill_entered(step: "Step") -> None:
    """Fill the variables that are still empty: of the tasks that the flow has just come to, of their phases, of the execution."""
    entered = [event.task_id for event in step.events if event.action == "task.current"]
    if not entered or not step.execution.extra.get(OPEN_VARIABLES):
        return
    phases = {task.phase_id for task in step.tasks.values() if task.id in entered and task.phase_id}
    owners = Q(task_id__in=entered) | Q(phase_id__in=phases) | Q(task=None, phase=None)
    empty = Assignment.objects.filter(owners, execution_id=step.execution.id, assignee="").exclude(variable="")
    rows = list(empty.order_by("position"))
    if not rows:
        return
    facts = step.facts()
    found = [(row, resolve_variable(row.variable, facts)) for row in rows]
    found = [(row, values) for row, values in found if values]
    for row, values in found:
        row.assignee = values[0]
        _record(step, row, values)
    update_rows([row for row, _ in found], ["assignee"])
    insert_rows([_copy(row, value) for row, values in found for value in values[1:]])


def _copy(row: Assignment, value: str) -> Assignment:
    return Assignment(
        execution_id=row.execution_id,
        organisation_id=row.organisation_id,
        phase_id=row.phase_id,
        task_id=row.task_id,
        position=row.position,
        variable=row.variable,
        assignee=value,
    )


def _record(step: "Step", row: Assignment, values: list[str]) -> None:
    before, after = ({"assigned_to": [{"variable": row.variable, "value": value}]} for value in ([], values))
    if row.task_id is not None:
        task = step.task(row.task_id)
        step.touch_task(task)
        step.record("task.assigned", before, after, task=task)
    elif row.phase_id is not None:
        step.touch_phase(_phase(step, row.phase_id))
        step.record("phase.assigned", before, after, phase_id=row.phase_id)
    else:
        step.record("execution.assigned", before, after)


def _phase(step: "Step", phase_id: UUID) -> Phase:
    return next(phase for phase in step.phases.values() if phase.id == phase_id)
