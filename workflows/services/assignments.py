"""Assignees: the lists of the wire as rows, because boards are filtered by them."""

from collections.abc import Sequence
from typing import Any

from workflows.models import Assignment, Execution, Phase, Task
from workflows.models.rows import insert_rows


def build_assignments(
    execution: Execution, entries: Sequence[Any], *, task: Task | None = None, phase: Phase | None = None
) -> list[Assignment]:
    """Return unsaved rows for ids and `{variable, value}` entries, each assignee once, in the order given."""
    rows: list[Assignment] = []
    seen: set[str] = set()
    for position, entry in enumerate(entries):
        variable = "" if isinstance(entry, str) else entry["variable"]
        values = [entry] if isinstance(entry, str) else (entry.get("value") or [""])
        for value in values:
            if value and value in seen and not variable:
                continue
            seen.add(value)
            rows.append(
                Assignment(
                    execution_id=execution.id,
                    organisation_id=execution.organisation_id,
                    task_id=task.id if task else None,
                    phase_id=phase.id if phase else None,
                    position=position,
                    assignee=value,
                    variable=variable,
                )
            )
    return rows


def replace_assignments(
    execution: Execution, entries: Sequence[Any], *, task: Task | None = None, phase: Phase | None = None
) -> list[Assignment]:
    """Write a new list in place of the old one; two statements."""
    Assignment.objects.filter(execution_id=execution.id, task=task, phase=phase).delete()
    rows = build_assignments(execution, entries, task=task, phase=phase)
    insert_rows(rows)
    return rows
