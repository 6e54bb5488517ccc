"""What can be done to a task: finish it, skip it, choose its branch, assign it, date it, describe it, add one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID, uuid4

from django.utils import timezone

from workflows.documents import render_assignees
from workflows.engine import advance
from workflows.engine.graph import Edge as GraphEdge
from workflows.engine.status import TRANSITIONS, TaskStatus, TaskType
from workflows.models import Assignment, Edge, Event, Task
from workflows.models.rows import insert_rows
from workflows.permissions import FINISH, UPDATE, Actor, PermissionRefused
from workflows.services.due import put_config, write_due_date
from workflows.services.due_rules import check_rule, patch_due_date
from workflows.services.errors import Clash, InvalidInput, NotFound
from workflows.services.graphs import extend_graph
from workflows.services.steps import Step, add_assignee, lock_execution, parse_id, stamp_status
from workflows.services.transactions import in_transaction
from workflows.services.variables import assign, assign_added

# What each field of a PATCH needs; anything else is part of working on the task.
RIGHTS = {
    "assigned_to": "workflow:execution:task:assign",
    "due_date": "workflow:execution:task:update_date",
    "due_date_config": "workflow:execution:task:update_date",
}
ADD = "workflow:execution:task:add"
DETAILS = ("description", "ecp", "installer", "partner", "automation_config")
# Statuses that can be asked for; the deprecated pair means PENDING.
SETTABLE = {status.value: status for status in frozenset().union(*TRANSITIONS.values())} | {
    "UNASSIGNED": TaskStatus.PENDING,
    "ASSIGNED": TaskStatus.PENDING,
}


class TaskPatch(TypedDict, total=False):
    """Fields of a task that a PATCH may name. `due_date` None or "" clears; the last three go with `status`.

    `in_progress_by` and `on_hold_by` name the user for whom the caller acts.
    """

    name: str
    due_date: str | None
    due_date_config: dict[str, Any] | None
    assigned_to: list[Any]
    enabled: bool
    automation_config: dict[str, Any]
    description: dict[str, Any]
    ecp: dict[str, Any]
    installer: dict[str, Any]
    partner: dict[str, Any]
    in_progress_by: str
    on_hold_by: str
    status: str
    next_condition_id: str
    revert_execution: bool
    completed_via_journey: bool


class NewTask(TypedDict, total=False):
    """A task that is added to a running execution; only `name` is required."""

    id: str
    name: str
    status: str
    due_date: str | None
    due_date_config: dict[str, Any] | None
    assigned_to: list[Any]
    enabled: bool
    automation_config: dict[str, Any]
    description: dict[str, Any]
    phase_id: str
    task_type: str


@in_transaction
def patch_task(
    actor: Actor,
    execution_id: str | UUID,
    task_id: str | UUID,
    patch: TaskPatch,
    expected: TaskPatch | None = None,
    now: datetime | None = None,
) -> Task:
    """Apply a PATCH to a task, let the flow move on, and return the task.

    `expected` holds the values that the caller saw: where one that is to be changed is no longer so, Clash is raised.
    """
    rights = {FINISH} if actor.guest else {RIGHTS.get(field, UPDATE) for field in patch}
    for right in rights:
        actor.require_some(right)
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    for right in rights:
        step.require(right, task)
    if actor.guest:
        check_guest_patch(task, patch)
    _check_expected(step, task, patch, expected or {})
    _patch_details(step, task, patch)
    if "assigned_to" in patch:
        put_assignees(step, task, patch["assigned_to"])
    if "enabled" in patch and patch["enabled"] is not task.enabled:
        step.apply(advance.set_enabled(step.flow(), task.template_id, patch["enabled"], step.moment()))
    if "status" in patch:
        _change_status(step, task, patch)
    _name_workers(step, task, patch)
    step.save()
    task.execution = step.execution
    return task


@in_transaction
def take_task(actor: Actor, execution_id: str | UUID, task_id: str | UUID, now: datetime | None = None) -> Task | None:
    """Add the actor to a task's assignees and return it; None when it is among them already, and nothing changes."""
    actor.require_some(RIGHTS["assigned_to"])
    step = lock_execution(actor, execution_id, now or timezone.now())
    task = step.task(task_id)
    step.require(RIGHTS["assigned_to"], task)
    add_assignee(step, task, actor.id)
    if not step.events:
        return None
    step.touch_task(task)
    step.save()
    task.execution = step.execution
    return task


def check_guest_patch(task: Task, patch: TaskPatch) -> None:
    """Raise PermissionRefused for anything but finishing what waits for a person. A decision is finished by its branch."""
    is_theirs = task.crt_since is not None and task.task_type in (TaskType.MANUAL, TaskType.DECISION)
    if patch.keys() - {"status", "next_condition_id"} or patch.get("status") != TaskStatus.COMPLETED or not is_theirs:
        raise PermissionRefused(UPDATE)


