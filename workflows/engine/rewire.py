"""Changing the shape of a flow that runs: a node is taken out, put in, or moved, and the ways are joined up again.

Nothing here decides whether a change makes sense; `reshape` says what the flow does after it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from workflows.engine.errors import ActionNotAllowed
from workflows.engine.flow import Flow, TaskState
from workflows.engine.graph import Edge, Graph
from workflows.engine.status import TaskType


@dataclass(frozen=True, slots=True)
class Wiring:
    """The edges of a flow and where it starts. `fresh` brings ids for edges that come into being."""

    edges: tuple[Edge, ...]
    starts: tuple[str, ...]
    fresh: Iterator[str]

    def take_out(self, node: str) -> "Wiring":
        """Remove a node and bridge it: from each that led to it to each that it led to, branches kept."""
        targets = [e.target for e in self.edges if e.source == node and e.target not in (None, node)]
        edges: list[Edge] = []
        for edge in self.edges:
            if edge.source == node:
                continue
            if edge.target != node:
                edges.append(edge)
                continue
            edges.append(replace(edge, target=targets[0] if targets else None))
            edges += [replace(edge, id=next(self.fresh), target=target) for target in targets[1:]]
        starts = [s for start in self.starts for s in (targets if start == node else [start]) if s is not None]
        return replace(self, edges=tuple(edges), starts=tuple(dict.fromkeys(starts)))

    def put_after(self, node: str, previous: str) -> "Wiring":
        """Lead `previous` to the node, and the node to where `previous` led. The first way keeps its id."""
        edges: list[Edge] = []
        led = False
        for edge in self.edges:
            if edge.source != previous:
                edges.append(edge)
                continue
            if not led:
                edges.append(replace(edge, target=node))
                led = True
            if edge.target is not None:
                edges.append(replace(edge, id=next(self.fresh), source=node))
        if not led:
            edges.append(Edge(next(self.fresh), previous, node))
        return replace(self, edges=tuple(edges))

    def put_before(self, node: str, following: str) -> "Wiring":
        """Lead all that led to `following` to the node, and the node to it."""
        edges = [replace(edge, target=node) if edge.target == following else edge for edge in self.edges]
        edges.append(Edge(next(self.fresh), node, following))
        return replace(self, edges=tuple(edges), starts=tuple(node if start == following else start for start in self.starts))


def wiring_of(graph: Graph, fresh: Iterator[str]) -> Wiring:
    return Wiring(graph.edges, graph.starts, fresh)


def place(wiring: Wiring, graph: Graph, order: Sequence[str], at: int, node: str, phase_of: Mapping[str, str | None]) -> Wiring:
    """Wire a node in where a list of tasks has it: `order` is the list without it, `at` its index there.

    After the task before it when both are in one phase, else before the task after it. A decision leads on by its branches
    only, so nothing can be put right behind one at the end of a list.
    """
    previous = order[at - 1] if at > 0 else None
    following = order[at] if at < len(order) else None
    if previous is not None and graph.nodes[previous].type is TaskType.DECISION:
        previous = None
    if previous is not None and (following is None or phase_of.get(previous) == phase_of.get(node)):
        return wiring.put_after(node, previous)
    if following is not None:
        return wiring.put_before(node, following)
    if order:
        raise ActionNotAllowed("Nothing can be put right behind a decision; put it before the first task of a branch")
    return replace(wiring, starts=(node,))


def is_line(graph: Graph, order: Sequence[str]) -> bool:
    """Whether a flow is one line of tasks that stand in this order, so that their order says what follows what."""
    if any(node.type is TaskType.DECISION for node in graph.nodes.values()) or graph.starts != tuple(order[:1]):
        return False
    for node, following in zip(order, [*order[1:], None], strict=True):
        targets = [e.target for e in graph.outgoing[node] if e.target is not None]
        if targets != ([] if following is None else [following]):
            return False
    return True


def carry(flow: Flow, graph: Graph, moved: str | None = None) -> dict[str, TaskState]:
    """Return the states under a new shape. The node that moved keeps its status and is where the flow now finds it."""
    states = {node: _carry_one(flow, graph, node) for node in graph.nodes}
    if moved is not None and moved in flow.tasks:
        old = flow.tasks[moved]
        states[moved] = replace(old, since=None, passed=False, taken=frozenset(), suspended=None)
    return states


def _carry_one(flow: Flow, graph: Graph, node: str) -> TaskState:
    """A task that lies behind has taken all its ways, a decision those of the branches that it had taken.

    Ways from outside into a loop that is in a later round have led into an earlier one.
    """
    state = flow.tasks.get(node, TaskState())
    again = {member for c in graph.cycles if _rounds(flow, c.decision) and node not in c.members for member in c.members}
    outgoing = [e for e in graph.outgoing[node] if e.target not in again]
    if graph.nodes[node].type is not TaskType.DECISION:
        return replace(state, taken=frozenset(e.id for e in outgoing) if state.passed else frozenset())
    branches = {(e.condition, e.none_met) for e in flow.graph.outgoing[node] if e.id in state.taken}
    return replace(state, taken=frozenset(e.id for e in outgoing if (e.condition, e.none_met) in branches))


def _rounds(flow: Flow, decision: str) -> int:
    return flow.tasks.get(decision, TaskState()).iterations
