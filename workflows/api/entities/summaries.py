"""An entity's `workflows`: for each definition the executions that are about it, newest first, and the `primary` one of all."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from workflows.api.v1 import dialect
from workflows.services.summaries import Running

Json = dict[str, Any]

FINISHED = ("COMPLETED", "SKIPPED")


def render_workflows(executions: Iterable[Running]) -> Json:
    """Return the summaries by definition. Primary is the newest that runs, else the newest."""
    summaries = [render_summary(orjson.loads(e.document), e.done, e.total) for e in executions]
    result: Json = {}
    for summary in summaries:
        result.setdefault(summary["definition_id"], []).append(summary)
    if summaries:
        result["primary"] = next((s for s in summaries if s["status"] == "STARTED"), summaries[0])
    return result


def render_summary(document: Mapping[str, Any], done: int, total: int) -> Json:
    """Return a WorkflowInEntity; `task_` and `phase_` speak of the first current task of the list."""
    closing = document["closing_reason"]
    phases = {phase["id"]: _render_phase(phase, document["tasks"]) for phase in document["phases"]}
    current = {entry["id"] for entry in document["crt_tasks"]}
    task = next((task for task in document["tasks"] if task["id"] in current), None)
    upcoming = [t for t in document["tasks"] if t["id"] not in current and t["status"] not in FINISHED]
    return dialect.without_empty(
        {
            "id": document["id"],
            "definition_id": document["flow_template_id"],
            "name": document["name"],
            "status": document["status"],
            "assignees": dialect.plain_assignees(document["assigned_to"]),
            "duedate": document.get("due_date"),
            "last_update_time": document["updated_at"],
            "progress": percent(done, total),
            "upcoming_tasks_assignees": dialect.plain_assignees(entry for t in upcoming for entry in t["assigned_to"]),
            "phases_in_progress": [phases[p["id"]] for p in document["phases"] if p["status"] == "IN_PROGRESS"],
            "selected_closing_reasons": closing["selected_reasons"],
            "closing_reason_description": closing.get("extra_description"),
        }
        | (_render_task(task) | phases.get(task.get("phase_id") or "", {}) if task else {})
    )


def _render_task(task: Mapping[str, Any]) -> Json:
    return {
        "task_id": task["id"],
        "task_name": task["name"],
        "task_assignees": dialect.plain_assignees(task["assigned_to"]),
        "task_duedate": task.get("due_date"),
        "task_execution_type": dialect.execution_type(task["task_type"], task.get("trigger_mode")),
        "task_status": task["status"],
    }


def _render_phase(phase: Mapping[str, Any], tasks: Iterable[Mapping[str, Any]]) -> Json:
    """A completed phase is done whatever lies on its branches that were not taken."""
    own = [task["status"] for task in tasks if task.get("phase_id") == phase["id"]]
    finished = sum(status in FINISHED for status in own)
    return {
        "phase_id": phase["id"],
        "phase_name": phase["name"],
        "phase_progress": 100 if phase["status"] == "COMPLETED" else percent(finished, len(own)),
        "phase_assignees": dialect.plain_assignees(phase["assigned_to"]),
    }


def percent(done: int, total: int) -> int:
    """Return whole percents; 100 only when everything is done."""
    return done * 100 // total if total else 0
