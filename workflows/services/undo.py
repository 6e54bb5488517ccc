"""Taking back what one did to a task: its status, its assignees, its due date, or that one added it.

The history says what was before. Undoing is a change like any other: under the execution's lock, by the engine's rules, with
a history of its own that says what it undoes. It is refused as soon as somebody has built on what was done.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.utils import timezone

from workflows.engine import advance
from workflows.engine.flow import TaskReset
from workflows.engine.status import FINISHED, TaskStatus, TaskType
from workflows.models import Event, Task
from workflows.permissions import UPDATE, VIEW, Actor, may_on_task
from workflows.services.due_rules import patch_due_date
from workflows.services.errors import NotFound, UndoRefused
from workflows.services.rearranging import delete_task
from workflows.services.steps import Step, lock_execution
from workflows.services.tasks import ADD, RIGHTS, put_assignees
from workflows.services.transactions import in_transaction

STATUS, ASSIGNED, DUE = "task.status", "task.assigned", "task.due_date"
FIELDS = {STATUS: "status", ASSIGNED: "assigned_to", DUE: "due_date"}
ADDED, DELETED = "task.added", "task.deleted"
UNDOABLE = (*FIELDS, ADDED)
# What somebody does with a task that the flow has come to, or a machine; then going back would lose it.
WORK = ("task.status", "task.reset", "task.branch", "task.added")
MACHINE_WORK = ("task.run_started", "task.run", "task.agent", "task.agent_answered")
# Why not: somebody changed it since, the flow went on, a machine has begun, tasks were reset, it is a machine's or a decision.
CHANGED, WENT_ON, BEGUN, WENT_BACK, MACHINE, DECISION = "changed", "went_on", "begun", "went_back", "machine", "decision"
# How far back the last act is looked for, and among how many rows.
RECENT = timedelta(hours=1)
LOOKED_AT = 40


@dataclass(frozen=True, slots=True)
class Act:
    """What one person did to one task at one moment: its rows in the history, the first one naming it."""

    events: Sequence[Event]

    @property
    def seq(self) -> int:
        return next((event.seq for event in self.events if event.action in UNDOABLE), 0)

    @property
    def execution_id(self) -> UUID:
        return self.events[0].execution_id

    @property
    def task_id(self) -> UUID | None:
        return self.events[0].task_id

    def event(self, action: str) -> Event | None:
        return next((event for event in self.events if event.action == action), None)

    @property
    def is_undo(self) -> bool:
        return any("undoes" in (event.after or {}) for event in self.events)


def find_last_act(actor: Actor, now: datetime | None = None) -> Act | None:
    """Return what the actor did last to any task and has not taken back; one statement."""
    since = (now or timezone.now()) - RECENT
    rows = Event.objects.filter(
        organisation=actor.organisation, at__gte=since, actor_kind=actor.kind, actor_id=actor.id, action__in=(*UNDOABLE, DELETED)
    )
    acts = _group(list(rows.order_by("-at", "-seq")[:LOOKED_AT]))
    undone = {(act.execution_id, (event.after or {}).get("undoes")) for act in acts for event in act.events}
    # A task that was deleted otherwise cannot be brought back: there is no such act.
    left = (act for act in acts if act.seq and not act.is_undo)
    return next((act for act in left if (act.execution_id, act.seq) not in undone), None)


def find_act_on(actor: Actor, task: Task) -> Act | None:
    """Return the latest change of a task if it was the actor's, and can be taken back as things stand; one statement."""
    rows = Event.objects.filter(execution_id=task.execution_id, task_id=task.id, action__in=UNDOABLE)
    acts = _group(list(rows.order_by("-seq")[:4]))
    act = acts[0] if acts else None
    if act is None or act.is_undo or (act.events[0].actor_kind, act.events[0].actor_id) != (actor.kind, actor.id):
        return None
    return act


def _group(newest_first: Sequence[Event]) -> list[Act]:
    """Put rows of the same moment, person and task together, each act in the order in which it was done."""
    acts: dict[tuple[Any, ...], list[Event]] = {}
    for event in newest_first:
        acts.setdefault((event.execution_id, event.task_id, event.actor_kind, event.actor_id, event.at), []).insert(0, event)
    return [Act(events) for events in acts.values()]


@in_transaction
def undo(actor: Actor, execution_id: str | UUID, seq: int, now: datetime | None = None) -> Task:
    """Take back an act of the actor's own, named by its first row in the history, and return its task.

    Raises NotFound for what is not the actor's, UndoRefused with the reason.
    """
    step = lock_execution(actor, execution_id, now or timezone.now())
    act = _read_act(step, seq)
    task = step.find_task(act.task_id) if act.task_id else None
    if task is None:
        raise NotFound
    for event in act.events:
        step.require(ADD if event.action == ADDED else RIGHTS.get(FIELDS[event.action], UPDATE), task)
    task.execution = step.execution
    if (added := act.event(ADDED)) is not None:
        _check_unused(added)
        delete_task(actor, execution_id, task.id, step.now, undoes=act.seq)
        return task
    _check_untouched(act)
    if (status := act.event(STATUS)) is not None:
        _undo_status(step, task, act, status)
    if (assigned := act.event(ASSIGNED)) is not None:
        put_assignees(step, task, (assigned.before or {})["assigned_to"])
    # A date that came with a status followed from it, and goes with it.
    if status is None and (due := act.event(DUE)) is not None:
        _undo_due_date(step, task, due.before or {})
    for event in step.events:
        if event.task_id == task.id and event.action in FIELDS:
            event.after = {**(event.after or {}), "undoes": act.seq}
    step.save()
    return task


