"""A template as another system exports it: ids that mean nothing, a trigger and phases as nodes, ways back, defaults and ends."""

from typing import Any
from uuid import NAMESPACE_URL, uuid5


def key(name: str) -> str:
    """The id that a name has in the export."""
    return str(uuid5(NAMESPACE_URL, f"heat-pump/{name}"))


AGAIN, WEST = key("again"), key("west")
EXIT = "exit-loop-" + key("exit").replace("-", "")
ELSEWHERE = "none-met-" + key("elsewhere")
RENTED, OWNED = key("rented"), "none-met-" + key("owned")
PURPOSE, OTHER = key("purpose"), key("other purpose")


def _edge(source: str, target: str, condition: str | None = None, *, prefix: str = "", **fields: Any) -> dict[str, Any]:
    nodes = [name if name in ("trigger", "") else key(name) for name in (source, target)]
    result = {"id": prefix + key(f"{source}>{target}>{condition}"), "from_id": nodes[0], "to_id": nodes[1]}
    return result | ({"condition_id": condition} if condition else {}) | fields


def _task(name: str, phase: str | None = None, kind: str = "MANUAL", **fields: Any) -> dict[str, Any]:
    common = {"id": key(name), "name": name, "task_type": kind, "assigned_to": [], "requirements": [], "taxonomies": []}
    return common | ({"phase_id": key(phase)} if phase else {}) | fields


def _automation(name: str, phase: str | None = None, **fields: Any) -> dict[str, Any]:
    given = {"automation_config": {"flow_id": key(f"{name} flow")}, "trigger_mode": "automatic", "created_automatically": False}
    return _task(name, phase, "AUTOMATION", **(given | {"schedule": {"mode": "immediate"}} | fields))


def _branch(condition: str, name: str, *statements: dict[str, Any]) -> dict[str, Any]:
    return {"id": condition, "branch_name": name, "logical_operator": "AND", "statements": list(statements)}


def heat_pump() -> dict[str, Any]:
    """welcome, then the phase clarify with a loop of calls, then mail, then the phase check, then the phase close."""
    rented = {
        "id": key("statement"),
        "operator": "equals",
        "values": ["rented"],
        "source": {
            "id": key("source"),
            "origin": "trigger",
            "schema": "contact",
            "attribute": "housing",
            "attribute_type": "string",
            "attribute_repeatable": False,
        },
    }
    loop = {"loop_branch_id": AGAIN, "exit_branch_id": EXIT, "max_iterations": 3}
    where = [_branch(AGAIN, "Again"), _branch(ELSEWHERE, "Elsewhere"), _branch(WEST, "West"), _branch(EXIT, "Exit Loop")]
    housing = [_branch(OWNED, "None met"), _branch(RENTED, "Rented", rented)]
    return {
        "name": "Heat pump",
        "description": "",
        "version": "v3",
        "enabled": True,
        "linear": False,
        "available_in_ecp": True,
        "singleClosingReasonSelection": False,
        "assigned_to": [{"variable": "{{entity.owner}}", "value": []}],
        "trigger": {"id": key("trigger"), "type": "manual", "entity_schema": "contact"},
        "additional_triggers": [],
        "taxonomies": [PURPOSE],
        "due_date_config": {"duration": 1, "unit": "months", "type": "WORKFLOW_STARTED"},
        "closing_reasons": [{"id": "1gNTrk7Kx5", "title": "Too dear", "status": "ACTIVE"}],
        "entity_sync": [
            {
                "trigger": {"event": "FlowStarted"},
                "value": {"source": "workflow_status"},
                "target": {"entitySchema": "contact", "entityAttribute": "heat_pump_status"},
            }
        ],
        "phases": [
            {
                "id": key("clarify"),
                "name": "Clarify",
                "assigned_to": ["10010728"],
                "due_date_config": {"duration": 2, "unit": "hours", "type": "WORKFLOW_STARTED"},
                "taxonomies": [PURPOSE],
            },
            {"id": key("check"), "name": "Check", "assigned_to": [], "taxonomies": [OTHER]},
            {"id": key("close"), "name": "Close", "assigned_to": [], "taxonomies": []},
        ],
        "tasks": [
            _automation("welcome"),
            _task(
                "call",
                "clarify",
                description={"enabled": True, "value": "<ul><li>Ask for the age of the boiler</li></ul>"},
                ecp={"enabled": True, "label": "We call you", "description": ""},
                journey={"id": key("journey"), "journeyId": key("j"), "name": "Form", "complete_task_automatically": True},
            ),
            _task("where", "clarify", "DECISION", trigger_mode="manual", conditions=where, loop_config=loop),
            _task("visit", "clarify"),
            _task("letter", "clarify"),
            _automation("offer", "clarify", trigger_mode="manual"),
            _automation("mail"),
            _task("housing", "check", "DECISION", trigger_mode="automatic", conditions=housing),
            _automation("map", "check"),
            _task("file", "close", requirements=[{"when": "PHASE_FINISHED", "phase_id": key("check")}]),
        ],
        "edges": [
            _edge("clarify", "call"),
            _edge("call", "where"),
            _edge("where", "call", AGAIN, prefix="loop-edge-"),
            _edge("where", "visit", WEST),
            _edge("where", "letter", EXIT),
            _edge("where", "offer", ELSEWHERE, none_met=True),
            _edge("clarify", "mail"),
            _edge("mail", "check"),
            _edge("check", "housing"),
            _edge("housing", "map", OWNED, none_met=True),
            _edge("housing", "", RENTED),
            _edge("map", ""),
            _edge("check", "close"),
            _edge("close", "file"),
            _edge("file", ""),
            _edge("trigger", "welcome"),
            _edge("welcome", "clarify"),
        ],
    }
