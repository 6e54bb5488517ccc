"""The wire form of executions, phases and tasks: rows and their definition put together, under the contract's names.

Rendering needs no query: the caller brings the rows. What has no value is left out, as the contract's optional fields are.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from workflows.definitions import Compiled
from workflows.engine.schedules import Cause, Refusal
from workflows.engine.status import ExecutionStatus, TaskType
from workflows.models import Assignment, ContextRef, Edge, Execution, Phase, Task

Json = dict[str, Any]
# Fields of a task that a PATCH may set over the design.
TASK_DETAILS = ("description", "ecp", "installer", "partner", "automation_config")


@dataclass(frozen=True, slots=True)
class ExecutionRows:
    """Everything that an execution's document is made of."""

    execution: Execution
    phases: Sequence[Phase]
    tasks: Sequence[Task]
    edges: Sequence[Edge]
    contexts: Sequence[ContextRef]
    assignments: Sequence[Assignment]


def timestamp(moment: datetime) -> str:
    """Return the contract's form of an instant: UTC with milliseconds and Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def render_assignees(rows: Iterable[Assignment]) -> list[Any]:
    """Return plain ids, and variables with what they stand for, in the order in which they were given."""
    entries: dict[int, Any] = {}
    for row in sorted(rows, key=lambda row: row.position):
        if not row.variable:
            entries[row.position] = row.assignee
            continue
        entry = entries.setdefault(row.position, {"variable": row.variable, "value": []})
        if row.assignee:
            entry["value"].append(row.assignee)
    return list(entries.values())


def render_task(task: Task, compiled: Compiled, assignments: Iterable[Assignment]) -> Json:
    """Return one task of an execution; `assignments` are the task's own."""
    design = compiled.task(task.template_id)
    result: Json = {
        "id": str(task.id),
        "template_id": task.template_id,
        "name": task.name,
        "task_type": task.task_type,
        "status": task.status,
        "enabled": task.enabled,
        "assigned_to": render_assignees(assignments),
        "analytics": _render_analytics(task),
        "created_at": timestamp(task.created_at),
        "updated_at": timestamp(task.updated_at),
        "manually_created": task.manually_created,
        "requirements": design.get("requirements") or [],
    }
    for name in ("journey", "taxonomies"):
        if design.get(name) is not None:
            result[name] = design[name]
    for name in TASK_DETAILS[:-1]:
        value = task.extra.get(name, design.get(name))
        if value is not None:
            result[name] = value
    if task.phase_id:
        result["phase_id"] = str(task.phase_id)
    return result | _render_due(task, design) | _render_kind(task, design, compiled)


def _render_due(row: Task | Phase | Execution, design: Mapping[str, Any]) -> Json:
    result: Json = {"due_date": row.due_date} if row.due_date else {}
    config = row.extra.get("due_date_config", design.get("due_date_config"))
    return result | ({"due_date_config": config} if config else {})


def _render_kind(task: Task, design: Mapping[str, Any], compiled: Compiled) -> Json:
    result: Json = {}
    if task.task_type == TaskType.AUTOMATION:
        config = design.get("automation_config") or {}
        result["automation_config"] = {"flow_id": config.get("flow_id", "")}
        if config.get("input_context"):
            result["automation_config"]["input_context"] = config["input_context"]
        result["automation_config"] |= (task.extra.get("automation_config") or {}) | (task.extra.get("run") or {})
        if result["automation_config"].get("execution_id"):
            result["automation_execution_id"] = result["automation_config"]["execution_id"]
        if (error := _render_refusal(task)) is not None:
            result["automation_config"]["error_reason"] = error
    if task.task_type in (TaskType.AUTOMATION, TaskType.DECISION):
        result["trigger_mode"] = design.get("trigger_mode") or "automatic"
    if task.task_type != TaskType.MANUAL:
        result |= _render_schedule(task, design)
    if task.task_type == TaskType.AI_AGENT:
        result |= _render_agent(task, design)
    if task.task_type == TaskType.DECISION:
        result |= _render_decision(task, design)
    elif (loop := _loop_around({task.template_id}, compiled)) is not None:
        result["loop_config"] = {"max_iterations": loop}
    return result


