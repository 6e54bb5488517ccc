"""The graph of an execution that was edited while it runs: its rows instead of its definition."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from workflows.engine.graph import Edge as GraphEdge
from workflows.engine.graph import Graph, Node, build_graph
from workflows.engine.status import TaskType
from workflows.models import Edge, Execution, Task


def edited_graph(execution: Execution, designed: Graph, tasks: Mapping[str, Task], phases: Mapping[UUID, str]) -> Graph:
    """Build the graph from the edge rows; nodes are as designed, or what the row says of a task added by hand."""
    rows = list(Edge.objects.filter(execution_id=execution.id).order_by("id"))
    return graph_of_rows(execution, designed, tasks, phases, rows)


def graph_of_rows(
    execution: Execution, designed: Graph, tasks: Mapping[str, Task], phases: Mapping[UUID, str], rows: Sequence[Edge]
) -> Graph:
    """Build the same from edge rows that were read already, by their ids."""
    node_of = {task.id: node for node, task in tasks.items()}
    edges = [
        GraphEdge(
            id=edge.key,
            source=node_of[edge.source_id],
            target=node_of[edge.target_id] if edge.target_id else None,
            condition=edge.condition_id or None,
            none_met=edge.none_met,
        )
        for edge in rows
    ]
    return extend_graph(designed, list(tasks.values()), edges, phases, execution.extra.get("starts"))


def extend_graph(
    designed: Graph,
    tasks: Sequence[Task],
    edges: Sequence[GraphEdge],
    phases: Mapping[UUID, str],
    starts: Sequence[str] | None = None,
) -> Graph:
    """Return the designed graph with these tasks, edges and starts in place of its own; phases that are empty now left out."""
    placed = [(designed.nodes.get(task.template_id) or _node_of(task), task.phase_id) for task in tasks]
    nodes = [replace(node, phase=phases[phase] if phase else None) for node, phase in placed]
    kept = {node.id for node in nodes} | {node.phase for node in nodes if node.phase}
    nodes = [
        replace(node, requirements=tuple(r for r in node.requirements if (r.task or r.phase or "") in kept)) for node in nodes
    ]
    inhabited = [phase for phase in designed.phases if phase in kept]
    return build_graph(nodes, edges, inhabited, designed.starts if starts is None else starts, designed.linear)


def _node_of(task: Task) -> Node:
    return Node(id=task.template_id, type=TaskType(task.task_type))
