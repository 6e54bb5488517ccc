"""What the run of an automation means for its task, told late or again: bringing the task in line with what really happened."""

from workflows.engine.advance import Step
from workflows.engine.errors import UnknownNode
from workflows.engine.flow import Flow, Moment, Outcome
from workflows.engine.status import FINISHED, ExecutionStatus, TaskStatus


def correct_result(flow: Flow, node: str, status: TaskStatus, moment: Moment) -> Outcome:
    """Bring a task to what its run came to, whatever the task shows, unless it is finished.

    Only a current task of a running flow moves the flow on; any other is corrected where it stands.
    """
    if node not in flow.tasks:
        raise UnknownNode("Task not found")
    task = flow.tasks[node]
    if task.status in FINISHED or task.status is status:
        return Outcome(flow, ())
    step = Step(flow, moment)
    step.put_status(node, status)
    if status in FINISHED and task.is_current and flow.status is ExecutionStatus.STARTED:
        step.leave(node, flow.graph.outgoing[node])
    step.settle()
    return step.outcome()
