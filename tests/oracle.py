"""
An independent reading of docs/engine.md, to hold the engine against.

It shares no code with the engine and is written the other way round: nothing is moved along. It keeps the edges that were taken and the
tasks that were left behind, and works out from these, from scratch and slowly, what is current, what is enabled, what still counts.
Conditions compare one number, the attribute `n`; everything else about conditions has tests of its own.
"""

from collections.abc import Callable
from typing import Any

from tests.oracle_shape import Shape

FINISHED = {"COMPLETED", "SKIPPED"}
OPEN = {"PENDING", "IN_PROGRESS", "ON_HOLD", "FAILED", "SCHEDULED", "CONDITION_PENDING", "WAITING_FOR_CONFIRMATION"}
LEAVES = {  # what a person may ask for, status by status, beside SKIPPED and ON_HOLD from every open one
    "PENDING": {"IN_PROGRESS", "COMPLETED"},
    "IN_PROGRESS": {"COMPLETED"},
    "ON_HOLD": {"PENDING", "IN_PROGRESS"},
    "FAILED": {"PENDING", "IN_PROGRESS", "COMPLETED"},
    "SCHEDULED": {"COMPLETED"},
    "CONDITION_PENDING": {"COMPLETED"},
    "WAITING_FOR_CONFIRMATION": set(),
    "COMPLETED": {"PENDING"},
    "SKIPPED": {"PENDING"},
}


class Refused(Exception):
    """What was asked may not be done; nothing has changed."""


def holds(statement: dict[str, Any], number: int | None) -> bool:
    wanted = float(statement["values"][0]) if statement["values"] else None
    tests: dict[str, Callable[[], bool]] = {
        "equals": lambda: number == wanted,
        "not_equals": lambda: number != wanted,
        "greater_than": lambda: number is not None and number > wanted,
        "less_than": lambda: number is not None and number < wanted,
        "is_empty": lambda: number is None,
        "is_not_empty": lambda: number is not None,
    }
    return tests[statement["operator"]]()


def met(condition: dict[str, Any], number: int | None) -> bool:
    results = [holds(statement, number) for statement in condition["statements"] or []]
    return bool(results) and (all(results) if condition["logical_operator"] == "AND" else any(results))


