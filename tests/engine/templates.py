"""Generated templates in the wire's shape: sequences, splits and joins, decisions, loops within loops, phases, requirements."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.engine.builders import branch, edge, statement

MOST_TASKS = 20
DEEPEST = 4

numbers = st.none() | st.integers(0, 3)

Ends = list[dict[str, Any]]  # edges that lead nowhere yet


class Draft:
    """A template under construction. Blocks return where they begin and the edges that leave them."""

    def __init__(self, pick: Callable[[int, int], int]) -> None:
        self.pick = pick  # a number between two
        self.tasks: list[dict[str, Any]] = []
        self.edges: list[dict[str, Any]] = []
        self.phases: list[dict[str, Any]] = []

    def some(self, *kinds: Any) -> Any:
        return kinds[self.pick(0, len(kinds) - 1)]

    def task(self, **fields: Any) -> str:
        key = f"t{len(self.tasks)}"
        self.tasks.append({"id": key, "task_type": "MANUAL"} | fields)
        return key

    def connect(self, ends: Ends, target: str | None) -> None:
        for end in ends:
            self.edges.append(end | {"id": f"e{len(self.edges)}", "to_id": target})

    def simple(self) -> str:
        return self.task(
            **self.some(
                {},
                {},
                {"task_type": "AUTOMATION", "trigger_mode": "automatic"},
                {"task_type": "AUTOMATION", "trigger_mode": "manual"},
            )
        )

    def sequence(self, depth: int) -> tuple[str, Ends]:
        first, ends = self.item(depth)
        for _ in range(self.pick(0, 2)):
            entry, after = self.item(depth)
            self.connect(ends, entry)
            ends = after
        return first, ends

    def item(self, depth: int) -> tuple[str, Ends]:
        small = depth >= DEEPEST or len(self.tasks) > MOST_TASKS - 6
        kind = "task" if small else self.some("task", "task", "split", "decision", "loop", "phase")
        if kind == "task":
            key = self.simple()
            return key, [out(key)]
        return {"split": self.split, "decision": self.decision, "loop": self.loop, "phase": self.phase}[kind](depth + 1)

    def split(self, depth: int) -> tuple[str, Ends]:
        fork, ends = self.simple(), []
        for _ in range(self.pick(2, 3)):
            entry, after = self.sequence(depth)
            self.connect([out(fork)], entry)
            ends += after
        return self.joined(fork, ends)

    def joined(self, entry: str, ends: Ends) -> tuple[str, Ends]:
        """The block as it is, whatever comes next is the join; or with a join of its own."""
        if not ends or self.some(False, True):
            return entry, ends
        join = self.simple()
        self.connect(ends, join)
        return entry, [out(join)]

    def condition(self, key: str) -> dict[str, Any]:
        operators = ["equals", "not_equals", "greater_than", "less_than", "is_empty", "is_not_empty"]
        statements = [statement("n", self.some(*operators), str(self.pick(0, 3)), kind="number") for _ in range(self.pick(1, 2))]
        return branch(key, *statements, operator=self.some("AND", "OR"))

    def decide(self, *names: str, **fields: Any) -> str:
        mode = self.some("manual", "automatic")
        key = f"t{len(self.tasks)}"
        return self.task(
            task_type="DECISION",
            trigger_mode=mode,
            allow_parallel_execution=self.some(False, True),
            conditions=[self.condition(f"{key}-{name}") for name in names],
            **fields,
        )

    def decision(self, depth: int) -> tuple[str, Ends]:
        names = ["a", "b", "c"][: self.pick(2, 3)]
        key = self.decide(*names)
        ends: Ends = []
        for name in names:
            ends += self.branch_of(out(key, f"{key}-{name}"), depth)
        default = self.some("none", "named", "unnamed", "one of them")
        if default == "named":
            self.tasks[int(key[1:])]["conditions"].append(branch(f"none-met-{key}"))
            ends += self.branch_of(out(key, f"none-met-{key}", none_met=True), depth)
        elif default == "unnamed":
            ends += self.branch_of(out(key, none_met=True), depth)
        elif default == "one of them":
            for way in [e for e in [*self.edges, *ends] if e.get("condition_id") == f"{key}-a"]:
                way["none_met"] = True
        return self.joined(key, ends)

    def branch_of(self, way: dict[str, Any], depth: int) -> Ends:
        """A branch with tasks, one that goes straight on, one that ends there, or one without an edge."""
        kind = self.some("tasks", "tasks", "tasks", "straight", "end", "nothing")
        if kind == "tasks":
            entry, ends = self.sequence(depth)
            self.connect([way], entry)
            return ends
        if kind == "end":
            self.connect([way], self.some(None, ""))
        return [way] if kind == "straight" else []

    def loop(self, depth: int) -> tuple[str, Ends]:
        way = self.sequence(depth) if self.some(True, False, False) else None
        body = self.sequence(depth) if self.some(True, True, False) else None
        number = len(self.tasks)
        again, leave = f"t{number}-again", f"t{number}-leave"
        names = self.some(("again", "leave"), ("leave", "again"), ("again", "leave", "other"))
        loop = {"loop_branch_id": again, "exit_branch_id": leave, "max_iterations": self.pick(1, 3)}
        key = self.decide(*names, loop_config=loop)
        entry = body[0] if body else key
        if body:
            self.connect(body[1], key)
        default = self.some("none", "again", "leave")
        self.connect([out(key, again, none_met=default == "again")], way[0] if way else entry)
        if way:
            self.connect(way[1], entry)
        ends = [out(key, leave, none_met=default == "leave")]
        if "other" in names:
            ends += self.branch_of(out(key, f"{key}-other"), depth)
        return entry, ends

    def phase(self, depth: int) -> tuple[str, Ends]:
        before = len(self.tasks)
        entry, ends = self.sequence(depth)
        key = f"p{len(self.phases)}"
        for task in self.tasks[before:]:
            task.setdefault("phase_id", key)
        if all(task["phase_id"] != key for task in self.tasks[before:]):
            return entry, ends
        self.phases.append({"id": key})
        if self.some(False, True) or any(task["phase_id"] != key for task in self.tasks[before:]):
            return entry, ends
        if self.some(False, True) or self.lonely(before) != [entry]:
            self.connect([out(key)], entry)  # named where the members do not tell
        if any("condition_id" in end or not end.get("none_met") for end in ends) and self.some(False, True):
            ends = [out(key)]  # from wherever a path ends inside
        return key, ends

    def lonely(self, since: int) -> list[str]:
        """Tasks that no other one leads to, ways back not counted."""
        loops = {task["id"]: task["loop_config"]["loop_branch_id"] for task in self.tasks if "loop_config" in task}
        followed = {e["to_id"] for e in self.edges if e.get("condition_id") != loops.get(e["from_id"], "")}
        return [task["id"] for task in self.tasks[since:] if task["id"] not in followed]

    def require(self) -> None:
        """Let some tasks require others, or phases."""
        for index, task in enumerate(self.tasks):
            wishes = [{"when": "TASK_FINISHED", "task_id": t["id"]} for t in self.tasks[:index]]
            wishes += [{"when": "PHASE_FINISHED", "phase_id": p["id"]} for p in self.phases if p["id"] != task.get("phase_id")]
            if wishes and self.pick(0, 6) == 6:
                task["requirements"] = [self.some(*wishes) for _ in range(self.pick(1, 2))]

    def delay(self) -> None:
        """Let some tasks that begin by themselves wait for a time."""
        for task in self.tasks:
            if task.get("trigger_mode") == "automatic" and self.pick(0, 4) == 4:
                task["schedule"] = {"mode": "delayed", "duration": self.pick(1, 3), "unit": self.some("minutes", "hours")}
                origin = self.some(None, None, "flow_started", "task_completed", "all_preceding_tasks_completed")
                if origin:
                    named = self.some(*self.tasks)["id"] if origin == "task_completed" else origin
                    reference = {"id": named, "origin": origin}
                    task["schedule"] |= {
                        "mode": "relative",
                        "direction": self.some("after", "after", "before"),
                        "reference": reference,
                    }


def out(source: str, condition: str | None = None, *, none_met: bool = False) -> dict[str, Any]:
    way: dict[str, Any] = {"from_id": source}
    if condition:
        way["condition_id"] = condition
    if none_met:
        way["none_met"] = True
    return way


def draft_template(pick: Callable[[int, int], int], *, blocking: bool = True) -> dict[str, Any]:
    """Make up a template; `pick` decides, `blocking` allows requirements and schedules, which may keep a flow from its end."""
    draft = Draft(pick)
    starts = []
    for _ in range(draft.some(1, 1, 1, 2)):
        entry, ends = draft.sequence(0)
        starts.append(entry)
        if draft.some(False, True):
            draft.connect(ends, draft.some(None, ""))
    if len(starts) > 1 or draft.some(True, True, True, False):
        draft.edges += [edge("trigger", start) for start in starts]
    if blocking:
        draft.require()
        draft.delay()
    return {
        "tasks": draft.tasks,
        "edges": draft.edges,
        "phases": draft.phases,
        "linear": blocking and draft.some(False, False, False, False, False, True),
    }


@st.composite
def templates(draw: st.DrawFn, *, blocking: bool = True) -> dict[str, Any]:
    """Templates of up to about twenty tasks and four levels."""
    return draft_template(lambda low, high: draw(st.integers(low, high)), blocking=blocking)
