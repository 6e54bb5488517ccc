"""The board of one execution, ready to show: columns for phases, lanes for statuses, a card for each task."""

from collections import defaultdict
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from dashboard.people import People, Person
from dashboard.reasons import Branch, Timing, describe_branches, describe_timing
from dashboard.subjects import Subject, load_subjects
from dashboard.wording import STATUS, TYPES, VERBS, Due, describe_due
from workflows.definitions import Compiled
from workflows.engine import advance, derive
from workflows.engine.flow import Flow, Moment, TaskState
from workflows.engine.graph import Graph, Node, Requirement
from workflows.engine.reach import live_nodes
from workflows.engine.status import FINISHED, TRANSITIONS, ExecutionStatus, TaskStatus, TaskType, TriggerMode
from workflows.models import Assignment, Execution, Phase, Task
from workflows.models.rows import select_rows
from workflows.permissions import UPDATE, VIEW, Actor, allowed_tasks
from workflows.services.due import zone_of
from workflows.services.graphs import edited_graph
from workflows.services.schedules import is_held
from workflows.services.steps import task_state

# Lanes of a column from top to bottom: the status that dropping a card means ("" for none), the name, and what is in it.
LANES = (
    ("PENDING", gettext_lazy("To do"), ("PENDING", "SCHEDULED", "CONDITION_PENDING")),
    ("IN_PROGRESS", gettext_lazy("In progress"), ("IN_PROGRESS", "WAITING_FOR_CONFIRMATION")),
    ("ON_HOLD", gettext_lazy("On hold"), ("ON_HOLD",)),
    ("", gettext_lazy("Failed"), ("FAILED",)),
    ("COMPLETED", gettext_lazy("Done"), ("COMPLETED", "SKIPPED")),
)
RUNNING = frozenset({TaskStatus.IN_PROGRESS, TaskStatus.WAITING_FOR_CONFIRMATION})
ASIDE = gettext_lazy("Not on the path taken")
ORDER = (TaskStatus.COMPLETED, TaskStatus.IN_PROGRESS, TaskStatus.ON_HOLD, TaskStatus.PENDING, TaskStatus.SKIPPED)


@dataclass(frozen=True, slots=True)
class Move:
    """Something that can be done to a task's status. `revert`: the flow goes back with it."""

    status: str
    label: str
    revert: bool = False