def _check_expected(step: Step, task: Task, patch: TaskPatch, expected: TaskPatch) -> None:
    for field in patch.keys() & expected.keys():
        current = _current_value(step, task, field)
        seen, wanted = (_plain(field, values[field]) for values in (expected, patch))  # type: ignore[literal-required]
        if current not in (seen, wanted):
            raise Clash(field, current, _last_change(task, field))


def _current_value(step: Step, task: Task, field: str) -> Any:
    if field == "assigned_to":
        # The one who asks has seen people; whether a variable stands for them is not to be seen.
        rows = Assignment.objects.filter(task_id=task.id).exclude(assignee="").order_by("position", "id")
        return list(rows.values_list("assignee", flat=True))
    if field == "description":
        design = step.compiled.task(task.template_id).get("description")
        return _plain(field, task.extra.get("description") or design)
    return getattr(task, field)


def _plain(field: str, value: Any) -> Any:
    """Of a description its text counts, not how it is wrapped."""
    return (value or {}).get("value", "") if field == "description" else value


def _last_change(task: Task, field: str) -> Mapping[str, Any] | None:
    action = {"status": "task.status", "due_date": "task.due_date", "assigned_to": "task.assigned", "name": "task.name"}
    events = Event.objects.filter(task_id=task.id, action=action.get(field, "task.details")).order_by("-seq")
    return events.values("actor_kind", "actor_id", "at").first()


def _patch_details(step: Step, task: Task, patch: TaskPatch) -> None:
    """Everything that is neither status nor assignee: it moves nothing, and may be changed on any task."""
    if "name" in patch and patch["name"] != task.name:
        step.record("task.name", {"name": task.name}, {"name": patch["name"]}, task=task)
        step.touch_task(task)
        task.name = patch["name"]
    if patch.keys() & {"due_date", "due_date_config"}:
        patch_due_date(step, task, patch)
    changed = {name: patch[name] for name in DETAILS if name in patch}  # type: ignore[literal-required]
    if changed:
        design = step.compiled.task(task.template_id)
        old = {name: task.extra.get(name, design.get(name)) for name in changed}
        step.record("task.details", old, changed, task=task)
        step.touch_task(task)
        task.extra = {**task.extra, **changed}
        if "partner" in changed:
            task.for_partner = bool((changed["partner"] or {}).get("enabled"))


def put_assignees(step: Step, task: Task, entries: list[Any]) -> None:
    """Give a task other assignees; the same ones again change nothing."""
    before = render_assignees(Assignment.objects.filter(task_id=task.id))
    if before == entries:
        return
    after = render_assignees(assign(step, entries, task=task))
    step.record("task.assigned", {"assigned_to": before}, {"assigned_to": after}, task=task)
    step.touch_task(task)


def parse_status(text: str) -> TaskStatus:
    """Return the status that a request means. Raises InvalidInput for one that is only ever set by the system."""
    status = SETTABLE.get(text)
    if status is None:
        raise InvalidInput("status", f"{text} cannot be set")
    return status


def _change_status(step: Step, task: Task, patch: TaskPatch) -> None:
    if patch["status"] == task.status:
        return
    status = parse_status(patch["status"])
    outcome = advance.set_status(
        step.flow(),
        task.template_id,
        status,
        step.moment(),
        branch=patch.get("next_condition_id"),
        revert=bool(patch.get("revert_execution")),
    )
    step.apply(outcome)
    if patch.get("completed_via_journey") and status is TaskStatus.COMPLETED:
        _note_journey(step, task)
    named = patch.get({TaskStatus.IN_PROGRESS: "in_progress_by", TaskStatus.ON_HOLD: "on_hold_by"}.get(status, ""))
    if outcome.changes and status in (TaskStatus.IN_PROGRESS, TaskStatus.ON_HOLD) and step.actor.id and not named:
        add_assignee(step, task, step.actor.id)


def _name_workers(step: Step, task: Task, patch: TaskPatch) -> None:
    """Write for whom the caller acts; who works on a task is among its assignees."""
    for field in ("in_progress_by", "on_hold_by"):
        user = patch.get(field)
        if isinstance(user, str) and user and getattr(task, field) != user:
            step.record("task.details", {field: getattr(task, field)}, {field: user}, task=task)
            step.touch_task(task)
            setattr(task, field, user)
            add_assignee(step, task, user)


def _note_journey(step: Step, task: Task) -> None:
    """Have the history say that a submitted form completed the task; nothing else keeps it."""
    for event in step.events:
        if event.action == "task.status" and event.task_id == task.id:
            event.after = {**(event.after or {}), "via": "journey"}


