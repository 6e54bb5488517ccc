"""What happened to a flow in one step, read from what the step wrote into the history."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING
from uuid import UUID

from workflows.engine.flow_events import FlowEvent, Happening, Recorded, happenings
from workflows.engine.reach import live_nodes
from workflows.engine.status import TaskStatus
from workflows.models import Event

if TYPE_CHECKING:
    from workflows.services.steps import Step


def read_happenings(step: "Step", wanted: Iterable[str]) -> list[Happening]:
    """Return what happened in a step, in order. `wanted`: the events that somebody asks about; the rest may be left out."""
    nodes = {task.id: node for node, task in step.tasks.items()} if any(e.task_id for e in step.events) else {}
    phases = {phase.id: key for key, phase in step.phases.items()} if any(e.phase_id for e in step.events) else {}
    # What is said of a task that was taken out is no event of the contract.
    told = [event for event in step.events if event.task_id is None or event.task_id in nodes]
    entries = [_recorded(event, nodes, phases) for event in told]
    about_skipping = {FlowEvent.PHASE_COMPLETED, FlowEvent.PHASE_SKIPPED} & set(wanted)
    return happenings(entries, _skipped_phases(step, phases.values()) if about_skipping else ())


def _recorded(event: Event, nodes: Mapping[UUID, str], phases: Mapping[UUID, str]) -> Recorded:
    return Recorded(
        event.action,
        task=nodes[event.task_id] if event.task_id else None,
        phase=phases[event.phase_id] if event.phase_id else None,
        status=(event.after or {}).get("status"),
    )


def _skipped_phases(step: "Step", phases: Iterable[str]) -> list[str]:
    """Return the phases of which no task was done: those that count were skipped, every one."""
    flow = step.flow()
    live = live_nodes(flow.graph, flow.tasks)
    tasks = {phase: [node for node in flow.graph.tasks_of(phase) if node in live] for phase in phases}
    return [
        phase
        for phase, members in tasks.items()
        if members and all(flow.tasks[node].status is TaskStatus.SKIPPED for node in members)
    ]
