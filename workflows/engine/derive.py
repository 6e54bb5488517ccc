"""What follows from the states of the tasks: the status of phases, the progress, and which tasks are enabled."""

from workflows.engine.flow import Flow
from workflows.engine.graph import Graph, Requirement
from workflows.engine.reach import States, live_nodes
from workflows.engine.status import FINISHED, PhaseStatus, TaskStatus


def phase_status(graph: Graph, states: States, phase: str, live: set[str]) -> PhaseStatus:
    """Derive a phase's status from its tasks; tasks on branches not taken count for nothing."""
    tasks = [states[node] for node in graph.tasks_of(phase) if node in live]
    finished = sum(task.status in FINISHED for task in tasks)
    if tasks and finished == len(tasks):
        return PhaseStatus.COMPLETED
    begun = any(task.is_current or task.suspended or task.status is TaskStatus.IN_PROGRESS for task in tasks)
    return PhaseStatus.IN_PROGRESS if finished or begun else PhaseStatus.OPEN


def phase_statuses(graph: Graph, states: States) -> dict[str, PhaseStatus]:
    live = live_nodes(graph, states)
    return {phase: phase_status(graph, states, phase, live) for phase in graph.phases}


def progress(flow: Flow) -> tuple[int, int]:
    """Return (finished, all) over the tasks that count."""
    live = live_nodes(flow.graph, flow.tasks)
    return sum(flow.tasks[node].status in FINISHED for node in live), len(live)


def unmet_requirements(
    graph: Graph, states: States, node: str, live: set[str], completed: frozenset[str] | None = None
) -> list[Requirement]:
    """What still has to be finished before a task is enabled. A linear flow asks for all direct predecessors instead.

    `completed` are the completed phases, for a caller that asks about many tasks.
    """
    if graph.linear:
        before = [e.source for e in graph.incoming[node] if e.id not in graph.cycle_of_edge]
        return [Requirement(task=source) for source in before if source in live and states[source].status not in FINISHED]
    done = completed if completed is not None else completed_phases(graph, states, live)
    return [r for r in graph.nodes[node].requirements if not _is_met(states, r, done)]


def completed_phases(graph: Graph, states: States, live: set[str]) -> frozenset[str]:
    return frozenset(p for p in graph.phases if phase_status(graph, states, p, live) is PhaseStatus.COMPLETED)


def _is_met(states: States, requirement: Requirement, completed: frozenset[str]) -> bool:
    if requirement.task is not None:
        return states[requirement.task].status in FINISHED
    return requirement.phase is None or requirement.phase in completed


def enabled_by_requirements(graph: Graph, states: States) -> dict[str, bool]:
    """Whether each task's requirements are met; tasks that require nothing are left out."""
    if not graph.linear and not any(node.requirements for node in graph.nodes.values()):
        return {}
    live = live_nodes(graph, states)
    completed = completed_phases(graph, states, live)
    return {
        node.id: not unmet_requirements(graph, states, node.id, live, completed)
        for node in graph.nodes.values()
        if graph.linear or node.requirements
    }
