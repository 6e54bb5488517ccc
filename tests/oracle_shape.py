"""A template as the oracle sees it: tasks, edges between tasks only, ways back, and what loops go through."""

from collections.abc import Iterable
from typing import Any


class Shape:
    def __init__(self, template: dict[str, Any]) -> None:
        self.tasks: dict[str, dict[str, Any]] = {task["id"]: task for task in template["tasks"]}
        self.phases = {
            phase["id"]: [task["id"] for task in template["tasks"] if task.get("phase_id") == phase["id"]]
            for phase in template.get("phases", [])
        }
        self.linear = template.get("linear", False)
        self.edges = self.between_tasks(template["edges"])
        self.backs = self.ways_back()
        self.loops = {edge["from_id"]: self.members(edge["from_id"]) for edge in self.edges if self.is_back(edge)}
        named = [edge["to_id"] for edge in template["edges"] if edge["from_id"] == "trigger"]
        self.starts = [self.entrance(node) for node in named] or self.first_tasks()

    def loop(self, task: str) -> dict[str, Any]:
        return self.tasks[task].get("loop_config") or {}

    def ways_back(self) -> set[str]:
        """Edges of loop branches that do lead back, by other edges than those."""
        again = [
            e for e in self.edges if e.get("condition_id") and e["condition_id"] == self.loop(e["from_id"]).get("loop_branch_id")
        ]
        plain = [e for e in self.edges if e not in again]
        return {e["id"] for e in again if e["from_id"] in {e["to_id"]} | self.reach(e["to_id"], plain)}

    def entrance(self, node: str) -> str:
        if node not in self.phases:
            return node
        within = self.phases[node]
        for edge in self.given:
            if edge["from_id"] == node and edge.get("to_id") in within:
                return str(edge["to_id"])
        pointed_at = {edge["to_id"] for edge in self.forward() if edge["from_id"] in within}
        return next(task for task in within if task not in pointed_at)

    def between_tasks(self, edges: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The edges with the nodes that are no tasks taken out."""
        self.given, self.edges = edges, [{"to_id": ""} | edge for edge in edges if edge["from_id"] in self.tasks]
        self.backs = self.ways_back()
        plain = []
        for edge in edges:
            within = self.phases.get(edge["from_id"], [])
            if edge["from_id"] == "trigger" or edge.get("to_id") in within:
                continue
            target = self.entrance(edge["to_id"]) if edge.get("to_id") else ""
            ways = [end for task in within for end in self.ends(task)] or [{}]
            plain += [edge | way | {"id": f"{edge['id']} {number}", "to_id": target} for number, way in enumerate(ways)]
        return plain

    def ends(self, task: str) -> list[dict[str, Any]]:
        """Where paths end at a task: there, or at branches that lead nowhere."""
        mine = [edge for edge in self.edges if edge["from_id"] == task]
        leading = [edge for edge in mine if edge["to_id"]]
        if self.tasks[task]["task_type"] != "DECISION":
            return [] if leading else [{"from_id": task}]
        names = [c["id"] for c in self.tasks[task]["conditions"] if c["id"] != self.loop(task).get("loop_branch_id")]
        idle = [name for name in names if all(edge.get("condition_id") != name for edge in leading)]
        default = [edge.get("condition_id") for edge in mine if edge.get("none_met")]
        ends = [{"from_id": task, "condition_id": name, "none_met": name in default} for name in idle]
        unnamed = any(e.get("none_met") and not e.get("condition_id") and not e["to_id"] for e in mine)
        return ends + ([{"from_id": task, "none_met": True}] if unnamed else [])

    def is_back(self, edge: dict[str, Any]) -> bool:
        return edge["id"] in self.backs

    def first_tasks(self) -> list[str]:
        """What nothing leads to; then what only a loop branch leads to, where the flow would not come by otherwise."""
        first = [task for task in self.tasks if all(edge["to_id"] != task for edge in self.edges)]
        for task in self.tasks:
            if all(edge["to_id"] != task for edge in self.forward()) and not any(
                task == other or task in self.reach(other, self.edges) for other in first
            ):
                first.append(task)
        return first

    def reach(self, start: str, edges: Iterable[dict[str, Any]]) -> set[str]:
        """Everything that a walk of at least one edge from `start` comes by."""
        edges, found = list(edges), set()
        ahead = [start]
        while ahead:
            node = ahead.pop()
            for edge in edges:
                if edge["from_id"] == node and edge["to_id"] and edge["to_id"] not in found:
                    found.add(edge["to_id"])
                    ahead.append(edge["to_id"])
        return found

    def forward(self) -> list[dict[str, Any]]:
        return [edge for edge in self.edges if not self.is_back(edge)]

    def members(self, decision: str) -> set[str]:
        """All that the loop branch leads to, inner loops included, but not what follows the other branches."""
        others = [edge["to_id"] for edge in self.forward() if edge["from_id"] == decision and edge["to_id"]]
        outside = set(others).union(*(self.reach(other, self.forward()) for other in others))
        inside = [e for e in self.edges if {e["from_id"], e["to_id"]}.isdisjoint(outside)]
        return {decision} | self.reach(decision, inside)
