"""The statuses of executions, phases and tasks, and the one table of what may follow what.

The table says what is legal at all; whether a change also moves the flow is decided in `advance`. Rules: docs/engine.md.
"""

from enum import StrEnum

from workflows.engine.errors import InvalidTransition


class ExecutionStatus(StrEnum):
    STARTED = "STARTED"
    DONE = "DONE"
    CLOSED = "CLOSED"


class PhaseStatus(StrEnum):
    OPEN = "OPEN"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"


class TaskStatus(StrEnum):
    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    SKIPPED = "SKIPPED"
    ON_HOLD = "ON_HOLD"
    FAILED = "FAILED"
    SCHEDULED = "SCHEDULED"
    CONDITION_PENDING = "CONDITION_PENDING"
    WAITING_FOR_CONFIRMATION = "WAITING_FOR_CONFIRMATION"


class TaskType(StrEnum):
    MANUAL = "MANUAL"
    AUTOMATION = "AUTOMATION"
    DECISION = "DECISION"
    AI_AGENT = "AI_AGENT"


class TriggerMode(StrEnum):
    MANUAL = "manual"
    AUTOMATIC = "automatic"


FINISHED = frozenset({TaskStatus.COMPLETED, TaskStatus.SKIPPED})
OPEN = frozenset(TaskStatus) - FINISHED

_S = TaskStatus

# What a person or an integrator may set. The engine itself also writes SCHEDULED, CONDITION_PENDING,
# WAITING_FOR_CONFIRMATION and FAILED, which nobody sets by hand.
TRANSITIONS: dict[TaskStatus, frozenset[TaskStatus]] = {
    _S.PENDING: frozenset({_S.IN_PROGRESS, _S.COMPLETED, _S.SKIPPED, _S.ON_HOLD}),
    _S.IN_PROGRESS: frozenset({_S.COMPLETED, _S.SKIPPED, _S.ON_HOLD}),
    _S.ON_HOLD: frozenset({_S.PENDING, _S.IN_PROGRESS, _S.SKIPPED}),
    _S.FAILED: frozenset({_S.PENDING, _S.IN_PROGRESS, _S.COMPLETED, _S.SKIPPED, _S.ON_HOLD}),
    _S.SCHEDULED: frozenset({_S.COMPLETED, _S.SKIPPED, _S.ON_HOLD}),
    _S.CONDITION_PENDING: frozenset({_S.COMPLETED, _S.SKIPPED, _S.ON_HOLD}),
    _S.WAITING_FOR_CONFIRMATION: frozenset({_S.SKIPPED, _S.ON_HOLD}),
    _S.COMPLETED: frozenset({_S.PENDING}),
    _S.SKIPPED: frozenset({_S.PENDING}),
}


def check_transition(before: TaskStatus, after: TaskStatus) -> None:
    """Raise InvalidTransition unless a person may change a task from `before` to `after`."""
    if after not in TRANSITIONS[before]:
        raise InvalidTransition(before, after)
