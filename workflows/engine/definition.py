"""From a template's JSON to a checked graph.

Real exports name two kinds of node that are no tasks: `trigger`, which leads to the start, and phases. Both are resolved here:
an edge into a phase means its start task, an edge out of a phase means one from each place where a path ends inside it, and
any other edge without a target ends its path. The JSON's types have been checked before; what is refused here is a shape that
cannot be run.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from workflows.engine.conditions import parse_condition
from workflows.engine.errors import InvalidGraph
from workflows.engine.graph import Edge, Graph, Loop, Node, Requirement, build_graph
from workflows.engine.schedules import parse_schedule
from workflows.engine.status import TaskType, TriggerMode

TRIGGER = "trigger"
MAX_ID = 128


def parse_definition(data: Mapping[str, Any]) -> Graph:
    """Return the graph of a template document. Raises InvalidGraph, naming the node, for what docs/engine.md lists."""
    nodes = [_parse_node(task) for task in data["tasks"]]
    phases = [phase["id"] for phase in data.get("phases") or []]
    edges = [_parse_edge(edge) for edge in data["edges"]]
    _check_schedules(nodes)
    triggers = {TRIGGER, *_trigger_ids(data)} - {node.id for node in nodes}
    _check_phases(nodes, phases)
    starts, edges = _resolve(nodes, phases, edges, triggers)
    return build_graph(nodes, edges, phases, starts, linear=bool(data.get("linear")))


def _trigger_ids(data: Mapping[str, Any]) -> Iterable[str]:
    for trigger in [data.get("trigger"), *(data.get("additional_triggers") or [])]:
        if trigger and trigger.get("id"):
            yield trigger["id"]


def _parse_node(task: Mapping[str, Any]) -> Node:
    loop = task.get("loop_config") or {}
    try:
        conditions = tuple(parse_condition(condition) for condition in task.get("conditions") or ())
        schedule = parse_schedule(task.get("schedule")) if task["task_type"] != TaskType.MANUAL else None
    except ValueError as error:
        raise InvalidGraph(task["id"], f"Task {task['id']}: {error}") from error
    return Node(
        id=task["id"],
        type=TaskType(task["task_type"]),
        trigger_mode=TriggerMode(task.get("trigger_mode") or TriggerMode.AUTOMATIC),
        phase=task.get("phase_id") or None,
        conditions=conditions,
        allow_parallel=task.get("allow_parallel_execution", True) is not False,
        loop=Loop(loop["loop_branch_id"], loop["exit_branch_id"], loop.get("max_iterations", 3)) if loop else None,
        requirements=tuple(_parse_requirement(item) for item in task.get("requirements") or ()),
        schedule=schedule,
    )


def _parse_requirement(item: Mapping[str, Any]) -> Requirement:
    return Requirement(phase=item.get("phase_id")) if item["when"] == "PHASE_FINISHED" else Requirement(task=item.get("task_id"))


def _parse_edge(edge: Mapping[str, Any]) -> Edge:
    return Edge(
        id=edge["id"],
        source=edge["from_id"],
        target=edge.get("to_id") or None,
        condition=edge.get("condition_id") or None,
        none_met=bool(edge.get("none_met")),
    )


def _check_phases(nodes: Sequence[Node], phases: Sequence[str]) -> None:
    for phase in phases:
        if not any(node.phase == phase for node in nodes):
            raise InvalidGraph(phase, f"Phase {phase} has no task")


def _check_schedules(nodes: Sequence[Node]) -> None:
    known = {node.id for node in nodes}
    for node in nodes:
        if node.schedule is not None and node.schedule.task is not None and node.schedule.task not in known:
            raise InvalidGraph(
                node.id, f"The schedule of task {node.id} counts from task {node.schedule.task}, which this flow does not have"
            )


def _resolve(
    nodes: Sequence[Node], phases: Sequence[str], edges: Sequence[Edge], triggers: set[str]
) -> tuple[list[str], list[Edge]]:
    """Return the trigger's targets, and the edges between tasks only."""
    entry = {phase: _entry_of(phase, nodes, edges) for phase in phases if any(phase in (e.source, e.target) for e in edges)}
    starts: list[str] = []
    plain: list[Edge] = []
    for edge in edges:
        target = entry.get(edge.target, edge.target) if edge.target is not None else None
        if edge.source in triggers:
            if target is not None:
                starts.append(target)
        elif edge.source in entry:
            if not _is_inside(edge, nodes):
                plain += _edges_from_ends(replace(edge, target=target), nodes, edges)
        else:
            plain.append(replace(edge, target=target))
    return starts, plain


def _is_inside(edge: Edge, nodes: Sequence[Node]) -> bool:
    """Whether an edge leads from a phase to one of its own tasks: it names the start and is no way of its own."""
    return any(node.id == edge.target and node.phase == edge.source for node in nodes)


def _entry_of(phase: str, nodes: Sequence[Node], edges: Sequence[Edge]) -> str:
    """Return a phase's start task: the one its own edge names, else the member that no other member leads to."""
    members = [node.id for node in nodes if node.phase == phase]
    named = [e.target for e in edges if e.source == phase and e.target in members]
    if named and named[0] is not None:
        return named[0]
    ways_back = {(node.id, node.loop.loop_branch) for node in nodes if node.loop}
    followed = {e.target for e in edges if e.source in members and (e.source, e.condition) not in ways_back}
    first = [member for member in members if member not in followed]
    if len(first) != 1:
        raise InvalidGraph(phase, f"Phase {phase} needs exactly one start task, it has {len(first)}")
    return first[0]


def _edges_from_ends(edge: Edge, nodes: Sequence[Node], edges: Sequence[Edge]) -> list[Edge]:
    """Replace an edge out of a phase by one from each place where a path ends inside it: tasks and branches that lead nowhere."""
    ends = [end for node in nodes if node.phase == edge.source for end in _ends_of(node, edges)]
    if not ends:
        raise InvalidGraph(edge.source, f"Phase {edge.source} has no end task from which edge {edge.id} could lead on")
    if len(ends) == 1:
        return [replace(ends[0], id=edge.id, target=edge.target)]
    return [replace(end, id=joined_id(edge.id, end.id), target=edge.target) for end in ends]


def _ends_of(node: Node, edges: Sequence[Edge]) -> list[Edge]:
    """Return where paths end at a task, as edges that have no target and are named after the task and branch."""
    leading = [e for e in edges if e.source == node.id and e.target is not None]
    if node.type is not TaskType.DECISION:
        return [] if leading else [Edge(node.id, node.id, None)]
    led = {e.condition for e in leading}
    unnamed = [e for e in edges if e.source == node.id and e.none_met and e.condition is None and e.target is None]
    default = {e.condition for e in edges if e.source == node.id and e.none_met}
    branches = [c.id for c in node.conditions if c.id not in led and not (node.loop and c.id == node.loop.loop_branch)]
    return [
        *(Edge(joined_id(node.id, branch), node.id, None, branch, branch in default) for branch in branches),
        *(Edge(node.id, node.id, None, none_met=True) for _ in unnamed[:1]),
    ]


def joined_id(first: str, second: str) -> str:
    """Name what comes of two things by both their ids; by a digest where that would be longer than an id may be."""
    text = f"{first}:{second}"
    return text if len(text) <= MAX_ID else hashlib.sha256(text.encode()).hexdigest()