class Oracle(Shape):
    def __init__(self, template: dict[str, Any], number: int | None) -> None:
        super().__init__(template)
        self.number = number
        # The history, as far as it still counts.
        self.led_to = {("", task) for task in self.starts}  # (from, to) of every edge that was taken
        self.left: set[str] = set()
        self.counts = dict.fromkeys(self.loops, 0)
        self.chosen: dict[str, list[dict[str, Any]]] = {}
        self.status = dict.fromkeys(self.tasks, "PENDING")
        self.execution = "STARTED"
        self.now = 0  # minutes since the start
        self.since: dict[str, int] = {}
        self.finished_at: dict[str, int] = {}
        self.armed: dict[str, int] = {}
        self.wanted = {task: self.requirements_met(task) for task in self.tasks}
        self.enabled = dict(self.wanted)
        self.settle()

    # What follows from the history

    def exhausted(self, decision: str) -> bool:
        return decision in self.loops and self.counts[decision] >= self.loop(decision)["max_iterations"]

    def is_open(self, edge: dict[str, Any], anew: set[str]) -> bool:
        """Whether an edge may still be taken, when the tasks `anew` will be done anew before."""
        source = edge["from_id"]
        if source in anew:
            return True
        if source in self.chosen and source not in self.left:
            return edge in self.chosen[source]
        return not (self.exhausted(source) and self.is_back(edge))

    def ahead(self, start: str, but: set[str] | None = None) -> set[str]:
        """What the flow may still come to from a task, without the edges `but`."""
        anew: set[str] = set()
        while True:
            ways = [edge for edge in self.edges if edge["id"] not in (but or ()) and self.is_open(edge, anew)]
            found = self.reach(start, ways)
            rounds = [self.loops[e["from_id"]] for e in ways if self.is_back(e) and e["from_id"] in found | {start}]
            if anew.issuperset(set().union(*rounds)):
                return found
            anew = anew.union(*rounds)

    def reached(self) -> list[str]:
        """The flow has been led there, and they have not been left."""
        return [task for task in self.tasks if task not in self.left and any(to == task for _, to in self.led_to)]

    def is_due(self, task: str) -> bool:
        """Nothing else that was reached can still lead to the task."""
        own = {e["id"] for e in self.edges if self.is_back(e) and task in self.loops[e["from_id"]]}
        return not any(task in self.ahead(other, own) for other in self.reached() if other != task)

    def current(self) -> list[str]:
        return self.due() if self.execution == "STARTED" else []

    def due(self) -> list[str]:
        return [task for task in self.reached() if self.is_due(task)]

    def that_count(self) -> set[str]:
        """On paths that were taken or may still be."""
        return self.left.union(self.reached(), *(self.ahead(task) for task in self.reached()))

    def phase(self, phase: str) -> str:
        within = [task for task in self.phases[phase] if task in self.that_count()]
        if within and all(self.status[task] in FINISHED for task in within):
            return "COMPLETED"
        begun = [task for task in self.tasks if self.status[task] in FINISHED | {"IN_PROGRESS"}] + self.due()
        return "IN_PROGRESS" if any(task in begun for task in within) else "OPEN"

    def requirements_met(self, task: str) -> bool:
        if self.linear:
            before = {edge["from_id"] for edge in self.forward() if edge["to_id"] == task} & self.that_count()
            return all(self.status[other] in FINISHED for other in before)
        return all(
            self.phase(wish["phase_id"]) == "COMPLETED" if "phase_id" in wish else self.status[wish["task_id"]] in FINISHED
            for wish in self.tasks[task].get("requirements", [])
        )

    # What happens by itself

    def settle(self, finished: str | None = None) -> None:
        """Finishing a current task and leaving it is one thing; after each such thing requirements are looked at."""
        if finished in self.current() and self.status[finished] in FINISHED:
            self.moves(finished)
        while self.execution == "STARTED":
            self.follow_requirements()
            if not self.reached():
                self.execution = "DONE"
            elif not any(self.moves(task) for task in self.current()):
                break
        self.follow_requirements()
        self.keep_time()

    def keep_time(self) -> None:
        """Note since when tasks are current and finished, and bring schedules in line with that."""
        self.since = {task: self.since.get(task, self.now) for task in self.due()}
        self.finished_at = {t: self.finished_at.get(t, self.now) for t in self.tasks if self.status[t] in FINISHED}
        for task in self.current():
            if self.schedule(task) and self.status[task] in {"PENDING", "SCHEDULED"}:
                at = self.time_of(task) if self.enabled[task] else None
                fits = at is not None and (at >= self.now or at == self.armed.get(task))
                self.status[task] = "SCHEDULED" if fits else "PENDING"
                self.armed[task] = at or 0
        self.armed = {task: at for task, at in self.armed.items() if self.status[task] == "SCHEDULED"}

    def schedule(self, task: str) -> dict[str, Any] | None:
        return self.tasks[task].get("schedule") if self.tasks[task].get("trigger_mode") == "automatic" else None

    def time_of(self, task: str) -> int | None:
        schedule = self.schedule(task) or {}
        minutes = schedule["duration"] * {"minutes": 1, "hours": 60}[schedule["unit"]]
        reference = schedule.get("reference", {})
        ends = [self.finished_at.get(source, 0) for source, to in self.led_to if to == task and source in self.left]
        origin: int | None = {
            None: self.since[task],
            "flow_started": 0,
            "task_completed": self.finished_at.get(reference.get("id")),
            "all_preceding_tasks_completed": max(ends, default=0),
        }[reference.get("origin")]
        return None if origin is None else origin - minutes if schedule.get("direction") == "before" else origin + minutes

    def follow_requirements(self) -> None:
        now = {task: self.requirements_met(task) for task in self.tasks}
        for task in self.tasks:
            if now[task] != self.wanted[task]:
                self.enabled[task] = now[task]
        self.wanted = now

    def moves(self, task: str) -> bool:
        if self.status[task] in FINISHED:
            self.leave(task, self.chosen.get(task, [e for e in self.edges if e["from_id"] == task]))
            return True
        by_itself = self.tasks[task].get("trigger_mode") == "automatic"
        if not by_itself or not self.enabled[task] or self.status[task] not in {"PENDING", "CONDITION_PENDING"}:
            return False
        if self.status[task] == "PENDING" and self.schedule(task):
            return False
        return self.launch(task)

    def launch(self, task: str) -> bool:
        if self.tasks[task]["task_type"] == "AUTOMATION":
            self.status[task] = "IN_PROGRESS"
            return True
        edges = self.verdict(task)
        before, self.status[task] = self.status[task], "CONDITION_PENDING" if edges is None else "COMPLETED"
        if edges is not None:
            self.leave(task, edges)
        return self.status[task] != before or edges is not None

    def verdict(self, decision: str) -> list[dict[str, Any]] | None:
        """The edges to take, or None if the decision cannot be made yet."""
        if self.exhausted(decision):
            return self.branch(decision, self.loop(decision)["exit_branch_id"])
        yes = [condition["id"] for condition in self.tasks[decision]["conditions"] if met(condition, self.number)]
        if not self.tasks[decision].get("allow_parallel_execution", True):
            yes = yes[:1]
        elif decision in self.loops and self.loop(decision)["loop_branch_id"] in yes:  # going round excludes the rest
            yes = [self.loop(decision)["loop_branch_id"]]
        return [edge for branch in yes for edge in self.branch(decision, branch)] if yes else self.default(decision)

    def branch(self, decision: str, condition: str) -> list[dict[str, Any]]:
        return [edge for edge in self.edges if edge["from_id"] == decision and edge.get("condition_id") == condition]

    def default(self, decision: str) -> list[dict[str, Any]] | None:
        edges = [edge for edge in self.edges if edge["from_id"] == decision and edge.get("none_met")]
        if self.exhausted(decision) and any(self.is_back(edge) for edge in edges):
            return self.branch(decision, self.loop(decision)["exit_branch_id"])
        return edges or None

    def leave(self, task: str, edges: list[dict[str, Any]]) -> None:
        self.left.add(task)
        for edge in sorted(edges, key=self.is_back):  # the way back last: it forgets
            if self.is_back(edge):
                self.counts[task] += 1
                self.forget(self.loops[task])
                self.counts |= {other: 0 for other in self.loops if other != task and other in self.loops[task]}
                self.led_to = {(source, to) for source, to in self.led_to if to not in self.loops[task]}
            if edge["to_id"]:
                self.led_to.add((task, edge["to_id"]))

    def forget(self, tasks: set[str]) -> None:
        self.left -= tasks
        self.status |= dict.fromkeys(tasks, "PENDING")
        for kept in (self.chosen, self.since, self.finished_at, self.armed):
            for task in tasks & set(kept):
                del kept[task]

    # What people, automations and entities do

    def patch(self, task: str, status: str, choice: str | None = None, revert: bool = False) -> None:
        before = self.status[task]
        if self.execution == "CLOSED":
            raise Refused("closed")
        if status == before:
            return
        if not self.enabled[task]:
            raise Refused("disabled")
        if status not in LEAVES[before] | ({"SKIPPED", "ON_HOLD"} if before in OPEN else set()):
            raise Refused(f"Invalid status transition from {before} to {status}")
        if self.tasks[task]["task_type"] == "DECISION" and status in FINISHED:
            self.choose(task, choice if status == "COMPLETED" else None, skip=status == "SKIPPED")
        elif before in FINISHED:
            self.chosen.pop(task, None)
        self.status[task] = status
        if before in FINISHED and revert and task in self.left:
            self.revert(task)
        self.settle(task)

    def choose(self, decision: str, choice: str | None, skip: bool) -> None:
        edges = self.default(decision) if skip else self.branch(decision, choice or "")
        if skip and edges is None:
            raise Refused("no default")
        if not skip and choice not in [condition["id"] for condition in self.tasks[decision]["conditions"]]:
            raise Refused("not a branch")
        if not skip and self.exhausted(decision) and choice == self.loop(decision)["loop_branch_id"]:
            raise Refused("at the maximum")
        self.chosen[decision] = edges or []

    def revert(self, task: str) -> None:
        after = self.reach(task, [e for e in self.edges if not (self.is_back(e) and task in self.loops[e["from_id"]])]) - {task}
        self.forget({task} | after)
        self.status[task] = "PENDING"
        self.counts |= {loop: 0 for loop in self.loops if loop in after and task not in self.loops[loop]}
        self.led_to = {(source, to) for source, to in self.led_to if to not in after or source not in {task} | after}
        self.execution = "STARTED"

    def result(self, task: str, status: str) -> None:
        """A dispatched automation ends: COMPLETED, SKIPPED or FAILED."""
        self.status[task] = status
        self.settle(task)

    def enable(self, task: str, value: bool) -> None:
        if self.execution == "CLOSED":
            raise Refused("closed")
        self.enabled[task] = value
        self.settle()

    def change_entity(self, number: int | None) -> None:
        self.number = number
        self.settle()

    def end(self, status: str) -> None:
        """Close, end or reopen an execution by hand; its current tasks are not forgotten."""
        if status == self.execution:
            return
        if (self.execution, status) == ("CLOSED", "DONE"):
            raise Refused("closed")
        if (self.execution, status) == ("DONE", "STARTED") and not self.reached():
            raise Refused("nothing is left to do")
        self.execution = status
        if status != "STARTED":
            self.status |= dict.fromkeys(self.armed, "PENDING")
        self.settle()

    def execute(self, task: str) -> None:
        """Do a task now, whatever it waits for."""
        design = self.tasks[task]
        if design["task_type"] == "MANUAL":
            return self.patch(task, "COMPLETED")
        if self.execution == "CLOSED" or not self.enabled[task] or self.status[task] in FINISHED:
            raise Refused("closed, disabled or finished")
        if design["task_type"] == "DECISION" and (design["trigger_mode"] == "manual" or task not in self.current()):
            raise Refused("not the engine's to decide, or not yet")
        if self.status[task] in {"IN_PROGRESS", "WAITING_FOR_CONFIRMATION"} and design["task_type"] == "AUTOMATION":
            raise Refused("runs already")
        self.launch(task)
        return self.settle()

    def cancel(self, task: str) -> None:
        if self.execution == "CLOSED" or task not in self.armed:
            raise Refused("nothing to cancel")
        self.patch(task, "SKIPPED")

    def tick(self, minutes: int) -> set[str]:
        """Let time pass, and return what is due then; `fire` does one of these."""
        self.now += minutes
        return {task for task, at in self.armed.items() if at <= self.now}

    def fire(self, task: str) -> None:
        if self.armed.pop(task, self.now + 1) <= self.now:
            self.launch(task)
            self.settle()
