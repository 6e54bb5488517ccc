"""Examples of the schema, by operation: what a first integration sends. Tests send them."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

CONTACT_ID = "0b7b1f0e-3c1e-4f5e-9a55-7d7f2f2f4a10"


def sent(summary: str, value: Any) -> OpenApiExample:
    return OpenApiExample(summary, value=value, request_only=True)


TEMPLATE = {
    "name": "Heat pump installation",
    "description": "From the first visit to the hand-over",
    "phases": [{"id": "plan", "name": "Planning"}, {"id": "build", "name": "Installation"}],
    "tasks": [
        {"id": "visit", "name": "Visit the customer", "task_type": "MANUAL", "phase_id": "plan"},
        {
            "id": "suitable",
            "name": "Is the house suitable?",
            "task_type": "DECISION",
            "phase_id": "plan",
            "trigger_mode": "manual",
            "conditions": [
                {"id": "yes", "branch_name": "Suitable", "logical_operator": "AND", "statements": []},
                {"id": "no", "branch_name": "Not suitable", "logical_operator": "AND", "statements": []},
            ],
        },
        {
            "id": "install",
            "name": "Install the heat pump",
            "task_type": "MANUAL",
            "phase_id": "build",
            "due_date_config": {"duration": 4, "unit": "weeks", "type": "WORKFLOW_STARTED"},
        },
        {"id": "decline", "name": "Write to the customer", "task_type": "MANUAL", "phase_id": "build"},
    ],
    "edges": [
        {"id": "e1", "from_id": "visit", "to_id": "suitable"},
        {"id": "e2", "from_id": "suitable", "to_id": "install", "condition_id": "yes"},
        {"id": "e3", "from_id": "suitable", "to_id": "decline", "condition_id": "no"},
    ],
}
FILTERS = {
    "combination": "AND",
    "items": [
        {"key": "status", "operator": "IS_ONE_OF", "value": ["PENDING", "IN_PROGRESS"], "data_type": "string"},
        {"key": "assigned_to", "operator": "EQUALS", "value": "logged_in_user"},
        {"key": "due_date", "operator": "EQUALS", "value": "THIS_WEEK", "data_type": "date"},
    ],
}
BOARD = {
    "title": "My week",
    "config": {
        "dataset": "workflow_tasks_overview",
        "swimlanes": [
            {
                "id": "open",
                "title": "Open",
                "position": 1,
                "filter": {"combination": "AND", "items": [{"key": "status", "operator": "EQUALS", "value": "PENDING"}]},
            }
        ],
        "card_config": {"fields": ["assignee", "due_date"]},
        "board_filter": FILTERS,
        "sorting": {"field": "due_date", "direction": "asc"},
    },
}

EXAMPLES: dict[str, list[OpenApiExample]] = {
    "createEntity": [sent("A contact", {"first_name": "Ada", "last_name": "Berg", "email": "ada@berg.example"})],
    "searchEntities": [sent("Contacts named Berg", {"q": "_schema:contact AND berg", "size": 10})],
    "createFlowTemplate": [sent("A template with a decision", TEMPLATE)],
    "searchFlowTemplates": [sent("Enabled templates by name", {"name": "installation", "enabled": True})],
    "createClosingReason": [sent("A reason", {"title": "The customer has moved away"})],
    "startFlowExecution": [
        sent(
            "About a contact",
            {
                "flow_template_id": "k3v9x2ab",
                "contexts": [{"entity_id": CONTACT_ID, "entity_schema": "contact", "is_primary": True}],
            },
        )
    ],
    "searchFlowExecutions": [sent("Of a contact", {"entity_id": CONTACT_ID, "entity_schema": "contact"})],
    "patchFlowExecution": [
        sent("Assign and date", {"assigned_to": ["7"], "due_date": "2027-01-31T00:00:00.000"}),
        sent("Close", {"status": "CLOSED", "closing_reason": {"extra_description": "Moved to Norway"}}),
    ],
    "patchTask": [
        sent("Finish", {"status": "COMPLETED"}),
        sent("Decide", {"status": "COMPLETED", "next_condition_id": "yes"}),
        sent("Go back to it", {"status": "PENDING", "revert_execution": True}),
        sent("Assign and date", {"assigned_to": ["7"], "due_date": "2027-01-31T00:00:00.000"}),
    ],
    "createKanbanBoard": [sent("The tasks of my week", BOARD)],
    "executeFlowsQuery": [sent("What is due this week", {"filters": FILTERS, "sorting": {"field": "due_date"}, "size": 25})],
}
