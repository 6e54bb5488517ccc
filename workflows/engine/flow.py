"""A flow at one moment, and what an action does to it. Frozen: an action returns a new flow and the list of what changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from workflows.engine.conditions import Facts, Verdict
from workflows.engine.graph import Graph
from workflows.engine.schedules import Refusal
from workflows.engine.status import ExecutionStatus, PhaseStatus, TaskStatus


@dataclass(frozen=True, slots=True)
class TaskState:
    """How far one node has come. `since`: current since then. `passed`: the flow has moved past it, along the edges `taken`.

    A decision that was finished before it was reached has `taken` but is not passed. `suspended` keeps `since` while the
    execution is closed. `iterations` counts how often a decision's loop branch was taken. `scheduled_at`: armed, and fires then;
    `refusal`: why it could not be armed.
    """

    status: TaskStatus = TaskStatus.PENDING
    enabled: bool = True
    since: datetime | None = None
    passed: bool = False
    taken: frozenset[str] = frozenset()
    suspended: datetime | None = None
    iterations: int = 0
    finished_at: datetime | None = None
    scheduled_at: datetime | None = None
    refusal: Refusal | None = None

    @property
    def is_current(self) -> bool:
        return self.since is not None


@dataclass(frozen=True, slots=True)
class Flow:
    """Everything that decides what an action does."""

    graph: Graph
    status: ExecutionStatus
    tasks: Mapping[str, TaskState]

    def current(self) -> list[str]:
        """Current nodes in the order of the graph."""
        return [node for node in self.graph.order if self.tasks[node].is_current]


@dataclass(frozen=True, slots=True)
class Moment:
    """What the engine may not find out by itself: the time, the organisation's zone, facts about entities, and when the flow
    was started (None: now).
    """

    now: datetime
    zone: tzinfo = UTC
    facts: Facts = field(default_factory=Facts)
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StatusChanged:
    node: str
    before: TaskStatus
    after: TaskStatus
    by_person: bool = False


@dataclass(frozen=True, slots=True)
class BecameCurrent:
    node: str


@dataclass(frozen=True, slots=True)
class EnabledChanged:
    node: str
    enabled: bool


@dataclass(frozen=True, slots=True)
class BranchesTaken:
    """A decision went on: the branches chosen, and the verdicts when it was the engine that chose."""

    node: str
    branches: tuple[str, ...]
    verdicts: tuple[Verdict, ...] = ()


@dataclass(frozen=True, slots=True)
class DecisionWaits:
    """No branch of a decision is met and it has no default: it waits for a person or for changed entities."""

    node: str
    verdicts: tuple[Verdict, ...]


@dataclass(frozen=True, slots=True)
class ScheduleArmed:
    """A task begins by itself at this time."""

    node: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ScheduleCancelled:
    """A task does not begin at this time any more."""

    node: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ScheduleFired:
    """The time has come, and the task begins."""

    node: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ScheduleRefused:
    """A schedule could not be armed; the task waits for a person, or for what it counts from to change."""

    node: str
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class TaskReset:
    """A finished or running task was put back, by a loop or by a revert."""

    node: str
    before: TaskStatus


@dataclass(frozen=True, slots=True)
class DispatchRequested:
    """An automation or agent is to be run."""

    node: str


@dataclass(frozen=True, slots=True)
class ContinueRequested:
    """The step was long enough for one transaction; go on in another."""


@dataclass(frozen=True, slots=True)
class PhaseStatusChanged:
    phase: str
    before: PhaseStatus
    after: PhaseStatus


@dataclass(frozen=True, slots=True)
class ExecutionStatusChanged:
    before: ExecutionStatus
    after: ExecutionStatus


Change = (
    StatusChanged
    | BecameCurrent
    | EnabledChanged
    | BranchesTaken
    | DecisionWaits
    | ScheduleArmed
    | ScheduleCancelled
    | ScheduleFired
    | ScheduleRefused
    | TaskReset
    | DispatchRequested
    | ContinueRequested
    | PhaseStatusChanged
    | ExecutionStatusChanged
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The flow after an action, and what happened on the way, in order."""

    flow: Flow
    changes: tuple[Change, ...]