def _render_agent(task: Task, design: Mapping[str, Any]) -> Json:
    result: Json = {
        "agent_config": {**(design.get("agent_config") or {"agent_id": ""}), **(task.extra.get("agent_config") or {})}
    }
    if design.get("trigger_mode"):
        result["trigger_mode"] = design["trigger_mode"]
    run = task.extra.get("run") or {}
    known = {name: run[name] for name in ("execution_id", "execution_status", "error_reason", "outcome") if name in run}
    if known:
        result["agent_execution"] = known
    if "execution_id" in known:
        result["agent_execution_id"] = known["execution_id"]
    return result


def _render_schedule(task: Task, design: Mapping[str, Any]) -> Json:
    """Return the schedule as designed, and when it is armed or could not be. A decision that begins at once has none."""
    schedule = design.get("schedule")
    if not schedule or (schedule.get("mode") == "immediate" and task.task_type == TaskType.DECISION):
        return {}
    result = {name: value for name, value in schedule.items() if name not in ("schedule_id", "scheduled_at", "error_reason")}
    if task.scheduled_at is not None:
        result |= {"schedule_id": task.schedule_id, "scheduled_at": timestamp(task.scheduled_at)}
    if (error := _render_refusal(task)) is not None:
        result["error_reason"] = error
    return {"schedule": result}


def _render_refusal(task: Task) -> str | None:
    """Return the contract's `error_reason` of a schedule that could not be armed: JSON as text."""
    refusal = read_refusal(task)
    if refusal is None:
        return None
    error = {
        "error_code": "INVALID_SCHEDULE_CONFIG",
        "error_reason": refusal.reason,
        "error_info": {"cause": refusal.cause.value, **dict(refusal.about)},
    }
    return orjson.dumps(error).decode()


def read_refusal(task: Task) -> Refusal | None:
    """Return why a task's schedule could not be armed."""
    kept = task.extra.get("refusal")
    return Refusal(Cause(kept["cause"]), tuple((name, text) for name, text in kept["about"])) if kept else None


def _render_decision(task: Task, design: Mapping[str, Any]) -> Json:
    verdicts = {
        key: {name: kept[name] for name in ("evaluated_at", "is_met")} for key, kept in (task.extra.get("verdicts") or {}).items()
    }
    conditions = [
        {**condition, "statements": condition.get("statements") or [], **verdicts.get(condition["id"], {})}
        for condition in design.get("conditions") or []
    ]
    result: Json = {"conditions": conditions, "allow_parallel_execution": design.get("allow_parallel_execution", True)}
    if design.get("loop_config"):
        result["loop_config"] = {"max_iterations": 3, **design["loop_config"], "crt_iterations": task.iterations}
    return result


def _loop_around(template_ids: Set[str], compiled: Compiled) -> int | None:
    """Return the maximum of the innermost loop that all of these tasks are part of."""
    around = [cycle for cycle in compiled.graph.cycles if template_ids and template_ids <= cycle.members]
    if not around:
        return None
    loop = compiled.graph.nodes[min(around, key=lambda cycle: len(cycle.members)).decision].loop
    return loop.max_iterations if loop else None


def _render_analytics(row: Task | Phase) -> Json:
    result: Json = {}
    for name in ("started_at", "in_progress_at", "completed_at", "status_updated_at"):
        value = getattr(row, name)
        if value is not None:
            result[name] = timestamp(value)
    for name in ("in_progress_by", "completed_by", "skipped_by", "on_hold_by"):
        if getattr(row, name):
            result[name] = getattr(row, name)
    return result


def render_phase(phase: Phase, compiled: Compiled, assignments: Iterable[Assignment]) -> Json:
    """Return one phase of an execution; `assignments` are the phase's own."""
    design = compiled.phase(phase.template_id)
    result: Json = {
        "id": str(phase.id),
        "template_id": phase.template_id,
        "name": phase.name,
        "status": phase.status,
        "updated_at": timestamp(phase.updated_at),
        "assigned_to": render_assignees(assignments),
        "analytics": _render_analytics(phase),
    }
    if design.get("taxonomies") is not None:
        result["taxonomies"] = design["taxonomies"]
    members = compiled.graph.members.get(phase.template_id, ())
    if (loop := _loop_around(frozenset(members), compiled)) is not None:
        result["loop_config"] = {"max_iterations": loop}
    return result | _render_due(phase, design)


