"""The public npm clients against the running product: every answer is held against the package's own OpenAPI documents."""

import json
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from tests.product import Product, run_product

HERE = Path(__file__).parent
DEFINITIONS = HERE / "node_modules" / "@epilot" / "sdk" / "definitions"

pytestmark = pytest.mark.product


@pytest.fixture(scope="module")
def answers() -> list[dict[str, Any]]:
    """What the clients got, in order."""
    with run_product() as product:
        return list(work(product))


def work(product: Product) -> Iterator[dict[str, Any]]:
    token = product.manage("createtoken", "acme", "--create-org", "--name", "contract")
    create = document("workflow-definition")["paths"]["/v2/flows/templates"]["post"]
    example = create["requestBody"]["content"]["application/json"]["example"]
    environment = os.environ | {"BASE_URL": product.url, "TOKEN": token, "EXAMPLE": json.dumps(example)}
    done = subprocess.run(
        ["node", "flows.mjs"], cwd=HERE, env=environment, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        yield json.loads(line)


@cache
def document(name: str) -> dict[str, Any]:
    """Read a document. Its tasks are `oneOf` kinds that overlap, which no task could satisfy; taken as `anyOf`.

    References are made absolute, so that they can be followed from any part of the document.
    """
    text = (DEFINITIONS / f"{name}.json").read_text().replace('"oneOf"', '"anyOf"').replace('"#/', f'"urn:{name}#/')
    result: dict[str, Any] = json.loads(text)
    return result


@cache
def operations(name: str) -> dict[str, dict[str, Any]]:
    paths = document(name)["paths"].values()
    return {operation["operationId"]: operation for path in paths for operation in path.values() if "operationId" in operation}


def problems(answer: dict[str, Any]) -> list[str]:
    """Return what the document does not allow about an answer."""
    documented = operations(answer["document"])[answer["operation"]]["responses"]
    response = documented.get(str(answer["status"]))
    if response is None:
        return [f"status {answer['status']} is not documented"]
    if "$ref" in response:
        response = document(answer["document"])["components"]["responses"][response["$ref"].rsplit("/", 1)[-1]]
    schema = response.get("content", {}).get("application/json", {}).get("schema")
    if schema is None:
        return []
    name = answer["document"]
    registry = Registry().with_resource(f"urn:{name}", DRAFT4.create_resource(document(name)))
    validator = OAS30Validator(schema, registry=registry)
    return [
        f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}" for error in validator.iter_errors(answer["body"])
    ]


def test_every_answer_is_as_documented(answers: list[dict[str, Any]]) -> None:
    wrong = {
        f"{number} {answer['operation']} {answer['status']}": found
        for number, answer in enumerate(answers)
        if (found := problems(answer))
    }
    assert not wrong


def test_the_checks_can_fail(answers: list[dict[str, Any]]) -> None:
    done = next(answer for answer in answers if answer["operation"] == "getFlowExecution")
    assert problems(done | {"body": done["body"] | {"status": "PAUSED"}})
    assert problems(done | {"body": done["body"] | {"tasks": [{"id": 1}]}})
    assert problems(done | {"status": 418})


def test_each_call_was_answered_with_the_status_that_it_deserved(answers: list[dict[str, Any]]) -> None:
    assert [(answer["operation"], answer["status"]) for answer in answers] == [
        ("createEntity", 201),
        ("getEntity", 200),
        ("getEntityV2", 200),
        ("patchEntity", 200),
        ("updateEntity", 200),
        ("searchEntities", 200),
        ("createClosingReason", 201),
        ("getAllClosingReasons", 200),
        ("getClosingReason", 200),
        ("getClosingReasonV1", 200),
        ("updateClosingReason", 200),
        ("changeReasonStatus", 202),
        ("createFlowTemplate", 201),
        ("listFlowTemplates", 200),
        ("searchFlowTemplates", 200),
        ("getFlowTemplate", 200),
        ("updateFlowTemplate", 200),
        ("updateFlowTemplate", 409),
        ("setWorkflowClosingReasons", 201),
        ("getWorkflowClosingReasons", 200),
        ("duplicateFlowTemplate", 201),
        ("deleteFlowTemplate", 204),
        ("getFlowTemplate", 404),
        ("startFlowExecution", 201),
        ("patchTask", 200),
        ("patchTask", 200),
        ("patchTask", 400),
        ("patchTask", 200),
        ("patchPhase", 200),
        ("addTask", 201),
        ("patchTask", 200),
        ("patchTask", 200),
        ("getFlowExecution", 200),
        ("searchFlowExecutions", 200),
        ("createFlowTemplate", 201),
        ("patchEntity", 200),
        ("startFlowExecution", 201),
        ("cancelTaskSchedule", 204),
        ("cancelTaskSchedule", 400),
        ("cancelSchedule", 204),
        ("cancelSchedule", 404),
        ("runTaskScheduleNow", 200),
        ("runTaskScheduleNow", 400),
        ("runTaskScheduleNow", 200),
        ("executeTask", 200),
        ("executeTask", 200),
        ("executeTask", 400),
        ("runTaskAutomation", 200),
        ("runTaskAutomation", 400),
        ("patchTask", 400),
        ("patchTask", 200),
        ("patchTask", 200),
        ("patchEntity", 200),
        ("getFlowExecution", 200),
        ("createFlowTemplate", 201),
        ("startFlowExecution", 201),
        ("patchTask", 200),
        ("getFlowExecution", 200),
        ("patchTask", 200),
        ("patchTask", 400),
        ("patchTask", 200),
        ("patchPhase", 200),
        ("patchFlowExecution", 200),
        ("startFlowExecution", 201),
        ("patchFlowExecution", 200),
        ("patchTask", 400),
        ("patchFlowExecution", 200),
        ("deleteFlowExecution", 204),
        ("getFlowExecution", 404),
        ("startFlowExecution", 400),
        ("deleteEntity", 200),
        ("getEntity", 404),
    ]


