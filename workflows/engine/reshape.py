"""What a running flow does when its shape has changed: tasks were taken out, or one moved."""

from workflows.engine.advance import Step
from workflows.engine.errors import ActionNotAllowed
from workflows.engine.flow import Flow, Moment, Outcome
from workflows.engine.graph import Graph
from workflows.engine.reach import waiting
from workflows.engine.rewire import carry
from workflows.engine.status import ExecutionStatus, TaskStatus


def reshape(flow: Flow, graph: Graph, moment: Moment, *, moved: str | None = None) -> Outcome:
    """Go on under a new shape of the flow; `graph` is the flow's graph then.

    A moved task that the flow has come to is done before what follows it, as an added one is. Its schedule counts anew.
    """
    if flow.status is ExecutionStatus.CLOSED:
        raise ActionNotAllowed("The execution is closed; reopen it to change its tasks")
    step = Step(flow, moment)
    step.graph, step.states = graph, carry(flow, graph, moved)
    if moved is not None:
        step.give_way(moved)
        if step.states[moved].status is TaskStatus.SCHEDULED:
            step.put_status(moved, TaskStatus.PENDING)
        if flow.tasks[moved].is_current and moved in waiting(graph, step.states):
            # It was current and still is: it does not begin anew.
            step.update(moved, since=flow.tasks[moved].since)
    step.settle()
    return step.outcome()