@in_transaction
def add_task(
    actor: Actor,
    execution_id: str | UUID,
    previous_task_id: str | UUID,
    next_task_id: str | UUID,
    new: NewTask,
    now: datetime | None = None,
) -> Task:
    """Put a task between two others that follow each other, and return it. All edges from the one to the other lead to it then.

    Raises InvalidInput when no edge leads from the one to the other.
    """
    actor.require_some(ADD)
    step = lock_execution(actor, execution_id, now or timezone.now())
    previous = _neighbour(step, previous_task_id, "previous_task_id")
    following = _neighbour(step, next_task_id, "next_task_id")
    step.require(ADD, previous)
    cut = list(Edge.objects.filter(execution_id=step.execution.id, source=previous, target=following).order_by("id"))
    if not cut:
        raise InvalidInput("next_task_id", "this task does not follow the previous one directly")
    task = build_task(step, new, _phase_of(step, new, previous), _position_after(step, previous))
    flow = step.flow()
    behind = Edge(execution_id=step.execution.id, key=str(uuid4()), source_id=task.id, target_id=following.id)
    keys = {edge.key for edge in cut}
    # A cut edge keeps its id, and so whether it was taken.
    ways = [replace(e, target=task.template_id) if e.id in keys else e for e in flow.graph.edges]
    ways.append(GraphEdge(behind.key, task.template_id, following.template_id))
    tasks = sorted([*step.tasks.values(), task], key=lambda row: row.position)
    phases = {phase.id: key for key, phase in step.phases.items()}
    graph = extend_graph(step.compiled.graph, tasks, ways, phases, step.execution.extra.get("starts"))
    outcome = advance.add_task(flow, graph, task.template_id, TaskStatus(task.status), step.moment(), enabled=new.get("enabled"))
    insert_rows([task])
    Edge.objects.filter(pk__in=[edge.pk for edge in cut]).update(target_id=task.id)
    insert_rows([behind])
    assign_added(step, new.get("assigned_to") or [], task)
    step.execution.graph_edited = True
    step.graph = graph
    step.tasks[task.template_id] = task
    step.record("task.added", None, {"name": task.name}, task=task)
    step.apply(outcome)
    step.count(outcome.flow)
    step.save()
    task.execution = step.execution
    return task


def _neighbour(step: Step, task_id: str | UUID, field: str) -> Task:
    try:
        return step.task(task_id)
    except NotFound as error:
        raise InvalidInput(field, "the execution has no such task") from error


def build_task(step: Step, new: NewTask, phase_id: UUID | None, position: int) -> Task:
    """Return an unsaved task that is added by hand."""
    task_id = parse_id(new["id"]) if new.get("id") else uuid4()
    if Task.objects.filter(pk=task_id).exists():
        raise InvalidInput("task.id", "this id is in use already")
    kind = TaskType(new.get("task_type") or TaskType.MANUAL)
    if kind not in (TaskType.MANUAL, TaskType.AUTOMATION):
        raise InvalidInput("task.task_type", f"a task of type {kind} cannot be added to a running execution")
    if kind is TaskType.AUTOMATION and not new.get("automation_config"):
        raise InvalidInput("task.automation_config", "an automation task needs one")
    task = Task(
        id=task_id,
        execution_id=step.execution.id,
        organisation_id=step.execution.organisation_id,
        phase_id=phase_id,
        template_id=str(task_id),
        position=position,
        name=new["name"],
        task_type=kind.value,
        status=parse_status(new.get("status") or "PENDING").value,
        manually_created=True,
        created_at=step.now,
        updated_at=step.now,
        extra={name: new[name] for name in ("automation_config", "description") if new.get(name)},
    )
    write_due_date(task, new.get("due_date"), step.actor.organisation)
    if (config := new.get("due_date_config")) and not task.due_date:
        check_rule(step, config, "task.due_date_config")
        put_config(task, config)
    if task.status != TaskStatus.PENDING:
        stamp_status(task, TaskStatus(task.status), step.actor.id, step.now)
    return task


def _phase_of(step: Step, new: NewTask, previous: Task) -> UUID | None:
    if not new.get("phase_id"):
        return previous.phase_id
    for phase in step.phases.values():
        if new["phase_id"] in (str(phase.id), phase.template_id):
            return phase.id
    raise InvalidInput("task.phase_id", "the execution has no such phase")


def _position_after(step: Step, previous: Task) -> int:
    """Return a place right after the previous task; when there is no room left, tasks may share one."""
    later = [task.position for task in step.tasks.values() if task.position > previous.position]
    return (previous.position + min(later, default=previous.position + 2048)) // 2
