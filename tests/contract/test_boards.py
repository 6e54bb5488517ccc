"""The public kanban client against the running product: all ten operations, answers held against the package's document."""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.contract.test_clients import HERE, document, operations, problems
from tests.product import run_product

pytestmark = pytest.mark.product

OPEN = ["UNASSIGNED", "ASSIGNED", "PENDING", "CONDITION_PENDING", "SCHEDULED"]


def lane(title: str, position: int, statuses: list[str]) -> dict[str, Any]:
    item = {"key": "status", "operator": "IS_ONE_OF", "value": statuses, "data_type": "string"}
    return {"id": title, "title": title, "position": position, "filter": {"combination": "AND", "items": [item]}}


# What boards in use look like: lanes by status, one's own tasks and those of a group, due ones first.
REAL: dict[str, Any] = {
    "title": "My tasks",
    "description": "What waits for me",
    "config": {
        "dataset": "workflow_tasks_overview_v2",
        "swimlanes": [lane("Pending", 1, OPEN), lane("In progress", 2, ["IN_PROGRESS"]), lane("Done", 3, ["COMPLETED"])],
        "card_config": {"fields": ["due_date", "assignee", "description", "notes", "journey"]},
        "board_filter": {
            "combination": "AND",
            "items": [
                {
                    "combination": "OR",
                    "items": [
                        {"key": "assigned_to", "operator": "IS_ONE_OF", "value": ["logged_in_user"], "data_type": "string"},
                        {"key": "assigned_to", "operator": "EMPTY"},
                        {"key": "due_date", "operator": "EQUALS", "value": "THIS_WEEK", "data_type": "date"},
                    ],
                }
            ],
        },
        "sorting": {"field": "due_date", "direction": "asc"},
        "group_by": {"field": "phase"},
    },
}


def examples() -> dict[str, Any]:
    """What boards.mjs sends: the document's own examples, and a board as it is in use."""
    paths = document("kanban")["paths"]
    bodies = {
        "board": paths["/v1/kanban/board"]["post"]["requestBody"],
        "query": paths["/v1/kanban/query/flows:execute"]["post"]["requestBody"],
    }
    return {name: body["content"]["application/json"]["example"] for name, body in bodies.items()} | {"real": REAL}


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    """What the client got, in order, from the demo organisation."""
    with run_product() as product:
        product.manage("demo")
        token = product.manage("createtoken", "demo-energy", "--name", "contract")
        environment = os.environ | {"BASE_URL": product.url, "TOKEN": token, "EXAMPLES": json.dumps(examples())}
        done = subprocess.run(
            ["node", "boards.mjs"], cwd=HERE, env=environment, capture_output=True, text=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


def test_every_answer_is_as_documented(answers: list[dict[str, Any]]) -> None:
    wrong = {
        f"{number} {answer['operation']} {answer['status']}": found
        for number, answer in enumerate(answers)
        if (found := problems(answer))
    }
    assert not wrong


def test_all_ten_operations_answer_as_they_should(answers: list[dict[str, Any]]) -> None:
    assert [(answer["operation"], answer["status"]) for answer in answers] == [
        ("createKanbanBoard", 200),
        ("getKanbanBoard", 200),
        ("updateKanbanBoard", 200),
        ("patchKanbanBoard", 200),
        ("getKanbanBoards", 200),
        ("getKanbanBoards", 200),
        ("getKanbanBoards", 200),
        ("getKanbanBoard", 404),
        ("setDefaultKanbanBoard", 200),
        ("getKanbanBoard", 200),
        ("clearDefaultKanbanBoard", 200),
        ("setDefaultKanbanBoard", 404),
        ("executeFlowsQuery", 200),
        ("executeFlowsQuery", 200),
        ("executeFlowsQuery", 200),
        ("executeFlowsQuery", 200),
        ("executeFlowsQuery", 400),
        ("flowsAutocomplete", 200),
        ("flowsAutocomplete", 200),
        ("flowsAutocomplete", 200),
        ("flowsAutocomplete", 400),
        ("createKanbanBoard", 400),
        ("deleteKanbanBoard", 200),
        ("getKanbanBoard", 404),
    ]
    assert {answer["operation"] for answer in answers} == set(operations("kanban"))


def test_lanes_hold_the_tasks_that_their_filters_say(answers: list[dict[str, Any]]) -> None:
    lanes = [answer["body"] for answer in answers if answer["operation"] == "executeFlowsQuery"][1:4]
    assert all(page["results"] for page in lanes[::2])
    for page, found in zip(REAL["config"]["swimlanes"], lanes, strict=True):
        assert {record["status"] for record in found["results"]} <= set(page["filter"]["items"][0]["value"])
        assert len(found["results"]) == min(found["hits"], 50)
    assert answers[2]["body"]["config"] == REAL["config"]
