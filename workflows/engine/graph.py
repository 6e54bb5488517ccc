"""The shape of a flow: nodes, edges, phases, and what can be said of them without knowing how far a flow has come.

Building a graph is also its check: a shape that cannot be run is refused, naming the node, and nothing is repaired.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from workflows.engine.conditions import Condition
from workflows.engine.errors import InvalidGraph
from workflows.engine.schedules import Origin, Schedule
from workflows.engine.status import TaskType, TriggerMode

MAX_ITERATIONS = 100


@dataclass(frozen=True, slots=True)
class Loop:
    """A decision's way back: taken at most `max_iterations` times, then the exit branch is taken instead."""

    loop_branch: str
    exit_branch: str
    max_iterations: int = 3


@dataclass(frozen=True, slots=True)
class Requirement:
    """What must be finished before a node is enabled: a task or a phase, by its id in the graph."""

    task: str | None = None
    phase: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A task as designed: only what decides."""

    id: str
    type: TaskType = TaskType.MANUAL
    trigger_mode: TriggerMode = TriggerMode.AUTOMATIC
    phase: str | None = None
    conditions: tuple[Condition, ...] = ()
    allow_parallel: bool = True
    loop: Loop | None = None
    requirements: tuple[Requirement, ...] = ()
    schedule: Schedule | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from one node to the next; no target: the path ends. `condition` is the branch of a decision that it belongs to."""

    id: str
    source: str
    target: str | None
    condition: str | None = None
    none_met: bool = False


@dataclass(frozen=True, slots=True)
class Cycle:
    """A declared loop found in the graph: its decision, the edges that close it, and the nodes that are done anew."""

    decision: str
    back_edges: frozenset[str]
    members: frozenset[str]


@dataclass(frozen=True, slots=True)
class Graph:
    """A checked flow. Build it with `build_graph`."""

    nodes: Mapping[str, Node]
    edges: tuple[Edge, ...]
    phases: tuple[str, ...]
    starts: tuple[str, ...]
    linear: bool
    outgoing: Mapping[str, tuple[Edge, ...]]
    incoming: Mapping[str, tuple[Edge, ...]]
    cycles: tuple[Cycle, ...]
    order: Mapping[str, int]
    cycle_of_edge: Mapping[str, Cycle] = field(repr=False)
    members: Mapping[str, tuple[str, ...]] = field(repr=False)

    @property
    def needs_facts(self) -> bool:
        """Whether a step may have to look at entities: for a decision that the engine makes, or a schedule by their dates."""
        return any(
            n.trigger_mode is TriggerMode.AUTOMATIC
            and (n.type is TaskType.DECISION or (n.schedule is not None and n.schedule.origin is Origin.ATTRIBUTE))
            for n in self.nodes.values()
        )

    def tasks_of(self, phase: str) -> tuple[str, ...]:
        return self.members[phase]

    def branch_edges(self, decision: str, branch: str) -> tuple[Edge, ...]:
        """Edges of one branch. A default branch is named by its condition, or by nothing but the flag on its edge."""
        return tuple(e for e in self.outgoing[decision] if e.condition == branch)

    def default_edges(self, decision: str) -> tuple[Edge, ...]:
        return tuple(e for e in self.outgoing[decision] if e.none_met)

    def forward(self, node: str) -> list[str]:
        """Successors of a node, ways back left out."""
        return [e.target for e in self.outgoing[node] if e.target is not None and e.id not in self.cycle_of_edge]

    def after(self, node: str) -> set[str]:
        """Everything that a node leads to, ways back left out, the node itself not included."""
        return _reach([node], {n: self.forward(n) for n in self.nodes}) - {node}

    def descendants(self, node: str) -> set[str]:
        """Everything that the flow may have come to since a node.

        The ways back of loops that it is part of are left out: what they lead to came before it in this round, or beside it.
        """
        ways = {
            n: [e.target for e in self.outgoing[n] if e.target is not None and not self.goes_round(e, node)] for n in self.nodes
        }
        return _reach([node], ways) - {node}

    def goes_round(self, edge: Edge, node: str) -> bool:
        """Whether an edge is the way back of a loop that the node is part of."""
        cycle = self.cycle_of_edge.get(edge.id)
        return cycle is not None and node in cycle.members


