"""Runs of automations: their statuses, what each means for the task that waits, and what comes after an action."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from workflows.engine.status import TaskStatus


class RunStatus(StrEnum):
    """The status of a run, and of each of its actions."""

    PENDING = "pending"
    STARTING = "starting"
    IN_PROGRESS = "in_progress"
    PAUSED = "paused"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    SCHEDULED = "scheduled"
    HOT = "hot"


ENDED = frozenset({RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.CANCELLED, RunStatus.SKIPPED, RunStatus.HOT})
UNDER_WAY = frozenset(RunStatus) - ENDED

# Longer chains of flows and automations that start each other are taken for a circle.
MAX_DEPTH = 10

_TASK_STATUS = {
    RunStatus.SUCCESS: TaskStatus.COMPLETED,
    RunStatus.FAILED: TaskStatus.FAILED,
    RunStatus.SKIPPED: TaskStatus.SKIPPED,
    RunStatus.CANCELLED: TaskStatus.SKIPPED,
    RunStatus.HOT: TaskStatus.FAILED,
}


def task_status(run: RunStatus, *, awaits_person: bool = False) -> TaskStatus:
    """Return what a run's status means for the task that it was started for."""
    if run is RunStatus.PAUSED and awaits_person:
        return TaskStatus.WAITING_FOR_CONFIRMATION
    return _TASK_STATUS.get(run, TaskStatus.IN_PROGRESS)


@dataclass(frozen=True, slots=True)
class ActionState:
    """How far an action has come."""

    status: RunStatus
    allow_failure: bool = False


def next_action(actions: Sequence[ActionState]) -> int | None:
    """Return the place of the action that is to be done now; None when nothing more is."""
    if any(action.status in UNDER_WAY - {RunStatus.PENDING} for action in actions):
        return None
    for place, action in enumerate(actions):
        if action.status is RunStatus.PENDING:
            return place
        if action.status is RunStatus.FAILED and not action.allow_failure:
            return None
    return None


def end_status(actions: Sequence[ActionState]) -> RunStatus:
    """Return what a run came to that has nothing more to do: a failure that was not allowed fails it."""
    if any(action.status is RunStatus.FAILED and not action.allow_failure for action in actions):
        return RunStatus.FAILED
    counted = {action.status for action in actions}
    for only in (RunStatus.CANCELLED, RunStatus.SKIPPED):
        if counted == {only}:
            return only
    return RunStatus.SUCCESS