def render_edge(edge: Edge) -> Json:
    result: Json = {"id": edge.key, "from_id": str(edge.source_id), "to_id": str(edge.target_id) if edge.target_id else ""}
    if edge.condition_id:
        result["condition_id"] = edge.condition_id
    if edge.none_met:
        result["none_met"] = True
    return result


def render_execution(rows: ExecutionRows, compiled: Compiled, org_id: str) -> bytes:
    """Return the whole execution as the API's JSON."""
    execution = rows.execution
    of_task: dict[UUID | None, list[Assignment]] = {}
    of_phase: dict[UUID | None, list[Assignment]] = {}
    own = []
    for row in rows.assignments:
        if row.task_id:
            of_task.setdefault(row.task_id, []).append(row)
        elif row.phase_id:
            of_phase.setdefault(row.phase_id, []).append(row)
        else:
            own.append(row)
    tasks = sorted(rows.tasks, key=lambda task: task.position)
    document = _render_head(execution, compiled, org_id) | {
        "assigned_to": render_assignees(own),
        "contexts": [render_context(row) for row in sorted(rows.contexts, key=lambda row: row.position)],
        "crt_tasks": _render_current(execution, tasks, compiled),
        "phases": [
            render_phase(phase, compiled, of_phase.get(phase.id, ())) for phase in sorted(rows.phases, key=lambda p: p.position)
        ],
        "tasks": [render_task(task, compiled, of_task.get(task.id, ())) for task in tasks],
        "edges": [render_edge(edge) for edge in rows.edges],
    }
    return orjson.dumps(document)


def _render_current(execution: Execution, tasks: Sequence[Task], compiled: Compiled) -> list[Json]:
    if execution.status != ExecutionStatus.STARTED:
        return []
    order = compiled.graph.order
    current = [task for task in tasks if task.crt_since]
    current.sort(key=lambda task: (order.get(task.template_id, len(order)), task.crt_since))
    return [{"id": str(task.id), "crt_since": timestamp(task.crt_since)} for task in current if task.crt_since]


def _render_chain(chain: Mapping[str, Any]) -> Json:
    return {"depth": 0} | {name: chain[name] for name in ("parent_execution_id", "parent_task_id", "depth") if name in chain}


def render_context(row: ContextRef) -> Json:
    return {"entity_id": str(row.entity_id), "entity_schema": row.entity_schema, "is_primary": row.is_primary}


def _render_head(execution: Execution, compiled: Compiled, org_id: str) -> Json:
    data, extra = compiled.data, execution.extra
    analytics = {"started_at": timestamp(execution.created_at), "started_by": execution.started_by}
    for name in ("completed_at", "closed_at"):
        if (value := getattr(execution, name)) is not None:
            analytics[name] = timestamp(value)
    if execution.closed_by:
        analytics["closed_by"] = execution.closed_by
    trigger: Json = {"type": execution.trigger}
    if extra.get("automation_config"):
        trigger["automation_config"] = extra["automation_config"]
    closing: Json = {
        "configured_reasons": extra.get("configured_reasons") or [],
        "selected_reasons": extra.get("selected_reasons") or [],
    }
    if extra.get("extra_description"):
        closing["extra_description"] = extra["extra_description"]
    return {
        "id": str(execution.id),
        "flow_template_id": execution.template_id,
        "org_id": org_id,
        "name": execution.name,
        "status": execution.status,
        "created_at": timestamp(execution.created_at),
        "updated_at": timestamp(execution.updated_at),
        "analytics": analytics,
        "trigger": trigger,
        "closing_reason": closing,
        "available_in_ecp": bool(data.get("available_in_ecp")),
        "singleClosingReasonSelection": bool(data.get("singleClosingReasonSelection")),
        "linear": bool(data.get("linear")),
        "entity_sync": data.get("entity_sync") or [],
        "taxonomies": data.get("taxonomies") or [],
        "_execution_chain": _render_chain(extra.get("execution_chain") or {}),
        **_render_due(execution, data),
    }