def build_graph(
    nodes: Sequence[Node], edges: Sequence[Edge], phases: Sequence[str] = (), starts: Sequence[str] = (), linear: bool = False
) -> Graph:
    """Check the parts and return the graph. `starts` are the trigger's targets; empty: the nodes that nothing leads to.

    Raises InvalidGraph naming the node for what docs/engine.md lists.
    """
    by_id = _index_nodes(nodes, phases)
    _check_edges(edges, by_id)
    for node in nodes:
        _check_node(node, edges, by_id, phases)
    for phase in phases:
        if not any(node.phase == phase for node in nodes):
            raise InvalidGraph(phase, f"Phase {phase} has no task")
    outgoing = _group(edges, by_id, by_source=True)
    incoming = _group(edges, by_id, by_source=False)
    first = _find_starts(by_id, edges, starts)
    cycles = _find_cycles(by_id, edges, first)
    back = {edge: cycle for cycle in cycles for edge in cycle.back_edges}
    order = _topological_order(by_id, [e for e in edges if e.id not in back])
    return Graph(
        nodes=by_id,
        edges=tuple(edges),
        phases=tuple(phases),
        starts=first,
        linear=linear,
        outgoing=outgoing,
        incoming=incoming,
        cycles=cycles,
        order=order,
        cycle_of_edge=back,
        members=_group_by_phase(nodes, phases),
    )


def _group(edges: Iterable[Edge], nodes: Iterable[str], *, by_source: bool) -> dict[str, tuple[Edge, ...]]:
    groups: dict[str, list[Edge]] = {node: [] for node in nodes}
    for edge in edges:
        key = edge.source if by_source else edge.target
        if key is not None:
            groups[key].append(edge)
    return {node: tuple(group) for node, group in groups.items()}


def _group_by_phase(nodes: Iterable[Node], phases: Iterable[str]) -> dict[str, tuple[str, ...]]:
    members: dict[str, list[str]] = {phase: [] for phase in phases}
    for node in nodes:
        if node.phase is not None:
            members[node.phase].append(node.id)
    return {phase: tuple(group) for phase, group in members.items()}


def _index_nodes(nodes: Sequence[Node], phases: Sequence[str]) -> dict[str, Node]:
    if not nodes:
        raise InvalidGraph("", "tasks: a flow needs at least one task")
    by_id: dict[str, Node] = {}
    for node in nodes:
        if node.id in by_id or node.id in phases:
            raise InvalidGraph(node.id, f"The id {node.id} is used more than once")
        by_id[node.id] = node
    for phase in phases:
        if phases.count(phase) > 1:
            raise InvalidGraph(phase, f"The id {phase} is used more than once")
    return by_id


def _check_edges(edges: Sequence[Edge], nodes: Mapping[str, Node]) -> None:
    seen: set[str] = set()
    for edge in edges:
        if edge.id in seen:
            raise InvalidGraph(edge.id, f"The edge id {edge.id} is used more than once")
        seen.add(edge.id)
        if edge.source not in nodes:
            raise InvalidGraph(edge.source, f"Edge {edge.id} starts at {edge.source}, which is no task of this flow")
        if edge.target is not None and edge.target not in nodes:
            raise InvalidGraph(edge.target, f"Edge {edge.id} leads to {edge.target}, which is no task of this flow")
        source = nodes[edge.source]
        known = {condition.id for condition in source.conditions}
        if edge.condition is not None and edge.condition not in known:
            raise InvalidGraph(
                source.id, f"Edge {edge.id} belongs to condition {edge.condition}, which task {source.id} does not have"
            )
        if edge.none_met and source.type is not TaskType.DECISION:
            raise InvalidGraph(source.id, f"Edge {edge.id} is a default branch, but task {source.id} is no decision")


def _check_node(node: Node, edges: Sequence[Edge], nodes: Mapping[str, Node], phases: Sequence[str]) -> None:
    if node.phase is not None and node.phase not in phases:
        raise InvalidGraph(node.id, f"Task {node.id} belongs to phase {node.phase}, which this flow does not have")
    for requirement in node.requirements:
        if requirement.task is not None and requirement.task not in nodes:
            raise InvalidGraph(node.id, f"Task {node.id} requires task {requirement.task}, which this flow does not have")
        if requirement.phase is not None and requirement.phase not in phases:
            raise InvalidGraph(node.id, f"Task {node.id} requires phase {requirement.phase}, which this flow does not have")
    if node.type is TaskType.DECISION:
        _check_decision(node, edges)


def _check_decision(node: Node, edges: Sequence[Edge]) -> None:
    ids = [condition.id for condition in node.conditions]
    for condition in ids:
        if ids.count(condition) > 1:
            raise InvalidGraph(node.id, f"Decision {node.id} has two conditions with the id {condition}")
    unnamed_default = any(e.source == node.id and e.none_met and e.condition is None for e in edges)
    if len(ids) + unnamed_default < 2:
        raise InvalidGraph(node.id, f"Decision {node.id} needs at least two branches")
    if node.loop is None:
        return
    for branch in (node.loop.loop_branch, node.loop.exit_branch):
        if branch not in ids:
            raise InvalidGraph(node.id, f"The loop of decision {node.id} names branch {branch}, which it does not have")
    if node.loop.loop_branch == node.loop.exit_branch:
        raise InvalidGraph(node.id, f"The loop of decision {node.id} needs two different branches")
    if not 1 <= node.loop.max_iterations <= MAX_ITERATIONS:
        raise InvalidGraph(node.id, f"The loop of decision {node.id} must allow 1 to {MAX_ITERATIONS} iterations")


