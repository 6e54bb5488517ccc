"""Fill the product's database with executions that are all at another task; prints what a client needs as JSON.

Run as `python -m bench.seed_board EXECUTIONS`. Each has its 20 tasks in four phases; those before the current one are done.
"""

import json
import sys
from datetime import datetime, timedelta
from typing import Any

import django

django.setup()

from django.utils import timezone

from bench.seed_product import seed
from workflows.documents import timestamp
from workflows.models import Assignment, ContextRef, Entity, Execution, Phase, Task, User
from workflows.models.ids import ordered_uuid

CUSTOMERS = 200
PEOPLE = 8
STATUSES = ("PENDING", "PENDING", "PENDING", "IN_PROGRESS", "ON_HOLD")
# Hours from now: overdue, today, this week, later, and none at all.
DUE = (-60, -6, 3, 30, 60, 400, None)


def copy(row: Any, **changes: Any) -> Any:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields if field.name != "id"}
    return type(row)(**values | changes)


def fill(count: int) -> None:
    """Copy the one execution that there is, its phases, tasks and assignments."""
    first = Execution.objects.get()
    phases = list(Phase.objects.filter(execution=first).order_by("position"))
    tasks = list(Task.objects.filter(execution=first).order_by("position"))
    Execution.objects.filter(pk=first.pk).update(status="CLOSED")
    Task.objects.filter(execution=first).update(crt_since=None)
    organisation = first.organisation
    people = [str(User.objects.create_user(f"p{n}@bench.example", None, name=f"Person Number {n}").pk) for n in range(PEOPLE)]
    people[0] = str(User.objects.get(email="bench@bench.example").pk)
    names = [Entity(organisation=organisation, schema="contact", title=f"Ada Customer {n}") for n in range(CUSTOMERS)]
    Entity.objects.bulk_create(names)
    rows: dict[type[Any], list[Any]] = {Execution: [], Phase: [], Task: [], ContextRef: [], Assignment: []}
    now = timezone.now()
    for number in range(count):
        add_execution(rows, first, phases, tasks, number, now, names[number % CUSTOMERS], people[number % PEOPLE])
    for model, found in rows.items():
        model.objects.bulk_create(found, 1000)


def add_execution(
    rows: dict[type[Any], list[Any]],
    first: Execution,
    phases: list[Phase],
    tasks: list[Task],
    number: int,
    now: datetime,
    about: Entity,
    person: str,
) -> None:
    place, at = number % len(tasks), now - timedelta(days=1, seconds=number)
    execution = copy(first, status="STARTED", created_at=at, tasks_done=place, version=number + 1)
    rows[Execution].append(execution)
    own = {phase.pk: copy(phase, id=ordered_uuid(), execution_id=execution.id) for phase in phases}
    rows[Phase] += own.values()
    for index, task in enumerate(tasks):
        hours = DUE[(number + index) % len(DUE)]
        due = now + timedelta(hours=hours) if hours is not None else None
        status = "COMPLETED" if index < place else STATUSES[number % len(STATUSES)] if index == place else "PENDING"
        made = copy(
            task,
            execution_id=execution.id,
            phase_id=own[task.phase_id].pk if task.phase_id else None,
            status=status,
            crt_since=at if index == place else None,
            left_at=at if index < place else None,
            due_at=due,
            due_date=timestamp(due) if due else "",
        )
        rows[Task].append(made)
        if index == place and number % 3:
            rows[Assignment].append(
                Assignment(
                    execution_id=execution.id, organisation_id=first.organisation_id, task_id=made.id, position=0, assignee=person
                )
            )
    context = {"position": 0, "entity_id": about.id, "entity_schema": "contact", "is_primary": True}
    rows[ContextRef].append(ContextRef(execution_id=execution.id, organisation_id=first.organisation_id, **context))


if __name__ == "__main__":
    keys = seed(0)
    fill(int(sys.argv[1]))
    print(json.dumps(keys))