class Card:
    """A task on the board. Everything is worked out when it is asked for: of a card whose HTML is kept, that is its key only."""

    def __init__(self, board: "Board", task: Task) -> None:
        self.board = board
        self.task = task

    @property
    def key(self) -> tuple[Hashable, ...]:
        """Everything that the card's HTML depends on beside the language. A task's version counts with each change of its row."""
        execution, task = self.board.execution, self.task
        rights = self.may_update, self.may_date, self.may_assign
        about = execution.id, execution.status, rights, task.id, task.version, task.updated_at
        return *about, self.is_live, self.due, self.timing, *self.required, *self.assignees

    @property
    def may_update(self) -> bool:
        return self.board.may(UPDATE, self.task)

    @property
    def may_date(self) -> bool:
        return self.board.may_edit("workflow:execution:task:update_date", self.task)

    @property
    def may_assign(self) -> bool:
        return self.board.may_edit("workflow:execution:task:assign", self.task)

    @property
    def id(self) -> UUID:
        return self.task.id

    @property
    def type_name(self) -> str:
        return str(TYPES[self.task.task_type])

    @property
    def status_name(self) -> str:
        return str(STATUS[self.task.status])

    @property
    def is_current(self) -> bool:
        return self.task.crt_since is not None

    @property
    def is_finished(self) -> bool:
        return self.task.status in FINISHED

    @property
    def is_live(self) -> bool:
        return self.task.template_id in self.board.live

    @property
    def node(self) -> Node:
        return self.board.graph.nodes[self.task.template_id]

    @cached_property
    def due(self) -> Due | None:
        # A date urges only where there is work to do.
        urges = self.is_live and self.board.execution.status != ExecutionStatus.CLOSED
        return describe_due(self.task.due_date, self.task.status if urges else "CLOSED", self.board.zone)

    @cached_property
    def assignees(self) -> list[Person]:
        return self.board.people.of(self.board.assignments[None, self.task.id])

    @property
    def variables(self) -> list[str]:
        """Variables that stand for nobody yet."""
        return [row.variable for row in self.board.assignments[None, self.task.id] if row.variable and not row.assignee]

    @cached_property
    def timing(self) -> Timing | None:
        return describe_timing(self.task)

    @property
    def loop(self) -> str:
        """How often a decision's loop was gone through, of how often it may be."""
        if self.node.loop is None:
            return ""
        return _("%(done)d of %(most)d") % {"done": self.task.iterations, "most": self.node.loop.max_iterations}

    @cached_property
    def branches(self) -> list[Branch]:
        if self.task.task_type != TaskType.DECISION:
            return []
        return describe_branches(self.task, self.board.compiled.task(self.task.template_id))

    @cached_property
    def required(self) -> list[str]:
        """The names of what has to be finished before the task is enabled."""
        return [] if self.task.enabled else self.board.required(self.task)

    @property
    def required_words(self) -> str:
        count = len(self.required)
        return ngettext("%d task required", "%d tasks required", count) % count if count else _("disabled")

    @cached_property
    def run_label(self) -> str:
        """What doing a machine's task now is called; empty when it cannot be done now."""
        task, status = self.task, TaskStatus(self.task.status)
        may = self.board.is_running and task.enabled and self.may_update
        if may and is_held(task):
            return _("Ask the agent again")
        if not may or not self.is_current or task.task_type == TaskType.MANUAL or status in FINISHED | RUNNING:
            return ""
        if task.task_type == TaskType.DECISION:
            return "" if self.node.trigger_mode is TriggerMode.MANUAL else _("Evaluate now")
        return _("Run again") if status is TaskStatus.FAILED else _("Run now")

    @cached_property
    def moves(self) -> list[Move]:
        """What the person may do to the task's status now, the likeliest first."""
        if self.board.execution.status == ExecutionStatus.CLOSED or not self.task.enabled or not self.may_update:
            return []
        status = TaskStatus(self.task.status)
        possible = [after for after in ORDER if after in TRANSITIONS[status] and not self.needs_more(after)]
        if status not in FINISHED:
            return [Move(after.value, str(VERBS[after])) for after in possible]
        moves = [Move("PENDING", _("Reopen, the flow stays where it is"))] if self.board.is_running else []
        if self.task.left_at is not None:
            moves.append(Move("PENDING", _("Go back here…"), revert=True))
        return moves

    def needs_more(self, after: TaskStatus) -> bool:
        """Whether a status comes about in another way: a decision by its branch, a machine's work by running it."""
        if self.task.task_type == TaskType.DECISION:
            no_default = not self.board.graph.default_edges(self.task.template_id)
            return after is TaskStatus.COMPLETED or (after is TaskStatus.SKIPPED and no_default)
        return self.task.task_type != TaskType.MANUAL and after is TaskStatus.IN_PROGRESS

    @property
    def is_run_by_dragging(self) -> bool:
        """Whether dragging the card to what is in progress has the machine's work done."""
        return bool(self.run_label) and self.task.task_type != TaskType.DECISION

    @property
    def lanes(self) -> str:
        """The lanes that the card may be dragged to, by their statuses."""
        statuses = [move.status for move in self.moves if not move.revert]
        return " ".join([*statuses, "IN_PROGRESS"] if self.is_run_by_dragging else statuses)

    @property
    def has_menu(self) -> bool:
        return bool(self.moves or self.run_label or (self.branches and self.is_current))


@dataclass(frozen=True, slots=True)
class Lane:
    status: str
    name: str
    cards: list[Card]


@dataclass(frozen=True, slots=True)
class Column:
    """A phase with its cards; `phase` is None for tasks of none."""

    key: str
    name: str
    status: str
    status_name: str
    lanes: list[Lane]
    done: int
    total: int
    due: Due | None = None
    assignees: list[Person] = field(default_factory=list)
    phase_id: UUID | str = ""

    @property
    def is_current(self) -> bool:
        """Whether the flow is here."""
        return any(card.is_current for lane in self.lanes for card in lane.cards)


def touched(state: TaskState) -> bool:
    """Whether anything has happened to a task, or is happening."""
    return state.status is not TaskStatus.PENDING or state.passed or state.is_current


