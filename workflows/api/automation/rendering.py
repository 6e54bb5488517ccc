"""The wire form of automation flows and their runs."""

from collections.abc import Iterable
from typing import Any

from workflows.documents import timestamp
from workflows.models import AutomationAction, AutomationExecution, AutomationFlow
from workflows.services.resume_tokens import make_token

Json = dict[str, Any]


def render_flow(flow: AutomationFlow) -> Json:
    """Return a flow as it was saved, with what is said about it."""
    result: Json = {
        "triggers": [],
        **flow.document,
        "id": str(flow.id),
        "org_id": flow.organisation.slug,
        "flow_name": flow.name,
        "enabled": flow.enabled,
        "version": flow.version,
        "runs": flow.runs,
        "created_at": timestamp(flow.created_at),
        "updated_at": timestamp(flow.updated_at),
        "created_by": flow.created_by,
        "last_updated_by": flow.updated_by,
    }
    if flow.entity_schema:
        result["entity_schema"] = flow.entity_schema
    if flow.disabled_at is not None:
        result["disable_details"] = {"disabled_at": timestamp(flow.disabled_at), "disabled_by": flow.disabled_by}
    return result


def render_action(action: AutomationAction) -> Json:
    """Return an action as designed, with how far it has come."""
    result: Json = {
        **action.design,
        "id": action.key,
        "execution_status": action.status,
        "updated_at": timestamp(action.updated_at),
    }
    if action.started_at is not None:
        result["started_at"] = timestamp(action.started_at)
    for name, value in (("outputs", action.outputs), ("error_output", action.error), ("reason", action.reason)):
        if value is not None:
            result[name] = value
    if action.retry_strategy:
        result["retry_strategy"] = action.retry_strategy
    return result


def render_run(execution: AutomationExecution, actions: Iterable[AutomationAction]) -> Json:
    """Return a run. The contract calls its status `execution_status`, and asks for `status` as well."""
    rows = list(actions)
    result: Json = {
        "id": str(execution.id),
        "status": execution.status,
        "execution_status": execution.status,
        "entity_id": str(execution.entity_id),
        "org_id": execution.organisation.slug,
        "flow_id": str(execution.flow_id),
        "flow_name": execution.flow_name,
        "version": execution.version,
        "created_at": timestamp(execution.created_at),
        "updated_at": timestamp(execution.updated_at),
        "conditions": execution.conditions,
        "schedules": execution.schedules,
        "actions": [render_action(action) for action in rows],
        "trigger_event": execution.trigger_event,
        "chain": execution.context.get("chain") or [],
    }
    current = next((action for action in rows if action.status not in ("success", "skipped", "cancelled", "pending")), None)
    if current is not None:
        result["current_action_id"] = current.key
    pause = execution.progress.get("pause") or {}
    waiting = next((action for action in rows if action.key == pause.get("action") and action.job_id), None)
    if execution.status == "paused" and waiting is not None and waiting.job_id is not None:
        result["resume_token"] = make_token(execution.id, waiting.key, waiting.job_id)
    if execution.workflow_execution_id:
        result["workflow_context"] = _render_workflow(execution)
    return result


def _render_workflow(execution: AutomationExecution) -> Json:
    context = execution.context
    result: Json = {
        "workflow_exec_id": str(execution.workflow_execution_id),
        "workflow_role": "run_task_automation",
        "entity_contexts": context.get("entity_contexts") or [],
        "_execution_chain": context.get("execution_chain") or {"depth": 0},
    }
    if execution.workflow_task_id:
        result["workflow_exec_task_id"] = str(execution.workflow_task_id)
    if context.get("caller"):
        result["trigger_user_id"] = context["caller"]
    return result


def render_resumed(execution: AutomationExecution, action: AutomationAction) -> Json:
    """Return what the bearer of a token may know, who may be anybody that a link was sent to: no more than is required."""
    return {
        "execution": {
            "id": str(execution.id),
            "status": execution.status,
            "execution_status": execution.status,
            "entity_id": str(execution.entity_id),
            "org_id": execution.organisation.slug,
            "flow_id": str(execution.flow_id),
            "actions": [],
        },
        "resumedAction": {"id": action.key, "type": action.type, "execution_status": action.status},
    }
