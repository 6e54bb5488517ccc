"""The tasks of a running execution as a list: put one in at an index, move one to another place or phase, take one out.

In a flow that is one line the list says what follows what, so a moved task is rewired. In any other flow a move changes only
where the task is shown: what follows what is said by its edges there. docs/engine.md has the rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from uuid import UUID, uuid4

from django.utils import timezone

from workflows.engine import advance
from workflows.engine.errors import ActionNotAllowed
from workflows.engine.flow import Outcome
from workflows.engine.graph import Graph
from workflows.engine.reshape import reshape
from workflows.engine.rewire import Wiring, is_line, place, wiring_of
from workflows.engine.sections import Item, arrange, flatten
from workflows.engine.status import TaskStatus, TaskType
from workflows.models import Assignment, Edge, Task
from workflows.models.rows import insert_rows, update_rows
from workflows.permissions import UPDATE, Actor
from workflows.services.assignments import build_assignments
from workflows.services.errors import InvalidInput
from workflows.services.graphs import extend_graph
from workflows.services.steps import Step, lock_execution
from workflows.services.tasks import ADD, NewTask, TaskPatch, build_task, patch_task
from workflows.services.transactions import in_transaction

# Room between two tasks for those that are put between them.
GAP = 1024


@dataclass(frozen=True, slots=True)
class Place:
    """An index in the list of a phase, or without one in the list of phases and other tasks. Past the end: at the end."""

    index: int
    phase_id: str | None = None


class Arrangement:
    """The list of an execution's tasks, and the change of it under way."""

    def __init__(self, step: Step) -> None:
        self.step = step
        self.phase_of = {node: self.phases[task.phase_id] if task.phase_id else None for node, task in step.tasks.items()}

    @cached_property
    def phases(self) -> dict[UUID, str]:
        return {phase.id: node for node, phase in self.step.phases.items()}

    def items(self, without: str | None = None) -> list[Item]:
        rows = sorted(self.step.tasks.values(), key=lambda task: task.position)
        pairs = [(task.template_id, self.phase_of[task.template_id]) for task in rows if task.template_id != without]
        return arrange(pairs, list(self.step.phases))

    def find_phase(self, wanted: str | None) -> str | None:
        """Return the phase's id in the graph. Raises InvalidInput for one that the execution does not have."""
        if not wanted:
            return None
        for node, phase in self.step.phases.items():
            if wanted in (str(phase.id), node):
                return node
        raise InvalidInput("phase_id", "the execution has no such phase")

    def index_of(self, where: Place, items: list[Item]) -> int:
        """Return the index in the flat list that a place means."""
        phase = self.find_phase(where.phase_id)
        if phase is None:
            return len(flatten(items[: where.index]))
        at = next(index for index, item in enumerate(items) if item.phase == phase)
        return len(flatten(items[:at])) + min(where.index, len(items[at].tasks))

    def put(self, task: Task, order: list[str], at: int) -> None:
        """Give a task its place in the list; when there is no room, all get new positions."""
        tasks = self.step.tasks
        before = tasks[order[at - 1]].position if at > 0 else 0
        after = tasks[order[at]].position if at < len(order) else before + 2 * GAP
        positions = [tasks[node].position for node in order]
        task.position = (before + after) // 2
        changed = [task]
        if positions != sorted(positions) or not before < task.position < after:
            changed = [tasks.get(node, task) for node in [*order[:at], task.template_id, *order[at:]]]
            for number, row in enumerate(changed, start=1):
                row.position = number * GAP
        update_rows([row for row in changed if not row._state.adding], ["position", "phase_id"])

    def graph(self, wiring: Wiring) -> Graph:
        tasks = sorted(self.step.tasks.values(), key=lambda task: task.position)
        return extend_graph(self.step.compiled.graph, tasks, wiring.edges, self.phases, wiring.starts)

    def write(self, wiring: Wiring) -> None:
        """Write the edges that differ, and that the rows say now what the definition said before."""
        step = self.step
        old = {edge.id: edge for edge in step.graph.edges}
        kept = {edge.id for edge in wiring.edges if old.get(edge.id) == edge}
        Edge.objects.filter(execution_id=step.execution.id).exclude(key__in=kept).delete()
        insert_rows(
            [
                Edge(
                    execution_id=step.execution.id,
                    key=edge.id,
                    source_id=step.tasks[edge.source].id,
                    target_id=step.tasks[edge.target].id if edge.target is not None else None,
                    condition_id=edge.condition or "",
                    none_met=edge.none_met,
                )
                for edge in wiring.edges
                if edge.id not in kept
            ]
        )
        step.execution.graph_edited = True
        step.execution.extra = {**step.execution.extra, "starts": list(wiring.starts)}

    def finish(self, graph: Graph, outcome: Outcome) -> None:
        self.step.graph = graph
        self.step.apply(outcome)
        self.step.count(outcome.flow)
        self.step.save()


