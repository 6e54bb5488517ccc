"""The events of a flow that others may be told of, and the rules that write something to entities when one happens."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FlowEvent(StrEnum):
    """What can happen to a flow, its tasks and its phases, under the contract's names."""

    FLOW_STARTED = "FlowStarted"
    FLOW_COMPLETED = "FlowCompleted"
    FLOW_CANCELLED = "FlowCancelled"
    FLOW_REOPENED = "FlowReopened"
    FLOW_DELETED = "FlowDeleted"
    FLOW_ASSIGNED = "FlowAssigned"
    FLOW_DUE_DATE_CHANGED = "FlowDueDateChanged"
    FLOW_CONTEXTS_CHANGED = "FlowContextsChanged"
    TASK_UPDATED = "TaskUpdated"
    CURRENT_TASK_CHANGED = "CurrTaskChanged"
    TASK_COMPLETED = "TaskCompleted"
    TASK_SKIPPED = "TaskSkipped"
    TASK_MARKED_IN_PROGRESS = "TaskMarkedInProgress"
    TASK_MARKED_ON_HOLD = "TaskMarkedOnHold"
    PHASE_UPDATED = "PhaseUpdated"
    PHASE_COMPLETED = "PhaseCompleted"
    PHASE_SKIPPED = "PhaseSkipped"
    PHASE_MARKED_IN_PROGRESS = "PhaseMarkedInProgress"


class SyncSource(StrEnum):
    """Where a written value comes from."""

    WORKFLOW_NAME = "workflow_name"
    WORKFLOW_STATUS = "workflow_status"
    WORKFLOW_ASSIGNED_TO = "workflow_assigned_to"
    TASK_NAME = "task_name"
    TASK_STATUS = "task_status"
    TASK_ASSIGNED_TO = "task_assigned_to"
    PHASE_NAME = "phase_name"
    PHASE_STATUS = "phase_status"
    PHASE_ASSIGNED_TO = "phase_assigned_to"
    CUSTOM_VALUE = "custom_value"


FLOW_ACTIONS = {
    "execution.started": FlowEvent.FLOW_STARTED,
    "execution.deleted": FlowEvent.FLOW_DELETED,
    "execution.assigned": FlowEvent.FLOW_ASSIGNED,
    "execution.due_date": FlowEvent.FLOW_DUE_DATE_CHANGED,
    "execution.contexts": FlowEvent.FLOW_CONTEXTS_CHANGED,
}
FLOW_STATUSES = {
    "STARTED": FlowEvent.FLOW_REOPENED,
    "DONE": FlowEvent.FLOW_COMPLETED,
    "CLOSED": FlowEvent.FLOW_CANCELLED,
}
TASK_STATUSES = {
    "COMPLETED": FlowEvent.TASK_COMPLETED,
    "SKIPPED": FlowEvent.TASK_SKIPPED,
    "IN_PROGRESS": FlowEvent.TASK_MARKED_IN_PROGRESS,
    "ON_HOLD": FlowEvent.TASK_MARKED_ON_HOLD,
}

# What only the history is to know of a task. Told as an update, an endpoint that refuses it would be told of its own refusal.
NO_EVENTS = frozenset({"task.failure"})


@dataclass(frozen=True, slots=True)
class Happening:
    """An event and what it happened to: a task or a phase by its id in the template, or neither: the flow as a whole."""

    event: FlowEvent
    task: str | None = None
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry of the history: what was done, to which task or phase, and the status that came of it, if one did."""

    action: str
    task: str | None = None
    phase: str | None = None
    status: str | None = None


def happenings(entries: Iterable[Recorded], skipped_phases: Iterable[str] = ()) -> list[Happening]:
    """Return what happened in one step, in order, each once. `skipped_phases`: those whose tasks were skipped, every one."""
    skipped = set(skipped_phases)
    told = (entry for entry in entries if entry.action not in NO_EVENTS)
    return list(dict.fromkeys(found for entry in told for found in _read(entry, skipped)))


def _read(entry: Recorded, skipped: set[str]) -> Iterator[Happening]:
    kind, _, what = entry.action.partition(".")
    status = entry.status if what == "status" else None
    if kind == "execution":
        event = FLOW_STATUSES.get(status) if status else FLOW_ACTIONS.get(entry.action)
        if event is not None:
            yield Happening(event)
    elif kind == "task":
        if status in TASK_STATUSES:
            yield Happening(TASK_STATUSES[status], task=entry.task)
        yield Happening(FlowEvent.CURRENT_TASK_CHANGED if what == "current" else FlowEvent.TASK_UPDATED, task=entry.task)
    elif kind == "phase":
        if status == "IN_PROGRESS":
            yield Happening(FlowEvent.PHASE_MARKED_IN_PROGRESS, phase=entry.phase)
        elif status == "COMPLETED":
            is_skipped = entry.phase in skipped
            yield Happening(FlowEvent.PHASE_SKIPPED if is_skipped else FlowEvent.PHASE_COMPLETED, phase=entry.phase)
        yield Happening(FlowEvent.PHASE_UPDATED, phase=entry.phase)


def matches(rule: Mapping[str, Any], happening: Happening, phase_of: Mapping[str, str | None]) -> bool:
    """Whether a rule of `entity_sync` is about what happened. A phase in its filter stands for its tasks' events too."""
    trigger = rule["trigger"]
    if trigger["event"] != happening.event:
        return False
    wanted = trigger.get("filter") or {}
    if happening.task is None and happening.phase is None:
        return True
    if wanted.get("task_template_id"):
        return bool(wanted["task_template_id"] == happening.task)
    if wanted.get("phase_template_id"):
        return wanted["phase_template_id"] in (happening.phase, phase_of.get(happening.task or ""))
    return True
