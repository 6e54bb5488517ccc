"""Executions in the older dialect: sections and steps, made from the very document that the other dialect answers with."""

from collections.abc import Mapping
from typing import Any

from workflows.api.v1 import dialect
from workflows.engine.sections import arrange

Json = dict[str, Any]
Titles = Mapping[str, str]

# What a light-weight execution tells of a step.
SLIM = (
    "id definitionId entityRefId name type sectionId executionId assignedTo userIds status dueDate enabled manuallyCreated "
    "executionType lastUpdated"
).split()
PASSED_ON = ("description", "ecp", "installer", "partner", "journey", "taxonomies")


def context_ids(document: Mapping[str, Any]) -> list[str]:
    return [context["entity_id"] for context in document["contexts"]]


def render_execution(document: Mapping[str, Any], titles: Titles, *, slim: bool = False) -> Json:
    """Return a WorkflowExecution, or with `slim` a WorkflowExecutionSlim."""
    closing, analytics = document["closing_reason"], document["analytics"]
    current = {entry["id"] for entry in document["crt_tasks"]}
    following = next((task["id"] for task in document["tasks"] if task["id"] in current), None)
    return dialect.without_empty(
        {
            "id": document["id"],
            "definitionId": document["flow_template_id"],
            "orgId": document["org_id"],
            "name": document["name"],
            "creationTime": document["created_at"],
            "lastUpdateTime": document["updated_at"],
            "dueDate": document.get("due_date"),
            "dynamicDueDate": dialect.render_due_rule(document.get("due_date_config")),
            "completedTime": analytics.get("completed_at") or analytics.get("closed_at"),
            "status": document["status"],
            "trigger": document["trigger"]["type"],
            "assignedTo": dialect.plain_assignees(document["assigned_to"]),
            "lastModifiedBy": analytics.get("closed_by"),
            "contexts": render_contexts(document, titles),
            "nextOpenStep": {"id": following, "entityRefId": following} if following else None,
            "configuredClosingReasonSnapshot": closing["configured_reasons"],
            "selectedClosingReasons": closing["selected_reasons"],
            "closingReasonDescription": closing.get("extra_description"),
            "enableECPWorkflow": document["available_in_ecp"],
            "updateEntityAttributes": dialect.render_followers(document["entity_sync"]),
            "version": 3 if has_branches(document) else 2,
            "taxonomies": document["taxonomies"],
            "singleClosingReasonSelection": document["singleClosingReasonSelection"],
            "flow": render_flow(document, slim=slim),
        }
    )


def has_branches(document: Mapping[str, Any]) -> bool:
    """Whether a flow is more than one line of tasks: the dialect's version 2 against 3."""
    sources = [edge["from_id"] for edge in document["edges"] if edge["to_id"]]
    targets = [edge["to_id"] for edge in document["edges"] if edge["to_id"]]
    lines = len(document["tasks"]) - len(sources) == 1
    return not lines or len(set(sources)) < len(sources) or len(set(targets)) < len(targets)


def render_contexts(document: Mapping[str, Any], titles: Titles) -> list[Json]:
    return [
        {"id": c["entity_id"], "title": titles.get(c["entity_id"], ""), "schema": c["entity_schema"]}
        for c in document["contexts"]
    ]


def render_flow(document: Mapping[str, Any], *, slim: bool) -> list[Json]:
    """Return sections and steps in the order of the list."""
    tasks = {task["id"]: task for task in document["tasks"]}
    phases = {phase["id"]: phase for phase in document["phases"]}
    steps = {key: render_step(task, document["id"], slim=slim) for key, task in tasks.items()}
    items = arrange([(key, task.get("phase_id")) for key, task in tasks.items()], list(phases))
    return [
        render_section(phases[item.phase], [steps[key] for key in item.tasks]) if item.phase else steps[item.tasks[0]]
        for item in items
    ]


def render_section(phase: Mapping[str, Any], steps: list[Json]) -> Json:
    assignees = dialect.plain_assignees(phase["assigned_to"])
    return dialect.without_empty(
        {
            "id": phase["id"],
            "definitionId": phase["template_id"],
            "name": phase["name"],
            "type": "SECTION",
            "status": phase["status"],
            "assignedTo": assignees,
            "userIds": dialect.user_ids(assignees),
            "dueDate": phase.get("due_date"),
            "dynamicDueDate": dialect.render_due_rule(phase.get("due_date_config")),
            "startedTime": phase["analytics"].get("started_at"),
            "completedTime": phase["analytics"].get("completed_at"),
            "taxonomies": phase.get("taxonomies"),
            "steps": steps,
        }
    )


def render_step(task: Mapping[str, Any], execution_id: str, *, slim: bool = False) -> Json:
    """Return a Step from a task of the other dialect."""
    assignees = dialect.plain_assignees(task["assigned_to"])
    analytics = task["analytics"]
    status = task["status"]
    if status == "PENDING":
        status = "ASSIGNED" if assignees else "UNASSIGNED"
    step = {
        "id": task["id"],
        "definitionId": task["template_id"],
        "entityRefId": task["id"],
        "name": task["name"],
        "type": "STEP",
        "executionType": dialect.execution_type(task["task_type"], task.get("trigger_mode")),
        "sectionId": task.get("phase_id"),
        "executionId": execution_id,
        "assignedTo": assignees,
        "userIds": dialect.user_ids(assignees),
        "assignedToInProgress": analytics.get("in_progress_by"),
        "assignedToOnHold": analytics.get("on_hold_by"),
        "status": status,
        "created": task["created_at"],
        "lastUpdated": task["updated_at"],
        "statusLastUpdated": analytics.get("status_updated_at"),
        "startedTime": analytics.get("started_at"),
        "completedTime": analytics.get("completed_at"),
        "dueDate": task.get("due_date"),
        "dynamicDueDate": dialect.render_due_rule(task.get("due_date_config")),
        "manuallyCreated": task["manually_created"],
        "enabled": task["enabled"],
        "requirements": dialect.render_requirements(task["requirements"]),
        "automationConfig": render_automation(task.get("automation_config")),
    } | {name: task.get(name) for name in PASSED_ON}
    return dialect.without_empty({name: step[name] for name in SLIM} if slim else step)


def render_automation(config: Mapping[str, Any] | None) -> Json | None:
    if config is None:
        return None
    names = {"flow_id": "flowId", "execution_id": "executionId", "execution_status": "executionStatus"}
    return {new: config[old] for old, new in names.items() if config.get(old) is not None}
