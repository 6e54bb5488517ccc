"""The verbs of tasks that begin by themselves: do one now, fire, cancel or give up a schedule, look again at what waits.

Like those in `advance`, each returns an Outcome, or raises a WorkflowError having changed nothing.
"""

from datetime import datetime

from workflows.engine.advance import RUNNING, Step, changeable, set_status
from workflows.engine.errors import ActionNotAllowed, InvalidBranch, UnknownNode
from workflows.engine.flow import Flow, Moment, Outcome, ScheduleFired
from workflows.engine.schedules import Cause, Refusal
from workflows.engine.status import FINISHED, ExecutionStatus, TaskStatus, TaskType, TriggerMode


def execute(flow: Flow, node: str, moment: Moment) -> Outcome:
    """Do a task now: a person's is completed, a machine's is dispatched, a decision of the engine is evaluated."""
    task = changeable(flow, node)
    design = flow.graph.nodes[node]
    if design.type is TaskType.MANUAL:
        return set_status(flow, node, TaskStatus.COMPLETED, moment)
    if not task.enabled:
        raise ActionNotAllowed("The task is disabled: its requirements are not fulfilled yet")
    if task.status in FINISHED:
        raise ActionNotAllowed(f"The task is {task.status}; set it to PENDING to do it again")
    if design.type is TaskType.DECISION:
        if design.trigger_mode is TriggerMode.MANUAL:
            raise InvalidBranch("This decision is made by a person: complete the task with next_condition_id")
        if not task.is_current:
            raise ActionNotAllowed("The flow has not come to this decision yet")
    elif task.status in RUNNING:
        raise ActionNotAllowed("The task is running already")
    step = Step(flow, moment)
    step.launch(node)
    step.settle()
    return step.outcome()


def due_schedules(flow: Flow, at: datetime) -> list[str]:
    """Nodes whose schedules are due at a time, the longest due first."""
    due = [(state.scheduled_at, flow.graph.order[node], node) for node, state in flow.tasks.items() if state.scheduled_at]
    return [node for moment, _, node in sorted(due) if moment <= at]


def fire(flow: Flow, node: str, moment: Moment) -> Outcome:
    """Let a schedule that is due begin its task. One that is not armed any more changes nothing; never early."""
    if node not in flow.tasks:
        raise UnknownNode("Task not found")
    at = flow.tasks[node].scheduled_at
    if at is None or flow.status is not ExecutionStatus.STARTED:
        return Outcome(flow, ())
    if at > moment.now:
        raise ActionNotAllowed(f"The schedule is not due before {at.isoformat()}")
    step = Step(flow, moment)
    step.update(node, scheduled_at=None)
    step.changes.append(ScheduleFired(node, at))
    step.launch(node)
    step.settle()
    return step.outcome()


def run_schedule_now(flow: Flow, node: str, moment: Moment) -> Outcome:
    """Cancel a schedule and begin its task at once."""
    _armed(flow, node)
    return execute(flow, node, moment)


def cancel_schedule(flow: Flow, node: str, moment: Moment) -> Outcome:
    """Cancel a schedule; its task is skipped and the flow goes on."""
    _armed(flow, node)
    return set_status(flow, node, TaskStatus.SKIPPED, moment)


def give_up_schedule(flow: Flow, node: str, error: str, moment: Moment) -> Outcome:
    """Note that a due schedule could not be carried out; its task waits for a person."""
    at = flow.tasks[node].scheduled_at
    if at is None:
        return Outcome(flow, ())
    step = Step(flow, moment)
    step.refuse(node, Refusal(Cause.GIVEN_UP, (("error", error[:200]),)))
    return step.outcome()


def reconsider(flow: Flow, moment: Moment) -> Outcome:
    """Look again at what waits for entities: decisions without a branch, and schedules that count from a date of theirs."""
    if flow.status is not ExecutionStatus.STARTED:
        return Outcome(flow, ())
    step = Step(flow, moment)
    step.again.update(flow.current())
    step.settle()
    return step.outcome()


def _armed(flow: Flow, node: str) -> None:
    if changeable(flow, node).scheduled_at is None:
        raise ActionNotAllowed("The task has no pending schedule")


def cancel_all(flow: Flow, moment: Moment) -> Outcome:
    """Cancel every schedule, because the execution is to be deleted."""
    step = Step(flow, moment)
    for node, state in flow.tasks.items():
        if state.status is TaskStatus.SCHEDULED:
            step.put_status(node, TaskStatus.PENDING)
    return step.outcome()
