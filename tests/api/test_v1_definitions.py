"""Definitions in the older dialect, kept as templates that are one line of tasks."""

from typing import Any

import pytest

from tests import factories
from tests.api.client import Client
from tests.dump import dump
from workflows.permissions import Actor

BASE = "/v1/workflows/definitions"


def definition(**fields: Any) -> dict[str, Any]:
    rule = {"numberOfUnits": 1, "timePeriod": "years", "actionTypeCondition": "WORKFLOW_STARTED"}
    section = {
        "id": "prepare",
        "name": "Prepare",
        "order": 0,
        "type": "SECTION",
        "assignedTo": ["user_a"],
        "steps": [
            {
                "id": "call",
                "name": "Call",
                "order": 1,
                "type": "STEP",
                "userIds": [7],
                "description": {"enabled": True, "value": "!"},
            },
            {"id": "read", "name": "Read", "order": 0, "type": "STEP", "dueDate": "2027-01-31"},
        ],
    }
    last = {
        "id": "end",
        "name": "End",
        "order": 1,
        "type": "STEP",
        "executionType": "AUTOMATION",
        "automationConfig": {"flowId": "f1"},
        "requirements": [{"definitionId": "prepare", "type": "SECTION", "condition": "CLOSED"}],
    }
    return {
        "name": "Welcome",
        "description": "How we begin",
        "flow": [last, section],
        "dynamicDueDate": rule,
        "enableECPWorkflow": True,
        "taxonomies": ["label_1"],
        "updateEntityAttributes": [
            {"source": "current_step", "target": {"entitySchema": "contact", "entityAttribute": "stage"}},
            {"source": "workflow_status", "target": {"entitySchema": "contact", "entityAttribute": "state"}},
        ],
    } | fields


def test_a_definition_comes_back_as_it_was_sent_in_its_order(api: Client) -> None:
    answer = api.post(BASE, definition())
    assert answer.status == 201
    made = answer.json
    assert [item["name"] for item in made["flow"]] == ["Prepare", "End"]
    assert [step["name"] for step in made["flow"][0]["steps"]] == ["Read", "Call"]
    assert made["flow"][0]["steps"][0]["dueDate"] == "2027-01-31"
    assert (made["flow"][0]["steps"][1]["assignedTo"], made["flow"][0]["steps"][1]["userIds"]) == (["7"], [7])
    assert made["flow"][1]["automationConfig"] == {"flowId": "f1"}
    assert made["flow"][1]["requirements"] == [{"definitionId": "prepare", "type": "SECTION", "condition": "CLOSED"}]
    assert made["dynamicDueDate"]["timePeriod"] == "years"
    assert (made["enabled"], made["enableECPWorkflow"], made["taxonomies"]) == (True, True, ["label_1"])
    assert made["updateEntityAttributes"] == definition()["updateEntityAttributes"]
    assert api.get(f"{BASE}/{made['id']}").json == made
    assert api.get(BASE).json == [made]


def test_the_other_dialect_shows_a_line_of_tasks(api: Client) -> None:
    made = api.post(BASE, definition()).json
    template = api.get(f"/v2/flows/templates/{made['id']}").json
    assert template["version"] == "v2"
    assert [(task["id"], task.get("phase_id")) for task in template["tasks"]] == [
        ("read", "prepare"),
        ("call", "prepare"),
        ("end", None),
    ]
    assert [(edge["from_id"], edge["to_id"]) for edge in template["edges"]] == [("read", "call"), ("call", "end")]
    assert {(rule["trigger"]["event"], rule["value"]["source"]) for rule in template["entity_sync"]} >= {
        ("CurrTaskChanged", "task_name"),
        ("FlowCompleted", "workflow_status"),
    }


def test_an_execution_of_it_runs(api: Client) -> None:
    made = api.post(BASE, definition()).json
    execution = api.post("/v1/workflows/executions", {"workflowId": made["id"]}).json
    assert [item["name"] for item in execution["flow"]] == ["Prepare", "End"]
    assert execution["flow"][1]["enabled"] is False
    assert execution["updateEntityAttributes"] == definition()["updateEntityAttributes"]


def test_replacing_keeps_what_the_dialect_has_no_word_for(api: Client, actor: Actor) -> None:
    trigger = {"type": "journey_submission", "journey_id": "j1"}
    made = factories.make_template(actor, factories.sequence(2, trigger=trigger))
    loaded = api.get(f"{BASE}/{made.id}").json
    loaded["flow"][0]["steps"].append({"name": "Another", "order": 9, "type": "STEP"})
    answer = api.put(f"{BASE}/{made.id}", loaded)
    assert answer.status == 200
    template = api.get(f"/v2/flows/templates/{made.id}").json
    assert template["trigger"] == trigger
    assert [task["name"] for task in template["tasks"]] == ["Task t1", "Another", "Task t2"]
    assert answer.json["lastUpdateTime"] == template["updated_at"] > loaded["lastUpdateTime"]


def test_a_template_with_branches_can_be_read_and_not_be_flattened(api: Client, actor: Actor) -> None:
    made = factories.make_template(actor, factories.choice())
    loaded = api.get(f"{BASE}/{made.id}").json
    assert [item["name"] for item in loaded["flow"]] == ["Task ask", "Task decide", "Task yes", "Task no"]
    before = dump()
    answer = api.put(f"{BASE}/{made.id}", loaded)
    assert (answer.status, answer.message.split(":")[0]) == (400, "flow")
    assert dump() == before


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": " "}, "name"),
        ({"flow": None}, "flow"),
        ({"flow": []}, "tasks"),
        ({"flow": ["step"]}, "flow[0]"),
        ({"flow": [None]}, "flow[0]"),
        ({"flow": [{"name": "S", "steps": [None]}]}, "flow[0].steps[0]"),
        ({"closingReasons": [None]}, "closingReasons[0]"),
        ({"updateEntityAttributes": [None]}, "updateEntityAttributes[0]"),
        ({"flow": [{"name": "S", "type": "SECTION", "order": 0, "steps": []}]}, "Phase"),
        ({"flow": [{"name": "S", "type": "SECTION", "order": 0}]}, "flow[0].steps"),
        ({"flow": [{"name": "S", "type": "STEP", "requirements": [{"definitionId": "x"}]}]}, "flow[0].requirements[0]"),
        ({"dynamicDueDate": {"numberOfUnits": 1, "timePeriod": "days"}}, "dynamicDueDate.actionTypeCondition"),
        ({"updateEntityAttributes": [{"source": "weather"}]}, "updateEntityAttributes[0].source"),
    ],
)
def test_a_wrong_definition_is_refused_and_names_the_field(api: Client, change: dict[str, Any], field: str) -> None:
    before = dump()
    answer = api.post(BASE, definition(**change))
    assert answer.status == 400
    assert answer.message.startswith(field)
    assert dump() == before


def test_deleting_hides_it_and_others_never_see_it(api: Client, other_api: Client) -> None:
    made = api.post(BASE, definition()).json
    for call in (other_api.get, other_api.delete):
        assert call(f"{BASE}/{made['id']}").status == 404
    assert other_api.put(f"{BASE}/{made['id']}", definition()).status == 404
    assert other_api.get(BASE).json == []
    assert api.delete(f"{BASE}/{made['id']}").status == 204
    assert api.get(f"{BASE}/{made['id']}").status == 404


def test_the_limit_tells_how_many_there_are(api: Client) -> None:
    api.post(BASE, definition())
    assert api.get("/v1/workflows/limits/max-allowed").json == {"currentNoOfWorkflows": 1, "maxAllowed": 10_000}