def _is_loop_edge(edge: Edge, nodes: Mapping[str, Node]) -> bool:
    loop = nodes[edge.source].loop
    return loop is not None and edge.condition == loop.loop_branch


def _find_starts(nodes: Mapping[str, Node], edges: Sequence[Edge], given: Sequence[str]) -> tuple[str, ...]:
    for start in given:
        if start not in nodes:
            raise InvalidGraph(start, f"The trigger leads to {start}, which is no task of this flow")
    if given:
        return tuple(dict.fromkeys(given))
    reached = {e.target for e in edges}
    starts = [n for n in nodes if n not in reached]
    # What only a loop leads back to is a start as well, where the flow would not come to it otherwise.
    every = {n: [e.target for e in edges if e.source == n and e.target is not None] for n in nodes}
    forward = {e.target for e in edges if not _is_loop_edge(e, nodes)}
    for node in nodes:
        if node not in forward and node not in _reach(starts, every):
            starts.append(node)
    if not starts:
        first = next(iter(nodes))
        raise InvalidGraph(first, f"Task {first} is part of a cycle that no loop declares, and nothing starts the flow")
    return tuple(starts)


def _find_cycles(nodes: Mapping[str, Node], edges: Sequence[Edge], starts: Sequence[str]) -> tuple[Cycle, ...]:
    plain: dict[str, list[str]] = {n: [] for n in nodes}
    for edge in edges:
        if edge.target is not None and not _is_loop_edge(edge, nodes):
            plain[edge.source].append(edge.target)
    _refuse_cycle(plain)
    ways = {node.id: [e for e in edges if e.source == node.id and _is_loop_edge(e, nodes)] for node in nodes.values()}
    cycles = []
    for node in nodes.values():
        entries = [e.target for e in ways[node.id] if e.target is not None]
        if node.id not in _reach(entries, plain):
            continue
        members = _loop_members(node.id, edges, ways, plain)
        back = {e.id for e in ways[node.id] if e.target in members}
        cycles.append(Cycle(node.id, frozenset(back), frozenset(members)))
    return tuple(cycles)


def _loop_members(
    decision: str, edges: Sequence[Edge], ways: Mapping[str, list[Edge]], plain: Mapping[str, list[str]]
) -> set[str]:
    """Return the nodes that a loop goes through, those of loops inside it included, those after its exit not."""
    exits = [e.target for e in edges if e.source == decision and e not in ways[decision]]
    after = _reach([node for node in exits if node is not None], plain)
    members: set[str] = {decision}
    found = [decision]
    while found:
        targets = [e.target for node in found for e in ways[node] if e.target is not None]
        reached = _reach(targets, plain) - after - members
        members |= reached
        found = [node for node in reached if ways[node]]
    return members


def _refuse_cycle(successors: Mapping[str, Sequence[str]]) -> None:
    """Raise for a cycle that is left when the declared loops are taken out."""
    unresolved = dict.fromkeys(successors, 0)
    for targets in successors.values():
        for target in targets:
            unresolved[target] += 1
    ready = [node for node, count in unresolved.items() if count == 0]
    seen = 0
    while ready:
        node = ready.pop()
        seen += 1
        for target in successors[node]:
            unresolved[target] -= 1
            if unresolved[target] == 0:
                ready.append(target)
    if seen < len(successors):
        node = next(n for n, count in unresolved.items() if count > 0 and n in _reach(successors[n], successors))
        raise InvalidGraph(node, f"Task {node} is part of a cycle that no loop declares")


def _reach(sources: Iterable[str], successors: Mapping[str, Sequence[str]]) -> set[str]:
    """The sources and everything after them."""
    seen: set[str] = set()
    stack = list(sources)
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(successors[node])
    return seen


def _topological_order(nodes: Mapping[str, Node], edges: Sequence[Edge]) -> dict[str, int]:
    """Number the nodes so that every edge leads upwards; ties keep the order of the template."""
    open_edges = dict.fromkeys(nodes, 0)
    successors: dict[str, list[str]] = {n: [] for n in nodes}
    for edge in edges:
        if edge.target is not None:
            open_edges[edge.target] += 1
            successors[edge.source].append(edge.target)
    ready = [n for n in nodes if open_edges[n] == 0]
    order: dict[str, int] = {}
    while ready:
        node = ready.pop(0)
        order[node] = len(order)
        for target in successors[node]:
            open_edges[target] -= 1
            if open_edges[target] == 0:
                ready.append(target)
    return order
