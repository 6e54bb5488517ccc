"""Flows of a given number of tasks, in the shapes that cost an engine most."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

Definition = dict[str, Any]


def task(key: str, **fields: Any) -> dict[str, Any]:
    return {"id": key, "name": f"Task {key}", "task_type": "MANUAL"} | fields


def edge(source: str, target: str, condition: str | None = None) -> dict[str, Any]:
    way = {"id": f"{source}-{target}-{condition or ''}", "from_id": source, "to_id": target}
    return way | ({"condition_id": condition} if condition else {})


def branches(*keys: str) -> list[dict[str, Any]]:
    return [{"id": key, "branch_name": key, "logical_operator": "AND", "statements": []} for key in keys]


def in_phases(tasks: list[dict[str, Any]], edges: list[dict[str, Any]], count: int = 4) -> Definition:
    """Divide the tasks among phases, in their order."""
    size = -(-len(tasks) // count)
    phases = [{"id": f"p{number}", "name": f"Phase {number}"} for number in range(1, -(-len(tasks) // size) + 1)]
    placed = [item | {"phase_id": f"p{index // size + 1}"} for index, item in enumerate(tasks)]
    return {"name": "Bench", "phases": phases, "tasks": placed, "edges": edges}


def sequence(size: int) -> Definition:
    """One task after another."""
    keys = [f"t{number}" for number in range(size)]
    return in_phases([task(key) for key in keys], [edge(a, b) for a, b in pairwise(keys)])


def required(size: int) -> Definition:
    """One after another, each task enabled when the one before it is finished."""
    flow = sequence(size)
    for before, item in pairwise(flow["tasks"]):
        item["requirements"] = [{"when": "TASK_FINISHED", "task_id": before["id"], "phase_id": before["phase_id"]}]
    return flow


def gated(size: int) -> Definition:
    """One after another, each task enabled when the phase before its own is finished."""
    flow = sequence(size)
    phases = [phase["id"] for phase in flow["phases"]]
    for item in flow["tasks"]:
        place = phases.index(item["phase_id"])
        if place:
            item["requirements"] = [{"when": "PHASE_FINISHED", "phase_id": phases[place - 1]}]
    return flow


def parallel(size: int) -> Definition:
    """A first task, all others beside each other, and a last one that waits for all of them."""
    middle = [f"t{number}" for number in range(1, size - 1)]
    edges = [edge("t0", key) for key in middle] + [edge(key, "end") for key in middle]
    return in_phases([task(key) for key in ("t0", *middle, "end")], edges)


def decisions(size: int) -> Definition:
    """Blocks of four: a task, a decision for a person, and a task on each of its two branches, which meet at the next block."""
    tasks, edges = [], []
    for block in range(size // 4):
        ask, decide, yes, no = (f"{name}{block}" for name in ("ask", "decide", "yes", "no"))
        choice = task(decide, task_type="DECISION", trigger_mode="manual", conditions=branches("c-yes", "c-no"))
        tasks += [task(ask), choice, task(yes), task(no)]
        edges += [edge(ask, decide), edge(decide, yes, "c-yes"), edge(decide, no, "c-no")]
        if block < size // 4 - 1:
            edges += [edge(yes, f"ask{block + 1}"), edge(no, f"ask{block + 1}")]
    return in_phases(tasks, edges)


def loops(size: int) -> Definition:
    """Blocks of four: three tasks and a decision that leads back to the first of them, or on to the next block."""
    tasks, edges = [], []
    for block in range(size // 4):
        a, b, c, decide = (f"{name}{block}" for name in ("a", "b", "c", "again"))
        loop = {"loop_branch_id": "back", "exit_branch_id": "on", "max_iterations": 3}
        choice = task(decide, task_type="DECISION", trigger_mode="manual", conditions=branches("back", "on"), loop_config=loop)
        tasks += [task(a), task(b), task(c), choice]
        edges += [edge(a, b), edge(b, c), edge(c, decide), edge(decide, a, "back")]
        edges.append(edge(decide, f"a{block + 1}", "on") if block < size // 4 - 1 else edge(decide, "end", "on"))
    tasks[-1:] = [tasks[-1], task("end")]
    first = {"id": "from-trigger", "from_id": "trigger", "to_id": "a0"}
    return in_phases(tasks, [first, *edges])


SHAPES: dict[str, Callable[[int], Definition]] = {
    "sequence": sequence,
    "requirements": required,
    "phase requirements": gated,
    "parallel with join": parallel,
    "decisions": decisions,
    "loops": loops,
}


def mixed() -> Definition:
    """Twenty tasks in four phases, twenty-two edges: a sequence with three pairs of tasks that are done side by side."""
    keys = [f"t{number}" for number in range(1, 21)]
    pairs = {"t4": "t7", "t9": "t12", "t14": "t17"}
    inside = {f"t{int(first[1:]) + step}" for first in pairs for step in (1, 2)}
    edges = [edge(a, b) for a, b in pairwise(keys) if a not in pairs and a not in inside]
    for first, last in pairs.items():
        for step in (1, 2):
            middle = f"t{int(first[1:]) + step}"
            edges += [edge(first, middle), edge(middle, last)]
    return in_phases([described(task(key)) for key in keys], edges)


def wide_board() -> Definition:
    """Two hundred tasks, fifty in each of four phases, for a full board."""
    flow = sequence(200)
    return flow | {"tasks": [described(item) for item in flow["tasks"]]}


def described(item: dict[str, Any]) -> dict[str, Any]:
    """A task with what real templates carry besides."""
    text = "Check the documents of the customer, call back when something is missing, and note the result. "
    return item | {"description": {"enabled": True, "value": text * 3}, "assigned_to": ["1"]}