class Board:
    """One execution as its page shows it. A fixed number of queries, whatever the number of tasks."""

    def __init__(self, actor: Actor, execution: Execution, compiled: Compiled, people: People) -> None:
        self.actor = actor
        self.execution = execution
        self.compiled = compiled
        self.people = people
        self.zone = zone_of(actor.organisation)
        self._allowed: dict[str, Collection[UUID]] = {}
        self.phases: Sequence[Phase] = select_rows(Phase, "position", execution=execution.id)
        self.tasks: Sequence[Task] = sorted(select_rows(Task, execution=execution.id), key=lambda task: (task.position, task.id))
        self.assignments: defaultdict[tuple[UUID | None, UUID | None], list[Assignment]] = defaultdict(list)
        for row in select_rows(Assignment, execution=execution.id):
            self.assignments[row.phase_id, row.task_id].append(row)

    @cached_property
    def graph(self) -> Graph:
        if not self.execution.graph_edited:
            return self.compiled.graph
        tasks = {task.template_id: task for task in self.tasks}
        return edited_graph(self.execution, self.compiled.graph, tasks, {p.id: p.template_id for p in self.phases})

    @cached_property
    def states(self) -> dict[str, Any]:
        return {task.template_id: task_state(task) for task in self.tasks}

    @cached_property
    def live(self) -> set[str]:
        """Tasks that count: on the path taken, or still ahead."""
        return live_nodes(self.graph, self.states)

    @cached_property
    def seen(self) -> Sequence[Task]:
        """The tasks that the person may see."""
        ids = allowed_tasks(self.actor, VIEW, [task.id for task in self.tasks])
        return [task for task in self.tasks if task.id in ids]

    @cached_property
    def cards(self) -> dict[UUID, Card]:
        return {task.id: Card(self, task) for task in self.seen}

    def may(self, action: str, task: Task) -> bool:
        """Whether the person may do something to one of the tasks; one query for all of them, and mostly none."""
        if action not in self._allowed:
            self._allowed[action] = allowed_tasks(self.actor, action, [row.id for row in self.tasks])
        return task.id in self._allowed[action]

    @cached_property
    def columns(self) -> list[Column]:
        groups: dict[UUID | None, list[Card]] = {phase.id: [] for phase in self.phases}
        for card in self.cards.values():
            groups.setdefault(card.task.phase_id, []).append(card)
        shown = [phase for phase in self.phases if groups[phase.id] or self.actor.may(VIEW)]
        columns = [self.column(phase, groups[phase.id]) for phase in shown]
        if groups.get(None):
            columns.append(self.column(None, groups[None]))
        return columns

    @cached_property
    def assignees(self) -> list[Person]:
        return self.people.of(self.assignments[None, None])

    @cached_property
    def due(self) -> Due | None:
        return describe_due(self.execution.due_date, self.execution.status, self.zone)

    @cached_property
    def subjects(self) -> list[Subject]:
        """What the execution is about, the primary entity first."""
        return load_subjects(self.actor, self.execution.id)

    @property
    def is_running(self) -> bool:
        return self.execution.status == ExecutionStatus.STARTED

    def undone_by_going_back(self, task: Task, now: datetime) -> list[Card]:
        """Return the cards of the tasks that going back to this one would reset; the engine is asked, nothing is changed."""
        flow = Flow(self.graph, ExecutionStatus(self.execution.status), self.states)
        after = advance.set_status(flow, task.template_id, TaskStatus.PENDING, Moment(now, self.zone), revert=True).flow.tasks
        return [
            card
            for card in self.cards.values()
            if card.id != task.id and touched(self.states[card.task.template_id]) and not touched(after[card.task.template_id])
        ]

    def column(self, phase: Phase | None, cards: list[Card]) -> Column:
        live = [card for card in cards if card.is_live]
        lanes = [Lane(status, str(name), [c for c in live if c.task.status in group]) for status, name, group in LANES]
        lanes.append(Lane("", str(ASIDE), [card for card in cards if not card.is_live]))
        return Column(
            key=phase.template_id if phase else "none",
            name=phase.name if phase else _("No phase"),
            status=phase.status if phase else "OPEN",
            status_name=str(STATUS[phase.status]) if phase else "",
            lanes=lanes,
            done=sum(card.is_finished for card in live),
            total=len(live),
            due=describe_due(phase.due_date, "DONE" if phase.status == "COMPLETED" else "", self.zone) if phase else None,
            assignees=self.people.of(self.assignments[phase.id, None]) if phase else [],
            phase_id=phase.id if phase else "",
        )

    def may_edit(self, right: str, task: Task) -> bool:
        """Whether a field of a task can be changed on its card: what is finished is changed in its pane."""
        return self.execution.status != ExecutionStatus.CLOSED and task.status not in FINISHED and self.may(right, task)

    def required(self, task: Task) -> list[str]:
        """Return the names of what has to be finished before a task is enabled."""
        unmet = derive.unmet_requirements(self.graph, self.states, task.template_id, self.live)
        return [name for requirement in unmet if (name := self.name_of(requirement))]

    def name_of(self, requirement: Requirement) -> str:
        seen = {task.phase_id for task in self.seen}
        rows: Sequence[Task | Phase] = (
            self.seen if requirement.task else [phase for phase in self.phases if phase.id in seen or self.actor.may(VIEW)]
        )
        wanted = requirement.task or requirement.phase
        return next((row.name for row in rows if row.template_id == wanted), "")
