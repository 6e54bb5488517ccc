"""What a flow can still come to: which nodes are ahead of the current ones, and which may become current now."""

from collections.abc import Iterable, Mapping

from workflows.engine.flow import TaskState
from workflows.engine.graph import Edge, Graph
from workflows.engine.status import FINISHED, TaskType

States = Mapping[str, TaskState]


def waiting(graph: Graph, states: States) -> list[str]:
    """Nodes that the flow has been led to and that have not been current yet, in the order of the graph.

    It is led to them by the trigger, or by an edge that was taken. The trigger leads into the first round of a loop only.
    """
    again = [cycle.members for cycle in graph.cycles if states[cycle.decision].iterations]
    arrived = {node for node in graph.starts if not any(node in members for members in again)}
    for node, state in states.items():
        if state.passed:
            arrived.update(e.target for e in graph.outgoing[node] if e.target is not None and e.id in state.taken)
    fresh = {node for node in arrived if not (states[node].is_current or states[node].passed or states[node].suspended)}
    return [node for node in graph.order if node in fresh] if fresh else []


def open_edges(graph: Graph, states: States, node: str) -> Iterable[Edge]:
    """Edges of a node that may still be taken, should the flow come to it.

    A choice made in advance leaves only its own, and a loop that was gone through as often as it may be has no way back any more.
    """
    state, design, loop = states[node], graph.nodes[node], graph.nodes[node].loop
    if design.type is TaskType.DECISION and state.status in FINISHED and not state.passed:
        return [e for e in graph.outgoing[node] if e.id in state.taken]
    if loop is not None and state.iterations >= loop.max_iterations:
        return [e for e in graph.outgoing[node] if e.id not in graph.cycle_of_edge]
    return graph.outgoing[node]


def ahead(graph: Graph, states: States, sources: Iterable[str], closed: frozenset[str] = frozenset()) -> set[str]:
    """Everything that the flow may still come to from `sources`, without taking the edges `closed`.

    Passed nodes are behind, and end the search, unless a loop is gone through again on the way: then its members are ahead.
    """
    again: set[str] = set()
    found: set[str] = set()
    stack = list(sources)
    expanded: set[str] = set()
    while stack:
        node = stack.pop()
        if node in expanded:
            continue
        expanded.add(node)
        for edge in open_edges(graph, states, node) if node not in again else graph.outgoing[node]:
            if edge.target is None or edge.id in closed:
                continue
            cycle = graph.cycle_of_edge.get(edge.id)
            if cycle is not None and not cycle.members <= again:
                again |= cycle.members
                expanded -= cycle.members
            if not states[edge.target].passed or edge.target in again:
                found.add(edge.target)
                stack.append(edge.target)
    return found


def enterable(graph: Graph, states: States) -> list[str]:
    """Waiting nodes that may become current: nothing that is current, or waits before them, can still lead to them.

    Ways back of loops that a node is part of do not count: they would make it wait for itself. In the order of the graph.
    """
    candidates = waiting(graph, states)
    if not candidates:
        return []
    # Without ways back no node leads to itself, so one search serves all candidates.
    later = ahead(graph, states, candidates, closed=frozenset(graph.cycle_of_edge))
    current = [node for node, state in states.items() if state.is_current]
    awaited: dict[frozenset[str], set[str]] = {}
    found = []
    for node in candidates:
        if node in later:
            continue
        own = frozenset(edge for edge, cycle in graph.cycle_of_edge.items() if node in cycle.members)
        if own not in awaited:
            awaited[own] = ahead(graph, states, current, closed=own)
        if node not in awaited[own]:
            found.append(node)
    return found


def live_nodes(graph: Graph, states: States) -> set[str]:
    """Nodes that count: behind, current, or still ahead. The rest lies on branches that were not taken."""
    behind = {node for node, state in states.items() if state.passed}
    present = [node for node, state in states.items() if state.is_current or state.suspended] + waiting(graph, states)
    return behind | set(present) | ahead(graph, states, present)
