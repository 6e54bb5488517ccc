"""When the event happened that a relative due date counts from: read from how far the flow has come.

Nothing is remembered here. An event that was undone, by a revert or by a loop, has not happened until it happens again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cached_property

from workflows.engine import derive
from workflows.engine.due_dates import Anchor, DueDateConfig, resolve
from workflows.engine.flow import Flow
from workflows.engine.graph import Edge
from workflows.engine.reach import live_nodes
from workflows.engine.status import FINISHED, PhaseStatus, TaskType


@dataclass(frozen=True, slots=True)
class Ends:
    """When a flow began, and when each of its finished tasks ended."""

    started: datetime
    tasks: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Subject:
    """What a rule dates: a task, a phase, or with neither the flow as a whole."""

    task: str | None = None
    phase: str | None = None


class DueEvents:
    """The events of one flow at one moment."""

    def __init__(self, flow: Flow, ends: Ends) -> None:
        self.graph = flow.graph
        self.states = flow.tasks
        self.ends = ends

    def due_date(self, rule: DueDateConfig, subject: Subject, zone: tzinfo) -> str:
        """Return the text of the due date that a rule gives, empty while its event has not happened."""
        at = self.happened_at(rule, subject)
        return "" if at is None else resolve(rule, at, zone)

    def happened_at(self, rule: DueDateConfig, subject: Subject) -> datetime | None:
        match rule.anchor:
            case Anchor.WORKFLOW_STARTED:
                return self.ends.started
            case Anchor.TASK_FINISHED:
                return self.task_end(rule.task_id)
            case Anchor.PHASE_FINISHED:
                return self.phase_end(rule.phase_id)
            case Anchor.A_PRECEDING_TASK_COMPLETED:
                return min((at for at in self.preceding_ends(subject) if at is not None), default=None)
            case Anchor.ALL_PRECEDING_TASKS_COMPLETED:
                return self.all_preceding_end(subject)

    def task_end(self, node: str | None) -> datetime | None:
        """When a task ended; None while it is not finished."""
        if node is None or node not in self.states or self.states[node].status not in FINISHED:
            return None
        return self.ends.tasks.get(node)

    def phase_end(self, phase: str | None) -> datetime | None:
        """When the last task of a phase that counts ended; None while the phase is not completed."""
        if phase is None or derive.phase_status(self.graph, self.states, phase, self.live) is not PhaseStatus.COMPLETED:
            return None
        return _latest(self.task_end(node) for node in self.graph.tasks_of(phase) if node in self.live)

    def all_preceding_end(self, subject: Subject) -> datetime | None:
        """When the last of the preceding tasks that count ended. What nothing precedes counts from the start of the flow."""
        if not self.edges_into(subject):
            return self.ends.started
        return _latest(self.preceding_ends(subject))

    def preceding_ends(self, subject: Subject) -> list[datetime | None]:
        """The ends of the tasks right before a task or phase, None for each that is open; branches not taken left out."""
        return [
            self.task_end(edge.source) if self.leads_on(edge) else None
            for edge in self.edges_into(subject)
            if edge.source in self.live and not self.turned_away(edge)
        ]

    def edges_into(self, subject: Subject) -> list[Edge]:
        """Ways into a task, or into a phase from outside; a flow as a whole has none. Ways back of loops are left out."""
        if subject.task is not None:
            edges: Iterable[Edge] = self.graph.incoming[subject.task]
        elif subject.phase is not None:
            members = set(self.graph.tasks_of(subject.phase))
            edges = [e for e in self.graph.edges if e.target in members and e.source not in members]
        else:
            edges = ()
        return [e for e in edges if e.id not in self.graph.cycle_of_edge]

    def leads_on(self, edge: Edge) -> bool:
        """Whether a finished source leads along this edge. A task that was finished early will take all its edges."""
        source = self.states[edge.source]
        is_early = not source.passed and self.graph.nodes[edge.source].type is not TaskType.DECISION
        return is_early or edge.id in source.taken

    def turned_away(self, edge: Edge) -> bool:
        """Whether the source has chosen another way."""
        source = self.states[edge.source]
        return bool(source.passed or source.taken) and edge.id not in source.taken

    @cached_property
    def live(self) -> set[str]:
        return live_nodes(self.graph, self.states)


def _latest(ends: Iterable[datetime | None]) -> datetime | None:
    """The last of some ends; None when there is none or one is still missing."""
    known = list(ends)
    present = [at for at in known if at is not None]
    return max(present) if known and len(present) == len(known) else None
