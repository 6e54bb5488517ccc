"""A template cut down to some purposes: what is tagged with others is left out, and the ways through it are bridged.

Phases and tasks without tags always stay. The result is a template document of its own, so that whatever was started from it
knows nothing of what was left out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from workflows.engine.definition import TRIGGER, joined_id, parse_definition
from workflows.engine.graph import Edge, Graph
from workflows.engine.schedules import Origin

Document = Mapping[str, Any]


def keep_purposes(data: Document, purposes: Collection[str]) -> Document:
    """Return a template's document with only what serves some of the purposes; the same one when that is everything.

    A phase that is left out takes its tasks along, one that loses all its tasks is left out itself. No task may be left: look.
    """
    phases = {phase["id"] for phase in data.get("phases") or () if _serves(phase, purposes)}
    tasks = [t for t in data["tasks"] if _serves(t, purposes) and (not t.get("phase_id") or t["phase_id"] in phases)]
    if len(tasks) == len(data["tasks"]):
        return data
    kept = {task["id"] for task in tasks}
    staffed = [phase for phase in data.get("phases") or () if any(task.get("phase_id") == phase["id"] for task in tasks)]
    known = kept | {phase["id"] for phase in staffed}
    starts, edges = bridge(parse_definition(data), kept)
    trigger = [] if TRIGGER in kept else [Edge(joined_id(TRIGGER, start), TRIGGER, start) for start in starts]
    return {
        **_without_dead_rules(data, known),
        "phases": [_without_dead_rules(phase, known) for phase in staffed],
        "tasks": [_without_dead_rules(task, known) for task in tasks],
        "edges": [_write_edge(edge) for edge in [*trigger, *edges]],
    }


def bridge(graph: Graph, kept: Collection[str]) -> tuple[list[str], list[Edge]]:
    """Return the start tasks and the edges of what is kept: an edge into what is left out leads to what comes after that.

    A branch keeps its condition, and ends its path when nothing is left of it. Of a decision that is left out all ways are gone
    but its way back.
    """
    starts = [start for given in graph.starts for start in ([given] if given in kept else land(graph, given, kept))]
    edges: list[Edge] = []
    seen: set[tuple[object, ...]] = set()
    for edge in graph.edges:
        if edge.source not in kept:
            continue
        for number, target in enumerate(_targets(graph, edge, kept)):
            key = (edge.source, target, edge.condition, edge.none_met)
            if key not in seen:
                seen.add(key)
                edges.append(replace(edge, id=joined_id(edge.id, target or "") if number else edge.id, target=target))
    return list(dict.fromkeys(starts)), edges


def land(graph: Graph, node: str, kept: Collection[str]) -> list[str]:
    """Return the first nodes that are kept on the ways from one that is left out."""
    found: dict[str, None] = {}
    seen = {node}
    stack = [node]
    while stack:
        at = stack.pop(0)
        loop = graph.nodes[at].loop
        for edge in graph.outgoing[at]:
            is_way_back = loop is not None and edge.condition == loop.loop_branch
            if edge.target is None or is_way_back:
                continue
            if edge.target in kept:
                found[edge.target] = None
            elif edge.target not in seen:
                seen.add(edge.target)
                stack.append(edge.target)
    return list(found)


def _targets(graph: Graph, edge: Edge, kept: Collection[str]) -> Sequence[str | None]:
    if edge.target is None or edge.target in kept:
        return [edge.target]
    return land(graph, edge.target, kept) or [None]


def _serves(item: Document, purposes: Collection[str]) -> bool:
    tags = item.get("taxonomies") or ()
    return not tags or any(tag in purposes for tag in tags)


def _without_dead_rules(item: Document, known: Collection[str]) -> dict[str, Any]:
    """Drop what would wait for something that was left out: requirements, and the rule of a due date.

    A schedule is not dropped, as its task would then begin at once: it counts from the tasks that come before instead.
    """
    result = dict(item)
    if item.get("requirements"):
        result["requirements"] = [r for r in item["requirements"] if (r.get("phase_id") or r.get("task_id")) in known]
    rule = item.get("due_date_config") or {}
    name = {"TASK_FINISHED": "task_id", "PHASE_FINISHED": "phase_id"}.get(rule.get("type", ""))
    if name is not None and rule.get(name) not in known:
        del result["due_date_config"]
    schedule = item.get("schedule") or {}
    reference = schedule.get("reference") or {}
    if reference.get("origin") == Origin.TASK_COMPLETED and reference.get("id") not in known:
        before = Origin.ALL_PRECEDING.value
        result["schedule"] = {**schedule, "reference": {"id": before, "origin": before}}
    return result


def _write_edge(edge: Edge) -> dict[str, Any]:
    result: dict[str, Any] = {"id": edge.id, "from_id": edge.source, "to_id": edge.target}
    if edge.condition is not None:
        result["condition_id"] = edge.condition
    if edge.none_met:
        result["none_met"] = True
    return result
