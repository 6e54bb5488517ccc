"""The verbs: what starting, finishing, skipping, closing and the rest do to a flow.

Each takes a flow and a moment, and returns an Outcome, or raises a WorkflowError having changed nothing. Rules: docs/engine.md.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from workflows.engine import derive
from workflows.engine.conditions import Verdict, evaluate
from workflows.engine.errors import ActionNotAllowed, InvalidBranch, UnknownNode
from workflows.engine.flow import (
    BecameCurrent,
    BranchesTaken,
    Change,
    ContinueRequested,
    DecisionWaits,
    DispatchRequested,
    EnabledChanged,
    ExecutionStatusChanged,
    Flow,
    Moment,
    Outcome,
    PhaseStatusChanged,
    ScheduleArmed,
    ScheduleCancelled,
    ScheduleRefused,
    StatusChanged,
    TaskReset,
    TaskState,
)
from workflows.engine.graph import Cycle, Edge, Graph, Node
from workflows.engine.reach import enterable, waiting
from workflows.engine.rewire import carry
from workflows.engine.schedules import Cause, Events, Refusal, resolve
from workflows.engine.status import FINISHED, ExecutionStatus, PhaseStatus, TaskStatus, TaskType, TriggerMode, check_transition

MAX_ENTRIES = 200
RUNNING = (TaskStatus.IN_PROGRESS, TaskStatus.WAITING_FOR_CONFIRMATION)


def start(graph: Graph, moment: Moment) -> Outcome:
    """Begin a flow at its start tasks."""
    fulfilled = derive.enabled_by_requirements(graph, dict.fromkeys(graph.nodes, TaskState()))
    states = {node: TaskState(enabled=fulfilled.get(node, True)) for node in graph.nodes}
    step = Step(Flow(graph, ExecutionStatus.STARTED, states), moment)
    step.settle()
    return step.outcome()


def set_status(
    flow: Flow, node: str, status: TaskStatus, moment: Moment, *, branch: str | None = None, revert: bool = False
) -> Outcome:
    """Change a task's status as a person or an integrator may; finishing a current task moves the flow on.

    `branch` chooses the way of a decision. `revert` makes a finished task that lies behind current again and resets all after it;
    it is ignored on current and future tasks. The same status again changes nothing.
    """
    task = changeable(flow, node)
    if task.status is status:
        return Outcome(flow, ())
    if not task.enabled:
        raise ActionNotAllowed("The task is disabled: its requirements are not fulfilled yet")
    check_transition(task.status, status)
    step = Step(flow, moment)
    if revert and task.status in FINISHED and task.passed:
        step.revert(node)
    elif status in FINISHED:
        step.finish(node, status, branch)
    else:
        step.put_status(node, status, by_person=True)
        if task.status in FINISHED and not task.passed:
            step.update(node, taken=frozenset())
        if task.status is TaskStatus.FAILED and status is TaskStatus.IN_PROGRESS:
            step.dispatch(node)
    step.settle()
    return step.outcome()


def put_back(flow: Flow, node: str, status: TaskStatus, moment: Moment) -> Outcome:
    """Give an open task the open status back that it had: a person takes back what they did, which moved nothing.

    The table of transitions says how work goes on; that a task was begun by mistake is no step of work.
    """
    task = changeable(flow, node)
    if task.status in FINISHED or status in FINISHED:
        raise ActionNotAllowed("What is finished is not put back but reopened")
    step = Step(flow, moment)
    step.put_status(node, status, by_person=True)
    step.settle()
    return step.outcome()


def record_result(flow: Flow, node: str, status: TaskStatus, moment: Moment) -> Outcome:
    """Write what an automation or agent came to (COMPLETED, SKIPPED, FAILED or WAITING_FOR_CONFIRMATION).

    A result for a task that is not running any more is late and changes nothing.
    """
    if node not in flow.tasks:
        raise UnknownNode("Task not found")
    if flow.tasks[node].status not in RUNNING or flow.status is ExecutionStatus.CLOSED:
        return Outcome(flow, ())
    step = Step(flow, moment)
    step.put_status(node, status)
    if status in FINISHED and flow.tasks[node].is_current:
        step.leave(node, flow.graph.outgoing[node])
    step.settle()
    return step.outcome()


def set_enabled(flow: Flow, node: str, enabled: bool, moment: Moment) -> Outcome:
    """Enable or disable a task by hand. A current machine task that is enabled begins."""
    task = changeable(flow, node)
    step = Step(flow, moment)
    if task.enabled is not enabled:
        step.enable(node, enabled)
    step.settle()
    return step.outcome()


def resume(flow: Flow, moment: Moment) -> Outcome:
    """Go on where a long step stopped."""
    step = Step(flow, moment)
    step.settle()
    return step.outcome()


def set_execution_status(flow: Flow, status: ExecutionStatus, moment: Moment) -> Outcome:
    """Close, reopen or end an execution by hand. Closing remembers the current tasks, reopening brings them back."""
    if status is flow.status:
        return Outcome(flow, ())
    if flow.status is ExecutionStatus.CLOSED and status is ExecutionStatus.DONE:
        raise ActionNotAllowed("The execution is closed; reopen it first")
    suspended = [node for node, task in flow.tasks.items() if task.suspended]
    if flow.status is ExecutionStatus.DONE and status is ExecutionStatus.STARTED and not suspended:
        raise ActionNotAllowed("The execution is done; revert one of its tasks to continue it")
    step = Step(flow, moment)
    step.put_execution_status(status)
    if status is ExecutionStatus.STARTED:
        step.bring_back()
        step.settle()
    else:
        for node in flow.current():
            if flow.tasks[node].status is TaskStatus.SCHEDULED:
                step.put_status(node, TaskStatus.PENDING)
            step.update(node, since=None, suspended=flow.tasks[node].since)
    return step.outcome()


def add_task(flow: Flow, graph: Graph, node: str, status: TaskStatus, moment: Moment, *, enabled: bool | None = None) -> Outcome:
    """Take a node into a running flow; `graph` is the flow's graph with it. `enabled` None: as its requirements say.

    When the flow has already come to the next task, the new one is done first: the next task is not current until then.
    """
    if flow.status is not ExecutionStatus.STARTED:
        raise ActionNotAllowed(f"The execution is {flow.status}; tasks are added to running executions only")
    finished_at = moment.now if status in FINISHED else None
    states = {**carry(flow, graph), node: TaskState(status=status, finished_at=finished_at)}
    if enabled is None:
        enabled = derive.enabled_by_requirements(graph, states).get(node, True)
    states[node] = replace(states[node], enabled=enabled)
    step = Step(flow, moment)
    step.graph, step.states = graph, states
    step.give_way(node)
    step.settle()
    return step.outcome()


def changeable(flow: Flow, node: str) -> TaskState:
    """Return the state of a task that may be changed now. Raises UnknownNode, or ActionNotAllowed when all is closed."""
    if node not in flow.tasks:
        raise UnknownNode("Task not found")
    if flow.status is ExecutionStatus.CLOSED:
        raise ActionNotAllowed("The execution is closed; reopen it to change its tasks")
    return flow.tasks[node]


class Step:
    """One action under way: a working copy of the flow and what has changed so far."""

    def __init__(self, flow: Flow, moment: Moment) -> None:
        self.before = flow
        self.graph = flow.graph
        self.moment = moment
        self.status = flow.status
        self.states = dict(flow.tasks)
        self.changes: list[Change] = []
        self.again: set[str] = set()  # decisions without a branch that are to be looked at again
        self.fulfilled: dict[str, bool] | None = None  # whose requirements are met, as of the last look

    def outcome(self) -> Outcome:
        """Add what follows from the tasks, and return the whole."""
        old = derive.phase_statuses(self.before.graph, self.before.tasks) if self.before.tasks else {}
        for phase, status in derive.phase_statuses(self.graph, self.states).items():
            # A phase that had no task was open.
            before = old.get(phase, PhaseStatus.OPEN)
            if before is not status:
                self.changes.append(PhaseStatusChanged(phase, before, status))
        return Outcome(Flow(self.graph, self.status, self.states), tuple(self.changes))

    def update(self, node: str, **fields: object) -> None:
        self.states[node] = replace(self.states[node], **fields)  # type: ignore[arg-type]

    def put_status(self, node: str, status: TaskStatus, *, by_person: bool = False) -> None:
        before = self.states[node]
        if before.status is status:
            return
        finished_at = self.moment.now if status in FINISHED else None
        refusal = before.refusal if status is TaskStatus.PENDING else None
        self.update(node, status=status, finished_at=finished_at, refusal=refusal)
        if before.status is TaskStatus.SCHEDULED:
            self.disarm(node)
        self.changes.append(StatusChanged(node, before.status, status, by_person))

    def disarm(self, node: str) -> None:
        """Cancel a task's schedule, if it is armed."""
        at = self.states[node].scheduled_at
        if at is not None:
            self.update(node, scheduled_at=None)
            self.changes.append(ScheduleCancelled(node, at))

    def put_execution_status(self, status: ExecutionStatus) -> None:
        self.changes.append(ExecutionStatusChanged(self.status, status))
        self.status = status

    def dispatch(self, node: str) -> None:
        if self.graph.nodes[node].type in (TaskType.AUTOMATION, TaskType.AI_AGENT):
            self.changes.append(DispatchRequested(node))

    def enable(self, node: str, enabled: bool) -> None:
        self.update(node, enabled=enabled)
        self.changes.append(EnabledChanged(node, enabled))
        if enabled:
            self.again.add(node)

    def finish(self, node: str, status: TaskStatus, branch: str | None) -> None:
        """Finish a task by hand. Only a current one moves the flow; another keeps its choice until the flow comes to it."""
        design = self.graph.nodes[node]
        edges: Sequence[Edge] = self.graph.outgoing[node]
        if design.type is TaskType.DECISION:
            edges = self.choose(design, status, branch)
        self.put_status(node, status, by_person=True)
        if self.states[node].is_current:
            self.leave(node, edges)
        elif design.type is TaskType.DECISION and not self.states[node].passed:
            self.update(node, taken=frozenset(e.id for e in edges))

    def choose(self, decision: Node, status: TaskStatus, branch: str | None) -> Sequence[Edge]:
        """Return the edges that a person's choice takes: the named branch; for a skipped decision the default one."""
        known = [condition.id for condition in decision.conditions]
        if status is TaskStatus.SKIPPED:
            branches, edges = self.default_ways(decision)
            if not edges and not branches:
                raise InvalidBranch("This decision has no default branch, so it cannot be skipped; choose a branch instead")
            return edges
        if branch is None:
            raise InvalidBranch("next_condition_id: choose one of the decision's branches")
        if branch not in known:
            raise InvalidBranch(f"next_condition_id: {branch} is no branch of this decision")
        loop = decision.loop
        if loop is not None and branch == loop.loop_branch and self.is_exhausted(decision):
            raise InvalidBranch(f"next_condition_id: the loop has run {loop.max_iterations} times; take the exit")
        self.changes.append(BranchesTaken(decision.id, (branch,)))
        return self.graph.branch_edges(decision.id, branch)

    def is_exhausted(self, decision: Node) -> bool:
        """Whether a decision's loop has been gone through as often as it may be."""
        return decision.loop is not None and self.states[decision.id].iterations >= decision.loop.max_iterations

    def default_ways(self, decision: Node) -> tuple[tuple[str, ...], Sequence[Edge]]:
        """Return what is taken when no branch is met: the default edges and their branches; a loop that is used up is left."""
        edges = self.graph.default_edges(decision.id)
        branches = tuple(dict.fromkeys(e.condition for e in edges if e.condition))
        if decision.loop is not None and decision.loop.loop_branch in branches and self.is_exhausted(decision):
            return (decision.loop.exit_branch,), self.graph.branch_edges(decision.id, decision.loop.exit_branch)
        return branches, edges

    def leave(self, node: str, edges: Sequence[Edge]) -> None:
        """Move the flow past a current task along `edges`."""
        self.update(node, since=None, passed=True, taken=frozenset(e.id for e in edges))
        back = [e for e in edges if e.id in self.graph.cycle_of_edge]
        if back:
            self.repeat(self.graph.cycle_of_edge[back[0].id], [e.target for e in back if e.target is not None])

    def repeat(self, cycle: Cycle, entries: Sequence[str]) -> None:
        """Begin a loop's members anew. Its decision counts the round; the counts of inner loops begin at 0."""
        iterations = self.states[cycle.decision].iterations + 1
        for node in sorted(cycle.members, key=self.graph.order.__getitem__):
            self.reset(node)
        self.update(cycle.decision, iterations=iterations)
        self.forget_ways_into(cycle.members)
        # An entry that another one leads to waits for it like any other join.
        later = {after for entry in entries for after in self.graph.after(entry)}
        for entry in entries:
            if entry not in later:
                self.enter(entry)

    def forget_ways_into(self, members: frozenset[str]) -> None:
        """A new round of a loop begins: what led into it from outside has led into an earlier one."""
        for node, state in self.states.items():
            if state.passed and state.taken and node not in members:
                into = {e.id for e in self.graph.outgoing[node] if e.target in members}
                if not into.isdisjoint(state.taken):
                    self.update(node, taken=state.taken - into)

    def reset(self, node: str) -> None:
        self.disarm(node)
        state = self.states[node]
        if state.status is not TaskStatus.PENDING:
            self.changes.append(TaskReset(node, state.status))
        self.states[node] = TaskState(enabled=state.enabled)

    def revert(self, node: str) -> None:
        """Go back to a task that lies behind: it is current again, and everything after it is as if never reached.

        The loops that it is part of stay in the round that they are in.
        """
        rounds = {c.decision: self.states[c.decision].iterations for c in self.graph.cycles if node in c.members}
        for after in sorted(self.graph.descendants(node), key=self.graph.order.__getitem__):
            self.reset(after)
        for decision, iterations in rounds.items():
            self.update(decision, iterations=iterations)
        self.put_status(node, TaskStatus.PENDING, by_person=True)
        self.update(node, passed=False, taken=frozenset())
        self.enter(node)
        if self.status is ExecutionStatus.DONE:
            self.put_execution_status(ExecutionStatus.STARTED)
            self.bring_back()

    def bring_back(self) -> None:
        """Make those tasks current again that were so when the execution was closed or ended by hand."""
        for node, state in list(self.states.items()):
            if state.suspended:
                self.update(node, since=state.suspended, suspended=None)
                self.again.add(node)

    def settle(self) -> None:
        """Let everything happen that follows by itself: enabling, entering, beginning, passing through, and the end."""
        if self.status is not ExecutionStatus.STARTED:
            self.update_enabled()
            return
        entries = 0
        while ready := self.next_to_move():
            for node in ready:
                if entries == MAX_ENTRIES:
                    self.changes.append(ContinueRequested())
                    return
                self.move(node)
                entries += 1
                # What stays current changes nothing for the others, unless a loop could come round to them.
                if self.graph.cycles or not self.states[node].is_current:
                    break
        for node in self.graph.order:
            if self.states[node].is_current:
                self.arm(node)
        if not any(state.is_current for state in self.states.values()):
            self.put_execution_status(ExecutionStatus.DONE)

    def next_to_move(self) -> list[str]:
        """Bring the enabled tasks up to date, and return what can move, in the order of the template."""
        self.update_enabled()
        new = set(enterable(self.graph, self.states))
        return [node for node, state in self.states.items() if node in new or self.is_idle(node, state)]

    def give_way(self, node: str) -> None:
        """Let what follows a task wait for it, when the flow has come to the task already."""
        if node in waiting(self.graph, self.states):
            for target in self.graph.forward(node):
                if self.states[target].is_current:
                    self.update(target, since=None)

    def is_idle(self, node: str, state: TaskState) -> bool:
        """Whether a current task waits for nothing: it is finished, or begins by itself and has not begun."""
        if not state.is_current:
            return False
        design = self.graph.nodes[node]
        fresh = state.status is TaskStatus.PENDING and design.schedule is None
        waited = state.status is TaskStatus.CONDITION_PENDING and node in self.again
        machine = design.type is not TaskType.MANUAL and design.trigger_mode is TriggerMode.AUTOMATIC
        return state.status in FINISHED or (state.enabled and machine and (fresh or waited))

    def move(self, node: str) -> None:
        """Take one step with a task: make it current, then let it be passed through or begin."""
        if not self.states[node].is_current:
            self.enter(node)
        state = self.states[node]
        if state.status in FINISHED:
            chosen = [e for e in self.graph.outgoing[node] if e.id in state.taken]
            self.leave(node, chosen if self.graph.nodes[node].type is TaskType.DECISION else self.graph.outgoing[node])
        elif self.is_idle(node, state):
            self.begin(node)

    def enter(self, node: str) -> None:
        """Make a task current. What it does then, `settle` lets it do."""
        self.update(node, since=self.moment.now)
        if self.states[node].status not in FINISHED:
            self.changes.append(BecameCurrent(node))

    def begin(self, node: str) -> None:
        """Start what a current task does by itself."""
        self.again.discard(node)
        self.launch(node)

    def launch(self, node: str) -> None:
        """Do a machine's task now, whatever it was scheduled for."""
        design = self.graph.nodes[node]
        if design.type is TaskType.DECISION:
            self.decide(design)
        else:
            self.put_status(node, TaskStatus.IN_PROGRESS)
            self.dispatch(node)

    def arm(self, node: str) -> None:
        """Bring the schedule of a current task in line with what is known now: armed, armed for another time, or refused."""
        design, state = self.graph.nodes[node], self.states[node]
        waits = state.status in (TaskStatus.PENDING, TaskStatus.SCHEDULED)
        if design.schedule is None or design.trigger_mode is TriggerMode.MANUAL or not waits:
            return
        if not state.enabled:
            if state.scheduled_at is not None:
                self.put_status(node, TaskStatus.PENDING)
            return
        found = resolve(design.schedule, self.events_for(node), self.moment.facts, self.moment.zone)
        if isinstance(found, datetime) and found == state.scheduled_at:
            return
        if isinstance(found, datetime) and found < self.moment.now:
            found = Refusal(Cause.IN_THE_PAST, (("scheduled_at", found.isoformat(timespec="milliseconds")),))
        if isinstance(found, Refusal):
            self.refuse(node, found)
            return
        self.disarm(node)
        self.put_status(node, TaskStatus.SCHEDULED)
        self.update(node, scheduled_at=found, refusal=None)
        self.changes.append(ScheduleArmed(node, found))

    def refuse(self, node: str, refusal: Refusal) -> None:
        """Leave a task without a schedule, for a reason."""
        self.put_status(node, TaskStatus.PENDING)
        if self.states[node].refusal != refusal:
            self.update(node, refusal=refusal)
            self.changes.append(ScheduleRefused(node, refusal))

    def events_for(self, node: str) -> Events:
        """When what the schedule of a current task may count from happened."""
        schedule, since = self.graph.nodes[node].schedule, self.states[node].since
        started = self.moment.started_at or self.moment.now
        before = [(self.states[e.source], e.id) for e in self.graph.incoming[node]]
        ends = [s.finished_at for s, way in before if s.passed and way in s.taken and s.finished_at is not None]
        named = self.states.get(schedule.task) if schedule is not None and schedule.task is not None else None
        return Events(
            became_current=since or self.moment.now,
            flow_started=started,
            task_completed=named.finished_at if named is not None else None,
            all_preceding=max(ends, default=started),
        )

    def decide(self, decision: Node) -> None:
        """Evaluate a decision and go on along its branches; without one it waits for a person or a changed entity."""
        verdicts = tuple(evaluate(c, self.moment.facts, self.moment.now, self.moment.zone) for c in decision.conditions)
        met = self.pick(decision, verdicts)
        edges: Sequence[Edge] = [e for branch in met for e in self.graph.branch_edges(decision.id, branch)]
        if not met:
            met, edges = self.default_ways(decision)
        if not edges and not met:
            self.put_status(decision.id, TaskStatus.CONDITION_PENDING)
            self.changes.append(DecisionWaits(decision.id, verdicts))
            return
        self.put_status(decision.id, TaskStatus.COMPLETED)
        self.changes.append(BranchesTaken(decision.id, met, verdicts))
        self.leave(decision.id, edges)

    def pick(self, decision: Node, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
        """Return the branches to take: all that are met or the first. Going round excludes the rest; a used up loop is left."""
        met = [v.condition_id for v in verdicts if v.is_met]
        loop = decision.loop
        if loop is not None and self.is_exhausted(decision):
            return (loop.exit_branch,)
        if (
            loop is not None
            and loop.loop_branch in met
            and decision.allow_parallel
            and self.goes_back(decision, loop.loop_branch)
        ):
            return (loop.loop_branch,)
        return tuple(met if decision.allow_parallel else met[:1])

    def goes_back(self, decision: Node, branch: str) -> bool:
        return any(e.id in self.graph.cycle_of_edge for e in self.graph.branch_edges(decision.id, branch))

    def update_enabled(self) -> None:
        """Follow the requirements: where they came to be met or unmet in this step, the task is enabled or disabled."""
        now = derive.enabled_by_requirements(self.graph, self.states)
        if now and self.fulfilled is None:
            self.fulfilled = derive.enabled_by_requirements(self.before.graph, self.before.tasks)
        for node, enabled in now.items():
            if (self.fulfilled or {}).get(node) is not enabled and self.states[node].enabled is not enabled:
                self.enable(node, enabled)
        self.fulfilled = now
