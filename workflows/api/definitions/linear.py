"""Definitions in the older dialect: sections and steps in a list, kept as templates whose tasks follow one another.

A template with branches can be read here as a list, but not be written: a list would lose them.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from workflows.api.v1 import dialect
from workflows.documents import timestamp
from workflows.engine.graph import Graph
from workflows.engine.rewire import is_line
from workflows.engine.sections import arrange, flatten
from workflows.models import FlowTemplate
from workflows.models.ids import short_id

Json = dict[str, Any]

# Names of the two dialects that mean the same and need no translation of the value.
HEAD = {
    "name": "name",
    "description": "description",
    "dueDate": "due_date",
    "enableECPWorkflow": "available_in_ecp",
    "closingReasons": "closing_reasons",
    "taxonomies": "taxonomies",
    "singleClosingReasonSelection": "singleClosingReasonSelection",
    "_manifest": "_manifest",
}
ITEM = {"name": "name", "dueDate": "due_date", "taxonomies": "taxonomies"}
STEP = ITEM | {name: name for name in ("description", "journey", "ecp", "installer", "partner")}
# What a template may have that this dialect has no word for: kept when a definition is replaced.
BEYOND = ("trigger", "additional_triggers", "linear")
BEYOND_STEP = ("trigger_mode", "schedule", "agent_config")


def is_linear(graph: Graph, data: Mapping[str, Any]) -> bool:
    return is_line(graph, _order(data))


def _order(data: Mapping[str, Any]) -> list[str]:
    return flatten(_items(data))


def _items(data: Mapping[str, Any]) -> Sequence[Any]:
    tasks = [(task["id"], task.get("phase_id") or None) for task in data["tasks"]]
    return arrange(tasks, [phase["id"] for phase in data.get("phases") or ()])


def render_definition(template: FlowTemplate, data: Mapping[str, Any]) -> Json:
    """Return a WorkflowDefinition of a template's row and document."""
    tasks = {task["id"]: task for task in data["tasks"]}
    phases = {phase["id"]: phase for phase in data.get("phases") or ()}
    flow = []
    for order, item in enumerate(_items(data)):
        steps = [render_step(tasks[key], index) for index, key in enumerate(item.tasks)]
        flow.append(render_section(phases[item.phase], order, steps) if item.phase else steps[0] | {"order": order})
    head = {old: data.get(new) for old, new in HEAD.items()}
    return dialect.without_empty(
        head
        | _render_common(data)
        | {
            "id": template.id,
            "name": template.name,
            "enabled": template.enabled,
            "creationTime": timestamp(template.created_at),
            "lastUpdateTime": timestamp(template.updated_at),
            "closingReasons": [{"id": reason["id"]} for reason in data.get("closing_reasons") or ()],
            "updateEntityAttributes": dialect.render_followers(data.get("entity_sync") or ()),
            "flow": flow,
        }
    )


def _render_common(row: Mapping[str, Any]) -> Json:
    assignees = dialect.plain_assignees(row.get("assigned_to") or ())
    return {
        "assignedTo": assignees,
        "userIds": dialect.user_ids(assignees),
        "dynamicDueDate": dialect.render_due_rule(row.get("due_date_config"), years=True),
    }


def render_section(phase: Mapping[str, Any], order: int, steps: list[Json]) -> Json:
    names = {old: phase.get(new) for old, new in ITEM.items()}
    common = {name: value for name, value in _render_common(phase).items() if name != "userIds"}
    return dialect.without_empty(names | common | {"id": phase["id"], "type": "SECTION", "order": order, "steps": steps})


def render_step(task: Mapping[str, Any], order: int) -> Json:
    config = task.get("automation_config") or {}
    return dialect.without_empty(
        {old: task.get(new) for old, new in STEP.items()}
        | _render_common(task)
        | {
            "id": task["id"],
            "type": "STEP",
            "order": order,
            "executionType": dialect.execution_type(task["task_type"], task.get("trigger_mode")),
            "automationConfig": {"flowId": config["flow_id"]} if config.get("flow_id") else None,
            "requirements": dialect.render_requirements(task.get("requirements") or ()),
        }
    )


def read_definition(body: Mapping[str, Any], old: Mapping[str, Any] | None = None) -> Json:
    """Return the template document that a checked definition means; `old` is the one that it replaces."""
    old = old or {"tasks": []}
    known = {task["id"]: task for task in old["tasks"]}
    phases: list[Json] = []
    tasks: list[Json] = []
    for item in sorted(body["flow"], key=lambda item: item.get("order", 0)):
        if "steps" not in item:
            tasks.append(read_step(item, None, known))
            continue
        phase = {"id": item.get("id") or short_id()} | _read_common(item, ITEM)
        phases.append(phase)
        tasks += [read_step(step, phase["id"], known) for step in sorted(item["steps"], key=lambda s: s.get("order", 0))]
    edges = [
        {"id": f"e{number}", "from_id": before["id"], "to_id": after["id"]}
        for number, (before, after) in enumerate(itertools.pairwise(tasks), start=1)
    ]
    result = {name: old[name] for name in BEYOND if name in old} | _read_common(body, HEAD)
    if body.get("updateEntityAttributes") is not None:
        result["entity_sync"] = _merge_followers(old.get("entity_sync") or (), body["updateEntityAttributes"])
    elif old.get("entity_sync"):
        result["entity_sync"] = old["entity_sync"]
    return result | {
        "enabled": body.get("enabled", True),
        "version": "v2",
        "phases": phases,
        "tasks": tasks,
        "edges": edges,
    }


def _merge_followers(rules: Sequence[Mapping[str, Any]], items: Sequence[Mapping[str, Any]]) -> list[Json]:
    """Keep what the dialect cannot say, and what it says as before; put the rest anew."""
    before = dialect.render_followers(rules)
    wanted = [{"source": i["source"], "target": dict(i["target"])} for i in items]
    kept = [dict(rule) for rule in rules if all(item in wanted for item in dialect.render_followers([rule]))]
    return kept + dialect.read_followers([item for item in wanted if item not in before])


def _read_common(row: Mapping[str, Any], names: Mapping[str, str]) -> Json:
    result = {new: row[old] for old, new in names.items() if row.get(old) is not None}
    assignees = dialect.read_assignees(row)
    if assignees is not None:
        result["assigned_to"] = assignees
    if row.get("dynamicDueDate"):
        result["due_date_config"] = dialect.read_due_rule(row["dynamicDueDate"])
    return result


def read_step(step: Mapping[str, Any], phase: str | None, known: Mapping[str, Mapping[str, Any]]) -> Json:
    """Return a task of a template. What it had beyond this dialect's words it keeps."""
    task_id = step.get("id") or short_id()
    old = known.get(task_id, {})
    task: Json = {name: old[name] for name in BEYOND_STEP if name in old} | {"id": task_id} | _read_common(step, STEP)
    automatic = step.get("executionType") == "AUTOMATION"
    task["task_type"] = old["task_type"] if automatic and old.get("task_type") == "AI_AGENT" else "MANUAL"
    if automatic and task["task_type"] == "MANUAL":
        task["task_type"] = "AUTOMATION"
        task["automation_config"] = (old.get("automation_config") or {}) | {
            "flow_id": (step.get("automationConfig") or {}).get("flowId", "")
        }
    if step.get("requirements"):
        task["requirements"] = dialect.read_requirements(step["requirements"])
    return task | ({"phase_id": phase} if phase else {})