def test_the_documented_flow_is_done(answers: list[dict[str, Any]]) -> None:
    done = next(answer["body"] for answer in answers if answer["operation"] == "getFlowExecution")
    assert done["status"] == "DONE"
    assert [task["status"] for task in done["tasks"]] == ["COMPLETED", "COMPLETED", "SKIPPED", "COMPLETED"]
    assert [phase["status"] for phase in done["phases"]] == ["COMPLETED", "COMPLETED"]
    assert done["crt_tasks"] == []


def machines(answers: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tasks of the flow of machines by name: as it was started, and as it was seen last."""
    started = next(a["body"] for a in answers if a["operation"] == "startFlowExecution" and len(a["body"]["tasks"]) == 11)
    seen = [a["body"] for a in answers if a["operation"] == "getFlowExecution" and a["body"].get("id") == started["id"]]
    return {t["name"]: t for t in started["tasks"]}, {t["name"]: t for t in seen[-1]["tasks"]}


def test_a_schedule_shows_when_it_fires_or_why_it_does_not(answers: list[dict[str, Any]]) -> None:
    started, _ = machines(answers)
    assert {name: task["status"] for name, task in started.items()} == {
        "cancel": "SCHEDULED",
        "cancel-by-id": "SCHEDULED",
        "run-now": "SCHEDULED",
        "by-date": "SCHEDULED",
        "no-date": "PENDING",
        "by-hand": "PENDING",
        "person": "PENDING",
        "waits": "CONDITION_PENDING",
        "choice": "PENDING",
        "later": "SCHEDULED",
        "end": "PENDING",
    }
    assert started["later"]["schedule"]["scheduled_at"].endswith("Z")
    error = json.loads(started["no-date"]["schedule"]["error_reason"])
    assert (error["error_code"], error["error_info"]["cause"]) == ("INVALID_SCHEDULE_CONFIG", "attribute_empty")


def test_a_schedule_fires_by_itself_never_early_and_soon(answers: list[dict[str, Any]]) -> None:
    started, seen = machines(answers)
    due = datetime.fromisoformat(started["by-date"]["schedule"]["scheduled_at"])
    begun = datetime.fromisoformat(seen["by-date"]["analytics"]["in_progress_at"])
    assert timedelta() <= begun - due < timedelta(seconds=15)


def test_a_decision_goes_on_when_the_entity_changes(answers: list[dict[str, Any]]) -> None:
    _, seen = machines(answers)
    assert seen["waits"]["status"] == "COMPLETED"
    assert [(c["id"], c["is_met"]) for c in seen["waits"]["conditions"]] == [("bonn", True), ("old", False)]
    assert (seen["cancel"]["status"], seen["cancel-by-id"]["status"], seen["person"]["status"]) == (
        "SKIPPED",
        "SKIPPED",
        "COMPLETED",
    )
    assert (seen["later"]["status"], seen["choice"]["status"]) == ("COMPLETED", "PENDING")


def test_rules_are_followed(answers: list[dict[str, Any]]) -> None:
    dated = next(a["body"] for a in answers if a["operation"] == "getFlowExecution" and a["body"]["name"] == "Rules")
    assert [task["name"] for task in dated["tasks"]] == ["First", "Last"]
    assert dated["assigned_to"] == [{"variable": "{{entity.owner}}", "value": []}]
    assert dated["tasks"][1]["due_date"].endswith("T00:00:00.000")
    assert dated["phases"][0]["due_date"] == dated["tasks"][1]["due_date"]


def test_a_refusal_says_why_in_the_contracts_shape(answers: list[dict[str, Any]]) -> None:
    refused = [answer for answer in answers if answer["status"] >= 400]
    assert [list(answer["body"]) for answer in refused] == [["message"]] * len(refused)
    assert refused[2]["body"]["message"] == "Invalid status transition from COMPLETED to IN_PROGRESS"
