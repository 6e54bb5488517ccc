"""Small flows for tests, and a driver that reads like a story."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from workflows.engine import advance
from workflows.engine.conditions import Facts
from workflows.engine.definition import parse_definition
from workflows.engine.flow import Change, Flow, Moment
from workflows.engine.graph import Graph
from workflows.engine.status import TaskStatus

NOW = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)


def task(key: str, **fields: Any) -> dict[str, Any]:
    return {"id": key, "task_type": "MANUAL"} | fields


def edge(source: str, target: str | None, condition: str | None = None, *, none_met: bool = False) -> dict[str, Any]:
    return {
        "id": f"{source}>{target}:{condition}",
        "from_id": source,
        "to_id": target,
        "condition_id": condition,
        "none_met": none_met,
    }


def branch(key: str, *statements: dict[str, Any], operator: str = "AND") -> dict[str, Any]:
    return {"id": key, "branch_name": key, "logical_operator": operator, "statements": list(statements)}


def decision(key: str, *branches: Any, mode: str = "manual", **fields: Any) -> dict[str, Any]:
    conditions = [branch(b) if isinstance(b, str) else b for b in branches]
    return task(key, task_type="DECISION", trigger_mode=mode, conditions=conditions) | fields


def statement(attribute: str, operator: str, *values: str, kind: str = "string", **source: Any) -> dict[str, Any]:
    return {
        "id": "s",
        "source": {"attribute": attribute, "attribute_type": kind} | source,
        "operator": operator,
        "values": list(values),
    }


def graph(tasks: list[Any], edges: list[Any], **fields: Any) -> Graph:
    rows = [task(t) if isinstance(t, str) else t for t in tasks]
    ways = [edge(*e) if isinstance(e, tuple) else e for e in edges]
    return parse_definition({"tasks": rows, "edges": ways} | fields)


def moment(**primary: object) -> Moment:
    return Moment(NOW, ZoneInfo("Europe/Berlin"), Facts(primary=primary))


class Story:
    """A flow under way. Each verb applies an action and keeps what changed."""

    def __init__(self, flow_graph: Graph, **facts: object) -> None:
        self.moment = moment(**facts)
        self.changes: tuple[Change, ...] = ()
        self.flow: Flow = self.take(advance.start(flow_graph, self.moment))

    def take(self, outcome: advance.Outcome) -> Flow:
        self.flow, self.changes = outcome.flow, outcome.changes
        return self.flow

    def set(self, key: str, status: str, branch: str | None = None, *, revert: bool = False) -> "Story":
        self.take(advance.set_status(self.flow, key, TaskStatus(status), self.moment, branch=branch, revert=revert))
        return self

    def complete(self, *keys: str, branch: str | None = None) -> "Story":
        for key in keys:
            self.set(key, "COMPLETED", branch)
        return self

    @property
    def current(self) -> list[str]:
        return self.flow.current()

    @property
    def status(self) -> str:
        return self.flow.status.value

    def of(self, key: str) -> str:
        return self.flow.tasks[key].status.value

    def changed(self, kind: type) -> list[Any]:
        return [change for change in self.changes if isinstance(change, kind)]