def _read_act(step: Step, seq: int) -> Act:
    actor = step.actor
    own = Event.objects.filter(execution_id=step.execution.id, actor_kind=actor.kind, actor_id=actor.id, action__in=UNDOABLE)
    first = own.filter(seq=seq).first()
    if first is None or first.task_id is None:
        raise NotFound
    act = Act(list(own.filter(task_id=first.task_id, at=first.at, seq__gte=seq).order_by("seq")))
    if act.is_undo:
        raise NotFound
    return act


def _check_unused(added: Event) -> None:
    """Raise UndoRefused when anything was done to a task since it was added, by whomever, and still stands."""
    rows = Event.objects.filter(execution_id=added.execution_id, task_id=added.task_id, at__gt=added.at)
    later = list(rows.exclude(action="task.current").order_by("-seq"))
    if _standing(later, {event.action for event in later}):
        raise UndoRefused(CHANGED)


def _check_untouched(act: Act) -> None:
    """Raise UndoRefused when any of the fields was changed since, by whomever, or the act was taken back already."""
    actions = {event.action for event in act.events}
    if STATUS in actions:
        # Dates that follow from the status, or from what came after it, are no answer to it.
        actions = (actions | {"task.reset"}) - {DUE}
    later = _find_later(act.execution_id, [act.task_id], act.events[-1].seq, actions)
    if act.seq in _find_undone(later) or _standing(later, actions):
        raise UndoRefused(CHANGED)


def _find_later(execution_id: UUID, tasks: Iterable[UUID | None], seq: int, actions: Collection[str]) -> list[Event]:
    rows = Event.objects.filter(execution_id=execution_id, task_id__in=tasks, seq__gt=seq, action__in={*FIELDS, *actions})
    return list(rows.order_by("-seq"))


def _find_undone(events: Iterable[Event]) -> set[int]:
    return {event.after["undoes"] for event in events if event.after and "undoes" in event.after}


def _standing(events: Sequence[Event], actions: Collection[str]) -> list[Event]:
    """Leave out what was taken back, and the taking back: together they are as if nothing had been done."""
    undone = _find_undone(events)
    acts = [act for act in _group(events) if not act.is_undo and act.seq not in undone]
    return [event for act in acts for event in act.events if event.action in actions]


def _undo_status(step: Step, task: Task, act: Act, event: Event) -> None:
    if task.task_type not in (TaskType.MANUAL, TaskType.DECISION):
        raise UndoRefused(MACHINE)
    before, after = TaskStatus((event.before or {})["status"]), TaskStatus((event.after or {})["status"])
    if before in FINISHED:
        _finish_again(step, task, before, event)
    elif after in FINISHED:
        _reopen(step, task, before, event)
    else:
        step.apply(advance.put_back(step.flow(), task.template_id, before, step.moment()))


def _finish_again(step: Step, task: Task, status: TaskStatus, event: Event) -> None:
    """Take back that a task was reopened: it counts as finished again. What going back has reset is gone."""
    step_rows = Event.objects.filter(execution_id=event.execution_id, at=event.at, action__in=("task.reset", "task.current"))
    if step_rows.exists():
        raise UndoRefused(WENT_BACK)
    if task.task_type == TaskType.DECISION:
        raise UndoRefused(DECISION)
    step.apply(advance.set_status(step.flow(), task.template_id, status, step.moment()))


def _reopen(step: Step, task: Task, before: TaskStatus, event: Event) -> None:
    """Take back that a task was finished; where the flow went on it comes back, unless somebody went on with it."""
    outcome = advance.set_status(step.flow(), task.template_id, TaskStatus.PENDING, step.moment(), revert=True)
    reset = [step.tasks[change.node] for change in outcome.changes if isinstance(change, TaskReset)]
    _check_not_built_upon(step.actor, reset, event)
    step.apply(outcome)
    if before is not TaskStatus.PENDING:
        step.apply(advance.put_back(step.flow(), task.template_id, before, step.moment()))


def _check_not_built_upon(actor: Actor, reset: Sequence[Task], event: Event) -> None:
    names = {task.id: task.name for task in reset}
    later = _standing(_find_later(event.execution_id, names, event.seq, MACHINE_WORK + WORK), MACHINE_WORK + WORK)
    begun = [row.task_id for row in later if row.action in MACHINE_WORK and row.task_id]
    if begun:
        raise UndoRefused(BEGUN, _name_for(actor, begun[0], names))
    # What happened at the same moment followed from it, and goes with it.
    worked = [row.task_id for row in later if row.action in WORK and row.at > event.at and row.task_id]
    if worked:
        raise UndoRefused(WENT_ON, _name_for(actor, worked[0], names))


def _name_for(actor: Actor, task_id: UUID, names: Mapping[UUID, str]) -> str:
    """Return the name of a task for somebody who may not be allowed to see it."""
    return names[task_id] if may_on_task(actor, VIEW, task_id) else "…"


def _undo_due_date(step: Step, task: Task, before: dict[str, Any]) -> None:
    rule = before.get("due_date_config")
    patch_due_date(step, task, {"due_date_config": rule} if rule else {"due_date": before.get("due_date", "")})
