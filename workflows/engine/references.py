"""What a template's rules speak of besides its graph: tasks and phases whose end dates something, or whose events are written."""

from collections.abc import Iterator, Mapping
from typing import Any

from workflows.engine.errors import InvalidGraph

RULED_BY = {"TASK_FINISHED": "task_id", "PHASE_FINISHED": "phase_id"}


def check_references(data: Mapping[str, Any]) -> None:
    """Raise InvalidGraph, naming what is at fault, for rules about a task or phase that the template does not have."""
    known = {
        "task_id": {task["id"] for task in data["tasks"]},
        "phase_id": {phase["id"] for phase in data.get("phases") or ()},
    }
    for owner, label, rule in _rules(data):
        name = RULED_BY.get(rule["type"])
        if name is not None and rule.get(name) not in known[name]:
            kind = name.removesuffix("_id")
            raise InvalidGraph(
                owner, f"The due date of {label} counts from {kind} {rule.get(name)}, which this flow does not have"
            )
    for number, rule in enumerate(data.get("entity_sync") or ()):
        for name, wanted in (rule["trigger"].get("filter") or {}).items():
            kind = name.replace("_template", "")
            if wanted and kind in known and wanted not in known[kind]:
                raise InvalidGraph(wanted, f"entity_sync[{number}] speaks of {wanted}, which this flow does not have")


def _rules(data: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if data.get("due_date_config"):
        yield "", "the flow", data["due_date_config"]
    for kind, items in (("phase", data.get("phases") or ()), ("task", data["tasks"])):
        for item in items:
            if item.get("due_date_config"):
                yield item["id"], f"{kind} {item['id']}", item["due_date_config"]