def fresh_ids() -> Iterator[str]:
    while True:
        yield str(uuid4())


@in_transaction
def insert_task(actor: Actor, execution_id: str | UUID, where: Place, new: NewTask, now: datetime | None = None) -> Task:
    """Put a new task at a place of the list and into the flow there, and return it."""
    actor.require(ADD)
    step = lock_execution(actor, execution_id, now or timezone.now())
    arrangement = Arrangement(step)
    flow = step.flow()
    items = arrangement.items()
    order, at = flatten(items), arrangement.index_of(where, items)
    phase = arrangement.find_phase(where.phase_id)
    task = build_task(step, new, step.phases[phase].id if phase else None, 0)
    arrangement.put(task, order, at)
    phases = {**arrangement.phase_of, task.template_id: phase}
    wiring = place(wiring_of(flow.graph, fresh_ids()), flow.graph, order, at, task.template_id, phases)
    step.tasks = {**step.tasks, task.template_id: task}
    graph = arrangement.graph(wiring)
    outcome = advance.add_task(flow, graph, task.template_id, TaskStatus(task.status), step.moment(), enabled=new.get("enabled"))
    insert_rows([task])
    arrangement.write(wiring)
    insert_rows(build_assignments(step.execution, new.get("assigned_to") or [], task=task))
    step.record("task.added", None, {"name": task.name}, task=task)
    arrangement.finish(graph, outcome)
    task.execution = step.execution
    return task


@in_transaction
def move_task(actor: Actor, execution_id: str | UUID, task_id: str | UUID, where: Place, now: datetime | None = None) -> Task:
    """Move a task to another place of the list, and of the flow when that is one line, and return it."""
    actor.require_some(UPDATE)
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    step.require(UPDATE, task)
    task.execution = step.execution
    node = task.template_id
    arrangement = Arrangement(step)
    flow = step.flow()
    old_order, old_phase = flatten(arrangement.items()), arrangement.phase_of[node]
    items = arrangement.items(without=node)
    order, at, phase = flatten(items), arrangement.index_of(where, items), arrangement.find_phase(where.phase_id)
    if [*order[:at], node, *order[at:]] == old_order and phase == old_phase:
        return task
    arrangement.phase_of[node] = phase
    wiring = wiring_of(flow.graph, fresh_ids())
    if is_line(flow.graph, old_order):
        wiring = place(wiring.take_out(node), flow.graph, order, at, node, arrangement.phase_of)
    moved = node if wiring.edges != flow.graph.edges else None
    task.phase_id = step.phases[phase].id if phase else None
    arrangement.put(task, order, at)
    graph = arrangement.graph(wiring)
    outcome = reshape(flow, graph, step.moment(), moved=moved)
    arrangement.write(wiring)
    step.touch_task(task)
    step.record("task.moved", {"index": old_order.index(node), "phase": old_phase}, {"index": at, "phase": phase}, task=task)
    arrangement.finish(graph, outcome)
    return task


@in_transaction
def delete_task(
    actor: Actor, execution_id: str | UUID, task_id: str | UUID, now: datetime | None = None, *, undoes: int | None = None
) -> None:
    """Take a task out of an execution for good; what came before it leads to what came after it. Its history stays.

    `undoes`: the row of the history in which it was added, when it is that which is taken back.

    A decision cannot be taken out, as nothing would say which of its branches to take, nor the only task of an execution.
    """
    actor.require_some(ADD)
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    step.require(ADD, task)
    flow = step.flow()
    if task.task_type == TaskType.DECISION:
        raise ActionNotAllowed("A decision cannot be deleted: its branches would have no choice between them")
    if len(step.tasks) == 1:
        raise ActionNotAllowed("The only task of an execution cannot be deleted; delete the execution instead")
    arrangement = Arrangement(step)
    wiring = wiring_of(flow.graph, fresh_ids()).take_out(task.template_id)
    step.tasks = {node: row for node, row in step.tasks.items() if row is not task}
    graph = arrangement.graph(wiring)
    outcome = reshape(flow, graph, step.moment())
    arrangement.write(wiring)
    Assignment.objects.filter(task_id=task.id).delete()
    Task.objects.filter(pk=task.pk).delete()
    if task.schedule_id:
        step.cancelled.append(f"schedule:{task.schedule_id}")
    after = None if undoes is None else {"undoes": undoes}
    step.record("task.deleted", {"name": task.name, "status": task.status}, after, task=task)
    arrangement.finish(graph, outcome)


@in_transaction
def patch_and_move(
    actor: Actor,
    execution_id: str | UUID,
    task_id: str | UUID,
    patch: TaskPatch,
    where: Place | None,
    now: datetime | None = None,
) -> Task:
    """Apply a PATCH to a task and move it, both or neither, and return it."""
    at = now or timezone.now()
    task = patch_task(actor, execution_id, task_id, patch, now=at)
    return move_task(actor, execution_id, task_id, where, now=at) if where else task
