"""The older dialect's names for what both APIs share: due dates, assignees, requirements, attributes that follow a flow."""

from collections.abc import Iterable, Mapping
from typing import Any

Json = dict[str, Any]

ANCHORS = {"WORKFLOW_STARTED": "WORKFLOW_STARTED", "STEP_CLOSED": "TASK_FINISHED", "PHASE_FINISHED": "PHASE_FINISHED"}
CONDITIONS = {new: old for old, new in ANCHORS.items()}
# What an entity's attribute can follow, and what tells of its change.
SOURCES = {"workflow_status": "workflow_status", "current_section": "phase_name", "current_step": "task_name"}
FOLLOWED = {new: old for old, new in SOURCES.items()}
STATUS_EVENTS = ("FlowStarted", "FlowCompleted", "FlowCancelled", "FlowReopened")
# User ids are numbers here; what is longer is no number that JavaScript could hold.
MAX_DIGITS = 15


def plain_assignees(entries: Iterable[Any]) -> list[str]:
    """Return ids only: of a variable, what it stands for."""
    ids: list[str] = []
    for entry in entries:
        ids += [entry] if isinstance(entry, str) else list(entry.get("value") or ())
    return list(dict.fromkeys(ids))


def user_ids(assignees: Iterable[str]) -> list[int]:
    """Return the deprecated form of assignees: those that are numbers."""
    return [int(a) for a in assignees if a.isascii() and a.isdecimal() and len(a) <= MAX_DIGITS and str(int(a)) == a]


def read_assignees(body: Mapping[str, Any]) -> list[str] | None:
    """Return the assignees that a body names, in either form; None when it names none."""
    if body.get("assignedTo") is not None:
        return list(body["assignedTo"])
    return [str(user) for user in body["userIds"]] if body.get("userIds") is not None else None


def render_due_rule(config: Mapping[str, Any] | None, *, years: bool = False) -> Json | None:
    """Return a `dynamicDueDate`; None for a rule that the dialect has no word for. Executions have no `years`, definitions do."""
    if not config or config.get("type") not in CONDITIONS:
        return None
    as_months = config["unit"] == "years" and not years
    condition = CONDITIONS[config["type"]]
    result = {
        "numberOfUnits": config["duration"] * (12 if as_months else 1),
        "timePeriod": "months" if as_months else config["unit"],
        # The contract names this field in one place and requires the other.
        "actionTypeCondition": condition,
        "actionType": condition,
    }
    return result | {new: config[old] for old, new in (("task_id", "stepId"), ("phase_id", "phaseId")) if config.get(old)}


def read_due_rule(rule: Mapping[str, Any] | None) -> Json | None:
    """Return the `due_date_config` that a `dynamicDueDate` means."""
    if not rule:
        return None
    condition = rule.get("actionTypeCondition") or rule.get("actionType")
    result: Json = {"duration": rule["numberOfUnits"], "unit": rule["timePeriod"], "type": ANCHORS[str(condition)]}
    return result | {new: rule[old] for old, new in (("stepId", "task_id"), ("phaseId", "phase_id")) if rule.get(old)}


def render_requirements(requirements: Iterable[Mapping[str, Any]]) -> list[Json]:
    return [
        {"definitionId": item["phase_id"], "type": "SECTION", "condition": "CLOSED"}
        if item["when"] == "PHASE_FINISHED"
        else {"definitionId": item["task_id"], "type": "STEP", "condition": "CLOSED"}
        for item in requirements
    ]


def read_requirements(requirements: Iterable[Mapping[str, Any]]) -> list[Json]:
    return [
        {"phase_id": item["definitionId"], "when": "PHASE_FINISHED"}
        if item["type"] == "SECTION"
        else {"task_id": item["definitionId"], "when": "TASK_FINISHED"}
        for item in requirements
    ]


def render_followers(rules: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Return `updateEntityAttributes`: the rules of `entity_sync` that it can say, each once."""
    result: list[Json] = []
    for rule in rules:
        source = FOLLOWED.get((rule.get("value") or {}).get("source", ""))
        item = {"source": source, "target": rule.get("target")}
        if source and isinstance(rule.get("target"), dict) and item not in result:
            result.append(item)
    return result


def read_followers(items: Iterable[Mapping[str, Any]]) -> list[Json]:
    """Return the rules of `entity_sync` that `updateEntityAttributes` stands for."""
    rules: list[Json] = []
    for item in items:
        events = STATUS_EVENTS if item["source"] == "workflow_status" else ("FlowStarted", "CurrTaskChanged")
        target = {name: item["target"][name] for name in ("entitySchema", "entityAttribute")}
        rules += [{"trigger": {"event": e}, "value": {"source": SOURCES[item["source"]]}, "target": target} for e in events]
    return rules


def execution_type(task_type: str, trigger_mode: str | None) -> str:
    """Return who acts: the dialect knows people's steps and machines' steps only."""
    if task_type == "DECISION":
        return "AUTOMATION" if trigger_mode == "automatic" else "MANUAL"
    return "MANUAL" if task_type == "MANUAL" else "AUTOMATION"


def without_empty(data: Mapping[str, Any]) -> Json:
    """Leave out what has no value, as the contract's optional fields are."""
    return {name: value for name, value in data.items() if value is not None}
