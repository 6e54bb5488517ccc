"""Shared tasks as guests see them: what waits for them, what is done, under the words written for their audience."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from workflows.definitions import load_definition
from workflows.engine.reach import live_nodes
from workflows.engine.status import FINISHED, ExecutionStatus, TaskStatus, TaskType
from workflows.models import ActorKind, Audience, ContextRef, Edge, Entity, Phase, Share, Task
from workflows.permissions import Actor, Guest
from workflows.services.graphs import graph_of_rows
from workflows.services.narrowing import guest_words
from workflows.services.steps import task_state
from workflows.services.task_query import read_designs

Row = TypeVar("Row", Edge, Phase, Task)

MOST = 500
# A person finishes these; a decision by one of its branches.
FOR_PEOPLE = (TaskType.MANUAL, TaskType.DECISION)


@dataclass(frozen=True, slots=True)
class SharedTask:
    """One task for a guest. `branches`: of a decision, to choose from. `about`: the title of what it is about."""

    id: UUID
    execution_id: UUID
    execution_name: str
    organisation_id: int
    organisation: str
    time_zone: str
    about: str
    name: str
    description: str
    due_date: str
    status: str
    finished_at: datetime | None
    waits: bool
    branches: Sequence[tuple[str, str]]

    @property
    def is_done(self) -> bool:
        return self.status in FINISHED


def list_for_partner(guest: Guest, execution_id: UUID | None = None) -> list[SharedTask]:
    """Return what is shared by all organisations, or of one execution: what waits first by due date, then what is done last."""
    rows = Task.objects.filter(guest.tasks(), execution__deleted_at=None)
    if execution_id is not None:
        rows = rows.filter(execution_id=execution_id)
    return build_shared(rows, Audience.PARTNER)


def build_shared(rows: QuerySet[Task], audience: str) -> list[SharedTask]:
    """Return tasks with what is to be said of them, but for those on branches that were not taken: they never come.

    Seven statements for any number of them, and one for each definition that this process meets for the first time.
    """
    wide = rows.select_related("execution", "organisation").order_by("due_at", "created_at", "position", "id")
    found = list(wide[:MOST])
    off_path = _off_path(found)
    tasks = [task for task in found if task.id not in off_path]
    titles = _titles(task.execution_id for task in tasks)
    designs = read_designs(tasks)
    shared = [
        _build(task, designs[task.execution.definition_id].get(task.template_id, {}), titles.get(task.execution_id, ""), audience)
        for task in tasks
    ]
    return sorted(shared, key=lambda task: (task.is_done, not task.waits))


def _off_path(tasks: Iterable[Task]) -> set[UUID]:
    """Return which of these tasks nothing leads to any more. Asks only about executions of which some have not begun."""
    waiting = [task for task in tasks if task.status == TaskStatus.PENDING and task.crt_since is None and task.left_at is None]
    executions = {task.execution_id: task.execution for task in waiting}
    if not executions:
        return set()
    whole = _by_execution(Task.objects.filter(execution_id__in=executions).order_by("position", "id"))
    edited = [pk for pk, execution in executions.items() if execution.graph_edited]
    edges = _by_execution(Edge.objects.filter(execution_id__in=edited).order_by("id")) if edited else {}
    phases = _by_execution(Phase.objects.filter(execution_id__in=edited)) if edited else {}
    off: set[UUID] = set()
    for pk, execution in executions.items():
        nodes = {task.template_id: task for task in whole[pk]}
        graph = load_definition(execution.definition_id).graph
        if execution.graph_edited:
            keys = {phase.id: phase.template_id for phase in phases.get(pk, [])}
            graph = graph_of_rows(execution, graph, nodes, keys, edges.get(pk, []))
        live = live_nodes(graph, {node: task_state(task) for node, task in nodes.items()})
        off |= {task.id for node, task in nodes.items() if node not in live}
    return off


def _by_execution(rows: Iterable[Row]) -> dict[UUID, list[Row]]:
    found: defaultdict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.execution_id].append(row)
    return found


def _build(task: Task, design: dict[str, Any], about: str, audience: str) -> SharedTask:
    said = guest_words(task.name, task.extra.get(audience, design.get(audience)))
    running = task.execution.status == ExecutionStatus.STARTED and task.enabled and task.status not in FINISHED
    manual = task.task_type == TaskType.MANUAL or (task.task_type == TaskType.DECISION and audience == Audience.PARTNER)
    conditions = design.get("conditions") or [] if task.task_type == TaskType.DECISION else []
    return SharedTask(
        id=task.id,
        execution_id=task.execution_id,
        execution_name=task.execution.name,
        organisation_id=task.organisation_id,
        organisation=task.organisation.name,
        time_zone=task.organisation.time_zone,
        about=about,
        name=said["name"],
        description=(said.get("description") or {}).get("value", ""),
        due_date=task.due_date,
        status=task.status,
        finished_at=task.completed_at,
        waits=running and task.crt_since is not None and manual and task.status != TaskStatus.ON_HOLD,
        branches=[(str(each["id"]), str(each.get("branch_name") or "")) for each in conditions],
    )


def _titles(executions: Iterable[UUID]) -> dict[UUID, str]:
    refs = dict(
        ContextRef.objects.filter(execution_id__in=set(executions), is_primary=True).values_list("execution_id", "entity_id")
    )
    names = dict(Entity.objects.filter(pk__in=set(refs.values()), deleted_at=None).values_list("pk", "title"))
    return {execution: names.get(entity, "") for execution, entity in refs.items()}


# Customers and installers


def link_actor(share: Share) -> Actor:
    """Return who holds a link: a guest of one execution, to whom the tasks are shown that are opened for their audience."""
    guest = Guest(may_work=True, task_ids=frozenset(_opened(share)))
    return Actor(share.organisation, ActorKind.LINK, f"{share.audience}:{share.pk.hex[:12]}", guest=guest)


def list_for_link(share: Share, actor: Actor) -> list[SharedTask]:
    rows = Task.objects.filter(actor.guest.tasks() if actor.guest else None, execution=share.execution)
    return build_shared(rows, share.audience)


def _opened(share: Share) -> list[UUID]:
    """Return the tasks that template or PATCH open for customers, or for installers; none where the process is not for them."""
    if share.execution is None or share.audience == Audience.PARTNER:
        return []
    compiled = load_definition(share.execution.definition_id)
    if not compiled.data.get("available_in_ecp"):
        return []
    rows = Task.objects.filter(execution=share.execution).only("pk", "template_id", "extra")
    said = ((task.pk, task.extra.get(share.audience, compiled.task(task.template_id).get(share.audience))) for task in rows)
    return [pk for pk, words in said if words and words.get("enabled")]
